"""Reading order: columns of text one after the other, everything else row by row.

A page is cut where a gutter runs between two columns of text (XY-cut, Nagy and Seth 1984, but only on evidence). A
table, a receipt or a form has gutters too, and is read by rows: what tells them apart is that prose fills its column,
and that the rows on both sides of a table's gutter stand at one height.
"""

import re
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter

import numpy as np

# Two boxes whose vertical extents share at least this part of the lower one's height stand in one row.
ROW_OVERLAP = 0.5
# A gutter is at least this wide, in heights of a line: boxes are grown by up to a third of it on each side.
GUTTER = 0.3
# On each side of a gutter there are at least this many rows: fewer are a coincidence.
ROWS = 3
# A row is full when it is this much of its column's width. Prose is full but for the last rows of its paragraphs.
FULL, FULL_ROWS = 0.8, 0.5
# A column of prose is this many heights wide at least; narrower ones are words in a table.
PROSE_WIDTH = 6.0
# Rows on both sides of a gutter stand at one height when their middles differ by less than this part of a height.
ALIGNED = 0.2
# Where this part of the rows is aligned, a gutter may be that of a table, or of headings in the margin: only prose on
# both sides for this many rows says otherwise.
TABLE_ROWS, ALIGNED_PROSE_ROWS = 0.65, 5

# Lines that cross a gutter are few, and so are the places where one is looked for: 1,000 lines are in order in 0.3 s.
CROSSING, MOST_GUTTERS = 0.25, 24
# On a page of rows a column is this many times higher than a row.
TALL = 1.5
# Text steeper than this stands on its side, which says nothing of the page's skew.
STEEPEST = np.deg2rad(70)

Row = list[int]


@dataclass(frozen=True)
class Lines:
    """The lines of a page as boxes: left, top, right and bottom in pixels, and whether they are prose, all (N,).

    A line is prose when it is made of words: eight letters or more, few digits and marks.
    """

    left: np.ndarray
    top: np.ndarray
    right: np.ndarray
    bottom: np.ndarray
    prose: np.ndarray

    @classmethod
    def of(cls, corners: np.ndarray, prose: np.ndarray) -> "Lines":
        """The boxes around `corners` (N, 4, 2)."""
        return cls(*corners.min(axis=1).T, *corners.max(axis=1).T, prose)

    @cached_property
    def height(self) -> np.ndarray:
        """The height of each line."""
        return np.maximum(self.bottom - self.top, 1e-6)

    @cached_property
    def middle(self) -> np.ndarray:
        """The middle of each line's height."""
        return (self.top + self.bottom) / 2


@dataclass(frozen=True)
class Region:
    """A part of the page that is read by rows, each from the left. `lines` are those of the whole page.

    Where the lines are upright columns, `lines` is the page turned to the left, so that its rows are these columns.
    """

    lines: Lines
    rows: list[Row]


def reading_order(
    quads: Sequence[np.ndarray], texts: Sequence[str] | None = None, vertical: Sequence[bool] = ()
) -> list[int]:
    """Indices of `quads` in reading order; see `regions`."""
    return [i for region in regions(quads, texts, vertical) for row in region.rows for i in row]


def regions(
    quads: Sequence[np.ndarray], texts: Sequence[str] | None = None, vertical: Sequence[bool] = ()
) -> list[Region]:
    """The parts of the page in reading order, for quads (4, 2) of upright lines, with what they say as evidence.

    Those that are `vertical` (one flag for each quad, or none) are columns from the right. They come together, before
    the first row that begins below where they begin.
    """
    if not quads:
        return []
    corners = _straightened(np.asarray(quads, float))
    prose = np.array([texts is None or _is_prose(texts[i]) for i in range(len(corners))])
    lines = Lines.of(corners, prose)
    columns = _columns(lines, texts, [i for i, is_column in enumerate(vertical) if is_column])
    lying = sorted(set(range(len(corners))) - set(columns))
    found = [Region(lines, _rows(lines, part)) for part in _parts(lines, lying)]
    if not columns:
        return found
    turned = Lines.of(np.stack([corners[..., 1], -corners[..., 0]], axis=-1), prose)
    standing = [Region(turned, _rows(turned, part)) for part in _parts(turned, columns)]
    return _inserted(found, standing, top=lines.top[columns].min())


def _columns(lines: Lines, texts: Sequence[str] | None, standing: list[int]) -> list[int]:
    """Those of the `standing` lines that are read as columns: on a page of rows, a digit in a narrow box is none."""
    lying = np.setdiff1d(np.arange(len(lines.left)), standing)
    if not len(lying):
        return standing
    tall = TALL * np.median(lines.height[lying])
    clear = [i for i in standing if lines.height[i] >= tall and (texts is None or len(texts[i]) > 1)]
    return standing if len(clear) > len(lying) else clear


def _inserted(found: list[Region], standing: list[Region], *, top: float) -> list[Region]:
    """`standing` put before the first row of `found` that begins below `top`."""
    for place, region in enumerate(found):
        for number, row in enumerate(region.rows):
            if region.lines.top[row].min() > top:
                above = [Region(region.lines, region.rows[:number])] if number else []
                rest = Region(region.lines, region.rows[number:])
                return [*found[:place], *above, *standing, rest, *found[place + 1 :]]
    return found + standing


def _straightened(corners: np.ndarray) -> np.ndarray:
    """Corners (N, 4, 2) turned by the angle of most of the text, so that a skewed page has level rows."""
    along = corners[:, 1] - corners[:, 0]
    length = np.linalg.norm(along, axis=1)
    angle = np.arctan2(along[:, 1], along[:, 0])
    # A short box says little of its angle, and one that stands is turned on purpose.
    lying = (np.abs(angle) < STEEPEST) & (length > 2 * np.linalg.norm(corners[:, 3] - corners[:, 0], axis=1))
    if not lying.any():
        return corners
    order = np.argsort(angle[lying])
    weight = np.cumsum(length[lying][order])
    median = angle[lying][order][np.searchsorted(weight, weight[-1] / 2)]
    cos, sin = np.cos(-median), np.sin(-median)
    return corners @ np.array([[cos, sin], [-sin, cos]])


def _is_prose(text: str) -> bool:
    letters, others = len(re.findall(r"[^\W\d_]", text)), len(re.findall(r"[\W\d_]", text.replace(" ", "")))
    return letters >= 8 and others <= 0.75 * letters


def _rows(lines: Lines, part: Sequence[int]) -> list[Row]:
    """`part` as rows: a line joins the row whose nearest line it stands beside."""
    rows: list[list[tuple[float, int]]] = []  # each from the left: (left, line)
    for i in sorted(part, key=lines.middle.__getitem__):
        # Its row need not be the last one: a tall line's middle may be below that of the row after.
        nearest = [(_nearest(lines, i, row), row) for row in rows[-3:]]
        beside = [(_overlap(lines, i, j), row) for j, row in nearest if _stands_beside(lines, i, j)]
        row = max(beside, key=itemgetter(0))[1] if beside else []
        if not beside:
            rows.append(row)
        insort(row, (float(lines.left[i]), i))
    return [[i for _, i in row] for row in rows]


def _nearest(lines: Lines, i: int, row: list[tuple[float, int]]) -> int:
    place = bisect_left(row, (float(lines.left[i]), i))
    return min((j for _, j in row[max(0, place - 1) : place + 1]), key=lambda j: _gap(lines, i, j))


def _stands_beside(lines: Lines, i: int, j: int) -> bool:
    narrow = min(lines.right[i] - lines.left[i], lines.right[j] - lines.left[j])
    # Lines above each other are two rows, also where a tall line beside them overlaps both.
    return _overlap(lines, i, j) >= ROW_OVERLAP and _gap(lines, i, j) > -0.5 * narrow


def _overlap(lines: Lines, i: int, j: int) -> float:
    """The height that two lines share, as a part of the lower one's."""
    shared = min(lines.bottom[i], lines.bottom[j]) - max(lines.top[i], lines.top[j])
    return shared / min(lines.height[i], lines.height[j])


def _gap(lines: Lines, i: int, j: int) -> float:
    """Pixels between two lines from left to right; negative where one is above the other."""
    return max(lines.left[i], lines.left[j]) - min(lines.right[i], lines.right[j])


# --- columns ----------------------------------------------------------------------------------------------------------


def _parts(lines: Lines, part: Sequence[int]) -> list[list[int]]:
    """`part` cut at its gutters, in reading order."""
    if not len(part):
        return []
    row_of = np.zeros(len(lines.left), int)
    for number, row in enumerate(_rows(lines, part)):
        row_of[row] = number
    return [piece.tolist() for piece in _pieces(lines, np.array(part), row_of)]


def _pieces(lines: Lines, part: np.ndarray, row_of: np.ndarray) -> list[np.ndarray]:
    cut = _best_cut(lines, part, row_of)
    if cut is None:
        return [part] if len(part) else []
    return [piece for side in cut for piece in _pieces(lines, side, row_of)]


def _best_cut(lines: Lines, part: np.ndarray, row_of: np.ndarray) -> tuple[np.ndarray, ...] | None:
    """What is read first, the column on the left, the one on the right, and what is read last; None without a gutter.

    A gutter ends where a line crosses it: a headline, a figure's caption, a foot note.
    """
    if len(part) < 2 * ROWS:
        return None
    unit = float(np.median(lines.height[part]))
    middle, centre = lines.middle[part], (lines.left[part] + lines.right[part]) / 2
    best, most = None, 0.0
    for x, crossing in _gutters(lines.left[part], lines.right[part], centre, unit):
        borders = np.sort(middle[crossing])
        spans = np.searchsorted(borders, middle)
        for span in np.flatnonzero(np.bincount(spans[~crossing]) >= 2 * ROWS):
            inside = ~crossing & (spans == span)
            left, right = part[inside & (centre < x)], part[inside & (centre >= x)]
            strength = _strength(lines, left, right, row_of, unit)
            if strength > most:
                best, most = (part[spans < span], left, right, part[(spans >= span) & ~inside]), strength
    return best


def _gutters(
    left: np.ndarray, right: np.ndarray, centre: np.ndarray, unit: float
) -> Iterator[tuple[float, np.ndarray]]:
    """Where a gutter may be, with the lines (N,) bool that cross it there; those with the fewest of them."""
    # Beside the right end of a line, by steps of half a height.
    places = np.unique(np.round(right / (unit / 2))) * unit / 2 + unit / 4
    crossing = (left < places[:, None] - unit / 4) & (right > places[:, None] + unit / 4)
    count, before = crossing.sum(axis=1), (centre < places[:, None]).sum(axis=1)
    possible = np.flatnonzero((count <= CROSSING * len(left)) & (before >= ROWS) & (before <= len(left) - ROWS))
    # Of places that part the lines in the same way, one.
    _, first = np.unique(np.stack([count, before])[:, possible], axis=1, return_index=True)
    for place in possible[first[:MOST_GUTTERS]]:
        yield places[place], crossing[place]


def _strength(lines: Lines, left: np.ndarray, right: np.ndarray, row_of: np.ndarray, unit: float) -> float:
    """How much speaks for reading `left` before `right`: the lines that it parts, and the gutter; 0 for nothing."""
    if min(len(left), len(right)) < ROWS:
        return 0
    gap = lines.left[right].min() - lines.right[left].max()
    if gap < GUTTER * unit:
        return 0
    top = max(lines.top[left].min(), lines.top[right].min())
    bottom = min(lines.bottom[left].max(), lines.bottom[right].max())
    beside = [side[(lines.middle[side] > top) & (lines.middle[side] < bottom)] for side in (left, right)]
    sides = [_Column.of(lines, side, row_of) for side in beside if len(side)]
    # The more lines it parts the better: a cut through the longest lines of a column would part its last ones off.
    return len(left) + len(right) + min(gap / unit, 5) / 10 if len(sides) == 2 and _are_columns(*sides) else 0


@dataclass(frozen=True)
class _Column:
    """The rows of one side of a gutter, all (N,): where they begin, end and stand, and whether words are in them."""

    start: np.ndarray
    end: np.ndarray
    middle: np.ndarray
    height: np.ndarray
    prose: np.ndarray

    @classmethod
    def of(cls, lines: Lines, side: np.ndarray, row_of: np.ndarray) -> "_Column":
        side = side[np.argsort(row_of[side], kind="stable")]
        first = np.flatnonzero(np.diff(row_of[side], prepend=-1))
        count = np.diff(first, append=len(side))
        return cls(
            np.minimum.reduceat(lines.left[side], first),
            np.maximum.reduceat(lines.right[side], first),
            np.add.reduceat(lines.middle[side], first) / count,
            np.add.reduceat(lines.height[side], first) / count,
            np.logical_or.reduceat(lines.prose[side], first),
        )

    def is_prose(self) -> bool:
        """Whether its rows are made of words and fill it."""
        width = np.quantile(self.end, 0.9) - np.quantile(self.start, 0.1)
        full = self.end - self.start >= FULL * width
        wide = width >= PROSE_WIDTH * np.median(self.height)
        return bool(wide and full.mean() >= FULL_ROWS and self.prose.mean() >= FULL_ROWS)


def _are_columns(left: _Column, right: _Column) -> bool:
    """Whether the rows on the left are read before those on the right."""
    rows = min(len(left.start), len(right.start))
    if rows < ROWS:
        return False
    prose = [side.is_prose() for side in (left, right)]
    if not any(prose):
        return False
    aligned = _aligned(left, right)
    if all(prose):
        return aligned < TABLE_ROWS or rows >= ALIGNED_PROSE_ROWS
    return aligned < TABLE_ROWS and rows > ROWS


def _aligned(left: _Column, right: _Column) -> float:
    """The share of the rows of the side with fewer of them that have a row of the other side at their height."""
    few, many = sorted((left, right), key=lambda side: len(side.start))
    nearest = np.abs(few.middle[:, None] - many.middle).min(axis=1)
    return float((nearest < ALIGNED * few.height).mean())
