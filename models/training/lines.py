"""A line as the pool keeps it: the very pixels that the service would hand to the net; and its paper."""

import numpy as np
from ziyan.normalize import line_tensor


def line_pixels(crop: np.ndarray) -> np.ndarray:
    """uint8 (48, W, 3) BGR: the service's tensor of `crop` (h, w, 3), rounded back to pixels.

    `line_tensor` of the result is the tensor again to within one grey level, so nothing here repeats serving's scaling.
    """
    return np.rint(line_tensor(crop).transpose(1, 2, 0) * 127.5 + 127.5).astype(np.uint8)


def paper(pixels: np.ndarray) -> np.ndarray:
    """(3,): the colour of the background, the median of the upper and lower edge of a line (h, W, 3)."""
    return np.median(pixels[[0, 1, -2, -1]].astype(np.float32), axis=(0, 1))
