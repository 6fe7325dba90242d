"""Flattening a document that was photographed at an angle, on the evidence of its own lines and of its edges.

Lines that are parallel on paper meet in a vanishing point in the picture; so do the margins that lines begin and end
at, and the edges of the sheet. Two such points tell how the sheet is turned away from the camera, and the picture is
what a camera facing the sheet would have seen: a homography K R^T K^-1, where the columns of R are the directions of
the two points and of the sheet's normal (Hartley and Zisserman 2004, Multiple View Geometry, sections 8.6 and 8.8).

A page that is only skewed is turned level. A flat page costs a fit through its lines, a millisecond; the sheet's edges
are looked for only where the lines say that it is worth it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ziyan.geometry import quad_size

# The focal length, in longer sides of the picture: more than that of a phone's lens (0.7), for photos that were cut.
FOCAL = 1.0
# Lines this many times longer than high tell a direction, and it takes so many of them.
ASPECT, LINES = 3.0, 4
# Lines converge when their directions differ by this many degrees (root mean square) and a vanishing point explains all
# but the second number. Below that flattening loses as many lines as it gains: crops follow each line's slope anyway.
CONVERGENCE_DEG, RESIDUAL_DEG = 2.0, 0.6
# Margins, or the edges of the sheet, converge when the left and the right one differ by this many degrees. The edges
# are looked for where a margin leans by so many degrees against the lines.
SIDES_DEG, LEANS_DEG = 10.0, 4.0
# Parallel lines that slope more than this are turned level: the detector is at its best there.
SKEW_DEG = 12.0
# A margin is where this share of the lines begins (or ends), and so many, to within this part of their height. With
# four of seven, the ragged ends of a list make one.
MARGIN_SHARE, MARGIN_LINES, MARGIN_NEAR = 0.6, 6, 0.3
# The margins' candidates go through the ends of so many of the longest lines, two by two.
CANDIDATES = 16
# The sheet is looked for at this many pixels on the longer side; it covers this share of the picture, and of the lines.
SHEET_PX, SHEET_SHARE, SHEET_LINES = 480, 0.2, 0.8
# Nothing of the text may lie nearer to the horizon than this (cosine-like: 1 is straight ahead).
HORIZON = 0.3
# What is left free around the text, in its width and height; and how much larger than the picture the flat one may be.
FREE, LARGER = 0.08, 1.3


@dataclass(frozen=True)
class _Text:
    """Long lines in camera coordinates: pixels from the middle of the picture over the focal length.

    `start` and `end` (N, 2) are the middles of their short sides, `height` (N,) their heights.
    """

    start: np.ndarray
    end: np.ndarray
    height: np.ndarray

    @property
    def length(self) -> np.ndarray:
        """Of each line."""
        return np.linalg.norm(self.end - self.start, axis=1)


def to_flat(image: np.ndarray, quads: Sequence[np.ndarray], *, always: bool = False) -> np.ndarray | None:
    """The homography (3, 3) from `image` (H, W, 3) to the flat picture; None where there is no evidence for one.

    `quads` (4, 2) are those of upright text. `always` takes weak evidence too.
    """
    height, width = image.shape[:2]
    focal, middle = FOCAL * max(height, width), np.array([width / 2, height / 2])
    text = _text(quads, focal, middle)
    if len(text.height) < LINES:
        return None
    along, spread, residual = _vanishing_point(text)
    margins = [margin for ends in (text.start, text.end) if (margin := _margin(ends, text)) is not None]
    clear = always or (spread >= CONVERGENCE_DEG and residual <= RESIDUAL_DEG)
    sides = []
    if clear or _lean(margins, text):
        edges = [_line(*(np.array(edge) - middle) / focal) for edge in _sheet_sides(image, quads)]
        sides = edges or margins
        clear = clear or _converge(sides)
    if not clear:
        along, sides = _level(text), []
        if spread >= CONVERGENCE_DEG or abs(np.rad2deg(np.arctan2(along[1], along[0]))) < SKEW_DEG:
            return None
    down = _across(along, sides)
    normal = np.cross(along, down)
    camera = np.array([[focal, 0, middle[0]], [0, focal, middle[1]], [0, 0, 1]])
    matrix = camera @ np.stack([along, down, normal]) @ np.linalg.inv(camera)
    ends = np.concatenate([text.start, text.end])
    ahead = np.stack([*ends.T, np.ones(len(ends))]) * normal[:, None]
    if ahead.sum(axis=0).min() < HORIZON:
        return None
    return matrix


def flat(image: np.ndarray, matrix: np.ndarray, quads: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The part of `image` (H, W, 3) around the text, warped by `matrix`, and the homography back to `image`."""
    corners = cv2.perspectiveTransform(np.concatenate(quads)[None].astype(float), matrix)[0]
    low, high = corners.min(axis=0), corners.max(axis=0)
    free = FREE * (high - low)
    low, high = low - free, high + free
    area = LARGER * image.shape[0] * image.shape[1]
    scale = min(1.0, float(np.sqrt(area / np.prod(high - low))))
    placed = np.array([[scale, 0, -scale * low[0]], [0, scale, -scale * low[1]], [0, 0, 1]]) @ matrix
    size = [max(1, round(side)) for side in (scale * (high - low)).tolist()]
    pixels = cv2.warpPerspective(image, placed, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return pixels, np.linalg.inv(placed)


def _text(quads: Sequence[np.ndarray], focal: float, middle: np.ndarray) -> _Text:
    sizes = [quad_size(quad) for quad in quads]
    long = [quad for quad, (width, height) in zip(quads, sizes, strict=True) if width >= ASPECT * height]
    corners = (np.array(long, float).reshape(-1, 4, 2) - middle) / focal
    start, end = (corners[:, 0] + corners[:, 3]) / 2, (corners[:, 1] + corners[:, 2]) / 2
    height = np.linalg.norm(corners[:, 3] - corners[:, 0], axis=1)
    return _Text(start, end, height)


def _line(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The line (a, b, c) with ax + by + c = 0 through two places (…, 2), a² + b² = 1."""
    through = np.cross(_homogeneous(start), _homogeneous(end))
    return through / np.linalg.norm(through[..., :2], axis=-1, keepdims=True)


def _homogeneous(places: np.ndarray) -> np.ndarray:
    return np.concatenate([places, np.ones((*places.shape[:-1], 1))], axis=-1)


def _vanishing_point(text: _Text) -> tuple[np.ndarray, float, float]:
    """Where the lines meet, as a direction (3,) to the right; the spread of their slopes, and what it leaves; degrees.

    Least squares, weighted by length, and again with less weight for what does not fit: a title, a logo.
    """
    along = text.end - text.start
    slope, middle = np.arctan2(along[:, 1], along[:, 0]), (text.start + text.end) / 2
    lines = _line(text.start, text.end)
    weight = text.length
    for _ in range(5):
        weighted = lines * weight[:, None]
        point = np.linalg.eigh(weighted.T @ weighted)[1][:, 0]
        towards = point[:2] - point[2] * middle
        left = _folded(slope - np.arctan2(towards[:, 1], towards[:, 0]))
        weight = text.length / (1 + (left / max(np.deg2rad(0.3), 1.5 * np.median(np.abs(left)))) ** 2)
    spread = _folded(slope - np.average(slope, weights=weight))
    point *= np.sign(point @ np.append(along.mean(axis=0), 0)) or 1
    return point, *(float(np.rad2deg(np.sqrt(np.average(part**2, weights=weight)))) for part in (spread, left))


def _folded(angle: np.ndarray) -> np.ndarray:
    """An angle between undirected lines, from -90 to 90 degrees, in radians."""
    return (angle + np.pi / 2) % np.pi - np.pi / 2


def _margin(ends: np.ndarray, text: _Text) -> np.ndarray | None:
    """The line through most of `ends` (N, 2), where enough of the lines begin, or end, at it."""
    first, second = np.triu_indices(min(CANDIDATES, len(ends)), 1)
    longest = np.argsort(-text.length)[:CANDIDATES]
    first, second = longest[first], longest[second]
    apart = np.abs(ends[first] - ends[second])
    steep = (apart[:, 1] > apart[:, 0]) & (apart[:, 1] > 0.3 * np.ptp(ends[:, 1]))
    if not steep.any():
        return None
    lines = _line(ends[first[steep]], ends[second[steep]])
    near = np.abs(_homogeneous(ends) @ lines.T) < MARGIN_NEAR * text.height[:, None]  # (ends, candidates)
    members = near[:, near.sum(axis=0).argmax()]
    if members.sum() < max(MARGIN_LINES, MARGIN_SHARE * len(ends)):
        return None
    middle = ends[members].mean(axis=0)
    direction = np.linalg.svd(ends[members] - middle)[2][0]
    return _line(middle, middle + direction)


def _level(text: _Text) -> np.ndarray:
    """The direction (3,) of lines that are parallel in the picture: their vanishing point is at infinity."""
    along = np.append((text.end - text.start).sum(axis=0), 0)
    return along / np.linalg.norm(along)


def _lean(margins: list[np.ndarray], text: _Text) -> bool:
    along = _level(text)[:2]
    return any(abs(np.rad2deg(np.arcsin(margin[:2] @ along))) < 90 - LEANS_DEG for margin in margins)


def _converge(sides: list[np.ndarray]) -> bool:
    if len(sides) < 2:
        return False
    cosine = abs(float(sides[0][:2] @ sides[1][:2]))
    return bool(np.rad2deg(np.arccos(min(1.0, cosine))) >= SIDES_DEG)


def _across(along: np.ndarray, lines: list[np.ndarray]) -> np.ndarray:
    """The direction (3,) down the sheet, at right angles to `along`: where `lines` meet, or as steep as may be."""
    if not lines:
        down = np.array([0.0, 1.0, 0.0])
    else:
        normals = np.stack([along, *(line / np.linalg.norm(line) for line in lines)])
        down = np.linalg.eigh(normals.T @ normals)[1][:, 0]
    down = down - (down @ along) * along
    return down / np.linalg.norm(down) * (np.sign(down[1]) or 1)


def _sheet_sides(image: np.ndarray, quads: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """The left and the right edge of the sheet that the text is on, two places each; none where they are unclear."""
    scale = SHEET_PX / max(image.shape[:2])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    grey = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), (5, 5), 0)
    _, bright = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    closed = cv2.morphologyEx(bright, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    contours, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.convexHull(max(contours, key=cv2.contourArea)) if contours else np.empty((0, 1, 2), np.int32)
    corners = cv2.approxPolyDP(hull, 0.02 * cv2.arcLength(hull, True), True)[:, 0] if len(hull) > 3 else hull[:, 0]
    height, width = small.shape[:2]
    if len(corners) != 4 or cv2.contourArea(corners) < SHEET_SHARE * width * height:
        return []
    inside = [cv2.pointPolygonTest(corners, (quad.mean(axis=0) * scale).tolist(), False) >= 0 for quad in quads]
    rim = 3
    at_rim = (corners.min(axis=1) <= rim) | (corners[:, 0] >= width - rim) | (corners[:, 1] >= height - rim)
    if np.mean(inside) < SHEET_LINES or at_rim.sum() > 1:
        return []
    by_height = corners[np.argsort(corners[:, 1])] / scale
    upper, lower = (pair[np.argsort(pair[:, 0])] for pair in (by_height[:2], by_height[2:]))
    return [(upper[0], lower[0]), (upper[1], lower[1])]
