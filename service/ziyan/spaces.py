"""Spaces that the picture shows and the best path leaves out.

The networks were taught by labels that often have no space between Chinese and Latin, or after a full stop. So they
give the space less than the blank even where they see one, and yet far more than where there is none: of 160 drawn
spaces between Chinese and Latin that were read over, 95 % have more than 0.05; of 246 gaps without one, 1 % have.
"""

from itertools import groupby

import numpy as np

from ziyan.charset import BLANK, Charset

# A space that is at least this probable between two characters is there. Lower bounds find more of them, and begin to
# find them where words only stand wide apart: docs/accuracy.md has the table.
SHOWN = 0.25
# Between hanzi and Latin this is enough where the picture has a gap without ink of this part of the line's height.
HINTED = 0.05
GAP = 1 / 6
# A column is without ink where its contrast is below this part of the line's.
FLAT = 0.35
_OTHER, _LETTER, _DIGIT, _SIGN, _HANZI = range(5)


class Spaces:
    """Finds them in what a recognizer with the given charset makes of a line."""

    def __init__(self, charset: Charset) -> None:
        self._space = charset.encode(" ")[0] if " " in charset else BLANK  # no blank is above the blank
        self._kinds = np.array([_OTHER, *map(_kind, charset.characters)], np.int8)

    def shown(self, probabilities: np.ndarray, line: np.ndarray) -> np.ndarray:
        """`probabilities` (T, C) of `line` (3, H, W), the space's and the blank's exchanged where a space is shown.

        Such a step lies between two characters of which one is a Latin letter or a digit, not both digits: numbers are
        printed widely. The other may be an ASCII sign or a hanzi; full-width signs bring their own gap.
        """
        spaces = probabilities[:, self._space]
        steps = np.flatnonzero((spaces >= HINTED) & (probabilities[:, BLANK] > spaces))
        if not steps.size:
            return probabilities
        changed, best = probabilities.copy(), probabilities.argmax(axis=1)
        for step in sorted(steps.tolist(), key=spaces.__getitem__, reverse=True):
            before, after = np.flatnonzero(best[:step]), np.flatnonzero(best[step + 1 :])
            if best[step] != BLANK or not before.size or not after.size:
                continue
            between = slice(int(before[-1]), step + 2 + int(after[0]))
            kinds = set(self._kinds[best[between][[0, -1]]].tolist())
            if _may_part(kinds) and (spaces[step] >= SHOWN or (_HANZI in kinds and _gap(line, between, len(best)))):
                changed[step, [BLANK, self._space]] = probabilities[step, [self._space, BLANK]]
                best[step] = self._space  # one space a gap
        return changed


def _may_part(kinds: set[int]) -> bool:
    return _OTHER not in kinds and bool(kinds & {_LETTER, _DIGIT}) and kinds != {_DIGIT}


def _gap(line: np.ndarray, steps: slice, of: int) -> bool:
    """Whether between the first and the last of `steps` (of so many in all) there is a gap as wide as a space."""
    height, width = line.shape[1:]
    rows = line[1, height // 8 : -(height // 8)]  # without the edges, where neighbouring lines look in
    contrast = rows.max(axis=0) - rows.min(axis=0)
    first, last = (int((step + 0.5) * width / of) for step in (steps.start, steps.stop - 1))
    flat = contrast[first : last + 1] < FLAT * np.quantile(contrast, 0.9)
    return any(free and sum(1 for _ in run) >= GAP * height for free, run in groupby(flat))


def _kind(character: str) -> int:
    if "\u3400" <= character <= "\u9fff":
        return _HANZI
    if len(character) > 1 or not character.isascii() or character == " ":
        return _OTHER
    return _LETTER if character.isalpha() else _DIGIT if character.isdigit() else _SIGN
