"""Reading order: columns of text one after the other, everything else row by row.

A page is cut where a gutter runs between two columns of text (XY-cut, Nagy and Seth 1984, but only on evidence). A
table, a receipt or a form has gutters too, and is read by rows: what tells them apart is that prose fills its column,
and that the rows on both sides of a table's gutter stand at one height.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

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
ALIGNED = 0.3
# Where this part of the rows is aligned, a gutter may be that of a table, or of headings in the margin: only prose on
# both sides for this many rows says otherwise.
TABLE_ROWS, ALIGNED_PROSE_ROWS = 0.65, 5

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
    columns = [i for i, is_column in enumerate(vertical) if is_column]
    lying = [i for i in range(len(corners)) if i not in set(columns)]
    found = [Region(lines, _rows(lines, part)) for part in _parts(lines, lying)]
    if not columns:
        return found
    turned = Lines.of(np.stack([corners[..., 1], -corners[..., 0]], axis=-1), prose)
    standing = [Region(turned, _rows(turned, part)) for part in _parts(turned, columns)]
    return _inserted(found, standing, top=lines.top[columns].min())


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


def _rows(lines: Lines, part: list[int]) -> list[Row]:
    """`part` as rows: a line joins the row whose nearest line it stands beside."""
    rows: list[Row] = []
    for i in sorted(part, key=lambda i: lines.middle[i]):
        # Its row need not be the last one: a tall line's middle may be below that of the row after.
        beside = [row for row in rows[-3:] if _stands_beside(lines, i, min(row, key=lambda j: _gap(lines, i, j)))]
        if beside:
            max(beside, key=lambda row: max(_overlap(lines, i, j) for j in row)).append(i)
        else:
            rows.append([i])
    return [sorted(row, key=lambda i: lines.left[i]) for row in rows]


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


@dataclass(frozen=True)
class _Cut:
    """What is read first, the column on the left, the one on the right, and what is read last."""

    above: list[int]
    left: list[int]
    right: list[int]
    below: list[int]
    strength: float


def _parts(lines: Lines, part: list[int]) -> list[list[int]]:
    """`part` cut at its gutters, in reading order."""
    cut = _best_cut(lines, part) if len(part) >= 2 * ROWS else None
    if cut is None:
        return [part] if part else []
    return [piece for side in (cut.above, cut.left, cut.right, cut.below) for piece in _parts(lines, side)]


def _best_cut(lines: Lines, part: list[int]) -> _Cut | None:
    members = np.array(part)
    unit = float(np.median(lines.height[members]))
    left, right, middle = lines.left[members], lines.right[members], lines.middle[members]
    best = None
    for x in np.unique(np.round(right / (unit / 2))) * unit / 2:
        x += unit / 4
        crossing = (left < x - unit / 4) & (right > x + unit / 4)
        borders = [-np.inf, *np.sort(middle[crossing]), np.inf]
        for top, bottom in pairwise(borders):
            inside = (middle > top) & (middle < bottom) & ~crossing
            if inside.sum() < 2 * ROWS:
                continue
            centre = (left + right) / 2
            cut = _cut(lines, members[inside & (centre < x)], members[inside & (centre > x)], unit)
            if cut and (best is None or cut.strength > best[0].strength):
                best = cut, members[middle <= top].tolist(), members[middle >= bottom].tolist()
    if best is None:
        return None
    cut, above, below = best
    return _Cut(above + cut.above, cut.left, cut.right, cut.below + below, cut.strength)


def _cut(lines: Lines, left: np.ndarray, right: np.ndarray, unit: float) -> _Cut | None:
    """The cut between the lines on the left and on the right, where they are columns of text beside each other."""
    if min(len(left), len(right)) < ROWS:
        return None
    top = max(lines.top[left].min(), lines.top[right].min())
    bottom = min(lines.bottom[left].max(), lines.bottom[right].max())
    beside = [side[(lines.middle[side] > top) & (lines.middle[side] < bottom)] for side in (left, right)]
    sides = [_rows(lines, side.tolist()) for side in beside]
    if min(map(len, sides)) < ROWS:
        return None
    gap = lines.left[right].min() - lines.right[left].max()
    if gap < GUTTER * unit or not _are_columns(lines, *sides):
        return None
    # The more lines it parts the better: a cut through the longest lines of a column would part its last ones off.
    return _Cut([], left.tolist(), right.tolist(), [], len(left) + len(right) + min(gap / unit, 5) / 10)


def _are_columns(lines: Lines, left: list[Row], right: list[Row]) -> bool:
    """Whether the rows on the left are read before those on the right."""
    prose = [_is_column_of_prose(lines, side) for side in (left, right)]
    rows, aligned = min(len(left), len(right)), _aligned(lines, left, right)
    if all(prose):
        return aligned < TABLE_ROWS or rows >= ALIGNED_PROSE_ROWS
    return any(prose) and aligned < TABLE_ROWS and rows > ROWS


def _is_column_of_prose(lines: Lines, side: list[Row]) -> bool:
    start = np.array([lines.left[row[0]] for row in side])
    end = np.array([lines.right[row[-1]] for row in side])
    height = np.median([lines.height[row[0]] for row in side])
    width = np.quantile(end, 0.9) - np.quantile(start, 0.1)
    full = end - start >= FULL * width
    made_of_words = np.mean([lines.prose[row].any() for row in side])
    return width >= PROSE_WIDTH * height and full.mean() >= FULL_ROWS and made_of_words >= FULL_ROWS


def _aligned(lines: Lines, left: list[Row], right: list[Row]) -> float:
    """The share of the rows of the side with fewer of them that have a row of the other side at their height."""
    few, many = sorted((left, right), key=len)
    heights = np.array([lines.height[row].mean() for row in few])
    middles = [np.array([lines.middle[row].mean() for row in side]) for side in (few, many)]
    nearest = np.abs(middles[0][:, None] - middles[1]).min(axis=1)
    return float((nearest < ALIGNED * heights).mean())
