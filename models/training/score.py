"""How well lines were read: character error rate and exact lines, after marks that mean the same are made the same."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

FOLDED = dict(
    zip(
        map(ord, "。、“”„″「」‘’′`—–―─−‐【】〔〕《》〈〉«»•・●∙☐×"),
        ".,\"\"\"\"\"\"''''------[][]<><><>····□x",
        strict=True,
    )
)


def folded(text: str) -> str:
    """`text` in NFKC with Chinese and ASCII marks alike, and spaces kept only between Latin letters and digits."""
    text = unicodedata.normalize("NFKC", text).translate(FOLDED)
    text = re.sub(r"([-<>.·])\1+", r"\1", text)
    return re.sub(r"(?<=[^A-Za-z0-9]) | (?=[^A-Za-z0-9])", "", re.sub(r"\s+", " ", text).strip())


@dataclass(frozen=True)
class Score:
    """Sums over lines."""

    lines: int
    characters: int
    errors: int
    exact: int

    @property
    def error_rate(self) -> float:
        """Wrong, missing and extra characters as a share of the true ones."""
        return self.errors / max(1, self.characters)

    @property
    def exact_rate(self) -> float:
        """The share of lines without any error."""
        return self.exact / max(1, self.lines)


def score(pairs: Iterable[tuple[str, str]]) -> Score:
    """The score of (truth, reading) pairs; case counts."""
    rows = [(folded(truth), folded(reading)) for truth, reading in pairs]
    errors = [Levenshtein.distance(truth, reading) for truth, reading in rows]
    return Score(len(rows), sum(len(truth) for truth, _ in rows), sum(errors), errors.count(0))


def space_f1(pairs: Iterable[tuple[str, str]]) -> float:
    """F1 of the word spaces in the lines that are right but for their spaces; 1 where no line has any.

    A space counts as found when as many other characters stand before it as in the truth.
    """
    found = true = read = 0
    for truth, reading in ((folded(truth), folded(reading)) for truth, reading in pairs):
        if truth.replace(" ", "") == reading.replace(" ", ""):
            here, there = _space_places(truth), _space_places(reading)
            found, true, read = found + len(here & there), true + len(here), read + len(there)
    return 2 * found / (true + read) if true + read else 1.0


def _space_places(text: str) -> set[int]:
    return {len(text[:i].replace(" ", "")) for i, character in enumerate(text) if character == " "}
