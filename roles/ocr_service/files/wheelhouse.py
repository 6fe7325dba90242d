"""Build on the controller all that one kind of host needs to install the service, so no Pi needs internet.

    python wheelhouse.py --source service --out .cache/wheelhouse --python 3.13 --machine aarch64

Two archives, each with wheels and a requirements.txt that holds the hash of everything:

- the environment: the wheels of requirements.lock for that Python and machine (checked against the lock's hashes) and
  the script that trims them. Releases of one lock share it (docs/decisions/0008-shared-environment.md).
- the release: the wheel of the package itself and the supervisor programs, for every Python and machine.

Both are named after their sources, so an archive that exists is the right one and no registry is asked. Prints one line
of JSON for each kind of host: the name and the path of both.
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
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

from packaging.requirements import Requirement

# The oldest C library among the supported systems: Debian 12's.
OLDEST_GLIBC_MINOR = 36
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
MACHINES = ("aarch64", "x86_64")
ARCHIVES_KEPT = 5  # of each kind; an environment's has about 100 MB, a release's 1 MB


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


def environment_name(requirements: list[str], trim: bytes, python: str, machine: str) -> str:
    """cpXY-MACHINE-HASH of an environment that holds `requirements` and was trimmed by the script `trim`."""
    digest = hashlib.sha256("\n".join(requirements).encode() + trim).hexdigest()
    return f"cp{python.replace('.', '')}-{machine}-{digest[:8]}"


def fill_environment(folder: Path, source: Path, requirements: list[str], python: str, machine: str) -> None:
    """Put what an environment is made of into `folder`."""
    listed = folder / "requirements.txt"
    listed.write_text("\n".join(requirements) + "\n", encoding="utf-8")
    download(listed, folder / "wheels", python, machine)
    shutil.copy(source / "trim.sh", folder)


def fill_release(folder: Path, source: Path) -> None:
    """Put what a release is made of into `folder`."""
    (folder / "requirements.txt").write_text(f"{build_package(source, folder / 'wheels')}\n", encoding="utf-8")
    (folder / "supervisor").mkdir()
    shutil.copy(source / "supervisor/ocr.conf", folder / "supervisor")


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
        pip("wheel", "--no-deps", "--no-build-isolation", f"--wheel-dir={wheels}", clean)  # setuptools is beside us
    (wheel,) = wheels.glob("*.whl")
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


def archive(path: Path, fill: Callable[[Path], None]) -> dict[str, str]:
    """Name and path of the archive of what `fill` puts into a folder, made if it is not there: all of it or nothing."""
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=path.parent) as work:
            contents = Path(work) / "contents"
            contents.mkdir()
            fill(contents)
            half_made = Path(work) / path.name
            with tarfile.open(half_made, "w") as tar:
                for part in sorted(contents.iterdir()):
                    tar.add(part, part.name)
            half_made.rename(path)
    return {"name": path.stem, "archive": str(path)}


def forget_old(out: Path) -> None:
    """Delete all but the newest archives of each kind: of each name up to its hash."""
    for kind in {path.stem.rpartition("-")[0] for path in out.glob("*.tar")}:
        archives = sorted(out.glob(f"{kind}-*.tar"), key=lambda path: path.stat().st_mtime)
        for old in archives[:-ARCHIVES_KEPT]:
            old.unlink()


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
    source, out = options.source, options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    lock = (source / "requirements.lock").read_text(encoding="utf-8")
    trim = (source / "trim.sh").read_bytes()
    with (out / ".lock").open("w") as busy:
        fcntl.flock(busy, fcntl.LOCK_EX)  # several hosts ask at the same time
        release = archive(out / f"{release_name(source)}.tar", partial(fill_release, source=source))
        for python, machine in product(options.python or PYTHONS, options.machine or MACHINES):
            kind = {"requirements": requirements_for(lock, python, machine), "python": python, "machine": machine}
            name = environment_name(trim=trim, **kind)
            environment = archive(out / f"{name}.tar", partial(fill_environment, source=source, **kind))
            print(json.dumps({"release": release, "environment": environment}))
        forget_old(out)


if __name__ == "__main__":
    main()
