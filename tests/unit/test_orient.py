"""Pages and lines that are not upright, from the bytes of a file to text, by the real models.

The sample pages (tests/data) are turned here; what is read and where must be what is read and where on the page that
was not turned.
"""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from bench.score import Counts, page_counts
from PIL import Image, ImageDraw, ImageFont
from ziyan import manifest
from ziyan.options import Options
from ziyan.pipeline import Pipeline

DATA = Path(__file__).parents[1] / "data"
PAGES = [json.loads(line) for line in (DATA / "pages.jsonl").read_text(encoding="utf-8").splitlines()]
CLOCKWISE = {
    90: Image.Transpose.ROTATE_270,  # Pillow turns the other way
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}
NEAR_PX = 4


@pytest.fixture(scope="module")
def pipeline(models):
    return Pipeline(manifest.load(models), threads=1, max_pixels=25_000_000)


@pytest.fixture(scope="module")
def read(pipeline):
    """`read(picture, turn="0")` gives the page that a Pillow picture shows."""

    def read_(picture, **options):
        file = io.BytesIO()
        picture.save(file, "PNG", compress_level=1)
        return pipeline.read(file.getvalue(), Options(**options))

    return read_


@pytest.fixture(scope="module")
def columns(font_path):
    """`columns("右", "左")` draws columns side by side, the first one on the right."""

    def draw(*texts, font_px=44):
        picture = Image.new("RGB", (110 * len(texts) + 60, round(1.15 * font_px * max(map(len, texts)) + 80)), "white")
        pen, font = ImageDraw.Draw(picture), ImageFont.truetype(font_path, font_px)
        for place, text in enumerate(reversed(texts)):
            for i, character in enumerate(text):
                pen.text((60 + 110 * place, 40 + round(1.15 * i * font_px)), character, font=font, fill="black")
        return picture

    return draw


def texts(page):
    return [line.text for line in page.lines]


def sample(name):
    return Image.open(DATA / "pages" / name).convert("RGB")


def turned_box(box, size, degrees):
    """The corners `box` of a page of `size`, where they lie after the page was turned clockwise."""
    width, height = size
    place = {
        90: lambda x, y: (height - y, x),
        180: lambda x, y: (width - x, height - y),
        270: lambda x, y: (y, width - x),
    }[degrees]
    return [place(x, y) for x, y in box]


# --- pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", CLOCKWISE)
def test_sample_pages_turned_are_read_as_well_as_upright(read, degrees):
    upright, turned = Counts(), Counts()
    for facts in PAGES:
        picture = Image.open(DATA / facts["file"]).convert("RGB")
        upright += page_counts(facts["lines"], texts(read(picture)))
        page = read(picture.transpose(CLOCKWISE[degrees]))
        assert page.turned == 360 - degrees
        turned += page_counts(facts["lines"], texts(page))
    assert turned.f1 >= upright.f1 - 0.001
    assert turned.exact >= upright.exact - 1


@pytest.mark.parametrize("degrees", CLOCKWISE)
def test_the_boxes_of_a_turned_page_are_in_the_sent_picture_and_begin_where_the_text_begins(read, degrees):
    picture = sample("sign.jpg")
    upright, turned = read(picture), read(picture.transpose(CLOCKWISE[degrees]))
    sent = picture.size if degrees == 180 else picture.size[::-1]
    assert (turned.width, turned.height) == sent
    assert texts(turned) == texts(upright)
    for line, expected in zip(turned.lines, upright.lines, strict=True):
        assert np.array(line.box) == pytest.approx(
            np.array(turned_box(expected.box, picture.size, degrees)), abs=NEAR_PX
        )


def test_an_upright_page_is_not_turned(read):
    for facts in PAGES:
        assert read(Image.open(DATA / facts["file"]).convert("RGB")).turned == 0


def test_a_page_is_turned_as_asked_and_no_further(read):
    picture = sample("printed.jpg")
    expected = texts(read(picture))
    on_its_side = picture.transpose(CLOCKWISE[90])
    page = read(on_its_side, turn="270")
    assert (texts(page), page.turned) == (expected, 270)
    unturned = read(on_its_side.transpose(CLOCKWISE[90]), turn="0")
    assert unturned.turned == 0
    assert page_counts(expected, texts(unturned)).f1 < 0.3  # upside down, as was asked


@pytest.mark.parametrize("size", [(640, 480), (1, 1), (30, 2000)], ids=str)
def test_a_page_without_text_is_not_turned(read, size):
    page = read(Image.new("RGB", size, "white"))
    assert (page.lines, page.turned) == ((), 0)


# --- lines ------------------------------------------------------------------------------------------------------------


def test_a_line_upside_down_among_upright_ones_is_read(read, draw):
    picture, _ = draw(
        ("第一行是正的文字", (40, 30)), ("这一行上下颠倒了", (40, 150)), ("The third is upright", (40, 290))
    )
    picture.paste(picture.crop((0, 130, 900, 230)).rotate(180), (0, 130))
    page = read(picture)
    assert (texts(page), page.turned) == (["第一行是正的文字", "这一行上下颠倒了", "The third is upright"], 0)
    (x0, y0), (x1, _), _, (_, y3) = page.lines[1].box
    assert x1 < x0 - 300  # its upper side runs to the left,
    assert y3 < y0 - 30  # and its lower side is above
    assert texts(read(picture, turn="0"))[1:2] != ["这一行上下颠倒了"]


@pytest.mark.parametrize("degrees", [20, 55, 125, 200, 235, 305])
def test_a_page_at_any_angle_is_read(read, draw, degrees):
    expected = ["树莓派离线识别文字", "Raspberry Pi reads", "中文与英文都在这一行"]
    picture, _ = draw(*zip(expected, ((150, 90), (150, 210), (150, 330)), strict=True))
    tilted = picture.rotate(-degrees, expand=True, fillcolor="white", resample=Image.Resampling.BICUBIC)
    assert sorted(texts(read(tilted))) == sorted(expected)


# --- vertical text ----------------------------------------------------------------------------------------------------

COUPLET = ("宝剑锋从磨砺出", "梅花香自苦寒来")


def test_columns_are_read_from_the_right(read, columns):
    page = read(columns(*COUPLET))
    assert (texts(page), page.turned) == (list(COUPLET), 0)
    assert [line.vertical for line in page.lines] == [True, True]
    (x0, y0), (x1, y1), _, (_, y3) = page.lines[0].box
    assert (x1 - x0, y3 - y0) == pytest.approx((50, 350), abs=30)
    assert y0 == pytest.approx(y1, abs=6)


def test_columns_below_a_title_come_after_it(read, columns, draw):
    picture = Image.new("RGB", (500, 620), "white")
    picture.paste(draw(("春联两句", (20, 10)), size=(240, 90))[0], (130, 20))
    picture.paste(columns(*COUPLET), (90, 140))
    assert texts(read(picture)) == ["春联两句", *COUPLET]


@pytest.mark.parametrize("degrees", CLOCKWISE)
def test_a_page_of_columns_is_read_at_every_turn(read, columns, degrees):
    assert texts(read(columns(*COUPLET).transpose(CLOCKWISE[degrees]))) == list(COUPLET)


@pytest.mark.parametrize("degrees", [-12, 12])
def test_tilted_columns_are_read(read, columns, degrees):
    tilted = columns(*COUPLET).rotate(degrees, expand=True, fillcolor="white", resample=Image.Resampling.BICUBIC)
    page = read(tilted)
    assert texts(page) == list(COUPLET)
    assert all(line.vertical for line in page.lines)


def test_lines_on_their_side_are_no_columns(read, draw):
    picture, _ = draw(("侧躺的第一行文字", (30, 30)), ("the second one, sideways", (30, 130)), size=(620, 220))
    page = read(picture.transpose(CLOCKWISE[90]))
    assert texts(page) == ["侧躺的第一行文字", "the second one, sideways"]
    assert not any(line.vertical for line in page.lines)


def test_standing_boxes_are_what_is_asked(read, columns):
    assert all(line.vertical for line in read(columns(*COUPLET), vertical="on").lines)
    assert not any(line.vertical for line in read(columns(*COUPLET), vertical="off").lines)
