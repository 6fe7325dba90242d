"""A line's ink on paper, as a camera, a scanner or a screen would give it: colour, rules, tilt, crop, light, loss.

Four surfaces: `print` (a page or a photographed screen), `paper` (a pen's writing on it, ruled or not), `sign` (shop
fronts, packages, posters: letters with rims, shadows and shading on a busy ground) and `screen` (a screenshot: small,
flat and clean).
"""

import random

import cv2
import numpy as np


def photographed(ink: np.ndarray, draw: random.Random, *, surface: str) -> np.ndarray:
    """uint8 (h, w, 3) BGR out of a mask (h, w) with 255 where ink is; the ink 24 to 48 high, on a screen 9 to 22."""
    if surface == "screen":
        return _shot(ink, draw)
    ink = _cropped(_scaled(ink, draw), draw)
    if draw.random() < 0.4:
        ink = _tilted(ink, draw)
    if draw.random() < 0.2:
        ink = (cv2.dilate if draw.random() < 0.6 else cv2.erode)(ink, np.ones((2, 2), np.uint8))
    paper, colour = _colours(draw, by_hand=surface == "paper")
    picture = _lit(np.broadcast_to(np.float32(paper), (*ink.shape, 3)).copy(), draw)
    if surface == "paper" and draw.random() < 0.35:
        _rule(picture, draw)
    if surface == "sign":
        picture, colour = _busy(picture, draw), _shaded(colour, ink.shape, draw)
        picture = _rimmed(picture, ink, colour, draw)
    share = (ink.astype(np.float32) / 255 * draw.uniform(0.75, 1.0))[..., None]
    picture = picture * (1 - share) + np.float32(colour) * share
    return _captured(picture, draw)


def _shot(ink: np.ndarray, draw: random.Random) -> np.ndarray:
    """A line of a screenshot: no camera, but often scaled or sent as JPEG since."""
    height = draw.randint(9, 22)
    ink = cv2.resize(ink, (max(8, round(ink.shape[1] * height / ink.shape[0])), height), interpolation=cv2.INTER_AREA)
    ink = cv2.convertScaleAbs(_cropped(ink, draw), alpha=draw.uniform(1.0, 1.5))
    ground, colour = _colours(draw, by_hand=False)
    if draw.random() < 0.6:  # most interfaces are grey
        ground, colour = ([float(np.mean(side))] * 3 for side in (ground, colour))
    share = (ink.astype(np.float32) / 255)[..., None]
    picture = np.float32(ground) * (1 - share) + np.float32(colour) * share
    if draw.random() < 0.3:
        scale = draw.uniform(0.7, 1.4)
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    picture = np.clip(picture, 0, 255).astype(np.uint8)
    return _coded(picture, draw, qualities=(45, 92)) if draw.random() < 0.5 else picture


def _busy(picture: np.ndarray, draw: random.Random) -> np.ndarray:
    """A ground of a few flat shapes whose colours stay near the paper's."""
    height, width = picture.shape[:2]
    for _ in range(draw.randint(0, 4)):
        at = draw.randint(0, width), draw.randint(0, height)
        size = draw.randint(8, max(9, width // 2)), draw.randint(6, height)
        colour = [float(value) + draw.uniform(-35, 35) for value in picture[at[1] % height, at[0] % width]]
        cv2.ellipse(picture, at, size, draw.uniform(0, 180), 0, 360, colour, -1, cv2.LINE_AA)
    return picture


def _shaded(colour: list[float], shape: tuple[int, int], draw: random.Random) -> np.ndarray:
    """float32 (h, w, 3): the ink's colour, running to another shade from top to bottom or along the line."""
    other = [value + draw.uniform(-45, 45) for value in colour]
    ramp = np.linspace(0, 1, shape[draw.choice((0, 1, 1))] or 1, dtype=np.float32)
    ramp = ramp[:, None] if len(ramp) == shape[0] else ramp[None, :]
    return np.float32(colour) * (1 - ramp[..., None]) + np.float32(other) * ramp[..., None]


def _rimmed(picture: np.ndarray, ink: np.ndarray, colour: np.ndarray, draw: random.Random) -> np.ndarray:
    """A rim around the letters or a shadow beside them, in any colour that the letters stand out from."""
    if draw.random() < 0.4:
        return picture
    rim = [draw.uniform(0, 255) for _ in range(3)]
    if np.abs(np.mean(rim) - colour.mean()) < 60:
        rim = [255.0 - value for value in rim]
    width = draw.randint(2, 5)
    around = cv2.dilate(ink, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)))
    if draw.random() < 0.5:
        shift = np.float32([[1, 0, draw.randint(-3, 3)], [0, 1, draw.randint(1, 3)]])
        around = cv2.warpAffine(around, shift, (ink.shape[1], ink.shape[0]))
    share = around.astype(np.float32)[..., None] / 255
    return picture * (1 - share) + np.float32(rim) * share


def _scaled(ink: np.ndarray, draw: random.Random) -> np.ndarray:
    """Ink 24 to 48 high and wider or narrower by a fifth."""
    height = draw.randint(24, 48)
    width = max(8, round(ink.shape[1] * height / ink.shape[0] * draw.uniform(0.8, 1.15)))
    return cv2.resize(ink, (width, height), interpolation=cv2.INTER_AREA)


def _cropped(ink: np.ndarray, draw: random.Random) -> np.ndarray:
    """Loose or tight margins, now and then a sliver cut off, as a detector's boxes have them."""
    height = ink.shape[0]
    sides = [round(height * draw.uniform(-0.04, 0.22)) for _ in range(2)]
    sides += [round(height * draw.uniform(0, 0.45)) for _ in range(2)]
    top, bottom, left, right = sides
    ink = ink[max(0, -top) : height - max(0, -bottom)]
    return cv2.copyMakeBorder(ink, max(0, top), max(0, bottom), left, right, cv2.BORDER_CONSTANT, value=0)


def _tilted(ink: np.ndarray, draw: random.Random) -> np.ndarray:
    """A slight turn, shear and perspective."""
    height, width = ink.shape
    corners = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    turn, shear = draw.uniform(-0.1, 0.1) * height, draw.uniform(-0.2, 0.2) * height
    shift = np.float32([[shear, turn], [shear, -turn], [-shear, -turn], [-shear, turn]]) / 2
    wobble = np.float32([[draw.uniform(-0.05, 0.05) * height for _ in range(2)] for _ in range(4)])
    warp = cv2.getPerspectiveTransform(corners, corners + shift + wobble)
    return cv2.warpPerspective(ink, warp, (width, height))


def _colours(draw: random.Random, *, by_hand: bool) -> tuple[list[float], list[float]]:
    """Paper and ink, BGR: pens on paper by hand, else anything that can be told apart."""
    if by_hand:
        grey = draw.uniform(150, 250)
        paper = [grey + draw.uniform(-25, 10) for _ in range(3)]
        pens = ([40, 35, 35], [120, 50, 30], [150, 60, 60], [50, 40, 190], [90, 90, 90])
        ink = [value * draw.uniform(0.4, 1.25) for value in draw.choice(pens)]
        return paper, [min(value, grey - 45) for value in ink]
    light = draw.uniform(135, 255)
    dark = draw.uniform(0, light - 70)
    bright = [light + draw.uniform(-30, 30) for _ in range(3)]
    deep = [dark + draw.uniform(-30, 30) for _ in range(3)]
    return (bright, deep) if draw.random() < 0.78 else (deep, bright)


def _lit(picture: np.ndarray, draw: random.Random) -> np.ndarray:
    """Uneven light and texture on the paper."""
    if draw.random() < 0.55:
        generator = np.random.default_rng(draw.getrandbits(32))
        coarse = generator.normal(0, draw.uniform(3, 18), (draw.randint(2, 4), draw.randint(2, 9))).astype(np.float32)
        picture += cv2.resize(coarse, picture.shape[1::-1], interpolation=cv2.INTER_CUBIC)[..., None]
    return picture


def _rule(picture: np.ndarray, draw: random.Random) -> None:
    """A ruled line under the writing, or the cells of squared paper."""
    height, width = picture.shape[:2]
    colour = [draw.uniform(90, 200) for _ in range(3)]
    y = height - draw.randint(1, max(2, height // 5))
    cv2.line(picture, (0, y), (width, y + draw.randint(-2, 2)), colour, 1, cv2.LINE_AA)
    if draw.random() < 0.35:
        for x in range(draw.randint(0, height), width, max(20, round(height * draw.uniform(0.85, 1.1)))):
            cv2.line(picture, (x, 0), (x, height), colour, 1, cv2.LINE_AA)


def _captured(picture: np.ndarray, draw: random.Random) -> np.ndarray:
    """Slight blur, lower resolution, noise and JPEG."""
    if draw.random() < 0.45:
        picture = cv2.GaussianBlur(picture, (0, 0), draw.uniform(0.3, 1.1))
    if draw.random() < 0.25:
        share, size = draw.uniform(0.45, 0.85), picture.shape[1::-1]
        small = cv2.resize(picture, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        picture = cv2.resize(small, size, interpolation=cv2.INTER_LINEAR)
    if draw.random() < 0.5:
        generator = np.random.default_rng(draw.getrandbits(32))
        picture = picture + generator.normal(0, draw.uniform(1, 9), picture.shape).astype(np.float32)
    picture = np.clip(picture, 0, 255).astype(np.uint8)
    return _coded(picture, draw, qualities=(30, 85)) if draw.random() < 0.35 else picture


def _coded(picture: np.ndarray, draw: random.Random, *, qualities: tuple[int, int]) -> np.ndarray:
    """Through JPEG and back."""
    _, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, draw.randint(*qualities)])
    return cv2.imdecode(coded, cv2.IMREAD_COLOR)
