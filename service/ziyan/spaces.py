"""Spaces that the picture shows and the best path leaves out.

The networks were taught by labels that often have no space between Chinese and Latin, or after a full stop. So they
give the space less than the blank even where they see one, and yet far more than where there is none: of 160 drawn
spaces between Chinese and Latin that were read over, 95 % have more than 0.05; of 246 gaps without one, 1 % have.
"""

import numpy as np

from ziyan.charset import BLANK, Charset

# A space that is at least this probable between two characters is there. Lower bounds find more of them, and begin to
# find them where a program only widened the gap between hanzi and Latin: docs/accuracy.md has the table.
SHOWN = 0.25
_OTHER, _LETTER, _DIGIT, _SIGN, _HANZI = range(5)


class Spaces:
    """Finds them in the probabilities of a recognizer with the given charset."""

    def __init__(self, charset: Charset) -> None:
        self._space = charset.encode(" ")[0] if " " in charset else BLANK  # no blank is above the blank
        self._kinds = np.array([_OTHER, *map(_kind, charset.characters)], np.int8)

    def shown(self, probabilities: np.ndarray) -> np.ndarray:
        """`probabilities` (T, C), the space's and the blank's exchanged where a space is shown: so it is read.

        Such a step lies between two characters of which one is a Latin letter or a digit, not both digits: numbers are
        printed widely. The other may be an ASCII sign or a hanzi; full-width signs bring their own gap.
        """
        spaces = probabilities[:, self._space]
        steps = np.flatnonzero((spaces >= SHOWN) & (probabilities[:, BLANK] > spaces))
        if not steps.size:
            return probabilities
        changed, best = probabilities.copy(), probabilities.argmax(axis=1)
        for step in sorted(steps.tolist(), key=spaces.__getitem__, reverse=True):
            before, after = np.flatnonzero(best[:step]), np.flatnonzero(best[step + 1 :])
            if best[step] != BLANK or not before.size or not after.size:
                continue
            neighbours = best[[before[-1], step + 1 + after[0]]]
            if _may_part(set(self._kinds[neighbours].tolist())):
                changed[step, [BLANK, self._space]] = probabilities[step, [self._space, BLANK]]
                best[step] = self._space  # one space a gap
        return changed


def _may_part(kinds: set[int]) -> bool:
    return _OTHER not in kinds and bool(kinds & {_LETTER, _DIGIT}) and kinds != {_DIGIT}


def _kind(character: str) -> int:
    if "\u3400" <= character <= "\u9fff":
        return _HANZI
    if len(character) > 1 or not character.isascii() or character == " ":
        return _OTHER
    return _LETTER if character.isalpha() else _DIGIT if character.isdigit() else _SIGN
