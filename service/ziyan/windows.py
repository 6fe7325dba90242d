"""Parts of a picture: which to look at again, and how a large one is cut into tiles and its maps joined."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from ziyan.geometry import quad_size

# Around small lines a window leaves so many of their heights free, and at most so many pixels of its mask.
MARGIN, MAX_MARGIN = 1.5, 32
# Pixels that neighbouring tiles share; each keeps its half: what a network says at a rim is a guess.
OVERLAP = 64

# From the first pixel of a tile to behind its last, and what of it goes into the whole.
Span = tuple[int, int, slice]


@dataclass(frozen=True)
class Window:
    """An upright part of a picture, in its pixels."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top

    @property
    def area(self) -> int:
        """In pixels."""
        return self.width * self.height

    def of(self, image: np.ndarray) -> np.ndarray:
        """The part of `image` (H, W, ...) in this window, as a view."""
        return image[self.top : self.bottom, self.left : self.right]

    def holds(self, quad: np.ndarray) -> bool:
        """Whether all of `quad` (4, 2) is inside."""
        (left, top), (right, bottom) = quad.min(axis=0), quad.max(axis=0)
        return bool(self.left <= left and self.top <= top and right <= self.right and bottom <= self.bottom)

    def beyond(self, quads: Sequence[np.ndarray], whole: "Window") -> "Window":
        """This window, longer by its own length within `whole` on each side that one of `quads` (4, 2) reaches."""
        corners = np.concatenate([*quads, np.empty((0, 2), np.float32)])
        if not len(corners):
            return self
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        return Window(
            max(whole.left, self.left - self.width * (left <= self.left)),
            max(whole.top, self.top - self.height * (top <= self.top)),
            min(whole.right, self.right + self.width * (right >= self.right)),
            min(whole.bottom, self.bottom + self.height * (bottom >= self.bottom)),
        )

    def widened(self, step: float, whole: "Window") -> "Window":
        """This window with sides that are multiples of `step`, within `whole` where that is large enough."""
        left, right = _widened(self.left, self.right, step, whole.left, whole.right)
        top, bottom = _widened(self.top, self.bottom, step, whole.top, whole.bottom)
        return Window(left, top, right, bottom)


def around(seeds: Sequence[np.ndarray], uncut: Sequence[np.ndarray], whole: Window, scale: float) -> list[Window]:
    """Windows in `whole` around the quads `seeds`, which cut no quad of `uncut` and do not touch each other.

    They grow on a mask of `whole` at `scale` until nothing changes.
    """
    mask = np.zeros((math.ceil(whole.height * scale) + 1, math.ceil(whole.width * scale) + 1), np.uint8)
    boxes = [_on_mask(quad, whole, scale) for quad in uncut]
    todo, parts = [_on_mask(quad, whole, scale) for quad in seeds], []
    while todo:
        for left, top, right, bottom in todo:
            mask[top:bottom, left:right] = 1
        components = cv2.connectedComponentsWithStats(mask, connectivity=8)[2][1:, :4]
        parts = [(x, y, x + w, y + h) for x, y, w, h in components.tolist()]
        touched = [box for box in boxes if mask[box[1] : box[3], box[0] : box[2]].any()]
        todo = [box for box in (*parts, *touched) if not mask[box[1] : box[3], box[0] : box[2]].all()]
    return [_on_picture(part, whole, scale) for part in parts]


def _on_mask(quad: np.ndarray, whole: Window, scale: float) -> tuple[int, int, int, int]:
    margin, corner = min(MARGIN * min(quad_size(quad)), MAX_MARGIN / scale), (whole.left, whole.top)
    left, top = np.maximum((quad.min(axis=0) - margin - corner) * scale, 0).astype(int).tolist()
    right, bottom = (np.ceil((quad.max(axis=0) + margin - corner) * scale).astype(int) + 1).tolist()
    return left, top, right, bottom


def _on_picture(box: tuple[int, int, int, int], whole: Window, scale: float) -> Window:
    left, top, right, bottom = (side / scale for side in box)
    return Window(
        whole.left + int(left),
        whole.top + int(top),
        min(whole.right, whole.left + math.ceil(right)),
        min(whole.bottom, whole.top + math.ceil(bottom)),
    )


def _widened(start: int, stop: int, step: float, low: int, high: int) -> tuple[int, int]:
    side = min(high - low, round(math.ceil((stop - start) / step) * step))
    start = max(low, min(high - side, start - (side - (stop - start)) // 2))
    return start, start + side


def tiles(width: int, height: int, *, pixels: int, multiple: int) -> tuple[list[Span], list[Span]]:
    """How a map of `width`x`height` is cut into tiles of about `pixels` at most: its columns, and its rows.

    Where `multiple` divides both sides of the map it divides those of the tiles.
    """
    across = down = 1
    while True:
        wide, high = _tile_side(width, across, multiple), _tile_side(height, down, multiple)
        if wide * high <= 1.1 * pixels or max(wide, high) <= 2 * OVERLAP:
            return list(_spans(width, wide, across)), list(_spans(height, high, down))
        if wide >= high:
            across += 1
        else:
            down += 1


def _tile_side(side: int, count: int, multiple: int) -> int:
    return min(side, math.ceil((side + (count - 1) * OVERLAP) / count / multiple) * multiple)


def _spans(side: int, tile: int, count: int) -> Iterator[Span]:
    starts = [round(i * (side - tile) / max(1, count - 1)) for i in range(count)]
    seams = [(start + tile + after) // 2 for start, after in pairwise(starts)]
    for start, first, last in zip(starts, [0, *seams], [*seams, side], strict=True):
        yield start, start + tile, slice(first, last)
