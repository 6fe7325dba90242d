"""What reading a picture gives: a page of lines."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

Quad = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """One line of text.

    `score`, 0 to 1, is the share of its characters that is expected to be right. `box` holds its four corners in pixels
    of the sent picture (after its EXIF turn), clockwise from the top left of the upright text. `block` is the index in
    the page's `text` of the paragraph or row that the line is part of; None where `text` holds the lines themselves.
    A `vertical` line is a column, read downwards.
    """

    text: str
    score: float
    box: Quad
    block: int | None = None
    vertical: bool = False


@dataclass(frozen=True)
class Page:
    """The lines of one picture in reading order, and what reading them took.

    `width` and `height` are those of the sent picture after its EXIF turn; `seconds` maps a stage to wall seconds.
    `text` holds what was asked for: the lines, the rows or the paragraphs that they make up.
    `turned` is by how many degrees clockwise (0, 90, 180, 270) the picture was turned to be read.
    `capped` says that `budget_ms` was over before all doubtful lines were read again.
    """

    lines: tuple[Line, ...]
    width: int
    height: int
    seconds: dict[str, float] = field(default_factory=dict)
    text: tuple[str, ...] = ()
    turned: int = 0
    capped: bool = False

    def as_dict(self) -> dict:
        """The page as plain JSON types."""
        return asdict(self)


def corrected(page: Mapping[str, Any], texts: Sequence[str]) -> dict[str, Any]:
    """`page`, as plain JSON types, with one of `texts` in place of each line's, in the page's own text as well."""
    left = list(page["text"])
    done = [""] * len(left)
    for number, (line, text) in enumerate(zip(page["lines"], texts, strict=True)):
        block = number if line.get("block") is None else line["block"]
        before, found, after = left[block].partition(line["text"]) if block < len(left) else ("", "", "")
        if found:
            done[block] += before + text
            left[block] = after
    lines = [{**line, "text": text} for line, text in zip(page["lines"], texts, strict=True)]
    return {**page, "lines": lines, "text": [head + tail for head, tail in zip(done, left, strict=True)]}
