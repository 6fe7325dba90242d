"""From per-step probabilities to text: connectionist temporal classification.

Graves et al. 2006, "Connectionist Temporal Classification", section 3.2: best-path decoding.
"""

from collections.abc import Callable

import numpy as np

from ziyan.charset import BLANK, Charset

# From the probabilities (T, C) of one line to its classes and the probability of each, both of shape (N,).
Decode = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
# A recognizer's own decode: which class stands for what is known by its charset alone.
Decoder = Callable[[Charset], Decode]


def greedy(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best path: its classes without blanks and repeats, and the probability of each.

    `probabilities` has shape (T, C), float, each row summing to 1. Returns (classes, confidences), both of shape (N,)
    with N <= T. Of a run of steps that name one class, the most certain step gives the confidence.
    """
    best = probabilities.argmax(axis=1)
    if not best.size:
        return best, np.empty(0, np.float32)
    certain = probabilities[np.arange(len(best)), best]
    starts = np.flatnonzero(np.diff(best, prepend=-1))
    peaks = np.maximum.reduceat(certain, starts)
    classes = best[starts]
    kept = classes != BLANK
    return classes[kept], peaks[kept]


def best_path(_: Charset) -> Decode:
    """The decoder that asks nothing of the text."""
    return greedy
