"""What the neighbours tell: a hanzi that the picture leaves in doubt is chosen by those before and after it.

The likeliest path (Viterbi) through CTC's steps and a trigram of characters that backs off to bigrams. Rules keep it
from writing what is not there:

- Only hanzi that the table knows are chosen, each where the network itself gives it FLOOR or more. What else is on the
  best path stands: letters, digits, signs, spaces, rare hanzi, and all that the picture shows clearly.
- A line with a hanzi that the table does not know, traditional ones above all, is not of its language: it stands whole.
- A hanzi earns by how much likelier it is behind the two before it than anywhere, log P(c|ab) / P(c). So a rare one is
  no worse off than a frequent one, and a text that nobody wrote before costs all its readings alike.

Most lines cost nothing: where no hanzi is in doubt it is the best path.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from ziyan.charset import BLANK, Charset
from ziyan.ctc import Decode, Decoder, Step, best_path, best_steps, collapsed, doubtful_steps
from ziyan.errors import ModelRejected

# The hanzi that the table may speak of: from extension A to the end of the first CJK block.
FIRST, LAST = 0x3400, 0x9FFF
# Values of the table per nat.
SCALE = 8
# What a hanzi loses that was never seen behind its one or two neighbours: once for each ("stupid backoff", Brants et
# al. 2007, "Large Language Models in Machine Translation").
UNSEEN = math.log(0.4)
# How much the neighbours count beside the picture: docs/accuracy.md has the table.
STRENGTH = 0.35
# A class less probable than this at a step is not on the picture. Anything from 0.003 to 0.03 reads alike.
FLOOR = 0.02
# A hanzi at least this probable is on the line, known or not.
LIKELY = 0.5
# Readings kept at each step.
BEAM = 8


class Context:
    """The trigrams of a file that `models.training.context` wrote, in memory 7 bytes a bigram and 3 a trigram.

    An .npz of arrays: of bigrams, sorted, `second` (uint16) and `worth` (int8), in SCALE-ths of a nat, from
    `starts`[first - FIRST] on (uint32); of trigrams the character before a bigram, sorted, `before` (uint16), with its
    `before_worth`, as many as `before_count` (uint16) says for each bigram. ModelRejected where the file is another.
    """

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as file, np.load(file) as arrays:
                self._starts, self._seconds = memoryview(arrays["starts"]), memoryview(arrays["second"])
                self._worths, counts = memoryview(arrays["worth"]), arrays["before_count"]
                self._befores, self._before_worths = memoryview(arrays["before"]), memoryview(arrays["before_worth"])
        except (KeyError, ValueError, EOFError, BadZipFile) as error:
            raise ModelRejected(
                "context_invalid",
                f"{path.name} 不是可用的上下文表（{error}）。请重新运行 make models。",
                f"{path.name} is no table of how hanzi follow each other ({error}). Run make models again.",
            ) from error
        self._classes: dict[Charset, tuple[list[int], np.ndarray, np.ndarray]] = {}
        self._before_starts = memoryview(np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32))

    def __len__(self) -> int:
        return len(self._seconds) + len(self._befores)

    def worth(self, before: int, last: int, following: int) -> float:
        """How much likelier the hanzi `following` is behind `last`, and that behind `before`, than anywhere, in nats.

        All are code points, 0 for what is no hanzi: where `last` or `following` is none, nothing is known.
        """
        if not last or not following:
            return 0.0
        end = self._starts[last - FIRST + 1]
        bigram = bisect_left(self._seconds, following, self._starts[last - FIRST], end)
        seen = bigram < end and self._seconds[bigram] == following
        if before and seen:
            end = self._before_starts[bigram + 1]
            trigram = bisect_left(self._befores, before, self._before_starts[bigram], end)
            if trigram < end and self._befores[trigram] == before:
                return self._before_worths[trigram] / SCALE
        return (UNSEEN if before else 0.0) + (self._worths[bigram] / SCALE if seen else UNSEEN)

    def decoder(self, charset: Charset) -> Decode:
        """The decoder for a recognizer with this charset."""
        codes, is_known, is_strange = self._classes_of(charset)
        in_question = is_known.copy()
        in_question[BLANK] = True

        def decode(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            best, certain = best_steps(probabilities)
            if is_strange[best[certain >= LIKELY]].any():
                return collapsed(best, certain)
            asked = is_known[best] | (best == BLANK)
            doubted = np.flatnonzero(asked & (certain < 1 - FLOOR))
            rivals = (probabilities[doubted] >= FLOOR) & in_question
            rivals[np.arange(len(doubted)), best[doubted]] = False
            still = rivals.any(axis=1)
            if not still.any():
                return collapsed(best, certain)
            return self._search(doubtful_steps(best, certain, doubted[still], rivals[still], probabilities), codes)

        return decode

    def _classes_of(self, charset: Charset) -> tuple[list[int], np.ndarray, np.ndarray]:
        """Each class's code point, 0 where the table does not know it; which it knows; which are other hanzi (C,)."""
        if charset not in self._classes:
            inside = np.bincount(self._seconds, minlength=LAST + 1) > 0
            inside[FIRST : LAST + 1] |= np.diff(self._starts) > 0
            codes = np.array([0, *map(_code, charset.characters)])
            known = inside[codes]
            self._classes[charset] = np.where(known, codes, 0).tolist(), known, (codes > 0) & ~known
        return self._classes[charset]

    def _search(self, steps: Iterable[Step], codes: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """Classes and probabilities of the likeliest path.

        Of paths whose last two characters are the same only the best can win. A character is kept as (those before it,
        its class, its highest probability).
        """
        paths: dict[tuple[int, int, bool], tuple[float, tuple | None]] = {(BLANK, BLANK, False): (0.0, None)}
        for step in steps:
            grown: dict[tuple[int, int, bool], tuple[float, tuple | None]] = {}
            for (before, last, goes_on), (score, text) in paths.items():
                for symbol, p in step.choices:
                    reached, longer = score + math.log(p), text
                    if symbol == BLANK:
                        key = before, last, False
                    elif goes_on and symbol == last:
                        key, longer = (before, last, True), (text[0], symbol, max(text[2], p))
                    else:
                        key, longer = (last, symbol, True), (text, symbol, p)
                        reached += STRENGTH * self.worth(codes[before], codes[last], codes[symbol])
                    if key not in grown or grown[key][0] < reached:
                        grown[key] = reached, longer
            paths = dict(sorted(grown.items(), key=_score, reverse=True)[:BEAM])
        text, written = max(paths.items(), key=_score)[1][1], []
        while text:
            written.append(text[1:])
            text = text[0]
        classes, peaks = zip(*written[::-1], strict=True) if written else ((), ())
        return np.array(classes, np.int64), np.array(peaks, np.float32)


def _score(path: tuple) -> float:
    return path[1][0]


def decoder(path: Path | None) -> Decoder:
    """How to decode with the table at `path`; by the best path where there is none."""
    return Context(path).decoder if path else best_path


def _code(character: str) -> int:
    """Its code point where it is a hanzi that the table may speak of, else 0."""
    return ord(character) if len(character) == 1 and FIRST <= ord(character) <= LAST else 0
