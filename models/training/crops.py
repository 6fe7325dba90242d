"""Lines to measure with, never to train on: the development crops and the held-out groups of the real lines."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from . import realtext

LONG = 12  # heights: a wider line is a long one
BLUR = 0.06  # standard deviation of a blurred line's Gaussian, in heights: 2.9 pixels of the 48 that the net sees
Read = Callable[[Sequence[np.ndarray]], list[str]]  # crops (h, w, 3) uint8 BGR -> texts


@dataclass(frozen=True)
class Crop:
    """One line with its truth; `category` names the group it is counted in."""

    pixels: np.ndarray
    text: str
    category: str

    @property
    def is_long(self) -> bool:
        """Whether the line is wider than LONG times its height."""
        return self.pixels.shape[1] > LONG * self.pixels.shape[0]


def development(evalset: Path) -> list[Crop]:
    """The crops of `evalset`/lines.jsonl, cut from its pages along their quads, as evalset/evaluate.py cuts them."""
    with (evalset / "lines.jsonl").open(encoding="utf-8") as file:
        rows = [json.loads(row) for row in file]
    pages = {name: cv2.imread(str(evalset / name)) for name in {row["file"] for row in rows}}
    return [Crop(_upright(pages[row["file"]], row["quad"]), row["text"], row["category"]) for row in rows]


def _upright(page: np.ndarray, quad: list[list[float]]) -> np.ndarray:
    corners = np.float32(quad)
    sides = np.linalg.norm(corners - np.roll(corners, -1, 0), axis=1)
    width, height = int(max(sides[0], sides[2])), int(max(sides[1], sides[3]))
    target = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    warp = cv2.getPerspectiveTransform(corners, target)
    return cv2.warpPerspective(page, warp, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def blurred(measured: Sequence[Crop]) -> list[Crop]:
    """The same lines out of focus, by BLUR, all of category `blurred`: there the context has to help."""
    return [
        replace(crop, pixels=cv2.GaussianBlur(crop.pixels, (0, 0), BLUR * crop.pixels.shape[0]), category="blurred")
        for crop in measured
    ]


def held_out(folder: Path, *, per_kind: int = 120, sure: float = 0.9) -> list[Crop]:
    """Up to `per_kind` held-out real lines of each kind whose text can be trusted; the same ones every time.

    The text of kinds hand, mixed and photo is the teacher's own reading: a score there tells likeness to the teacher.
    """
    kinds: dict[str, list[realtext.Line]] = {}
    for line in realtext.read(folder):
        if line.held_out and (line.labelled or line.confidence >= sure):
            kinds.setdefault(line.kind, []).append(line)
    chosen = []
    for kind, lines in sorted(kinds.items()):
        for line in random.Random(kind).sample(lines, min(per_kind, len(lines))):
            chosen.append(Crop(cv2.imread(str(folder / line.file)), line.text, f"held-out {kind}"))
    return chosen
