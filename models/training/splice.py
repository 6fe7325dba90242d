"""New lines out of real ones: the left part of one joined to the right part of another, and so the teacher's readings.

A few thousand real lines are soon learnt by heart, their texts above all. Joined at a gap between two characters they
give lines that no page ever held, in real hands and real light, and the labels and the teacher's steps stay true.
"""

import random
from dataclasses import replace

import numpy as np
from ziyan.charset import BLANK, Charset

from .lines import paper
from .net import STEP_PIXELS
from .pool import Item

ROOM = 4  # steps between two characters' peaks, at least: less is one Latin letter, which a cut on a step would hit
FEATHER = 4  # columns over which one picture passes into the other
FAINT = 0.35  # of the line's strongest contrast with its paper: less in a gap's columns
Cut = tuple[int, int]  # (first step, first character) of the right part


def cuts(item: Item, charset: Charset) -> list[Cut]:
    """Where `item` may be cut: nowhere, unless the teacher's reading is its label, character by character."""
    peaks = _peaks(item)
    if [number for number, _ in peaks] != _classes(item.text, charset):
        return []
    contrast = np.abs(item.pixels - paper(item.pixels)).mean(axis=(0, 2))
    limit, found = FAINT * float(contrast.max()), []
    for index in range(1, len(peaks)):
        before, after = peaks[index - 1][1], peaks[index][1]
        if after - before < ROOM:
            continue
        ink, step = min((_ink(contrast, step), step) for step in range(before + 2, after))
        if ink < limit:
            found.append((step, index))
    return found


def spliced(item: Item, other: Item, charset: Charset, draw: random.Random, *, longest: float = 1.1) -> Item:
    """The left part of `item` and the right part of `other`, at most `longest` times as wide as `item`.

    `item` itself where the two cannot be joined: no gap to cut at, dark ink beside light, or too wide.
    """
    lefts, rights = cuts(item, charset), cuts(other, charset)
    if not lefts or not rights or _dark_ink(item.pixels) != _dark_ink(other.pixels):
        return item
    step, characters = draw.choice(lefts)
    room = longest * len(item.classes) - step
    fitting = [cut for cut in rights if len(other.classes) - cut[0] <= room]
    if not fitting:
        return item
    start, first = draw.choice(fitting)
    return replace(
        item,
        pixels=_joined(item.pixels, step * STEP_PIXELS, other.pixels, start * STEP_PIXELS),
        text=item.text[:characters] + other.text[first:],
        classes=np.concatenate([item.classes[:step], other.classes[start:]]),
        probabilities=np.concatenate([item.probabilities[:step], other.probabilities[start:]]),
    )


def _peaks(item: Item) -> list[tuple[int, int]]:
    """(class, first step) of each character that the teacher read."""
    best = item.classes[:, 0]
    starts = np.flatnonzero((best != BLANK) & (np.diff(best, prepend=BLANK) != 0))
    return [(int(best[step]), int(step)) for step in starts]


def _classes(text: str, charset: Charset) -> list[int]:
    return charset.encode(text) if all(character in charset for character in text) else []


def _ink(contrast: np.ndarray, step: int) -> float:
    column = step * STEP_PIXELS
    return float(contrast[column - 2 : column + 2].max()) if column + 2 <= len(contrast) else float("inf")


def _dark_ink(pixels: np.ndarray) -> bool:
    return float(pixels.mean()) < float(paper(pixels).mean())


def _joined(left: np.ndarray, end: int, right: np.ndarray, start: int) -> np.ndarray:
    """uint8 (48, W, 3): `left` up to column `end`, then `right` from `start` on, on the left's paper."""
    right = np.clip(right[:, start:].astype(np.float32) + (paper(left) - paper(right)), 0, 255)
    picture = np.concatenate([left[:, :end].astype(np.float32), right], axis=1)
    tail = left[:, end : end + FEATHER].astype(np.float32)
    width = min(tail.shape[1], right.shape[1])
    share = (np.arange(1, width + 1, dtype=np.float32) / (width + 1))[None, :, None]
    picture[:, end : end + width] = tail[:, :width] * (1 - share) + right[:, :width] * share
    return np.rint(picture).astype(np.uint8)
