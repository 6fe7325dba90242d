"""The parts of a picture that a caller asks for: what is looked at, and which lines count."""

from collections.abc import Sequence

import cv2
import numpy as np

from ziyan.errors import RequestRejected
from ziyan.image import Picture
from ziyan.options import Area, Options
from ziyan.windows import Window


def window(picture: Picture, asked: Options) -> Window | None:
    """The part of `picture.pixels` that holds all areas of `asked.region`; None for the whole of it.

    RequestRejected where an area lies outside of the picture.
    """
    if not asked.region:
        return None
    corners = np.concatenate(_quads(picture, asked.region))
    (left, top), (right, bottom) = np.floor(corners.min(axis=0)).astype(int), np.ceil(corners.max(axis=0)).astype(int)
    return Window(int(left), int(top), int(right), int(bottom))


def lines(picture: Picture, asked: Options) -> list[np.ndarray]:
    """What is one line each where none are looked for (`det=off`): the areas of `asked.region`, or the whole picture.

    Quads (4, 2) in `picture.pixels`. RequestRejected where an area lies outside of the picture.
    """
    return _quads(picture, asked.region or ((0, 0, picture.width, picture.height),))


def chosen(picture: Picture, quads: Sequence[np.ndarray], asked: Options) -> list[np.ndarray]:
    """Those of `quads` (4, 2), in `picture.pixels`, whose middle is in an area asked for and in none to be ignored."""
    return [quad for quad in quads if _counts(np.mean(picture.box(quad), axis=0), asked)]


def _counts(middle: np.ndarray, asked: Options) -> bool:
    wanted = not asked.region or any(_holds(area, middle) for area in asked.region)
    return wanted and not any(_holds(area, middle) for area in asked.ignore)


def _holds(area: Area, place: np.ndarray) -> bool:
    x, y, width, height = area
    return bool(x <= place[0] <= x + width and y <= place[1] <= y + height)


def _quads(picture: Picture, areas: Sequence[Area]) -> list[np.ndarray]:
    """`areas` of the sent picture, cut at its borders, as quads in `picture.pixels`."""
    height, width = picture.pixels.shape[:2]
    rim = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    to_pixels = cv2.getPerspectiveTransform(np.float32(picture.box(rim)), rim)
    return [cv2.perspectiveTransform(_corners(area, picture)[None], to_pixels)[0] for area in areas]


def _corners(area: Area, picture: Picture) -> np.ndarray:
    x, y, width, height = area
    left, right = np.clip((x, x + width), 0, picture.width)
    top, bottom = np.clip((y, y + height), 0, picture.height)
    if right - left < 1 or bottom - top < 1:
        raise RequestRejected(
            "area_outside",
            f"区域 {[x, y, width, height]} 不在 {picture.width}×{picture.height} 的图片之内，请改正 region。",
            f"The area {[x, y, width, height]} is not in the picture of {picture.width}x{picture.height} pixels. "
            "Correct region.",
        )
    return np.float32([[left, top], [right, top], [right, bottom], [left, bottom]])
