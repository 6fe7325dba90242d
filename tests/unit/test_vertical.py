"""Columns cut apart: by ink drawn by hand, and drawn text that the real recognizer then reads."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from ziyan import manifest
from ziyan.recognize import Recognizer
from ziyan.vertical import cut, laid_out

COLUMNS = ("宝剑锋从磨砺出", "树莓派识别竖排文字", "工厂三楼王经理")


@pytest.fixture(scope="module")
def column(font_path):
    """`column(text, pitch=1.2)` draws a column, `pitch` character heights from one character to the next."""

    def draw(text, *, pitch, font_px=40, colour="black", background="white"):
        picture = Image.new("RGB", (font_px + 20, round(font_px * (0.5 + pitch * len(text)))), background)
        pen, font = ImageDraw.Draw(picture), ImageFont.truetype(font_path, font_px)
        for i, character in enumerate(text):
            pen.text((10, i * pitch * font_px), character, font=font, fill=colour)
        return np.ascontiguousarray(np.asarray(picture)[:, :, ::-1])

    return draw


def rows(*heights):
    """The ink of rows, in turn with and without any, relative to its mean."""
    ink = np.concatenate([np.full(height, 1.0 - i % 2) for i, height in enumerate(heights)])
    return ink / ink.mean()


def test_cuts_where_there_is_no_ink():
    cost, cuts = cut(rows(20, 4, 20, 4, 20), pitch=24)
    assert [20 <= cuts[1] < 24, 44 <= cuts[2] < 48] == [True, True]
    assert (cuts[0], cuts[-1], len(cuts)) == (0, 68, 4)
    assert cost < 0.2


def test_a_gap_within_a_character_is_no_place_to_cut():
    _, cuts = cut(rows(8, 4, 8, 6, 20, 6, 20), pitch=26)  # the first character is like 二
    assert len(cuts) == 4
    assert cuts[1] >= 20


def test_characters_that_touch_are_cut_at_the_pitch():
    _, cuts = cut(np.ones(100), pitch=25)
    assert cuts == [0, 25, 50, 75, 100]


@pytest.mark.parametrize("height", [1, 5, 13])
def test_what_is_too_low_for_a_character_is_not_cut(height):
    assert cut(np.ones(height), pitch=25)[1] == [0, height]


def test_a_laid_out_column_is_a_row_of_squares(column):
    for pitch in (1.0, 1.2, 1.5):
        line = laid_out(column(COLUMNS[0], pitch=pitch))
        height, width, channels = line.shape
        assert (width, channels) == (7 * height, 3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (200, 3), (3, 200)], ids=str)
def test_lays_out_anything(shape):
    noise = np.random.default_rng(2).integers(0, 255, (*shape, 3), np.uint8)
    for column in (np.full_like(noise, 255), noise):
        assert min(laid_out(column).shape) > 0


@pytest.mark.parametrize("pitch", [1.0, 1.2, 1.5])
@pytest.mark.parametrize("text", COLUMNS)
def test_a_laid_out_column_is_read(text, pitch, models, column):
    line = laid_out(column(text, pitch=pitch, colour="white", background="navy"))
    height, width = line.shape[:2]
    whole = np.float32([(0, 0), (width, 0), (width, height), (0, height)])
    (reading,) = Recognizer(manifest.load(models).recognizer, threads=1).read(line, [whole])
    assert reading.text == text
