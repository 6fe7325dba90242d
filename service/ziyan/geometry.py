"""Quads on a picture: how large the detector sees it, how corners are ordered, how a line is cut out upright.

A quad is a float32 array of shape (4, 2): corners (x, y) in pixels, clockwise from the top left of the upright text.
"""

import math

import cv2
import numpy as np

# A box this much taller than wide stands: PP-OCR's rule, which its weights were trained by.
STANDING_ASPECT = 1.5


def fit_area(width: int, height: int, *, pixels: int, enlarge: float, multiple: int) -> tuple[int, int]:
    """The size (width, height) at which a picture of `width`x`height` covers about `pixels` pixels.

    The aspect is kept to within half a `multiple`, which divides both results. A picture is never made more than
    `enlarge` times larger. Area rather than the longer side is bounded: it is what time and memory follow, and a
    long receipt or a 20000x300 strip keeps letters that can be read.
    """
    scale = min(math.sqrt(pixels / (width * height)), enlarge)
    fitted = [max(multiple, round(side * scale / multiple) * multiple) for side in (width, height)]
    longest = int(fitted.index(max(fitted)))
    # Rounding a thin side up to one multiple may push an extreme aspect over the area: the long side gives way.
    bound = max(multiple, int(pixels * 1.1 / fitted[1 - longest]) // multiple * multiple)
    fitted[longest] = min(fitted[longest], bound)
    return fitted[0], fitted[1]


def order_corners(corners: np.ndarray) -> np.ndarray:
    """The four corners (4, 2) of a convex quad, clockwise from the one nearest to the picture's top left."""
    centre = corners.mean(axis=0)
    angle = np.arctan2(corners[:, 1] - centre[1], corners[:, 0] - centre[0])
    clockwise = corners[np.argsort(angle, kind="stable")]
    return np.roll(clockwise, -int(clockwise.sum(axis=1).argmin()), axis=0)


def quad_size(quad: np.ndarray) -> tuple[float, float]:
    """Width and height of a quad in pixels: the longer of each pair of opposite sides."""
    top, right, bottom, left = np.linalg.norm(quad - np.roll(quad, -1, axis=0), axis=1)
    return max(top, bottom), max(right, left)


def is_standing(quad: np.ndarray) -> bool:
    """Whether a box is so much taller than wide that its text stands: turned on its side, or a column."""
    width, height = quad_size(quad)
    return bool(height >= STANDING_ASPECT * width)


def crop_size(quad: np.ndarray) -> tuple[int, int]:
    """Width and height in pixels of what `crop` cuts out."""
    width, height = quad_size(quad)
    return max(1, round(width)), max(1, round(height))


def crop(image: np.ndarray, quad: np.ndarray) -> np.ndarray:
    """The part of `image` (H, W, 3) inside `quad` as an upright picture (h, w, 3), at the picture's own resolution."""
    width, height = crop_size(quad)
    target = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    matrix = cv2.getPerspectiveTransform(quad.astype(np.float32), target)
    return cv2.warpPerspective(image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
