"""What the page says as text: its lines as they are, its rows with their cells, or its paragraphs.

A paragraph goes on in the next line where the line is full: where the next line's first word would not have fitted
behind it any more. That holds for justified Chinese and for ragged English; a list, a poem or an address fails it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ziyan.layout import Lines, Region, Row, regions
from ziyan.placing import is_wide, joined

# A gap in a row of more than this many heights divides two cells.
CELL = 1.0
# Rows of one paragraph are of like height, at most this many heights apart, and no further apart than the rows above or
# below, but for this part of a height.
LIKE_HEIGHT, APART, EVEN = 1.4, 1.5, 0.5
# A row that begins this many heights further right than its neighbours begins a paragraph.
INDENT = 1.0
# The right edge of a column: a line that sticks out further is full as well.
RIGHT_EDGE = 0.85
# What is left free on the right may be this many heights wider than the word that did not fit: boxes are not exact.
LOOSE = 0.5
# Rows of a paragraph have this many letters at least (a hanzi counts as two): shorter ones are signs and lists.
LETTERS = 14
# Of more than two rows below each other so many are full: the longest line of a list always looks as if it were.
FULL_ROWS = 2
# Rows that begin with the same so many characters are a list.
ALIKE = 4

_ITEM = re.compile(
    r"[•·●○■□◆▪\-–—*√☐☑]\s*\S|[(（]?(\d{1,3}|[一二三四五六七八九十]{1,3}|[a-zA-Z])[)）.、．](?!\d)|第[一二三四五六七八九十百\d]+[章节条]"
)
_FIELD = re.compile(r"[^:：,，。]{1,12}[:：]")
_HANZI, _WORD = re.compile(r"\w\W?|\W"), re.compile(r"\S[^\s\u2e80-\uffff]*")


@dataclass(frozen=True)
class Block:
    """A piece of text, and the indices of the lines that it was made of, in reading order."""

    text: str
    lines: tuple[int, ...]


def blocks(
    quads: Sequence[np.ndarray], texts: Sequence[str], *, layout: str = "lines", vertical: Sequence[bool] = ()
) -> list[Block]:
    """The page in reading order as `lines`, `rows` or `paragraphs`. Every line is in one block."""
    found = regions(quads, texts, vertical)
    if layout == "lines":
        return [Block(texts[i], (i,)) for region in found for row in region.rows for i in row]
    if layout == "rows":
        return [_row_block(region.lines, row, texts) for region in found for row in region.rows]
    return [block for region in found for block in _paragraphs(region, texts)]


def _row_block(lines: Lines, row: Row, texts: Sequence[str]) -> Block:
    cells = [[texts[i] for i in cell] for cell in _cells(lines, row)]
    return Block("\t".join(map(joined, cells)), tuple(row))


def _cells(lines: Lines, row: Row) -> list[Row]:
    cells = [[row[0]]]
    for i in row[1:]:
        before = cells[-1][-1]
        if lines.left[i] - lines.right[before] > CELL * min(lines.height[i], lines.height[before]):
            cells.append([i])
        else:
            cells[-1].append(i)
    return cells


# --- paragraphs -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _TextRow:
    """The last cell of a row: what it says and where it stands. `lead` is what the cells before it say."""

    lead: str
    row: Row
    text: str
    left: float
    right: float
    top: float
    bottom: float
    is_prose: bool

    @classmethod
    def of(cls, lines: Lines, row: Row, texts: Sequence[str]) -> "_TextRow":
        *before, cell = _cells(lines, row)
        lead = "".join(joined([texts[i] for i in other]) + "\t" for other in before)
        text = joined([texts[i] for i in cell])
        left, right = lines.left[cell].min(), lines.right[cell].max()
        top, bottom, is_prose = lines.top[cell].mean(), lines.bottom[cell].mean(), bool(lines.prose[cell].any())
        return cls(lead, row, text, left, right, top, bottom, is_prose)

    @property
    def height(self) -> float:
        return max(self.bottom - self.top, 1e-6)

    @property
    def letter(self) -> float:
        """The width of a Latin letter; a hanzi is two wide."""
        return (self.right - self.left) / max(_letters(self.text), 1)

    @property
    def first_word(self) -> float:
        """The width of the first word, with the mark behind it."""
        word = (_HANZI if is_wide(self.text[0]) else _WORD).match(self.text)
        return _letters(word.group() if word else self.text[0]) * self.letter


def _letters(text: str) -> int:
    return sum(2 if is_wide(character) else 1 for character in text)


def _paragraphs(region: Region, texts: Sequence[str]) -> list[Block]:
    found: list[Block] = []
    stack: list[_TextRow] = []
    for row in region.rows:
        line = _TextRow.of(region.lines, row, texts)
        if stack and (line.lead or not _belongs_below(stack[-1], line)):
            found += _stack_blocks(stack)
            stack = []
        stack.append(line)
    return found + _stack_blocks(stack)


def _belongs_below(above: _TextRow, below: _TextRow) -> bool:
    low, high = sorted((above.height, below.height))
    shared = min(above.right, below.right) - max(above.left, below.left)
    narrow = min(above.right - above.left, below.right - below.left)
    return high <= LIKE_HEIGHT * low and below.top - above.bottom <= APART * low and shared >= narrow / 2


def _stack_blocks(stack: list[_TextRow]) -> list[Block]:
    """The paragraphs of rows that stand below each other."""
    gaps = [np.inf, *(below.top - above.bottom for above, below in pairwise(stack)), np.inf]
    parts: list[list[_TextRow]] = []
    for number, line in enumerate(stack):
        if number and gaps[number] <= min(gaps[number - 1], gaps[number + 1]) + EVEN * line.height:
            parts[-1].append(line)
        else:
            parts.append([line])
    return [block for part in parts for block in _part_blocks(part)]


def _part_blocks(stack: list[_TextRow]) -> list[Block]:
    """The paragraphs of rows that stand evenly below each other."""
    left = min(line.left for line in stack)
    right = float(np.quantile([line.right for line in stack], RIGHT_EDGE, method="higher"))
    full = [_goes_on(line, after, right) for line, after in pairwise(stack)]
    is_prose = sum(full) >= min(FULL_ROWS, len(stack) - 1)
    found: list[list[_TextRow]] = []
    for line, goes_on in zip(stack, [False, *full], strict=True):
        if goes_on and is_prose and not _begins(line, found[-1], left):
            found[-1].append(line)
        else:
            found.append([line])
    return [
        Block(part[0].lead + joined([line.text for line in part]), tuple(i for line in part for i in line.row))
        for part in found
    ]


def _goes_on(line: _TextRow, after: _TextRow, right: float) -> bool:
    """Whether `line` is full and made of words, so that its sentence goes on in the line `after`."""
    is_long = line.is_prose and _letters(line.text) >= LETTERS
    alike = line.text[:ALIKE] == after.text[:ALIKE]
    return is_long and not alike and right - line.right <= after.first_word + LOOSE * line.height


def _begins(line: _TextRow, group: list[_TextRow], left: float) -> bool:
    """Whether `line` clearly begins a paragraph: indented, numbered, or a field of a form."""
    first = group[0]
    if _ITEM.match(line.text) or (_FIELD.match(line.text) and _FIELD.match(first.text)):
        return True
    # The lines of an item hang below its text; all others begin a paragraph where they are indented.
    hangs = _ITEM.match(first.text) and (len(group) == 1 or abs(line.left - group[-1].left) < INDENT * line.height)
    return line.left - left > INDENT * line.height and not hangs
