"""From pixels to the tensors that the networks were trained on. Serving and training both use these functions."""

import math
from collections.abc import Sequence

import cv2
import numpy as np


def resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """`image` (H, W, 3) at `size` (width, height).

    Shrinking averages over areas, so that thin strokes fade instead of breaking.
    """
    shrinks = size[0] * size[1] < image.shape[0] * image.shape[1]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def detector_tensor(
    image: np.ndarray, size: tuple[int, int], mean: Sequence[float], std: Sequence[float]
) -> np.ndarray:
    """`image` (H, W, 3) uint8 BGR at `size` (width, height): float32 (1, 3, height, width), (x/255 - mean)/std."""
    return _channels_first(resized(image, size), 255 * np.asarray(mean), 255 * np.asarray(std))[None]


def line_width(crop_width: int, crop_height: int, height: int, max_width: int, squeeze: float = 1.0) -> int:
    """The width in pixels of a line scaled to `height` and, along the line, by `squeeze` more; `max_width` at most."""
    return min(max_width, max(1, math.ceil(height * crop_width / crop_height * squeeze)))


def line_tensor(crop: np.ndarray, *, height: int = 48, max_width: int = 3200, squeeze: float = 1.0) -> np.ndarray:
    """One upright line `crop` (h, w, 3) uint8 BGR as float32 (3, height, W) in [-1, 1]: (x/255 - 0.5)/0.5."""
    width = line_width(crop.shape[1], crop.shape[0], height, max_width, squeeze)
    line = cv2.resize(crop, (width, height), interpolation=cv2.INTER_LINEAR)
    return _channels_first(line, np.full(3, 127.5), np.full(3, 127.5))


def _channels_first(image: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """(image - mean)/std as (3, H, W), channel by channel: the only float copy of the picture is the result."""
    tensor = np.empty((3, *image.shape[:2]), np.float32)
    for plane, pixels, m, s in zip(tensor, cv2.split(image), mean, std, strict=True):
        np.multiply(pixels, np.float32(1 / s), out=plane)
        plane -= np.float32(m / s)
    return tensor
