"""Which way up the text is: first of the page, then of each line.

No network decides it. Boxes that mostly stand tell a page on its side, or vertical text; beyond that the recognizer
itself is the judge, since it reads next to nothing in a line that is upside down. Of the 388 lying lines on the
development pages 94 % score above 0.65 upright and 8 % upside down. So an upright page is read once, and pays nothing.

The exception that vertical Chinese makes: a column turned by 90 degrees anticlockwise is read rather well, because the
recognizer was trained on such. So a column looks like a line of a page on its side, until its characters are cut apart
and read side by side, which makes nonsense of the latter.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from ziyan.geometry import crop, is_standing, quad_size
from ziyan.vertical import laid_out

# Lines that are asked for the turn of a page, and the aspect at which they say most for what they cost.
PROBES, PROBE_ASPECT = 5, 8
# Readings scored from SURE need no second look; those below POOR may be upside down.
SURE, POOR = 0.85, 0.65
# Another way must score this much more than the expected one, …
MARGIN = 0.15
# … and turn over a single line only if it reads this well and this much: "08" is as good upside down.
LINE_SCORE, LINE_CHARACTERS = 0.75, 3
# A column laid out scores about as it does turned, a line on its side much less (median -0.67): above the bound
# are 94 % of 200 columns and 9 % of 393 lines.
COLUMN_MARGIN, COLUMN_CHARACTERS = 0.25, 0.6
# A standing box less high than this, in widths, may be one narrow character.
NARROW = 3.0


class Reading(Protocol):
    """What the recognizer makes of a line."""

    text: str
    score: float


class Way(NamedTuple):
    """How a box is read: the quarter turns clockwise by which its text lies, and whether it is a column laid out."""

    turns: int
    column: bool = False


@dataclass(frozen=True)
class Found:
    """A line that was read: its quad (4, 2), clockwise from the top left of the text.

    `lying` is the quad by which it can be read as a line: for a column, turned to the left.
    """

    quad: np.ndarray
    reading: Reading
    vertical: bool
    lying: np.ndarray

    def laid_out(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """A column of `image` with its characters side by side, and the quad of the whole; None for a line."""
        if not self.vertical:
            return None
        line = laid_out(crop(image, self.quad))
        return line, _whole(line)


class Lines:
    """The boxes of one picture, each read in as many ways as are asked for, and in each of them once.

    `quads` begin at the corner nearest to the top left of `image` (H, W, 3); `read` is the recognizer's. `progress` is
    told how many of how many boxes are read.
    """

    def __init__(
        self,
        image: np.ndarray,
        quads: Sequence[np.ndarray],
        read: Callable[..., Sequence[Reading]],
        progress: Callable[[int, int], None] = lambda done, of: None,
    ) -> None:
        self.quads = quads
        self._image, self._read, self._progress = image, read, progress
        self._known: dict[tuple[int, Way], Reading] = {}

    def read(self, asked: Iterable[tuple[int, Way]]) -> list[Reading]:
        """The reading of each (index of a box, way)."""
        asked = list(asked)
        new = [key for key in dict.fromkeys(asked) if key not in self._known]
        lying = [(i, way) for i, way in new if not way.column]
        if lying:
            quads = [self.quad(i, way) for i, way in lying]
            self._known.update(zip(lying, self._read(self._image, quads, progress=self._tell), strict=True))
        for i, way in new:
            if way.column:
                line = laid_out(crop(self._image, self.quad(i, way)))
                (self._known[i, way],) = self._read(line, [_whole(line)])
        return [self._known[key] for key in asked]

    def _tell(self, done: int) -> None:
        """Boxes read so far, a second reading of one not counted."""
        before = len({i for i, _ in self._known})
        self._progress(min(before + done, len(self.quads)), len(self.quads))

    def one(self, i: int, way: Way) -> Reading:
        """The reading of one box."""
        return self.read([(i, way)])[0]

    def quad(self, i: int, way: Way) -> np.ndarray:
        """The corners of a box, from the top left of its text when read this way."""
        return np.roll(self.quads[i], -way.turns, axis=0)


def _whole(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    return np.float32([(0, 0), (width, 0), (width, height), (0, height)])


def page_turn(lines: Lines, *, vertical: str = "auto") -> int:
    """By how many degrees clockwise the picture has to be turned to be upright: 0, 90, 180 or 270.

    0 without good evidence. `vertical` as in the options: whether standing boxes may be, or are, columns.
    """
    probes, turns = _probes(lines.quads)
    lines.read((i, Way(turns[0])) for i in probes)
    votes = [_vote(lines, i, turns) for i in probes]
    lies = max(turns, key=votes.count)
    if 2 * votes.count(lies) <= len([vote for vote in votes if vote is not None]):
        lies = 0
    elif lies % 2 and vertical != "off":
        voters = [i for i, vote in zip(probes, votes, strict=True) if vote == lies]
        columns = [vertical == "on" or _is_column(lines, i, lies) for i in voters]
        lies -= 2 * sum(columns) > len(columns)
    return -90 * lies % 360


def _probes(quads: Sequence[np.ndarray]) -> tuple[list[int], tuple[int, ...]]:
    """The boxes to ask, and the quarter turns by which their text may lie, the likeliest first.

    They are of the shape that most of the text has; where there are only single characters, these, and any turn.
    """
    sizes = [quad_size(quad) for quad in quads]
    standing = [i for i, quad in enumerate(quads) if is_standing(quad)]
    lying = [i for i, quad in enumerate(quads) if is_standing(np.roll(quad, -1, axis=0))]

    def length(boxes: list[int]) -> float:
        return sum(max(sizes[i]) for i in boxes)

    def unfitness(i: int) -> float:
        return abs(np.log(max(sizes[i]) / max(1e-6, min(sizes[i])) / PROBE_ASPECT))

    if not standing and not lying:
        return sorted(range(len(quads)), key=lambda i: -min(sizes[i]))[:PROBES], (0, 1, 2, 3)
    chosen, turns = (lying, (0, 2)) if length(lying) >= length(standing) else (standing, (1, 3))
    return sorted(chosen, key=unfitness)[:PROBES], turns


def _vote(lines: Lines, i: int, turns: Sequence[int]) -> int | None:
    """Which of `turns` the reading of a box speaks for; None if for none clearly."""
    if lines.one(i, Way(turns[0])).score >= SURE:
        return turns[0]
    scores = {turn: lines.one(i, Way(turn)).score for turn in turns}
    best, second = sorted(turns, key=scores.__getitem__, reverse=True)[:2]
    return best if scores[best] >= scores[second] + MARGIN else None


def _is_column(lines: Lines, i: int, turns: int) -> bool:
    """Whether the text of a standing box, which lies by `turns`, is a column and no line on its side."""
    turned, laid = lines.one(i, Way(turns)), lines.one(i, Way(turns - 1, column=True))
    enough = len(laid.text) >= COLUMN_CHARACTERS * len(turned.text)
    return bool(laid.text) and enough and laid.score >= turned.score - COLUMN_MARGIN


def read(lines: Lines, *, turn: bool = True, vertical: str = "auto") -> list[Found]:
    """Every box read the way that suits it, in the order of the boxes, on a page that is upright.

    Standing boxes are columns or lines on their side; any that read poorly are tried upside down, if `turn`.
    """
    ways = [Way(1) if is_standing(quad) else Way(0) for quad in lines.quads]
    lines.read(enumerate(ways))
    return [_found(lines, i, way, turn=turn, vertical=vertical) for i, way in enumerate(ways)]


def _right_characters(reading: Reading) -> float:
    """How many characters are expected to be right: a mark at the end of a column is lost when it is laid out."""
    return reading.score * len(reading.text)


def _found(lines: Lines, i: int, way: Way, *, turn: bool, vertical: str) -> Found:
    reading = lines.one(i, way)
    if way.turns:
        laid = Way(0, column=True)
        if vertical == "on" or (vertical == "auto" and _is_column(lines, i, way.turns)):
            best = max(reading, lines.one(i, laid), key=_right_characters)
            return Found(lines.quad(i, laid), best, vertical=True, lying=lines.quad(i, way))
        width, height = quad_size(lines.quads[i])
        if reading.score < SURE and height < NARROW * width and lines.one(i, Way(0)).score > reading.score:
            way, reading = Way(0), lines.one(i, Way(0))
    if turn and reading.score < POOR:
        over = Way((way.turns + 2) % 4)
        other = lines.one(i, over)
        clear = other.score >= max(LINE_SCORE, reading.score + MARGIN)
        if clear and len(other.text) >= LINE_CHARACTERS:
            way, reading = over, other
    quad = lines.quad(i, way)
    return Found(quad, reading, vertical=False, lying=quad)
