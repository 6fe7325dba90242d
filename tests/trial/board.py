"""The board trial host: a Raspberry Pi 3 B as qemu knows it, with a thermal zone, a watchdog and the memory of 1 GB.

The same Debian as in emulated.py lies on an emulated SD card, and the network is a USB adapter, as on the real board.
qemu starts the kernel itself: the Pi's own boot firmware does not run. Its sensor always says 25 °C.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from emulated import EmulatedHost, make_disk

DEVICE_TREE = "usr/lib/linux-image-*/broadcom/bcm2837-rpi-3-b.dtb"


class BoardHost(EmulatedHost):
    """A running Raspberry Pi 3 B; it has no clock that outlives a power cut, and starts in its systemd's year."""

    def __init__(self, disk: Path, bare_root: Path):
        super().__init__(disk, bare_root / "boot")
        self.device_tree = next(bare_root.glob(DEVICE_TREE))

    def board(self) -> list[object]:
        """What qemu builds; the processors (4 Cortex-A53) and the memory (1 GiB) are the board's own."""
        return [
            *("-M", "raspi3b", "-accel", "tcg,thread=multi,tb-size=512", "-dtb", self.device_tree),
            *("-serial", "null", "-serial", f"file:{self.disk.with_suffix('.console')}"),  # the first is Bluetooth's
            *("-kernel", next(self.boot.glob("vmlinuz-*")), "-initrd", next(self.boot.glob("initrd.img-*"))),
            *("-append", "root=/dev/mmcblk0 rw rootwait console=ttyS1,115200 quiet"),
            *("-drive", f"file={self.disk},if=sd,format=qcow2,cache=unsafe", "-device", "usb-net,netdev=net"),
        ]


@contextlib.contextmanager
def board_host(bare_root: Path) -> Iterator[BoardHost]:
    """A board that has just booted from a new card (1 to 3 minutes); nothing of it is left afterwards."""
    with tempfile.TemporaryDirectory(prefix="ziyan-board-", dir=bare_root.parent) as work:
        card = Path(work) / "card.qcow2"
        make_disk(bare_root, card)
        host = BoardHost(card, bare_root)
        try:
            host.start(snapshot=False)
            yield host
        finally:
            host.stop()
