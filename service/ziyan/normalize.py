"""From pixels to the tensors that the networks were trained on. Serving and training both use these functions."""

import math

import cv2
import numpy as np


def detector_tensor(image: np.ndarray, size: tuple[int, int], mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """`image` (H, W, 3) uint8 BGR resized to `size` (width, height): float32 (1, 3, height, width), (x/255 - mean)/std.

    Shrinking averages over areas, so that thin strokes fade instead of breaking.
    """
    shrinks = size[0] * size[1] < image.shape[0] * image.shape[1]
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return _channels_first(small, 255 * np.float32(mean), 255 * np.float32(std))[None]


def line_width(crop_width: int, crop_height: int, height: int, max_width: int) -> int:
    """The width in pixels of a line scaled to `height`, aspect kept; a longer one is squeezed to `max_width`."""
    return min(max_width, max(1, math.ceil(height * crop_width / crop_height)))


def line_tensor(crop: np.ndarray, *, height: int = 48, max_width: int = 3200) -> np.ndarray:
    """One upright line `crop` (h, w, 3) uint8 BGR as float32 (3, height, W) in [-1, 1]: (x/255 - 0.5)/0.5."""
    width = line_width(crop.shape[1], crop.shape[0], height, max_width)
    return _channels_first(cv2.resize(crop, (width, height), interpolation=cv2.INTER_LINEAR), 127.5, 127.5)


def _channels_first(image: np.ndarray, mean: np.ndarray | float, std: np.ndarray | float) -> np.ndarray:
    tensor = (image.astype(np.float32) - mean) / std
    return np.ascontiguousarray(tensor.transpose(2, 0, 1), dtype=np.float32)
