"""Build the wheelhouse of one kind of host on the controller: all that a release needs, so no Pi needs internet.

    python wheelhouse.py --source service --out .cache/wheelhouse --python 3.13 --machine aarch64

The archive holds the wheels of requirements.lock for that Python and machine (checked against the lock's hashes), the
wheel of the package itself, a requirements.txt with the hash of everything, the supervisor programs and the script that
trims the environment. It is named after its sources, so a wheelhouse that exists is the right one and no registry is
asked. Prints one line of JSON: the release's name, the archive's path and its sha256.
"""

import argparse
import fcntl
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from packaging.requirements import Requirement

# The oldest C library among the supported systems: Debian 12's.
OLDEST_GLIBC_MINOR = 36
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
MACHINES = ("aarch64", "x86_64")
RELEASES_KEPT = 5  # of about 100 MB for each kind of host


def release_name(source: Path) -> str:
    """VERSION-HASH of the service in `source`: the same files always have the same name, and others another."""
    version = re.search(
        r'^__version__ = "(.+)"$', (source / "ziyan/__init__.py").read_text(encoding="utf-8"), re.MULTILINE
    )[1]
    digest = hashlib.sha256(Path(__file__).read_bytes())  # what packs it counts, too
    for path in release_files(source):
        digest.update(f"{path.relative_to(source)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return f"{version}-{digest.hexdigest()[:8]}"


def release_files(source: Path) -> list[Path]:
    """The files that make a release, in a fixed order; what Python and build tools leave behind does not count."""
    made = {"__pycache__", "build", "dist"}
    inside = [path.relative_to(source) for path in source.rglob("*") if path.is_file()]
    return sorted(source / path for path in inside if not any(p in made or p.endswith(".egg-info") for p in path.parts))


def requirements_for(lock: str, python: str, machine: str) -> list[str]:
    """The lock's requirements that hold on that host, as "name==version --hash=…" without markers.

    pip itself evaluates markers for the Python that runs it, not for the one that it downloads for.
    """
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_machine": machine,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    kept = []
    for line in lock.replace("\\\n", " ").splitlines():
        text = line.split(" #")[0].strip()
        if not text or text.startswith(("#", "-")):
            continue
        requirement, *hashes = text.split("--hash=")
        parsed = Requirement(requirement.strip())
        if parsed.marker is None or parsed.marker.evaluate(environment):
            kept.append(
                " ".join([f"{parsed.name}{parsed.specifier}", *(f"--hash={value.strip()}" for value in hashes)])
            )
    return kept


def download(requirements: Path, wheels: Path, python: str, machine: str) -> None:
    """Fill `wheels` for that Python and machine; pip refuses a file whose hash the lock does not know."""
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(17, OLDEST_GLIBC_MINOR + 1)]
    options = [f"--platform={platform}" for platform in [*platforms, f"manylinux2014_{machine}"]]
    pip("download", "--no-deps", "--only-binary=:all:", "--require-hashes", f"--dest={wheels}", "--implementation=cp",
        f"--python-version={python}", *options, f"--requirement={requirements}")  # fmt: skip


def build_package(source: Path, wheels: Path) -> str:
    """Build the service's own wheel into `wheels`; its line for requirements.txt."""
    with tempfile.TemporaryDirectory() as copy:  # setuptools writes beside its sources
        clean = shutil.copytree(source, Path(copy) / "service", ignore=shutil.ignore_patterns("build", "*.egg-info"))
        before = set(wheels.glob("*.whl"))
        pip("wheel", "--no-deps", f"--wheel-dir={wheels}", clean)
    (wheel,) = set(wheels.glob("*.whl")) - before
    name, version = wheel.name.split("-")[:2]
    return f"{name}=={version} --hash=sha256:{sha256(wheel)}"


def pip(*arguments: object) -> None:
    """Run pip; when it fails, show what it said and end."""
    command = [sys.executable, "-m", "pip", *map(str, arguments), "--disable-pip-version-check", "--no-input"]
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # noqa: S603 (ours)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}\n准备安装包失败，见上文。 The wheelhouse could not be made; pip said why above.")


def sha256(path: Path) -> str:
    """The file's sha256 in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def build(source: Path, archive: Path, python: str, machine: str) -> None:
    """Make `archive`, all of it or nothing."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=archive.parent) as work:
        wheels = Path(work) / "wheels"
        wheels.mkdir()
        requirements = Path(work) / "requirements.txt"
        lines = requirements_for((source / "requirements.lock").read_text(encoding="utf-8"), python, machine)
        requirements.write_text("\n".join(lines) + "\n", encoding="utf-8")
        download(requirements, wheels, python, machine)
        lines.append(build_package(source, wheels))
        requirements.write_text("\n".join(lines) + "\n", encoding="utf-8")
        half_made = Path(work) / "archive.tar"
        with tarfile.open(half_made, "w") as tar:
            for path in (wheels, requirements):
                tar.add(path, path.name)
            for name in ("supervisor/ocr.conf", "trim.sh"):
                tar.add(source / name, name)
        half_made.rename(archive)


def forget_old(out: Path) -> None:
    """Delete all but the newest releases' wheelhouses."""
    releases = sorted((path for path in out.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    for old in releases[:-RELEASES_KEPT]:
        shutil.rmtree(old)


def main() -> None:
    """Make what is missing, and say where it lies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--source", type=Path, required=True, help="the service's folder, with pyproject.toml and requirements.lock"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of wheelhouses")
    parser.add_argument("--python", action="append", choices=PYTHONS, help="the host's Python (default: all)")
    parser.add_argument(
        "--machine", action="append", choices=MACHINES, help="what `uname -m` prints there (default: all)"
    )
    options = parser.parse_args()
    release = release_name(options.source)
    options.out.mkdir(parents=True, exist_ok=True)
    for python in options.python or PYTHONS:
        for machine in options.machine or MACHINES:
            archive = (options.out / release / f"cp{python.replace('.', '')}-{machine}.tar").resolve()
            with (options.out / ".lock").open("w") as lock:  # hosts of one kind ask at the same time
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not archive.exists():
                    build(options.source, archive, python, machine)
            print(json.dumps({"release": release, "archive": str(archive), "sha256": sha256(archive)}))
    forget_old(options.out)


if __name__ == "__main__":
    main()
