"""How a synthetic line is drawn: with a printing font, a handwriting font, or a pen that follows recorded strokes.

Every drawer gives a mask, uint8 (h, w), 255 where there is ink, trimmed to the ink; None for a text it cannot write.
"""

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import cv2
import numpy as np
from fontTools.ttLib import TTCollection, TTFont
from PIL import Image, ImageDraw, ImageFont

SIZES = (30, 38, 46, 56)  # em in pixels; a few, so that opened fonts can be kept


class Face:
    """One typeface out of one or many files (web fonts come in a hundred subsets)."""

    def __init__(self, files: Iterable[Path]):
        self.files = sorted(files)

    @cached_property
    def file_of(self) -> dict[str, Path]:
        """The file that has the glyph of a character."""
        characters = {}
        for file in self.files:
            with TTCollection(file, lazy=True) if file.suffix == ".ttc" else TTFont(file, lazy=True) as opened:
                font = opened.fonts[0] if file.suffix == ".ttc" else opened
                characters.update({chr(code): file for code in font.getBestCmap() or ()})
        return characters

    def writes(self, text: str) -> bool:
        """Whether it has every character but the space, and not as an empty glyph, as some fonts do."""
        return all(
            character in self.file_of and _has_ink(self.file_of[character], character)
            for character in text
            if character != " "
        )

    def glyph_font(self, character: str, size: int) -> ImageFont.FreeTypeFont:
        """The opened font that draws `character`."""
        return _opened(self.file_of.get(character, self.files[0]), size)


@lru_cache(maxsize=1500)
def _opened(file: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(file, size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=200_000)
def _has_ink(file: Path, character: str) -> bool:
    left, top, right, bottom = _opened(file, SIZES[0]).getbbox(character)
    return right > left and bottom > top


def faces(packages: Path, kind: str) -> list[Face]:
    """The typefaces of one kind of package; a web font's subsets are one face."""
    found = []
    for package in sorted((packages / kind).iterdir()):
        subsets = list(package.glob("package/files/*-400-normal.woff2"))
        files = [p for p in sorted(package.rglob("*.[to]t[fc]")) if "Mono" not in p.name and not p.is_symlink()]
        found += [Face(subsets)] if subsets else [Face([file]) for file in files]
    return found


def trimmed(mask: np.ndarray) -> np.ndarray | None:
    """The part of `mask` that holds ink, None if there is none."""
    rows, columns = np.flatnonzero(mask.max(1)), np.flatnonzero(mask.max(0))
    if not len(rows):
        return None
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


class TypeDrawer:
    """Sets a line in a typeface; `unsteady` lets the glyphs of a handwriting font differ, lean and dance."""

    def __init__(self, chosen: list[Face], *, unsteady: bool = False):
        self.faces, self.unsteady = chosen, unsteady

    def draw(self, text: str, draw: random.Random) -> np.ndarray | None:
        """The mask of `text`."""
        able = [face for face in draw.sample(self.faces, min(6, len(self.faces))) if face.writes(text)]
        if not able:
            return None
        face, size = able[0], draw.choice(SIZES)
        apart = size * draw.choice((0, 0, 0, draw.uniform(-0.05, 0.25)))
        image = Image.new("L", (int((len(text) + 2) * (size * 1.4 + max(0, apart))), size * 2), 0)
        canvas, x, lean = ImageDraw.Draw(image), size / 2, 0.0
        for character in text:
            own = min(SIZES, key=lambda s: abs(s - size * draw.gauss(1, 0.1))) if self.unsteady else size
            font = face.glyph_font(character, own)
            lean = 0.7 * lean + draw.gauss(0, 0.035) * size if self.unsteady else 0
            canvas.text((x, size * 1.45 + lean), character, font=font, fill=255, anchor="ls")
            x += font.getlength(character) + apart + (draw.gauss(0, 0.04) * size if self.unsteady else 0)
        return trimmed(np.asarray(image))


@dataclass(frozen=True)
class Hand:
    """One writer's habits on one line."""

    slant: float
    narrow: float
    jitter: float  # of a stroke's place, in 1/1024 em
    bend: float
    thickness: float  # pixels at 64 px em
    joins: float  # chance to go on to the next stroke without lifting the pen
    simplifies: float  # chance to drop half of a stroke's points

    @classmethod
    def drawn(cls, draw: random.Random) -> "Hand":
        """Some writer."""
        cursive = draw.random() < 0.45
        return cls(
            slant=draw.gauss(0, 0.14),
            narrow=draw.uniform(0.72, 1.05),
            jitter=draw.uniform(8, 36),
            bend=draw.uniform(0, 0.18),
            thickness=draw.uniform(1.5, 4.2),
            joins=draw.uniform(0.3, 0.8) if cursive else draw.uniform(0, 0.12),
            simplifies=draw.uniform(0.2, 0.7) if cursive else draw.uniform(0, 0.3),
        )


class PenDrawer:
    """Writes Chinese by the stroke medians of hanzi-writer-data; other characters come from handwriting fonts."""

    EM = 64
    SCALE = 2  # drawn so many times larger, for smooth edges

    def __init__(self, medians: Path, others: list[Face]):
        self.medians, self.others = medians, others
        self.strokes = lru_cache(maxsize=9000)(self._strokes)

    def _strokes(self, character: str) -> list[np.ndarray] | None:
        path = self.medians / f"{character}.json"
        if not path.exists():
            return None
        return [np.array(m, np.float64) for m in json.loads(path.read_text(encoding="utf-8"))["medians"]]

    def draw(self, text: str, draw: random.Random) -> np.ndarray | None:
        """The mask of `text`, None when less than half of it is Chinese."""
        if sum(self.strokes(character) is not None for character in text) * 2 < len(text):
            return None
        rest = "".join(character for character in text if self.strokes(character) is None)
        able = [face for face in self.others if face.writes(rest)]
        if not able:
            return None
        other = draw.choice(able)
        hand, scale = Hand.drawn(draw), self.EM * self.SCALE
        mask = np.zeros((int(scale * 1.7), int((len(text) + 2) * scale * 1.3)), np.uint8)
        apart, x, y = draw.uniform(-0.08, 0.12) * scale, scale / 3, 0.0
        for character in text:
            y = 0.7 * y + draw.gauss(0, 0.035) * scale
            size = scale * draw.uniform(0.82, 1.0)
            if (strokes := self.strokes(character)) is None:
                x += self._glyph(mask, other, character, (x, scale * 1.15 + y), size)
            else:
                self._write(mask, strokes, hand, draw, np.array([x, scale * 0.3 + y]), size)
                x += size * hand.narrow + apart
        mask = trimmed(mask)
        return None if mask is None else cv2.resize(mask, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)

    def _glyph(self, mask: np.ndarray, face: Face, character: str, corner: tuple[float, float], size: float) -> float:
        """Draws a character of a font into `mask`; returns how far the pen moves on."""
        if character == " ":
            return size * 0.35
        font = face.glyph_font(character, int(size * 0.8))
        image = Image.new("L", (mask.shape[1], mask.shape[0]), 0)
        ImageDraw.Draw(image).text(corner, character, font=font, fill=255, anchor="ls")
        np.maximum(mask, np.asarray(image), out=mask)
        return min(font.getlength(character), size * 0.9) + size * 0.06

    def _write(
        self, mask: np.ndarray, strokes: list[np.ndarray], hand: Hand, draw: random.Random, at: np.ndarray, size: float
    ) -> None:
        lines: list[np.ndarray] = []
        for points in strokes:
            points = _stroke(points, hand, draw)
            if lines and draw.random() < hand.joins and np.linalg.norm(points[0] - lines[-1][-1]) < 420:
                lines[-1] = np.vstack([lines[-1], points])
            else:
                lines.append(points)
        for points in lines:
            pixels = (np.stack([points[:, 0], 900 - points[:, 1]], 1) * size / 1024 + at) * 16
            width = max(1, round(hand.thickness * self.SCALE * draw.uniform(0.85, 1.15)))
            cv2.polylines(mask, [pixels.astype(np.int32)], False, 255, width, cv2.LINE_AA, shift=4)
            tail = pixels[: max(2, len(pixels) // 3)].astype(np.int32)
            cv2.polylines(mask, [tail], False, 255, width + draw.randint(0, 1), cv2.LINE_AA, shift=4)  # pressure


def _stroke(points: np.ndarray, hand: Hand, draw: random.Random) -> np.ndarray:
    """A stroke's median (n, 2) in 1/1024 em as this writer would write it: moved, turned, bent and smoothed."""
    if len(points) > 3 and draw.random() < hand.simplifies:
        inner = sorted(draw.sample(range(1, len(points) - 1), max(1, (len(points) - 2) // 2)))
        points = points[[0, *inner, len(points) - 1]]
    centre, angle, grow = points.mean(0), draw.gauss(0, 0.06), 1 + draw.gauss(0, 0.08)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = np.array([draw.gauss(0, hand.jitter), draw.gauss(0, hand.jitter)])
    points = (points - centre) @ turn * grow + centre + moved
    chord = points[-1] - points[0]
    sag = np.sin(np.pi * np.linspace(0, 1, len(points))) * draw.gauss(0, hand.bend)
    points = points + np.outer(sag, [-chord[1], chord[0]])
    points = (points - 512) @ np.array([[hand.narrow, 0], [hand.slant, 1]]) + 512
    for _ in range(2):  # Chaikin 1974: corner cutting
        if len(points) > 2:
            cut = np.stack([0.75 * points[:-1] + 0.25 * points[1:], 0.25 * points[:-1] + 0.75 * points[1:]], 1)
            points = np.vstack([points[:1], cut.reshape(-1, 2), points[-1:]])
    return points
