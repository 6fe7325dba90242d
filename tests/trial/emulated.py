"""The ARM64 trial host: a whole Debian on an emulated Cortex-A72, as in a Raspberry Pi 4, reached only by SSH.

qemu runs every instruction in software: inference is 100 to 300 times slower than on a PC, so nothing is timed here,
but the memory is that of a Pi, the code is that of a Pi (`-cpu cortex-a72`, never `max`: a wheel that needs newer
instructions dies here as it would there), and the kernel has a memory controller. The network lets nothing out.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from fast import free_port, overlay, prepare, ssh_options, wait_for_ssh
from machine import run

READY = "ready"  # the snapshot of a host that has booted and answers SSH
DISK_MB = 4096  # a power of two, which the SD card of board.py has to be
NETWORK = "[Match]\nName=en*\n[Network]\nDHCP=yes\n"


class EmulatedHost:
    """A running emulated host; its SSH and its page are on ports of this machine's 127.0.0.1."""

    architecture = "arm64"
    machine = "aarch64"
    address = "127.0.0.1"

    def __init__(self, disk: Path, boot: Path):
        self.disk = disk
        self.boot = boot
        self.monitor = disk.with_suffix(".monitor")
        self.ssh_port, self.page_port = free_port(), free_port()
        self._qemu: subprocess.Popen | None = None

    def start(self, *, snapshot: bool) -> None:
        """Boot, or wake from the snapshot, and return once SSH answers."""
        forward = f"hostfwd=tcp:127.0.0.1:{self.ssh_port}-:22,hostfwd=tcp:127.0.0.1:{self.page_port}-:5000"
        self._qemu = subprocess.Popen(
            ["qemu-system-aarch64", *self.board(), "-display", "none",
             "-monitor", f"unix:{self.monitor},server=on,wait=off",
             "-netdev", f"user,id=net,restrict=on,{forward}", *(["-loadvm", READY] if snapshot else [])],
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        wait_for_ssh(self, limit_s=1200)

    def board(self) -> list[object]:
        """What qemu builds: processor, memory, console, kernel, disk, and a port on the network `net`."""
        return [
            *("-M", "virt,gic-version=3", "-accel", "tcg,thread=multi,tb-size=1024"),
            *("-cpu", "cortex-a72", "-smp", "2", "-m", "2048", "-serial", f"file:{self.disk.with_suffix('.console')}"),
            *("-kernel", next(self.boot.glob("vmlinuz-*")), "-initrd", next(self.boot.glob("initrd.img-*"))),
            *("-append", "root=/dev/vda rw console=ttyAMA0 quiet"),
            *("-drive", f"file={self.disk},if=none,id=disk,format=qcow2,cache=unsafe"),
            *("-device", "virtio-blk-pci,drive=disk", "-device", "virtio-net-pci,netdev=net,romfile="),
            *("-device", "virtio-rng-pci"),
        ]

    def stop(self) -> None:
        """Switch it off, as by pulling the plug."""
        if self._qemu and self._qemu.poll() is None:
            self._qemu.terminate()
            self._qemu.wait(30)

    def command(self, words: str, limit_s: float = 300) -> None:
        """Have qemu's monitor do something, and wait until it is done."""
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.settimeout(limit_s)
            monitor.connect(str(self.monitor))
            _until_prompt(monitor)
            monitor.sendall(f"{words}\n".encode())
            _until_prompt(monitor)

    def ssh_options(self) -> list[str]:
        """Options for a host that needs its time to say hello."""
        patient = ["-o", "ConnectTimeout=180", "-o", "ServerAliveInterval=60", "-o", "ServerAliveCountMax=60"]
        return [*patient, *ssh_options()]  # ssh takes the first value that it sees

    @contextlib.contextmanager
    def page(self, _port: int) -> Iterator[str]:
        """The address of the page on this machine."""
        yield f"http://127.0.0.1:{self.page_port}"


@contextlib.contextmanager
def emulated_host(bare_root: Path) -> Iterator[EmulatedHost]:
    """A running emulated host from a cached snapshot of its first boot; nothing of it is left afterwards."""
    boot, booted = bare_root / "boot", bare_root.with_name(f"{bare_root.name}.qcow2")
    with tempfile.TemporaryDirectory(prefix="ziyan-arm64-", dir=bare_root.parent) as work:
        disk = Path(work) / "disk.qcow2"
        snapshot = booted.exists()
        if snapshot:
            run("cp", "--reflink=auto", booted, disk)
        else:
            make_disk(bare_root, disk)
        host = EmulatedHost(disk, boot)
        try:
            host.start(snapshot=snapshot)
            if not snapshot:
                keep_snapshot(host, booted)
            set_clock(host)
            yield host
        finally:
            host.stop()


def set_clock(host: EmulatedHost) -> None:
    """Give the host this machine's time: nothing on its network could tell it."""
    run("ssh", *host.ssh_options(), "-p", host.ssh_port, f"root@{host.address}", f"date -s @{time.time():.0f}",
        stdout=subprocess.DEVNULL)  # fmt: skip


def keep_snapshot(host: EmulatedHost, booted: Path) -> None:
    """Keep the state right after the first boot in the cache: later trials wake up in seconds."""
    host.command("stop")
    host.command(f"savevm {READY}")
    half_made = booted.with_name(f"{booted.name}.{os.getpid()}.half-made")
    run("cp", "--reflink=auto", host.disk, half_made)
    half_made.rename(booted)
    host.command("cont")


def make_disk(bare_root: Path, disk: Path) -> None:
    """Write the bare root as a disk image, with what an SD card gets from Raspberry Pi Imager."""
    work = Path(tempfile.mkdtemp(prefix="ziyan-arm64-"))
    try:
        with overlay(bare_root, work) as root:
            prepare(root, "raspberrypi")
            (root / "etc/systemd/network/wired.network").write_text(NETWORK)
            enabled = root / "etc/systemd/system/multi-user.target.wants/systemd-networkd.service"
            enabled.unlink(missing_ok=True)
            enabled.symlink_to("/usr/lib/systemd/system/systemd-networkd.service")
            raw = work / "disk.raw"
            run("mke2fs", "-q", "-t", "ext4", "-d", root, raw, f"{DISK_MB}M")
            run("qemu-img", "convert", "-O", "qcow2", raw, disk)
    finally:
        shutil.rmtree(work)


def _until_prompt(monitor: socket.socket) -> None:
    said = b""
    while not said.rstrip().endswith(b"(qemu)"):
        received = monitor.recv(4096)
        if not received:
            raise ConnectionError("qemu closed its monitor")
        said += received
