"""What this machine must offer before it can hold a trial host: packages, root, a cache folder, and a clean end."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "ziyan" / "trial"

FAST_TOOLS = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "socat": "socat",
    "apt-ftparchive": "apt-utils",
}
EMULATED_TOOLS = FAST_TOOLS | {
    "qemu-system-aarch64": "qemu-system-arm",
    "qemu-img": "qemu-utils",
    "qemu-aarch64-static": "qemu-user-static",
    "arch-test": "arch-test",
    "update-binfmts": "binfmt-support",
    "mke2fs": "e2fsprogs",
    "mcopy": "mtools",
    "mkfs.vfat": "dosfstools",
    "sfdisk": "fdisk",
}


def run(*command: object, **options: object) -> subprocess.CompletedProcess:
    """The finished command; raises CalledProcessError when it fails. Its output goes where ours goes."""
    return subprocess.run([str(part) for part in command], check=True, **options)


def output(*command: object) -> str:
    """What the command printed, without the last newline; raises CalledProcessError when it fails."""
    return run(*command, stdout=subprocess.PIPE, text=True).stdout.strip()


def install_tools(tools: dict[str, str]) -> None:
    """Install the Debian packages of the missing programs; only root can, as only root can hold a trial host."""
    if os.geteuid() != 0:
        sys.exit("试验主机需要 root 权限，请用 sudo 再运行。 A trial host needs root: run again with sudo.")
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    missing = sorted({package for program, package in tools.items() if not shutil.which(program)})
    if not missing:
        return
    print(f"installing {' '.join(missing)}", flush=True)
    quiet = {"stdout": subprocess.DEVNULL, "env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}}
    run("apt-get", "-q", "-o", "DPkg::Lock::Timeout=600", "update", **quiet)
    lock = ("-o", "DPkg::Lock::Timeout=600", "--no-install-recommends")
    run("apt-get", "-q", "-y", *lock, "install", "debian-archive-keyring", *missing, **quiet)


def end_cleanly_on_signals() -> None:
    """Let Ctrl-C, SIGTERM and SIGHUP raise one exception, so that every `with` block tears its host down."""

    def interrupt(number: int, _frame: object) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a shell's background job ignores the first
        signal.signal(number, interrupt)


def ssh_key() -> Path:
    """The key that opens every trial host, made once: it opens nothing else."""
    key = CACHE / "key"
    if not key.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ziyan trial hosts", "-f", key)
    return key
