"""Bare root file systems for trial hosts: what a fresh card holds (systemd, ssh, python3, sudo) and nothing of ours.

Made by mmdebstrap from the archive that this machine's own apt is configured with, and kept in the cache.
"""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

from machine import CACHE, output, run

BARE = [
    "systemd",
    "systemd-sysv",
    "dbus",
    "udev",
    "kmod",
    "openssh-server",
    "python3",
    "python3-apt",
    "sudo",
    "iproute2",
    "procps",
    "ca-certificates",
]
# The emulated board has a kernel and a clock to keep as well, and what Raspberry Pi OS Lite brings along.
BOARD = [
    *BARE,
    *[
        "linux-image-arm64",
        "initramfs-tools",
        "systemd-timesyncd",
        "avahi-daemon",
        "libnss-mdns",
        "python3-venv",
        "ufw",
    ],
]


def archive(security: bool) -> str:
    """The base URI of Debian's (security) archive in this machine's apt settings."""
    found = output("apt-get", "indextargets", "--format", "$(REPO_URI) $(SITE)", "Created-By: Packages")
    uris = sorted({line.split()[0] for line in found.splitlines()})
    debian = [uri for uri in uris if uri.rstrip("/").endswith("/debian-security" if security else "/debian")]
    if not debian:
        raise SystemExit(
            "apt on this machine names no Debian archive: run `apt-get update`, or add one to its sources."
        )
    return debian[0]


def sources(suite: str) -> list[str]:
    """The three apt source lines of a suite: release, updates, security."""
    main, security = archive(security=False), archive(security=True)
    return [
        f"deb {main} {suite} main",
        f"deb {main} {suite}-updates main",
        f"deb {security} {suite}-security main",
    ]


def bare_root(suite: str, architecture: str, packages: list[str]) -> Path:
    """The cached root file system of `suite`, made when missing (about 1 minute; 16 for a foreign architecture)."""
    recipe = json.dumps([suite, architecture, packages, RECIPE])
    root = CACHE / f"{suite}-{architecture}-{hashlib.sha256(recipe.encode()).hexdigest()[:8]}"
    if root.exists():
        return root
    print(f"making the root file system {root.name} (kept in {CACHE})", flush=True)
    if architecture == "arm64":
        enable_foreign_programs()
    CACHE.mkdir(parents=True, exist_ok=True)
    half_made = root.with_name(f"{root.name}.{os.getpid()}.half-made")
    try:
        # mmdebstrap also writes its sources into the new root, where `make debs` finds them again.
        run("nice", "mmdebstrap", *RECIPE, f"--architectures={architecture}", f"--include={','.join(packages)}",
            suite, half_made, *sources(suite), stdout=subprocess.DEVNULL)  # fmt: skip
        half_made.rename(root)
    finally:
        shutil.rmtree(half_made, ignore_errors=True)
    return root


def enable_foreign_programs() -> None:
    """Let this kernel run arm64 programs through qemu-user, which mmdebstrap needs for their maintainer scripts."""
    if not Path("/proc/sys/fs/binfmt_misc/register").exists():
        run("mount", "-t", "binfmt_misc", "binfmt_misc", "/proc/sys/fs/binfmt_misc")
    run("update-binfmts", "--enable", "qemu-aarch64")


RECIPE = [
    "--quiet",
    "--mode=root",
    "--variant=minbase",
    '--aptopt=Acquire::Languages "none"',
    '--aptopt=APT::Install-Recommends "false"',
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=force-unsafe-io",
    # As on a card image: no machine id yet, and no password opens it.
    "--customize-hook=: > $1/etc/machine-id",
    "--customize-hook=sed -i s/^root:[^:]*:/root:*:/ $1/etc/shadow",
]
