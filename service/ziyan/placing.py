"""Where the words and characters of a line stand, told from its box and its text alone."""

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Point = tuple[float, float]

_WORD = re.compile(r"\S+")
_HYPHENATED = re.compile(r"[a-zäöüßéèA-Z][-‐]\Z")
# What no format can carry: control characters, halves of surrogate pairs, and the two that are no characters.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def printable(text: str, kept: str = "") -> str:
    """The text in one row: a space for every control character but those `kept`, U+FFFD for what is no character."""
    return _UNPRINTABLE.sub(lambda found: _printable(found[0], kept), text)


def _printable(character: str, kept: str) -> str:
    if character in kept:
        return character
    return " " if character < "\xa0" else "\ufffd"


def joined(pieces: Iterable[str]) -> str:
    """Lines of running text as one: no space beside Chinese, one between other words, a hyphenated word whole again."""
    text = ""
    for piece in filter(None, map(str.strip, pieces)):
        if _HYPHENATED.search(text) and piece[0].islower():
            text = text[:-1] + piece
        elif text and not (is_wide(text[-1]) or is_wide(piece[0])):
            text += " " + piece
        else:
            text += piece
    return text


def is_wide(character: str) -> bool:
    """Whether a character is as wide as it is high, as hanzi are."""
    return unicodedata.east_asian_width(character) in "WF"


def is_next_cell(before: Sequence[Point], after: Sequence[Point]) -> bool:
    """Whether a quad stands in one row with the one before, and more than a height to its right."""
    (_, top, right, bottom), (left, other_top, _, other_bottom) = upright(before), upright(after)
    lower = min(bottom - top, other_bottom - other_top)
    return 2 * (min(bottom, other_bottom) - max(top, other_top)) >= lower and left - right > lower


def advance(character: str) -> int:
    """How far a character reaches, in half ems: 2 for those of East Asian width, 0 for marks upon others, else 1."""
    if is_wide(character):
        return 2
    return 0 if unicodedata.combining(character) else 1


def reach(text: str, *, vertical: bool = False) -> int:
    """How far a text reaches, in half ems; in a column every character takes as much as the others."""
    return 2 * len(text) if vertical else sum(map(advance, text))


def sides(box: Sequence[Point]) -> tuple[float, float]:
    """The width and the height of a quad: the means of its opposite sides, at least a thousandth."""
    (top_left, top_right, bottom_right, bottom_left) = box
    width = (math.dist(top_left, top_right) + math.dist(bottom_left, bottom_right)) / 2
    height = (math.dist(top_left, bottom_left) + math.dist(top_right, bottom_right)) / 2
    return max(width, 1e-3), max(height, 1e-3)


def angle(box: Sequence[Point]) -> float:
    """By how many degrees the line is turned, anticlockwise as seen, -180 to 180."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = box
    return math.degrees(math.atan2(y0 + y3 - y1 - y2, x1 + x2 - x0 - x3))


def upright(box: Sequence[Point]) -> tuple[int, int, int, int]:
    """The smallest (left, top, right, bottom) in whole pixels around a quad."""
    across, down = zip(*box, strict=True)
    return math.floor(min(across)), math.floor(min(down)), math.ceil(max(across)), math.ceil(max(down))


def words(line: Mapping[str, Any]) -> Iterator[tuple[str, list[Point]]]:
    """Every word of a line with its own quad, a share of the line's as long as its characters reach."""
    text, vertical = line["text"], line.get("vertical", False)
    whole = reach(text, vertical=vertical) or 1
    for found in _WORD.finditer(text):
        start = reach(text[: found.start()], vertical=vertical) / whole
        end = start + reach(found[0], vertical=vertical) / whole
        yield found[0], _share(line["box"], start, end, vertical=vertical)


def _share(box: Sequence[Point], start: float, end: float, *, vertical: bool) -> list[Point]:
    """The part of a quad between two shares of its length."""
    top_left, top_right, bottom_right, bottom_left = box
    if vertical:
        return [
            _between(top_left, bottom_left, start),
            _between(top_right, bottom_right, start),
            _between(top_right, bottom_right, end),
            _between(top_left, bottom_left, end),
        ]
    return [
        _between(top_left, top_right, start),
        _between(top_left, top_right, end),
        _between(bottom_left, bottom_right, end),
        _between(bottom_left, bottom_right, start),
    ]


def _between(start: Point, end: Point, share: float) -> Point:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share
