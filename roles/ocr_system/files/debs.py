"""Fetch the distribution's packages that a host lacks, on a controller with internet, as one small apt repository.

    python debs.py --host FOLDER --architecture arm64 --out debian-13-arm64.tar python3-venv avahi-daemon …

FOLDER holds what playbooks/debs.yml brought from the host: its apt sources and keys, and its list of installed
packages. apt itself then works out what is missing, for the host's distribution and architecture, and checks the
signatures.
"""

import argparse
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path


def apt_options(host: Path, work: Path, architecture: str) -> list[str]:
    """Options that make this machine's apt think that it is the host's, with all it writes below `work`."""
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True)
    settings = {
        "Dir::Etc": host / "etc/apt",
        "Dir::Etc::parts": os.devnull,
        "Dir::State": work / "state",
        "Dir::State::status": host / "var/lib/dpkg/status",
        "Dir::Cache": work / "cache",
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
        "APT::Keep-Downloaded-Packages": "true",
        "Acquire::Languages": "none",
        "Debug::NoLocking": "1",
    }
    return [f"-o{name}={value}" for name, value in settings.items()]


def point_keys_into(host: Path) -> None:
    """Let the host's source files name its keys where they lie on this machine."""
    apt = host / "etc/apt"
    for path in [apt / "sources.list", *(apt / "sources.list.d").glob("*")]:
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            for words in ("signed-by=", "Signed-By: "):
                text = text.replace(f"{words}/", f"{words}{host}/")
            path.write_text(text, encoding="utf-8")


def index(repository: Path) -> None:
    """Make the folder of packages a flat apt repository labelled ziyan-offline."""
    label = ["-oAPT::FTPArchive::Release::Label=ziyan-offline", "-oAPT::FTPArchive::Release::Origin=ziyan"]
    for arguments, name in ((["packages", "."], "Packages"), ([*label, "release", "."], "Release")):
        with (repository / name).open("wb") as file:
            run("apt-ftparchive", *arguments, cwd=repository, stdout=file)


def run(*command: object, **options: object) -> None:
    """Run one of apt's programs; CalledProcessError when it fails."""
    subprocess.run([str(word) for word in command], check=True, **options)  # noqa: S603 (fixed programs)


def main() -> None:
    """Download, index, pack."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", type=Path, required=True, help="what playbooks/debs.yml brought from the host")
    parser.add_argument("--architecture", required=True, help="what `dpkg --print-architecture` prints there")
    parser.add_argument("--out", type=Path, required=True, help="the archive to write")
    parser.add_argument("packages", nargs="+")
    given = parser.parse_args()
    host = given.host.resolve()
    point_keys_into(host)
    with tempfile.TemporaryDirectory() as folder:
        options = apt_options(host, Path(folder), given.architecture)
        run("apt-get", "-q", *options, "update")
        run("apt-get", "-q", "-y", *options, "--download-only", "install", *given.packages)
        repository = Path(folder) / "cache/archives"
        index(repository)
        given.out.parent.mkdir(parents=True, exist_ok=True)
        half_made = given.out.with_suffix(".half-made")
        with tarfile.open(half_made, "w") as tar:
            for path in sorted([*repository.glob("*.deb"), repository / "Packages", repository / "Release"]):
                tar.add(path, path.name)
        half_made.rename(given.out)


if __name__ == "__main__":
    main()
