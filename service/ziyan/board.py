"""The board that the box runs on, and what it can afford: the second reader's bound where the operator sets none."""

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

# docs/accuracy.md has the table of bounds by which these were chosen: `python -m bench.bounds`.
ACCURATE = 0.97  # the most exact lines, at two thirds to three quarters of PP-OCRv6 tiny's CPU time
BALANCED = 0.95
SPARING = 0.80  # the half of all doubtful lines that gain the most a line
# Boards of so little memory share it with much else.
SMALL_MB = 1500
_FAST = re.compile(r"Raspberry Pi (5|500|Compute Module 5)\b")
_SLOW = re.compile(r"Raspberry Pi (3|Zero|Compute Module 3)\b")


@dataclass(frozen=True)
class Board:
    """What a machine says of itself: `model` by its device tree (None where it has none), `machine` by uname."""

    model: str | None
    machine: str
    memory_mb: int

    def second_below(self) -> tuple[float, str]:
        """The score below which lines are read again here, and why."""
        name = self.model or self.machine
        if self.memory_mb < SMALL_MB:
            return SPARING, f"{name}, {self.memory_mb} MB"
        if self.model and _SLOW.match(self.model):
            return SPARING, name
        if (self.model and _FAST.match(self.model)) or self.machine in ("x86_64", "AMD64"):
            return ACCURATE, name
        return BALANCED, name


def look(sysfs_root: Path) -> Board:
    """This machine; its device tree is below `sysfs_root`."""
    try:
        model = (sysfs_root / "firmware/devicetree/base/model").read_text(errors="replace").rstrip("\0\n").strip()
    except OSError:
        model = ""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Board(model or None, platform.machine(), round(memory / 1e6))


def second_below(set_by_operator: float | None, sysfs_root: Path) -> tuple[float, str]:
    """The bound in force and why: what the operator set, or for None what the board can afford."""
    if set_by_operator is not None:
        return set_by_operator, "OCR_SECOND_BELOW"
    return look(sysfs_root).second_below()
