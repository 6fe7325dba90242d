"""Where the lines are: a probability of text per pixel, and from it one quad a line.

Liao et al. 2020, "Real-time Scene Text Detection with Differentiable Binarization", section 3: the network predicts
shrunk text kernels; each connected component becomes a rectangle that is grown back.
"""

import cv2
import numpy as np

from ziyan import manifest
from ziyan.geometry import fit_area, order_corners
from ziyan.normalize import detector_tensor
from ziyan.session import Session

# No picture is enlarged more than this for the detector: beyond it there is only blur to find.
MAX_ENLARGE = 1.5
# Kernels with a side below this many detector pixels are specks.
MIN_KERNEL_SIDE = 3.0
# More components than this is texture, not text; the largest are kept.
MAX_LINES = 1000


class Detector:
    """A loaded text detector."""

    def __init__(self, facts: manifest.Detector, *, threads: int) -> None:
        self._facts = facts
        self._session = Session(facts.path, threads=threads)

    def quads(self, image: np.ndarray, *, pixels: int | None = None) -> list[np.ndarray]:
        """The quads of the lines in `image` (H, W, 3) uint8 BGR, in its pixels, in no particular order.

        `pixels` is the area at which the network sees the picture; the manifest's by default.
        """
        height, width = image.shape[:2]
        facts = self._facts
        size = fit_area(width, height, pixels=pixels or facts.pixels, enlarge=MAX_ENLARGE, multiple=facts.multiple)
        probability = self._session.run(detector_tensor(image, size, facts.mean, facts.std), empty_arena=True)[0, 0]
        to_image = np.float32([width / size[0], height / size[1]])
        limits = np.float32([width, height])
        return [np.clip(quad * to_image, 0, limits) for quad in self._kernels_grown(probability)]

    def _kernels_grown(self, probability: np.ndarray) -> list[np.ndarray]:
        mask = (probability > self._facts.threshold).astype(np.uint8)
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
        if _mean_inside(probability, kernel) < self._facts.box_threshold:
            return None
        # Vatti offsetting of a rectangle, boxed again, is the rectangle with every side moved out by the distance.
        distance = w * h * self._facts.unclip_ratio / (2 * (w + h))
        return order_corners(cv2.boxPoints((centre, (w + 2 * distance, h + 2 * distance), angle)))


def _mean_inside(probability: np.ndarray, corners: np.ndarray) -> float:
    height, width = probability.shape
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    right, bottom = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, (width, height))
    mask = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillPoly(mask, [(corners - (left, top)).astype(np.int32)], 1)
    return cv2.mean(probability[top:bottom, left:right], mask)[0]
