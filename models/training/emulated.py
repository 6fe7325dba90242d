"""An exported recognizer as a Raspberry Pi 4 computes it: under qemu's Cortex-A72, compared with this machine.

    python -m models.training.emulated crnn.onnx crnn-int8.onnx --evalset FOLDER [--lines 106]

qemu runs single programs (user mode, no virtual machine): Debian's own arm64 Python, and the numpy and onnxruntime
wheels that a Pi is given. The processor is `cortex-a72`, never `max`: code that it cannot run dies here as it would
there, and onnxruntime takes its kernels for processors without a dot product. One line takes about a second and tells
nothing about a Pi's speed. Needs the packages qemu-user-static and mmdebstrap; the first call fetches 150 MB, 2 min.
"""

import argparse
import json
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ziyan.charset import Charset

from . import crops, work
from .evaluate import own_charset
from .readers import OnnxReader, text_of
from .score import score

QEMU = ("qemu-aarch64-static", "-cpu", "cortex-a72")
REPOSITORY = Path(__file__).resolve().parents[2]
WHEELHOUSE = REPOSITORY / "roles/ocr_service/files/wheelhouse.py"  # it knows what a Pi is given, hash by hash
WHEELS = ("numpy", "onnxruntime")
# A Pi 4's, since qemu 7 shows programs this machine's own, over which onnxruntime's cpuinfo library dies.
CPUINFO = """\
processor\t: 0
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3
"""
READ = """
import sys, numpy, onnxruntime
model, lines, out = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
given = session.get_inputs()[0].name
with numpy.load(lines) as lines:
    numpy.savez(out, **{name: session.run(None, {given: lines[name]})[0] for name in lines.files})
"""


@dataclass(frozen=True)
class Board:
    """An arm64 Python with numpy and onnxruntime, as files of this machine."""

    folder: Path

    @property
    def root(self) -> Path:
        """Debian's files; qemu looks for libraries here."""
        return self.folder / "root"

    @property
    def python(self) -> Path:
        """The arm64 interpreter."""
        return next((self.root / "usr/bin").glob("python3.*"))

    def probabilities(self, model: Path, batches: Sequence[np.ndarray]) -> list[np.ndarray]:
        """What `model` gives there for each of `batches`. CalledProcessError where the emulated program dies."""
        with tempfile.TemporaryDirectory() as scratch:
            lines, out = Path(scratch) / "lines.npz", Path(scratch) / "out.npz"
            np.savez(lines, **{str(number): batch for number, batch in enumerate(batches)})
            environment = ["-E", f"PYTHONPATH={self.folder / 'wheels'}", "-E", "OPENBLAS_NUM_THREADS=1"]
            program = [self.python, "-c", READ, model.resolve(), lines, out]
            subprocess.run([*QEMU, "-L", self.root, *environment, *program], check=True)
            with np.load(out) as read:
                return [read[str(number)] for number in range(len(batches))]


def board(folder: Path) -> Board:
    """The board in `folder`, made where it is missing, whole or not at all."""
    if not folder.exists():
        unfinished = folder.with_suffix(".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        unpack_debian(unfinished / "root")
        (unfinished / "root/proc").mkdir(exist_ok=True)
        (unfinished / "root/proc/cpuinfo").write_text(CPUINFO, encoding="ascii")
        unpack_wheels(Board(unfinished).python.name.removeprefix("python"), folder.parent, unfinished / "wheels")
        unfinished.rename(folder)
    return Board(folder)


def unpack_debian(root: Path) -> None:
    """Unpacks arm64 Python and its libraries into `root`, nothing run, from the archives that apt here uses."""
    suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
    entry = "deb $(REPO_URI) $(RELEASE) $(COMPONENT)"
    listed = ["apt-get", "indextargets", "--format", entry, "Created-By: Packages", "Origin: Debian"]
    sources = subprocess.run(listed, check=True, text=True, capture_output=True).stdout
    made = ["--quiet", "--variant=extract", "--architectures=arm64", "--include=python3,libstdc++6"]
    lean = ["--aptopt=APT::Install-Recommends false", '--aptopt=Acquire::Languages "none"']
    subprocess.run(["mmdebstrap", *made, *lean, suite, root, sources], check=True)


def unpack_wheels(python: str, cache: Path, folder: Path) -> None:
    """Unpacks the wheels that a Pi with this Python is given into `folder`."""
    options = ["--source", REPOSITORY / "service", "--out", cache / "wheelhouse", "--python", python]
    command = [sys.executable, WHEELHOUSE, *options, "--machine", "aarch64"]
    said = subprocess.run(command, check=True, text=True, capture_output=True).stdout
    with tarfile.open(json.loads(said)["environment"]["archive"]) as archive:
        for member in archive.getmembers():
            if Path(member.name).name.split("-")[0] in WHEELS:
                zipfile.ZipFile(archive.extractfile(member)).extractall(folder)


def compared(model: Path, known: Charset, measured: Sequence[crops.Crop], emulated: Board) -> str:
    """A row of the table."""
    reader = OnnxReader(model, known)
    batches = [reader.batch(crop.pixels) for crop in measured]
    here = [reader.probabilities(batch)[0] for batch in batches]
    there = [probabilities[0] for probabilities in emulated.probabilities(model, batches)]
    texts, others = ([text_of(steps, known) for steps in side] for side in (here, there))
    cells = [model.name, *(_score(measured, side) for side in (texts, others))]
    differ = sum(text != other for text, other in zip(texts, others, strict=True))
    largest = max(float(np.abs(a - b).max()) for a, b in zip(here, there, strict=True))
    return f"| {' | '.join(cells)} | {differ} of {len(measured)} | {largest:.1e} |"


def _score(measured: Sequence[crops.Crop], texts: Sequence[str]) -> str:
    result = score((crop.text, text) for crop, text in zip(measured, texts, strict=True))
    return f"{100 * result.error_rate:.2f} / {100 * result.exact_rate:.1f}"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    work.option(parser).add_argument("models", type=Path, nargs="+")
    parser.add_argument("--evalset", type=Path, required=True, help="folder of the development crops")
    parser.add_argument("--lines", type=int, default=106, help="so many of them, spread evenly")
    given = parser.parse_args()
    if missing := [path for path in (*given.models, given.evalset / "lines.jsonl") if not path.is_file()]:
        parser.error(f"{missing[0]} is not there: `export` makes models, --evalset has lines.jsonl")
    whole = crops.development(given.evalset)
    measured = whole[:: max(1, len(whole) // given.lines)][: given.lines]
    emulated = board(work.Folders(given.work).root / "arm64")
    print("| model | CER % / exact % here | on a Cortex-A72 | other texts | largest difference of a probability |")
    print("|-|-|-|-|-|")
    for model in given.models:
        print(compared(model, own_charset(model), measured, emulated), flush=True)


if __name__ == "__main__":
    try:
        main()
    except FileNotFoundError as error:
        sys.exit(f"{error.filename} is missing: install the packages qemu-user-static and mmdebstrap")
    except subprocess.CalledProcessError as error:
        sys.exit(f"{Path(error.cmd[0]).name} failed ({error.returncode}); it said why above")
