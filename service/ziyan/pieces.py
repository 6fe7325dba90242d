"""Lines too long for the recognizer, cut into pieces where nothing is written, and their texts joined."""

import math
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from ziyan.geometry import crop_size

# A line longer than so many of its heights is cut: the recognizer's widest input is 66, and down to 45 cutting changed
# nothing on real pages; cut to 12 or 8, one line in five of a screenshot was damaged.
LONGEST = 50.0
# A cut may lie so many heights away from where equal pieces would end.
REACH = 2.0
# Height in pixels at which gaps are looked for.
LOOK_HEIGHT = 32
# Between Latin letters, digits and marks a gap of this many heights is a space.
SPACE = 0.13


def cut(image: np.ndarray, quad: np.ndarray) -> Iterator[tuple[np.ndarray, float]]:
    """The pieces of the line `quad` (4, 2) of `image` from left to right, and the gap before each, in heights."""
    width, height = crop_size(quad)
    count = math.ceil(width / height / LONGEST)
    if count == 1:
        yield quad, 0.0
        return
    start, before = 0.0, 0.0
    for place, gap in [*(_gap(image, quad, i / count) for i in range(1, count)), (1.0, 0.0)]:
        yield _part(quad, start, place), before
        start, before = place, gap


def joined(texts: Sequence[str], gaps: Sequence[float]) -> str:
    """The text of the line whose pieces say `texts`; `gaps` as `cut` told them."""
    line = ""
    for text, gap in zip(texts, gaps, strict=True):
        space = gap >= SPACE and _is_latin(line[-1:]) and _is_latin(text[:1])
        line += " " * space + text
    return line


def _is_latin(character: str) -> bool:
    return character.isascii() and not character.isspace() and character != ""


def _part(quad: np.ndarray, start: float, stop: float) -> np.ndarray:
    top_left, top_right, bottom_right, bottom_left = quad
    top, bottom = top_right - top_left, bottom_right - bottom_left
    return np.float32(
        [top_left + start * top, top_left + stop * top, bottom_left + stop * bottom, bottom_left + start * bottom]
    )


def _gap(image: np.ndarray, quad: np.ndarray, place: float) -> tuple[float, float]:
    """The middle (0 to 1 along `quad`) and width (in heights) of the widest gap near `place`.

    A column is as empty as its pixels are alike. Where there is no gap, as in joined handwriting, the emptiest column.
    """
    width, height = crop_size(quad)
    reach = REACH * height / width
    start, stop = max(0.0, place - reach), min(1.0, place + reach)
    strip = _upright(image, _part(quad, start, stop))
    ink = np.ptp(strip.astype(np.int16), axis=0)
    empty = ink <= ink.min() + 0.15 * (ink.max() - ink.min())
    edges = np.flatnonzero(np.diff(np.concatenate([[0], empty.view(np.int8), [0]])))
    left, right = max(edges.reshape(-1, 2).tolist(), key=lambda run: run[1] - run[0])
    return start + (stop - start) * (left + right) / 2 / len(ink), (right - left) / LOOK_HEIGHT


def _upright(image: np.ndarray, quad: np.ndarray) -> np.ndarray:
    width = round(2 * REACH * LOOK_HEIGHT)
    target = np.float32([[0, 0], [width, 0], [width, LOOK_HEIGHT], [0, LOOK_HEIGHT]])
    matrix = cv2.getPerspectiveTransform(quad.astype(np.float32), target)
    return cv2.cvtColor(cv2.warpPerspective(image, matrix, (width, LOOK_HEIGHT)), cv2.COLOR_BGR2GRAY)
