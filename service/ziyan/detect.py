"""Where the lines are: a probability of text per pixel, and from it one quad a line.

Liao et al. 2020, "Real-time Scene Text Detection with Differentiable Binarization", section 3: the network predicts
shrunk text kernels; each connected component becomes a rectangle that is grown back.

A picture is looked at whole, in a fixed area. Where that shows lines too small to be told apart well, windows around
them are looked at again, larger: in tiles of the same area, whose maps are joined before a line is outlined, so that no
line ends where a tile does.
"""

import math

import cv2
import numpy as np

from ziyan import manifest
from ziyan.geometry import fit_area, order_corners, quad_size
from ziyan.normalize import detector_tensor
from ziyan.session import Session
from ziyan.windows import Window, around, tiles

# No picture is enlarged more than this for the detector: beyond it there is only blur to find.
MAX_ENLARGE = 1.5
# Kernels with a side below this many detector pixels are specks.
MIN_KERNEL_SIDE = 3.0
# More components than this is texture, not text; the largest are kept.
MAX_LINES = 1000
# A box gets this much more room along and across its line, in heights: exact lines of the development pages, good and
# damaged in seven ways, 77.1 -> 78.0 %; a kernel grown by the published rule alone cuts first and last strokes.
ROOM = (0.15, 0.08)
# Lines lower than this many detector pixels are looked at again, so that they are about WANTED_HEIGHT high.
# F1 on the development pages by their height: 5 px 55, 6 74, 8 92, 10 95.3, 12 96.5, 14 97.2, 20 97.7, 30 98.0.
SMALL_HEIGHT = 14.0
WANTED_HEIGHT = 24.0
# A second look that enlarges less than this shows nothing new.
MIN_GAIN = 1.25
# All looks at one picture together see at most so many times the area of the first, …
MAX_AREA = 7
# … and the windows of a second look at most so many; dense pages are read as well with 3 as with 5: docs/decisions.
MAX_SECOND_AREA = 3
# A window whose rim cuts lines is looked at again, wider, so many times, while there is area left.
MAX_WIDENING = 2
# Where a picture is shrunk to less than this share of its width and shows no line, or lines as low as TINY_HEIGHT, or
# blocks of lines that ran together, there may be others too small to show: it is seen once more in BLIND_AREA times the
# area. A block loses its contrast when it is shrunk; a large line, whose strokes are wide, keeps more than FADED of it.
BLIND_SCALE, BLIND_AREA = 0.4, 4
TINY_HEIGHT = 7.0
FADED = 0.6


class Detector:
    """A loaded text detector."""

    def __init__(self, facts: manifest.Detector, *, threads: int) -> None:
        self._facts = facts
        self._session = Session(facts.path, threads=threads)

    def quads(self, image: np.ndarray, *, window: Window | None = None, pixels: int | None = None) -> list[np.ndarray]:
        """The quads of the lines in `image` (H, W, 3) uint8 BGR, in its pixels, in no particular order.

        Only `window` of it is looked at, if given. `pixels` is the area at which the network sees it, and each tile of
        a second look; the manifest's by default.
        """
        facts = self._facts
        whole = window or Window(0, 0, image.shape[1], image.shape[0])
        pixels = pixels or facts.pixels
        found, scale, left = self._first_look(image, whole, pixels)
        area = min(left, MAX_SECOND_AREA * pixels)
        windows, wanted = _second_look(found, whole, scale, area=area, multiple=facts.multiple)
        left -= sum(_area(self._size(window, wanted)) for window in windows)
        for window in windows:
            part, again, left = self._look_around(image, window, whole, wanted, left, pixels)
            found = [quad for quad in found if not (part.holds(quad) and _height(quad) < 2 * SMALL_HEIGHT / scale)]
            boxes = np.reshape(np.float32(found), (-1, 4, 2))
            low, high = boxes.min(axis=1), boxes.max(axis=1)
            found += [quad for quad in again if not _is_covered(quad, low, high)]
        return found[:MAX_LINES]

    def sweep(self) -> None:
        """Gives back the memory that this network and the others, which share its arena, hold after a page."""
        side = self._facts.multiple
        self._session.sweep(np.zeros((1, 3, side, side), np.float32), np.empty((1, 1, side, side), np.float32))

    def _first_look(self, image: np.ndarray, whole: Window, pixels: int) -> tuple[list[np.ndarray], float, int]:
        """The quads in `whole`, the scale it was seen at (larger if the first may hide some), and the area left."""
        left = MAX_AREA * pixels
        for seen in (pixels, BLIND_AREA * pixels):
            size = fit_area(whole.width, whole.height, pixels=seen, enlarge=MAX_ENLARGE, multiple=self._facts.multiple)
            scale, left = math.sqrt(_area(size) / whole.area), left - _area(size)
            found = self._look(image, whole, size, pixels)
            if scale >= BLIND_SCALE or not _is_blind(image, found, scale):
                break
        return found, scale, left

    def _look_around(
        self, image: np.ndarray, window: Window, whole: Window, scale: float, left: int, pixels: int
    ) -> tuple[Window, list[np.ndarray], int]:
        """`window`, or as much more of `whole` as the lines that reach its rim need; its quads; and the area left."""
        found = self._look(image, window, self._size(window, scale), pixels)
        for _ in range(MAX_WIDENING):
            wider = window.beyond(found, whole)
            if wider == window:
                break
            wider = wider.widened(self._facts.multiple / scale, whole)
            size = self._size(wider, scale)
            if _area(size) > left:
                break
            window, left = wider, left - _area(size)
            found = self._look(image, window, size, pixels)
        return window, found, left

    def _size(self, window: Window, scale: float) -> tuple[int, int]:
        multiple = self._facts.multiple
        width, height = (max(1, round(side * scale / multiple)) * multiple for side in (window.width, window.height))
        return width, height

    def _look(self, image: np.ndarray, window: Window, size: tuple[int, int], pixels: int) -> list[np.ndarray]:
        """The quads in `window` seen at `size` (width, height), in the image's pixels."""
        to_image = np.float32([window.width / size[0], window.height / size[1]])
        corner, limits = np.float32([window.left, window.top]), np.float32([window.right, window.bottom])
        seen = self._map(window.of(image), size, pixels)
        return [np.clip(quad * to_image + corner, corner, limits) for quad in self._kernels_grown(seen)]

    def _map(self, part: np.ndarray, size: tuple[int, int], pixels: int) -> np.ndarray:
        """The probability of text in each pixel of `part` seen at `size`: uint8 (height, width), 255 for 1."""
        columns, rows = tiles(*size, pixels=pixels, multiple=self._facts.multiple)
        if len(columns) == len(rows) == 1:
            return self._probability(part, size)
        across, down = part.shape[1] / size[0], part.shape[0] / size[1]
        joined = np.empty(size[::-1], np.uint8)
        for top, bottom, high in rows:
            for left, right, wide in columns:
                seen = part[round(top * down) : round(bottom * down), round(left * across) : round(right * across)]
                tile = self._probability(seen, (right - left, bottom - top))
                joined[high, wide] = tile[high.start - top : high.stop - top, wide.start - left : wide.stop - left]
        return joined

    def _probability(self, part: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        tensor = detector_tensor(part, size, self._facts.mean, self._facts.std)
        return cv2.convertScaleAbs(self._session.run(tensor, empty_arena=True)[0, 0], alpha=255)

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
        w, h = w + 2 * distance, h + 2 * distance
        along, across = ROOM[0] * min(w, h), ROOM[1] * min(w, h)
        size = (w + along, h + across) if w >= h else (w + across, h + along)
        return order_corners(cv2.boxPoints((centre, size, angle)))


def _second_look(
    found: list[np.ndarray], whole: Window, scale: float, *, area: int, multiple: int
) -> tuple[list[Window], float]:
    """The windows of `whole` to look at again in `area` and the scale for it, after `found` was seen at `scale`."""
    small = [quad for quad in found if _height(quad) < SMALL_HEIGHT / scale]
    if not small:
        return [], scale
    uncut = [quad for quad in found if _height(quad) < 2 * SMALL_HEIGHT / scale]
    windows = around(small, uncut, whole, scale)
    wanted = WANTED_HEIGHT / float(np.median([_height(quad) for quad in small]))
    seen = math.sqrt(area / sum(window.area for window in windows))
    wanted = min(wanted, MAX_ENLARGE, seen)
    if wanted < MIN_GAIN * scale:
        return [], scale
    return [window.widened(multiple / wanted, whole) for window in windows], wanted


def _is_blind(image: np.ndarray, found: list[np.ndarray], scale: float) -> bool:
    """Whether there may be lines that are too small to be `found` at `scale`."""
    tiny = [quad for quad in found if _height(quad) < TINY_HEIGHT / scale]
    large = (quad for quad in found if _height(quad) >= SMALL_HEIGHT / scale)
    return not found or len(tiny) > 1 or any(_fades(image, quad, scale) for quad in large)


def _fades(image: np.ndarray, quad: np.ndarray, scale: float) -> bool:
    """Whether most of what is written in `quad` of `image` vanishes at `scale`: many small lines, not a large one."""
    inner = 0.8 * quad + 0.2 * quad.mean(axis=0)  # without the rim of what it is written on
    (left, top), (right, bottom) = np.floor(inner.min(axis=0)).astype(int), np.ceil(inner.max(axis=0)).astype(int)
    part = cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_BGR2GRAY)
    size = [max(1, round(side * scale)) for side in part.shape[::-1]]
    return bool(cv2.resize(part, size, interpolation=cv2.INTER_AREA).std() < FADED * part.std())


def _area(size: tuple[int, int]) -> int:
    return size[0] * size[1]


def _height(quad: np.ndarray) -> float:
    return min(quad_size(quad))


def _is_covered(quad: np.ndarray, low: np.ndarray, high: np.ndarray) -> bool:
    """Whether one of the upright boxes from `low` to `high` (N, 2) holds more than half of the box around `quad`."""
    shared = np.minimum(high, quad.max(axis=0)) - np.maximum(low, quad.min(axis=0))
    return bool((np.maximum(shared, 0).prod(axis=1) > 0.5 * np.prod(np.ptp(quad, axis=0))).any())


def _mean_inside(probability: np.ndarray, corners: np.ndarray) -> float:
    height, width = probability.shape
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    right, bottom = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, (width, height))
    mask = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillPoly(mask, [(corners - (left, top)).astype(np.int32)], 1)
    return cv2.mean(probability[top:bottom, left:right], mask)[0]
