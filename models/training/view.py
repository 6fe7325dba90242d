"""A line as the student gets to see it: spoilt by light, blur and damage, while the teacher read the line unspoilt.

But for `narrowed`, which moves the teacher's steps too, nothing here moves a stroke along the line by more than half a
step, so that the cached steps stay true. Another slant, height, baseline and pen keep the net from learning its few
real hands by heart. Heavy blur, blots and cut strokes hide single characters: then only the context can tell, which is
the work the recurrence is there for.
"""

import random
from dataclasses import replace

import cv2
import numpy as np

from .lines import paper
from .pool import Item


def narrowed(item: Item, share: float) -> Item:
    """`item` at `share` of its width, its teacher's steps moved along.

    Where two steps become one, the one that names a character stays; where both do, the teacher has no say there.
    """
    height, width = item.pixels.shape[:2]
    pixels = cv2.resize(item.pixels, (max(8, round(width * share)), height), interpolation=cv2.INTER_LINEAR)
    places = ((np.arange(len(item.classes)) + 0.5) * share).astype(int)
    classes = np.zeros((places[-1] + 1, item.classes.shape[1]), item.classes.dtype)
    probabilities = np.zeros(classes.shape, item.probabilities.dtype)
    emits = item.classes[:, 0] != 0
    for rows in (~emits, emits):
        classes[places[rows]], probabilities[places[rows]] = item.classes[rows], item.probabilities[rows]
    probabilities[np.bincount(places[emits], minlength=len(classes)) > 1] = 0
    return replace(item, pixels=pixels, classes=classes, probabilities=probabilities)


def student_view(pixels: np.ndarray, draw: random.Random, *, damaged: float = 0.5) -> np.ndarray:
    """float32 (48, W, 3) in 0..255 of pixels uint8 (48, W, 3): moved, in another light, a share of them damaged."""
    image = pixels.astype(np.float32)
    if draw.random() < 0.5:
        image = _moved(image, draw)
    if draw.random() < 0.2:
        image = _inked(image, draw)
    if draw.random() < 0.6:
        image = _light(image, draw)
    if draw.random() < damaged:
        for spoil, share in ((_blur, 0.45), (_coarse, 0.3), (_cut, 0.25), (_blot, 0.25), (_noise, 0.5)):
            if draw.random() < share:
                image = spoil(image, draw)
    return np.clip(image, 0, 255)


def _moved(image: np.ndarray, draw: random.Random) -> np.ndarray:
    """Slanted by up to 4 pixels at the edges, higher or lower, and along a baseline that tilts and sways."""
    height, width = image.shape[:2]
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None] - height / 2
    rise = draw.uniform(-0.015, 0.015) * (x - width / 2)
    sway = draw.uniform(0, 1.5) * np.sin(x * draw.uniform(0.01, 0.05) + draw.uniform(0, 6.3))
    shift = np.clip(rise, -3, 3) + sway + draw.uniform(-2.5, 2.5)
    across = (y * draw.uniform(0.92, 1.22) + height / 2 + shift).astype(np.float32)
    along = (x + y * draw.uniform(-0.17, 0.17)).astype(np.float32)
    return cv2.remap(image, along, across, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _inked(image: np.ndarray, draw: random.Random) -> np.ndarray:
    """With a broader or a finer pen."""
    change = (cv2.dilate if draw.random() < 0.5 else cv2.erode)(image, np.ones((2, 2), np.uint8))
    share = draw.uniform(0.3, 1.0)
    return change * share + image * (1 - share)


def _light(image: np.ndarray, draw: random.Random) -> np.ndarray:
    """Tint, contrast, and a shadow that grows along the line; now and then the negative."""
    gain = np.float32([draw.uniform(0.85, 1.15) for _ in range(3)]) * draw.uniform(0.55, 1.15)
    shadow = np.linspace(draw.uniform(-40, 40), draw.uniform(-40, 40), image.shape[1], dtype=np.float32)
    image = (image - 128) * gain + 128 + shadow[None, :, None]
    return 255 - image if draw.random() < 0.08 else image


def _blur(image: np.ndarray, draw: random.Random) -> np.ndarray:
    """Out of focus, or moved along the line."""
    if draw.random() < 0.7:
        return cv2.GaussianBlur(image, (0, 0), draw.uniform(0.4, 2.2))
    return cv2.blur(image, (draw.randint(3, 8), 1))


def _coarse(image: np.ndarray, draw: random.Random) -> np.ndarray:
    """Low resolution: 12 to 30 pixels high, often JPEG at that size, enlarged as the service enlarges small print."""
    height, width = image.shape[:2]
    share = draw.uniform(0.25, 0.62)
    small = cv2.resize(image, (max(1, int(width * share)), int(height * share)), interpolation=cv2.INTER_AREA)
    if draw.random() < 0.5:
        quality = [cv2.IMWRITE_JPEG_QUALITY, draw.randint(35, 90)]
        _, coded = cv2.imencode(".jpg", np.clip(small, 0, 255).astype(np.uint8), quality)
        small = cv2.imdecode(coded, cv2.IMREAD_COLOR).astype(np.float32)
    enlarge = draw.choices((cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST), (0.6, 0.25, 0.15))[0]
    return cv2.resize(small, (width, height), interpolation=enlarge)


def _cut(image: np.ndarray, draw: random.Random) -> np.ndarray:
    """Thin lines of paper across the ink (a worn print head), or of ink (crossed out, a table's rule)."""
    image, (height, width) = image.copy(), image.shape[:2]
    colour = paper(image).tolist() if draw.random() < 0.6 else tuple(draw.uniform(0, 160) for _ in range(3))
    for _ in range(draw.randint(1, 3)):
        if draw.random() < 0.5:
            y = draw.randint(4, height - 4)
            ends = (0, y), (width, y + draw.randint(-4, 4))
        else:
            x = draw.randint(0, width)
            ends = (x, 0), (x + draw.randint(-12, 12), height)
        cv2.line(image, *ends, colour, draw.randint(1, 2), cv2.LINE_AA)
    return image


def _blot(image: np.ndarray, draw: random.Random) -> np.ndarray:
    """Covers up to a character's width with paper or a stain, opaque or half."""
    image, (height, width) = image.copy(), image.shape[:2]
    for _ in range(draw.randint(1, 1 + width // 240)):
        covered = image.copy()
        centre = draw.randint(0, width), draw.randint(0, height)
        axes = draw.randint(4, 20), draw.randint(4, 24)
        colour = paper(image).tolist() if draw.random() < 0.5 else tuple(draw.uniform(0, 255) for _ in range(3))
        cv2.ellipse(covered, centre, axes, draw.uniform(0, 180), 0, 360, colour, -1, cv2.LINE_AA)
        share = draw.choice((0.6, 0.85, 1.0))
        image = covered * share + image * (1 - share)
    return image


def _noise(image: np.ndarray, draw: random.Random) -> np.ndarray:
    generator = np.random.default_rng(draw.getrandbits(32))
    return image + generator.normal(0, draw.uniform(1, 14), image.shape).astype(np.float32)
