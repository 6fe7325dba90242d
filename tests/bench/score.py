"""How well do lines of OCR output match the ground truth: character F1, CER and exact lines.

For these the order of lines does not matter, and a line that an engine cut in two, or two fields that it read as one,
is not an error by itself: both are matters of layout, and the labels cannot know which one a reader of the page wants.
`in_order` alone asks for the order: it compares the whole page's text, from the first character to the last.
Sets are scored micro-averaged: counts are summed over pages first (`Counts` adds), then the ratios are taken.

`page_wording` scores apart what F1 hardly sees: the spaces beside Latin letters and digits, and their case.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import Levenshtein
from scipy.optimize import linear_sum_assignment

# Marks that labellers and engines write in several ways, after NFKC has already made full-width forms ASCII.
_ALIKE = {
    ".": "。", ",": "、", '"': "“”„″「」", "'": "‘’′`", "-": "—–―─−‐",
    "[": "【〔", "]": "】〕", "<": "《〈«", ">": "》〉»", "·": "•・●∙", "□": "☐", "x": "×",
}  # fmt: skip
_FOLD = str.maketrans({variant: mark for mark, variants in _ALIKE.items() for variant in variants})


@dataclass(frozen=True)
class Counts:
    """Characters and lines of one page, or of many pages added up."""

    matched: int = 0
    substituted: int = 0
    deleted: int = 0
    inserted: int = 0
    exact: int = 0
    lines: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(self.as_tuple(), other.as_tuple(), strict=True)))

    def as_tuple(self) -> tuple[int, ...]:
        """The six counts, in the order of the fields."""
        return (self.matched, self.substituted, self.deleted, self.inserted, self.exact, self.lines)

    @property
    def characters(self) -> int:
        """Length of the ground truth, after `normalise` and with the spaces that joining lines put in."""
        return self.matched + self.substituted + self.deleted

    @property
    def errors(self) -> int:
        """Wrong, missing and extra characters."""
        return self.substituted + self.deleted + self.inserted

    @property
    def cer(self) -> float:
        """Character error rate: errors / characters. 0 is perfect; above 1 is possible (much extra output)."""
        return self.errors / max(self.characters, 1)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall over characters, 0 to 1."""
        return 2 * self.matched / max(2 * self.matched + 2 * self.substituted + self.deleted + self.inserted, 1)

    @property
    def exact_share(self) -> float:
        """Share of ground-truth lines that were read without any error, 0 to 1."""
        return self.exact / max(self.lines, 1)


@dataclass(frozen=True)
class Wording:
    """Spaces beside Latin letters and digits, and letters, of one page or of many added up.

    Only where both neighbours of a gap were read right can its space be found, invented or missed.
    """

    found: int = 0
    invented: int = 0
    missed: int = 0
    letters: int = 0
    cased: int = 0

    def __add__(self, other: Wording) -> Wording:
        return Wording(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))

    @property
    def space_f1(self) -> float | None:
        """Harmonic mean of precision and recall over spaces, 0 to 1; None where there was nothing to find or invent."""
        spaces = 2 * self.found + self.invented + self.missed
        return 2 * self.found / spaces if spaces else None

    @property
    def case_share(self) -> float | None:
        """Share of the Latin letters that were read, in either case, whose case is the truth's; None without any."""
        return self.cased / self.letters if self.letters else None


@dataclass
class _Pair:
    """A piece of ground truth and the output that stands for it; `lines` counts the ground-truth lines joined in it."""

    truth: str
    output: str
    lines: int = 1

    def distance(self) -> int:
        return Levenshtein.distance(self.truth, self.output)


@dataclass(frozen=True)
class _Join:
    """A left-over line (`index` among the left-overs) that lowers the total cost when joined to a pair."""

    gain: int
    index: int
    pair: _Pair
    text: str


def normalise(text: str) -> str:
    """`text` as it is compared: NFKC, marks folded, runs of - < > . · made one, spaces kept only inside Latin text."""
    text = unicodedata.normalize("NFKC", text).translate(_FOLD)
    text = re.sub(r"([-<>.·])\1+", r"\1", text)
    text = re.sub(r"\s+", " ", text).strip()
    return re.sub(r"(?<=[^A-Za-z0-9]) | (?=[^A-Za-z0-9])", "", text)


def page_counts(truth: list[str], output: list[str], *, partial: bool = False) -> Counts:
    """The counts of one page.

    1. Lines are paired one to one so that the total edit distance is least; leaving a line unpaired costs its length.
    2. A left-over line joins a paired line of its own side wherever that lowers the total cost most, repeatedly.
    3. Edits are summed over the pairs; what is still left over is deleted (truth) or inserted (output).

    `partial`: the page shows more text than the labels hold, so left-over output costs nothing.
    """
    truth = [line for line in map(normalise, truth) if line]
    output = [line for line in map(normalise, output) if line]
    pairs, missed, extra = _pair_lines(truth, output)
    _join_left_overs(pairs, missed, extra)
    counts = Counts(deleted=sum(map(len, missed)), inserted=0 if partial else sum(map(len, extra)), lines=len(truth))
    return sum(map(_pair_counts, pairs), start=counts)


def in_order(truth: list[str], output: list[str], *, partial: bool = False) -> tuple[int, int]:
    """Wrong, missing and extra characters of the whole page read from top to end, and the characters that there are.

    A line in the wrong place costs twice its length. `partial`: extra output costs nothing.
    """
    whole, read = ("".join(map(normalise, lines)) for lines in (truth, output))
    weights = (1, 0 if partial else 1, 1)  # of what is missing in `read`, of what is extra there, of what is wrong
    return Levenshtein.distance(read, whole, weights=weights), len(whole)


def page_wording(truth: list[str], output: list[str]) -> Wording:
    """Spaces and case of one page: lines are paired without regard to either, then compared character by character."""
    truth, output = [_folded(line) for line in truth], [_folded(line) for line in output]
    partner = _partners(*([line.replace(" ", "").lower() for line in lines] for lines in (truth, output)))
    return sum((_line_wording(truth[row], output[column]) for row, column in partner.items()), start=Wording())


def _folded(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text).translate(_FOLD)).strip()


def _line_wording(truth: str, output: str) -> Wording:
    shown, read = _spaced(truth), _spaced(output)
    letters = ["".join(character for character, _ in line) for line in (shown, read)]
    total = Wording()
    for edit in Levenshtein.opcodes(*(text.lower() for text in letters)):
        if edit.tag != "equal":
            continue
        right = list(zip(shown[edit.src_start : edit.src_end], read[edit.dest_start : edit.dest_end], strict=True))
        for (character, _), (own, _) in right:
            if character.isascii() and character.isalpha():
                total += Wording(letters=1, cased=character == own)
        for ((character, space), (_, got)), ((following, _), _) in itertools.pairwise(right):
            if re.search("[A-Za-z0-9]", character + following):
                total += Wording(found=space and got, invented=got and not space, missed=space and not got)
    return total


def _spaced(text: str) -> list[tuple[str, bool]]:
    """Every character but the spaces, and whether a space follows it."""
    return [(character, text[i + 1 : i + 2] == " ") for i, character in enumerate(text) if character != " "]


def _pair_lines(truth: list[str], output: list[str]) -> tuple[list[_Pair], list[str], list[str]]:
    """The pairs of least total edit distance, then the truth and the output that found no partner."""
    partner = _partners(truth, output)
    pairs = [_Pair(truth[row], output[column]) for row, column in partner.items()]
    missed = [line for index, line in enumerate(truth) if index not in partner]
    extra = [line for index, line in enumerate(output) if index not in partner.values()]
    return pairs, missed, extra


def _partners(truth: list[str], output: list[str]) -> dict[int, int]:
    """The index of the output that stands for each truth, at the least total edit distance."""
    if not truth or not output:
        return {}
    rows, columns = linear_sum_assignment(_cost_matrix(truth, output))
    partner = {}
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        if row >= len(truth) or column >= len(output):
            continue  # this line was left alone
        # A pair with nothing in common says no more than both lines left over.
        if Levenshtein.distance(truth[row], output[column]) < len(truth[row]) + len(output[column]):
            partner[row] = column
    return partner


def _cost_matrix(truth: list[str], output: list[str]) -> np.ndarray:
    """Edit distances, (T+O, T+O): the T×O corner pairs lines, the rest leaves one of them alone at its length."""
    cost = np.zeros((len(truth) + len(output),) * 2)
    cost[: len(truth), : len(output)] = [[Levenshtein.distance(a, b) for b in output] for a in truth]
    cost[: len(truth), len(output) :] = [[len(a)] for a in truth]
    cost[len(truth) :, : len(output)] = [len(b) for b in output]
    return cost


def _join_left_overs(pairs: list[_Pair], missed: list[str], extra: list[str]) -> None:
    """Moves left-over lines into pairs, best gain first, until no join helps. Changes all three lists."""
    while True:
        on_truth = _best_join(pairs, missed, "truth")
        on_output = _best_join(pairs, extra, "output")
        if on_truth and (not on_output or on_truth.gain >= on_output.gain):
            on_truth.pair.truth, on_truth.pair.lines = on_truth.text, on_truth.pair.lines + 1
            del missed[on_truth.index]
        elif on_output:
            on_output.pair.output = on_output.text
            del extra[on_output.index]
        else:
            return


def _best_join(pairs: list[_Pair], left_over: list[str], side: str) -> _Join | None:
    """The join of a left-over line of `side` that saves most; None where none saves over half the line's length.

    Below half, the line would only lend stray characters to a pair that it does not belong to.
    """
    best = None
    for index, line in enumerate(left_over):
        for pair in pairs:
            own, other = (pair.truth, pair.output) if side == "truth" else (pair.output, pair.truth)
            for text in (_join(line, own), _join(own, line)):
                gain = pair.distance() + len(line) - Levenshtein.distance(text, other)
                if gain > len(line) / 2 and (best is None or gain > best.gain):
                    best = _Join(gain, index, pair, text)
    return best


def _join(first: str, second: str) -> str:
    """Both as one line, with a space where two Latin letters or digits touch."""
    return first + (" " if re.match(r"[A-Za-z0-9]{2}", first[-1:] + second[:1]) else "") + second


def _pair_counts(pair: _Pair) -> Counts:
    """The edits between both sides of a pair."""
    edits = dict.fromkeys(("equal", "replace", "delete", "insert"), 0)
    for edit in Levenshtein.opcodes(pair.truth, pair.output):
        edits[edit.tag] += max(edit.src_end - edit.src_start, edit.dest_end - edit.dest_start)
    exact = pair.lines if pair.truth == pair.output else 0
    return Counts(edits["equal"], edits["replace"], edits["delete"], edits["insert"], exact)
