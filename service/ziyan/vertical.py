"""Vertical text: a column of characters, cut apart and laid out as a line that the recognizer can read."""

from itertools import pairwise

import cv2
import numpy as np

# Where to cut is decided on the column shrunk to this width: one pixel is then about 3 % of a character.
WIDTH_PX = 48
# From one character to the next, in widths of the characters: from set solid to widely spaced, 1.1 being usual.
PITCHES, USUAL_PITCH = (1.0, 1.1, 1.2, 1.35, 1.5), 1.1
# The height of a cell, in pitches.
SHORTEST, LONGEST = 0.6, 1.4
# What a cell twice as high as the pitch costs, and a pitch e times the usual one, in ink of an average row cut through.
UNEVENNESS, UNUSUALNESS = 8.0, 0.5
# Rows and columns of pixels with less than this part of the average ink are empty.
EMPTY_ROW, EMPTY_COLUMN = 0.15, 0.25


def laid_out(column: np.ndarray) -> np.ndarray:
    """The characters of `column` (H, W, 3) uint8, read downwards, side by side as a line (h, w, 3) of squares."""
    small = _shrunk(column)
    scale = column.shape[1] / WIDTH_PX
    left, right = _inked(small.std(axis=0), EMPTY_COLUMN)
    ink = small[:, left:right].std(axis=1)
    sides = slice(int(left * scale), round(right * scale))
    cells = []
    for top, bottom in _characters(ink, right - left):
        rows = slice(int(top * scale), max(int(top * scale) + 1, round(bottom * scale)))
        cells.append(_squared(column[rows, sides]))
    return np.hstack(cells)


def _shrunk(column: np.ndarray) -> np.ndarray:
    """The column as grey float32 (h, WIDTH_PX)."""
    height, width = column.shape[:2]
    size = WIDTH_PX, max(1, round(height * WIDTH_PX / width))
    shrinks = width > WIDTH_PX
    small = cv2.resize(column, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)


def _inked(ink: np.ndarray, empty: float) -> tuple[int, int]:
    """The first place with ink and the one behind the last, at least two apart."""
    lowest = ink.min()
    places = np.flatnonzero(ink > lowest + empty * (ink.mean() - lowest))
    return (int(places[0]), int(places[-1]) + 1) if places.size > 1 else (0, len(ink))


def _characters(ink: np.ndarray, width: int) -> list[tuple[int, int]]:
    """(top, bottom) of each character, without most of the empty rows around it. `width` is that of the characters."""
    relative = ink / max(1e-6, float(ink.mean()))
    tried = [(abs(np.log(pitch / USUAL_PITCH)), cut(relative, pitch * width)) for pitch in PITCHES]
    cuts = min(tried, key=lambda one: UNUSUALNESS * one[0] + one[1][0])[1][1]
    empty = ink.min() + EMPTY_ROW * (ink.mean() - ink.min())
    found = []
    for top, bottom in pairwise(cuts):
        rows = np.flatnonzero(ink[top:bottom] > empty)
        if rows.size:
            found.append((max(top, top + int(rows[0]) - 1), min(bottom, top + int(rows[-1]) + 2)))
    return found or [(0, len(ink))]


def cut(ink: np.ndarray, pitch: float) -> tuple[float, list[int]]:
    """The rows at which to cut, from 0 to len(ink), and what that costs a cell.

    `ink` (H,) is relative to its mean. A cut costs the ink of its row, a cell how far its height is from `pitch`, in
    rows; the cheapest sum is found by dynamic programming.
    """
    shortest, longest = max(1, int(SHORTEST * pitch)), int(LONGEST * pitch)
    uneven = UNEVENNESS * (np.arange(shortest, longest + 1)[::-1] / pitch - 1) ** 2
    cost, start = np.full(len(ink) + 1, np.inf), np.zeros(len(ink) + 1, int)
    cost[0] = 0
    for end in range(shortest, len(ink) + 1):
        first = max(0, end - longest)
        costs = cost[first : end - shortest + 1] + uneven[first - end + longest :]
        best = int(costs.argmin())
        cost[end], start[end] = costs[best] + (ink[end] if end < len(ink) else 0), first + best
    if not np.isfinite(cost[-1]):
        return 0.0, [0, len(ink)]
    cuts = [len(ink)]
    while cuts[-1]:
        cuts.append(int(start[cuts[-1]]))
    return float(cost[-1]) / (len(cuts) - 1), cuts[::-1]


def _squared(character: np.ndarray) -> np.ndarray:
    """A character in the middle of a square as wide as it; a higher one is squeezed into it."""
    height, side = character.shape[:2]
    missing = side - height
    if missing < 0:
        return cv2.resize(character, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(character, missing // 2, missing - missing // 2, 0, 0, cv2.BORDER_REPLICATE)
