"""From per-step probabilities to text: connectionist temporal classification.

Graves et al. 2006, "Connectionist Temporal Classification", section 3.2: best-path decoding.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ziyan.charset import BLANK, Charset

# From the probabilities (T, C) of one line to its classes and the probability of each, both of shape (N,).
Decode = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
# A recognizer's own decode: which class stands for what is known by its charset alone.
Decoder = Callable[[Charset], Decode]


# Where only some characters are allowed, one less probable than this at a step is not on the picture. Of 96 wrong
# characters of PP-OCRv6 tiny on the development pages, 73 had the right one at 0.01 or more, 78 at 0.001.
FLOOR = 0.01


def greedy(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best path: its classes without blanks and repeats, and the probability of each.

    `probabilities` has shape (T, C), float, each row summing to 1. Returns (classes, confidences), both of shape (N,)
    with N <= T. Of a run of steps that name one class, the most certain step gives the confidence.
    """
    return collapsed(*best_steps(probabilities))


def best_steps(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The likeliest class of each step of (T, C), and its probability, both (T,)."""
    best = probabilities.argmax(axis=1)
    return best, probabilities[np.arange(len(best)), best]


def collapsed(best: np.ndarray, certain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The path of `best` steps without blanks and repeats: its classes, and the highest of each one's probabilities."""
    if not best.size:
        return best, np.empty(0, np.float32)
    starts = np.flatnonzero(np.diff(best, prepend=-1))
    peaks = np.maximum.reduceat(certain, starts)
    classes = best[starts]
    kept = classes != BLANK
    return classes[kept], peaks[kept]


@dataclass(frozen=True)
class Step:
    """What may stand at one step, with its probability, and the character that the best path begins here (or BLANK)."""

    choices: tuple[tuple[int, float], ...]
    begins: int


def doubtful_steps(
    best: np.ndarray, certain: np.ndarray, doubted: np.ndarray, rivals: np.ndarray, probabilities: np.ndarray
) -> Iterator[Step]:
    """The steps of a line, to search a text in; several in a row that say one thing without doubt are one.

    `best` and `certain` are the best path (T,), `doubted` (D,) the steps where it has `rivals` (D, C) bool.
    """
    rows = dict(zip(doubted.tolist(), rivals, strict=True))
    before, before_is_certain = BLANK, False
    for t, (character, p) in enumerate(zip(best.tolist(), certain.tolist(), strict=True)):
        begins = character if character != before else BLANK
        if t in rows:
            classes = np.append(np.flatnonzero(rows[t]), character)
            yield Step(tuple(zip(classes.tolist(), probabilities[t, classes].tolist(), strict=True)), begins)
        elif character != before or not before_is_certain:
            yield Step(((character, p),), begins)
        before, before_is_certain = character, t not in rows


def masked(probabilities: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """`probabilities` (T, C) where only classes that `allowed` (C,) bool names, and the blank, are possible.

    The rest is shared out as a softmax over the allowed logits would, but what lies below FLOOR stays nothing: a line
    of other characters reads as no text, not as the allowed ones that are least unlike it.
    """
    possible = np.where(allowed, probabilities, 0)
    possible[possible < FLOOR] = 0
    possible[:, BLANK] = np.maximum(probabilities[:, BLANK], 1e-6)
    return possible / possible.sum(axis=1, keepdims=True)


def best_path(_: Charset) -> Decode:
    """The decoder that asks nothing of the text."""
    return greedy
