"""Where the lines are: a probability of text per pixel, and from it one quad a line.

Liao et al. 2020, "Real-time Scene Text Detection with Differentiable Binarization", section 3: the network predicts
shrunk text kernels; each connected component becomes a rectangle that is grown back.

A picture is looked at whole, in a fixed area. Where that shows lines too small to be told apart well, those places are
looked at again, larger: in windows around them, cut into tiles of the same fixed area whose maps are joined before
any line is outlined, so that no line ends where a tile does.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from ziyan import manifest
from ziyan.geometry import fit_area, order_corners, quad_size
from ziyan.normalize import detector_tensor
from ziyan.session import Session

# No picture is enlarged more than this for the detector: beyond it there is only blur to find.
MAX_ENLARGE = 1.5
# Kernels with a side below this many detector pixels are specks.
MIN_KERNEL_SIDE = 3.0
# More components than this is texture, not text; the largest are kept.
MAX_LINES = 1000
# Lines lower than this many detector pixels are looked at again, so that they are about WANTED_HEIGHT high.
# F1 on the development pages by the height of their lines: 7 px 88.5, 10 px 95.3, 14 px 97.2, 20 to 40 px 97.7 to 98.0.
SMALL_HEIGHT = 13.0
WANTED_HEIGHT = 22.0
# A second look that enlarges less than this shows nothing new.
MIN_GAIN = 1.25
# All second looks at one picture together see at most so many times the area of the first.
MAX_SECOND_AREA = 5
# Detector pixels that neighbouring tiles share; each keeps its half: what the network says at a rim is a guess.
OVERLAP = 64
# Around small lines a window leaves so many of their heights free.
WINDOW_MARGIN = 1.5
# Text seen in less than this share of its pixels (a line of 20 becomes one of 8) may not be seen at all.
BLIND_SCALE = 0.4


@dataclass(frozen=True)
class Window:
    """A part of a picture, in its pixels."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """In picture pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In picture pixels."""
        return self.bottom - self.top

    def widened(self, step: float, whole: "Window") -> "Window":
        """This window with both sides a multiple of `step` where `whole`, which it is a part of, is large enough."""
        left, right = _widened(self.left, self.right, step, whole.right)
        top, bottom = _widened(self.top, self.bottom, step, whole.bottom)
        return Window(left, top, right, bottom)

    def holds(self, quad: np.ndarray) -> bool:
        """Whether the middle of `quad` is inside."""
        x, y = quad.mean(axis=0)
        return bool(self.left <= x <= self.right and self.top <= y <= self.bottom)


class Detector:
    """A loaded text detector."""

    def __init__(self, facts: manifest.Detector, *, threads: int) -> None:
        self._facts = facts
        self._session = Session(facts.path, threads=threads)

    def quads(self, image: np.ndarray, *, pixels: int | None = None) -> list[np.ndarray]:
        """The quads of the lines in `image` (H, W, 3) uint8 BGR, in its pixels, in no particular order.

        `pixels` is the area at which the network sees the whole picture, and each tile of a second look; the
        manifest's by default.
        """
        height, width = image.shape[:2]
        pixels = pixels or self._facts.pixels
        whole = Window(0, 0, width, height)
        size = fit_area(width, height, pixels=pixels, enlarge=MAX_ENLARGE, multiple=self._facts.multiple)
        found = self._look(image, whole, size, pixels)
        scale = math.sqrt(size[0] * size[1] / (width * height))
        windows, wanted = _second_look(found, whole, scale, pixels, self._facts.multiple)
        for window in windows:
            found = [quad for quad in found if not (window.holds(quad) and _height(quad) < 2 * SMALL_HEIGHT / scale)]
            again = self._look(image, window, self._size(window, wanted), pixels)
            found += [quad for quad in again if not any(_covers(other, quad) for other in found)]
        return found[:MAX_LINES]

    def _size(self, window: Window, scale: float) -> tuple[int, int]:
        multiple = self._facts.multiple
        return tuple(max(multiple, round(side * scale / multiple) * multiple) for side in (window.width, window.height))

    def _look(self, image: np.ndarray, window: Window, size: tuple[int, int], pixels: int) -> list[np.ndarray]:
        """The quads in `window` of `image`, in the image's pixels, seen at `size` (width, height)."""
        part = image[window.top : window.bottom, window.left : window.right]
        to_image = np.float32([window.width / size[0], window.height / size[1]])
        corner = np.float32([window.left, window.top])
        limits = np.float32([image.shape[1], image.shape[0]])
        return [np.clip(quad * to_image + corner, 0, limits) for quad in self._kernels_grown(self._map(part, size, pixels))]

    def _map(self, part: np.ndarray, size: tuple[int, int], pixels: int) -> np.ndarray:
        """The probability of text of each pixel of `part` seen at `size`: uint8 (height, width), 255 for 1."""
        columns, rows = _tiles(size[0], size[1], pixels, self._facts.multiple)
        if len(columns) == len(rows) == 1:
            return self._probability(part, size)
        seen = cv2.resize(part, size, interpolation=cv2.INTER_AREA if part.size > 3 * size[0] * size[1] else cv2.INTER_LINEAR)
        whole = np.zeros((size[1], size[0]), np.uint8)
        for top, bottom, kept_rows in rows:
            for left, right, kept_columns in columns:
                tile = self._probability(seen[top:bottom, left:right], (right - left, bottom - top))
                whole[kept_rows, kept_columns] = tile[
                    kept_rows.start - top : kept_rows.stop - top, kept_columns.start - left : kept_columns.stop - left
                ]
        return whole

    def _probability(self, part: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        facts = self._facts
        probability = self._session.run(detector_tensor(part, size, facts.mean, facts.std), empty_arena=True)[0, 0]
        return cv2.convertScaleAbs(probability, alpha=255)

    def _kernels_grown(self, probability: np.ndarray) -> list[np.ndarray]:
        mask = (probability > 255 * self._facts.threshold).astype(np.uint8)
        # CCOMP puts the outer border of every component on the first level, also of text inside a frame.
        contours, levels = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        outer = [c for c, level in zip(contours, levels[0], strict=True) if level[3] < 0] if contours else []
        if len(outer) > MAX_LINES:
            outer = sorted(outer, key=cv2.contourArea, reverse=True)[:MAX_LINES]
        quads = (self._quad(contour, probability) for contour in outer)
        return [quad for quad in quads if quad is not None]

    def _quad(self, contour: np.ndarray, probability: np.ndarray) -> np.ndarray | None:
        centre, (w, h), angle = cv2.minAreaRect(contour)
        if min(w, h) < MIN_KERNEL_SIDE:
            return None
        kernel = cv2.boxPoints((centre, (w, h), angle))
        if _mean_inside(probability, kernel) < 255 * self._facts.box_threshold:
            return None
        # Vatti offsetting of a rectangle, boxed again, is the rectangle with every side moved out by the distance.
        distance = w * h * self._facts.unclip_ratio / (2 * (w + h))
        return order_corners(cv2.boxPoints((centre, (w + 2 * distance, h + 2 * distance), angle)))


def _second_look(
    found: list[np.ndarray], whole: Window, scale: float, pixels: int, multiple: int
) -> tuple[list[Window], float]:
    """The windows of `whole` to look at again and the scale to do it at, after a first look at `scale`."""
    small = [quad for quad in found if _height(quad) < SMALL_HEIGHT / scale]
    if small:
        windows = _windows(small, [quad for quad in found if _height(quad) < 2 * SMALL_HEIGHT / scale], whole, scale)
        wanted = WANTED_HEIGHT / float(np.median([_height(quad) for quad in small]))
    elif not found and scale < BLIND_SCALE:
        windows, wanted = [whole], 1.0
    else:
        return [], scale
    area = sum(window.width * window.height for window in windows)
    wanted = min(wanted, MAX_ENLARGE, math.sqrt(MAX_SECOND_AREA * pixels / area))
    if wanted < MIN_GAIN * scale:
        return [], scale
    return [window.widened(multiple / wanted, whole) for window in windows], wanted


def _windows(small: list[np.ndarray], fair: list[np.ndarray], whole: Window, scale: float) -> list[Window]:
    """Upright windows around the `small` quads that cut no `fair` one, apart from each other.

    They grow on a mask of the picture at `scale` until nothing changes.
    """
    mask = np.zeros((math.ceil(whole.height * scale) + 1, math.ceil(whole.width * scale) + 1), np.uint8)
    boxes = [_with_margin(quad, scale) for quad in fair]
    todo = [_with_margin(quad, scale) for quad in small]
    while todo:
        for left, top, right, bottom in todo:
            mask[top:bottom, left:right] = 1
        components = cv2.connectedComponentsWithStats(mask, connectivity=8)[2][1:, :4]
        parts = [(x, y, x + w, y + h) for x, y, w, h in components.tolist()]
        touched = [box for box in boxes if mask[box[1] : box[3], box[0] : box[2]].any()]
        todo = [box for box in (*parts, *touched) if not mask[box[1] : box[3], box[0] : box[2]].all()]
    return [
        Window(
            int(left / scale), int(top / scale),
            min(whole.right, math.ceil(right / scale)), min(whole.bottom, math.ceil(bottom / scale)),
        )
        for left, top, right, bottom in parts
    ]  # fmt: skip


def _with_margin(quad: np.ndarray, scale: float) -> tuple[int, int, int, int]:
    margin = WINDOW_MARGIN * _height(quad)
    left, top = np.maximum((quad.min(axis=0) - margin) * scale, 0).astype(int)
    right, bottom = np.ceil((quad.max(axis=0) + margin) * scale).astype(int) + 1
    return int(left), int(top), int(right), int(bottom)


def _height(quad: np.ndarray) -> float:
    return min(quad_size(quad))


def _widened(start: int, stop: int, step: float, limit: int) -> tuple[int, int]:
    side = min(limit, round(math.ceil((stop - start) / step) * step))
    start = max(0, min(limit - side, start - (side - (stop - start)) // 2))
    return start, start + side


def _tiles(width: int, height: int, pixels: int, multiple: int) -> tuple[list, list]:
    """How a map of `width`x`height` is cut: for columns and for rows the (start, stop, what of it is kept)."""
    across = down = 1
    while True:
        tile = _tile_side(width, across, multiple), _tile_side(height, down, multiple)
        if tile[0] * tile[1] <= 1.1 * pixels or max(tile) <= 2 * OVERLAP:
            return list(_spans(width, tile[0], across)), list(_spans(height, tile[1], down))
        if tile[0] >= tile[1]:
            across += 1
        else:
            down += 1


def _tile_side(side: int, count: int, multiple: int) -> int:
    return min(side, math.ceil((side + (count - 1) * OVERLAP) / count / multiple) * multiple)


def _spans(side: int, tile: int, count: int) -> Iterator[tuple[int, int, slice]]:
    starts = [round(i * (side - tile) / max(1, count - 1)) for i in range(count)]
    borders = [0, *((a + tile + b) // 2 for a, b in zip(starts, starts[1:], strict=False)), side]
    for start, first, last in zip(starts, borders[:-1], borders[1:], strict=True):
        yield start, start + tile, slice(first, last)


def _covers(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether `one` holds more than half of `other`, as upright boxes."""
    low, high = np.maximum(one.min(axis=0), other.min(axis=0)), np.minimum(one.max(axis=0), other.max(axis=0))
    return bool(np.prod(np.maximum(high - low, 0)) > 0.5 * np.prod(np.ptp(other, axis=0)))


def _mean_inside(probability: np.ndarray, corners: np.ndarray) -> float:
    height, width = probability.shape
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    right, bottom = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, (width, height))
    mask = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillPoly(mask, [(corners - (left, top)).astype(np.int32)], 1)
    return cv2.mean(probability[top:bottom, left:right], mask)[0]
