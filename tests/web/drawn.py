"""A picture drawn by the tests themselves: its lines, and where their ink is."""

from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

FONT = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
SIZE = (900, 420)
LINES = (("树莓派离线识别文字", (70, 50)), ("Raspberry Pi reads", (70, 170)), ("中文与英文都可以", (330, 290)))
ORIENTATION, TURN_CLOCKWISE = 0x0112, 6  # EXIF: what a phone writes when it was held upright


@dataclass(frozen=True)
class Drawn:
    """The files of one drawing. `ink` holds each line's (left, top, right, bottom) in the upright picture."""

    folder: Path
    texts: tuple[str, ...]
    ink: tuple[tuple[int, int, int, int], ...]
    font: Path = FONT

    @classmethod
    def make(cls, folder):
        if not FONT.exists():
            pytest.skip("the font to draw with is not installed: apt-get install fonts-noto-cjk")
        font = ImageFont.truetype(FONT, 54)
        picture = Image.new("RGB", SIZE, "white")
        pen = ImageDraw.Draw(picture)
        for text, place in LINES:
            pen.text(place, text, font=font, fill="black")
        picture.save(folder / "lines.png")
        picture.save(folder / "lines.tiff")
        exif = Image.Exif()
        exif[ORIENTATION] = TURN_CLOCKWISE
        picture.transpose(Image.Transpose.ROTATE_90).save(folder / "turned.jpg", quality=95, exif=exif)
        _blurred(font).save(folder / "blurred.png")
        picture.transpose(Image.Transpose.ROTATE_90).save(folder / "sideways.png")
        _columns(font).save(folder / "columns.png")
        Image.new("RGB", SIZE, "white").save(folder / "white.png")
        (folder / "notes.jpg").write_text("this is no picture")
        ink = tuple(tuple(round(v) for v in pen.textbbox(place, text, font=font)) for text, place in LINES)
        return cls(folder, tuple(text for text, _ in LINES), ink)

    def file(self, name):
        return str(self.folder / name)

    def unseen(self):
        """The bytes of lines.png, with some after its end that no other has: a picture that is in no cache."""
        return (self.folder / "lines.png").read_bytes() + uuid4().bytes


def _columns(font):
    """Two columns that are read from top to bottom, the right one first."""
    picture = Image.new("RGB", (420, 620), "white")
    pen = ImageDraw.Draw(picture)
    for left, text in ((270, "字里行间藏天地"), (100, "一眼读出古今情")):
        for row, character in enumerate(text):
            pen.text((left, 40 + 76 * row), character, font=font, fill="black")
    return picture


def _blurred(font):
    """One sharp line above three that are hard to read, each in its own way, so that any reader doubts one of them."""
    picture = Image.new("RGB", SIZE, "white")
    ImageDraw.Draw(picture).text((70, 20), "清楚的一行", font=font, fill="black")
    for top, text, radius in ((110, "謎樣的筆跡", 5), (210, "藏在雾里的字迹", 6), (310, "鬱龜麤鑿籲灩", 4)):
        strip = Image.new("RGB", (SIZE[0], 100), "white")
        ImageDraw.Draw(strip).text((70, 10), text, font=font, fill="black")
        picture.paste(strip.filter(ImageFilter.GaussianBlur(radius)), (0, top))
    return picture
