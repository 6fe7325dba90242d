"""What the unit tests share: refusals in full, and pictures of text drawn at known places."""

import contextlib
import io
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

NOTO = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.fixture(scope="session")
def refuses():
    """`with refuses(ImageRejected, "image_damaged") as caught:` expects that very class and code, in both languages."""

    @contextlib.contextmanager
    def expect(kind, code):
        with pytest.raises(kind) as caught:
            yield caught
        error = caught.value
        assert (type(error), error.code) == (kind, code)
        assert CHINESE.search(error.zh)
        assert not CHINESE.search(error.en)
        assert "\n" not in error.message

    return expect


@pytest.fixture(scope="session")
def font_path():
    """A font with Chinese characters: Noto Sans CJK, or the first that fontconfig knows."""
    if NOTO.exists():
        return str(NOTO)
    with contextlib.suppress(OSError):
        found = subprocess.run(["fc-list", ":lang=zh-cn", "file"], capture_output=True, text=True).stdout.splitlines()
        if found:
            return sorted(found)[0].rstrip().removesuffix(":")
    return pytest.skip("no font with Chinese characters: apt-get install fonts-noto-cjk")


@pytest.fixture(scope="session")
def draw(font_path):
    """`draw((text, (x, y)), …)` gives a picture, RGB, and the (left, top, right, bottom) of each text's ink."""

    def draw_(*lines, size=(900, 420), font_px=48, colour="black", background="white"):
        picture = Image.new("RGB", size, background)
        pen, font = ImageDraw.Draw(picture), ImageFont.truetype(font_path, font_px)
        for text, place in lines:
            pen.text(place, text, font=font, fill=colour)
        return picture, [pen.textbbox(place, text, font=font) for text, place in lines]

    return draw_


@pytest.fixture(scope="session")
def encoded():
    """`encoded(picture, "PNG")` gives the bytes of a file of that format, as Pillow writes it."""

    def encode(picture, kind, **how):
        file = io.BytesIO()
        picture.save(file, kind, **how)
        return file.getvalue()

    return encode


@pytest.fixture(scope="session")
def bgr():
    """The pixels of a Pillow picture as the service holds them: (H, W, 3) uint8, blue first."""
    return lambda picture: np.ascontiguousarray(np.asarray(picture.convert("RGB"))[:, :, ::-1])
