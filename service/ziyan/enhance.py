"""Mends poor pictures before they are read: by what is measured on them, or as the caller asks.

Every step harms a good page, and most gain little on a bad one: the networks were trained on poor pictures. So `auto`
takes a step only where the picture measures badly; docs/accuracy.md has the table. All work in place, strip by strip: a
second copy of a phone's photo would be 38 MB.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

# Below this contrast a picture is stretched: the development pages have 156 at least, dim or pale copies 58 at most.
LOW_CONTRAST = 90
# Above this part of its contrast noise is smoothed: the development pages have 0.007 at most, noisy copies 0.034 at
# least.
MUCH_NOISE = 0.02
# Where the darkest paper has less than this part of the brightest one's light, light is made even.
UNEVEN = 0.6
STRIP_ROWS = 256
# Noise is measured in the smoothest blocks of so many patches along each side of the picture; sides in pixels.
PATCH, PATCHES, BLOCK = 160, 4, 12
LAPLACIANS = np.float32([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
# What `binarize` calls ink is this part darker than its surroundings, a square of a share of the shorter side.
INK, SURROUNDINGS = 0.12, 1 / 16
# `light` takes the brightness of paper from squares of this share of the shorter side, and makes it PAPER.
LAMP, PAPER = 1 / 12, 235

STEPS = ("grey", "contrast", "light", "denoise", "sharpen", "binarize")


@dataclass(frozen=True)
class Quality:
    """What is measured of a picture, in grey levels.

    `dark` and `bright` are its darkest and its brightest pixels, but for one in 10,000; `noise` the standard deviation
    of what differs from pixel to pixel where it is smoothest (Immerkær 1996, "Fast Noise Variance Estimation"); `shade`
    the light on its darkest twentieth, as a part of that on its brightest.
    """

    dark: float
    bright: float
    noise: float
    shade: float

    @property
    def contrast(self) -> float:
        """The spread of its brightness, 0 to 255."""
        return self.bright - self.dark


def measure(pixels: np.ndarray) -> Quality:
    """The quality of `pixels` (H, W, 3) uint8 BGR, from samples of it."""
    step = max(1, min(pixels.shape[:2]) // 400)
    sample = cv2.cvtColor(np.ascontiguousarray(pixels[::step, ::step]), cv2.COLOR_BGR2GRAY)
    dark, bright = np.percentile(sample, (0.01, 99.99))  # a little writing in a large picture is no more than that
    low, high = np.percentile(_paper(pixels), (5, 95))
    return Quality(float(dark), float(bright), _noise(pixels), float(low / max(1.0, high)))


def asked_for(pixels: np.ndarray, preprocess: str) -> tuple[str, ...]:
    """The steps that the option `preprocess` means for this picture."""
    if preprocess != "auto":
        return () if preprocess == "none" else (preprocess,)
    quality = measure(pixels)
    evidence = {
        "contrast": quality.contrast < LOW_CONTRAST,
        "denoise": quality.noise > MUCH_NOISE * quality.contrast,
        "light": quality.shade < UNEVEN,
    }
    return tuple(step for step, there in evidence.items() if there)


def mend(pixels: np.ndarray, steps: tuple[str, ...]) -> None:
    """Takes `steps` of STEPS on `pixels` (H, W, 3) uint8 BGR, in place."""
    for step in steps:
        _STEPS[step](pixels)


def _grey(pixels: np.ndarray) -> None:
    _by_strips(pixels, lambda strip, _: cv2.cvtColor(cv2.cvtColor(strip, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR))


def _contrast(pixels: np.ndarray) -> None:
    """The darkest pixels become black and the brightest white."""
    quality = measure(pixels)
    if quality.contrast >= 1:
        levels = (np.arange(256) - quality.dark) * 255 / quality.contrast
        cv2.LUT(pixels, np.clip(levels, 0, 255).astype(np.uint8), dst=pixels)


def _light(pixels: np.ndarray) -> None:
    """What is paper becomes equally bright everywhere."""
    paper = np.maximum(_paper(pixels), 16)

    def even(strip: np.ndarray, rows: slice) -> np.ndarray:
        lamp = _rows_of(paper, rows, pixels.shape)
        return cv2.divide(strip, cv2.merge([lamp] * 3), scale=PAPER)

    _by_strips(pixels, even)


def _paper(pixels: np.ndarray) -> np.ndarray:
    """How bright the paper is: a small grey map of `pixels`."""
    side = max(8, round(min(pixels.shape[:2]) * LAMP))
    small = _shrunk_grey(pixels, max(1, side // 8))
    return cv2.GaussianBlur(cv2.dilate(small, np.ones((9, 9), np.uint8)), (0, 0), 4)


def _denoise(pixels: np.ndarray) -> None:
    _by_strips(pixels, lambda strip, _: cv2.GaussianBlur(strip, (0, 0), 0.8), halo=3)


def _sharpen(pixels: np.ndarray) -> None:
    def sharp(strip: np.ndarray, _: slice) -> np.ndarray:
        return cv2.addWeighted(strip, 2.5, cv2.GaussianBlur(strip, (0, 0), 2), -1.5, 0)

    _by_strips(pixels, sharp, halo=8)


def _binarize(pixels: np.ndarray) -> None:
    """Black where the picture is darker than its surroundings, white elsewhere."""
    side = max(8, round(min(pixels.shape[:2]) * SURROUNDINGS))
    around = cv2.blur(_shrunk_grey(pixels, max(1, side // 8)), (9, 9))

    def inked(strip: np.ndarray, rows: slice) -> np.ndarray:
        grey = cv2.cvtColor(strip, cv2.COLOR_BGR2GRAY)
        paper = cv2.convertScaleAbs(_rows_of(around, rows, pixels.shape), alpha=1 - INK)
        return cv2.cvtColor(cv2.compare(grey, paper, cv2.CMP_GE), cv2.COLOR_GRAY2BGR)

    _by_strips(pixels, inked)


_STEPS: dict[str, Callable[[np.ndarray], None]] = dict(
    zip(STEPS, (_grey, _contrast, _light, _denoise, _sharpen, _binarize), strict=True)
)


def _by_strips(pixels: np.ndarray, change: Callable[[np.ndarray, slice], np.ndarray], *, halo: int = 0) -> None:
    """Replaces `pixels` by what `change` makes of each strip and its rows; it sees `halo` rows more on both sides."""
    height = pixels.shape[0]
    above = pixels[:0].copy()  # the last rows of the strip before, as they were
    for top in range(0, height, STRIP_ROWS):
        bottom = min(height, top + STRIP_ROWS)
        strip = np.concatenate([above, pixels[top : min(height, bottom + halo)]])
        first = len(above)
        above = pixels[bottom - halo : bottom].copy() if halo else above
        pixels[top:bottom] = change(strip, slice(top, bottom))[first : first + bottom - top]


def _shrunk_grey(pixels: np.ndarray, factor: int) -> np.ndarray:
    height, width = pixels.shape[:2]
    size = (max(1, width // factor), max(1, height // factor))
    return cv2.cvtColor(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)


def _rows_of(small: np.ndarray, rows: slice, shape: tuple[int, ...]) -> np.ndarray:
    """The `rows` of `small` enlarged to `shape`, without enlarging the rest."""
    scale = small.shape[0] / shape[0]
    places = np.clip((np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5) * scale - 0.5, 0, small.shape[0] - 1)
    across = np.clip((np.arange(shape[1], dtype=np.float32) + 0.5) * small.shape[1] / shape[1] - 0.5, 0, None)
    grid = np.meshgrid(across, places)
    return cv2.remap(small, grid[0], grid[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _noise(pixels: np.ndarray) -> float:
    height, width = pixels.shape[:2]
    if min(height, width) < 3:
        return 0.0
    found = []
    for top in np.linspace(0, max(0, height - PATCH), PATCHES).astype(int):
        for left in np.linspace(0, max(0, width - PATCH), PATCHES).astype(int):
            patch = cv2.cvtColor(pixels[top : top + PATCH, left : left + PATCH], cv2.COLOR_BGR2GRAY)
            rough = np.abs(cv2.filter2D(patch, cv2.CV_32F, LAPLACIANS))[1:-1, 1:-1]
            size = [max(1, side // BLOCK) for side in rough.shape[::-1]]
            found.append(cv2.resize(rough, size, interpolation=cv2.INTER_AREA).ravel())
    return float(np.sqrt(np.pi / 2) / 6 * np.quantile(np.concatenate(found), 0.1))
