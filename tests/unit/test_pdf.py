"""Searchable PDF, read by Poppler: the text is where the lines are, and the picture is the picture."""

import io
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image, ImageOps
from ziyan import outputs
from ziyan.errors import ImageRejected

XHTML = "{http://www.w3.org/1999/xhtml}"
WIDTH, HEIGHT = 1000, 1400
DPI = 100
POINTS = 72 / DPI
# The pictures are half as large as the page that was read, as one that was scaled down for sending may be.
PICTURE_SIZE = (500, 700)

pytestmark = pytest.mark.skipif(not shutil.which("pdftotext"), reason="apt-get install poppler-utils")


def box(left, top, width, height):
    return [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]


def page(*lines, **more):
    made = [{"text": text, "score": 0.9, "box": at} for text, at in lines]
    return {"width": WIDTH, "height": HEIGHT, "lines": made, **more}


@pytest.fixture
def made(tmp_path):
    """`made(pages, pictures)` writes the PDF and gives its path."""

    def make(pages, *pictures):
        path = tmp_path / "page.pdf"
        openers = [picture and (lambda picture=picture: (io.BytesIO(picture), DPI / 2)) for picture in pictures]
        path.write_bytes(b"".join(outputs.render(pages, "pdf", pictures=openers)))
        return path

    return make


@pytest.fixture(scope="session")
def photo(encoded):
    # Eight pure colours: every kind of picture can hold them, and none needs to mix them.
    squares = Image.fromarray(np.random.default_rng(7).integers(0, 2, (14, 10, 3), np.uint8) * 255)
    picture = squares.resize(PICTURE_SIZE, Image.Resampling.NEAREST)

    def make(kind="JPEG", mode="RGB", **how):
        return encoded(picture.convert(mode, dither=Image.Dither.NONE), kind, **how)

    return make


def poppler(tool, *arguments):
    ended = subprocess.run([tool, *arguments], capture_output=True, timeout=60, check=True)
    assert not ended.stderr, ended.stderr
    return ended.stdout.decode()


def words(path):
    """Every word of the PDF with its (left, top, right, bottom) in points."""
    root = ElementTree.fromstring(poppler("pdftotext", "-bbox", path, "-"))
    edges = ("xMin", "yMin", "xMax", "yMax")
    return [(word.text, [float(word.get(edge)) for edge in edges]) for word in root.iter(f"{XHTML}word")]


def shown(path, *, dpi=DPI // 2):
    subprocess.run(["pdftoppm", "-r", str(dpi), "-png", path, path.with_suffix("")], check=True, capture_output=True)
    return Image.open(next(path.parent.glob(f"{path.stem}-*.png"))).convert("RGB")


def likeness(first, second):
    """The mean difference of two pictures' values, 0 to 255."""
    assert first.size == second.size
    return np.abs(np.asarray(first, float) - np.asarray(second, float)).mean()


# --- the text ---------------------------------------------------------------------------------------------------------


def test_the_text_comes_out_line_by_line(made, photo):
    lines = ("离线识别 Hello world 123", box(100, 100, 600, 40)), ("第二行", box(100, 200, 300, 50))
    assert poppler("pdftotext", made([page(*lines)], photo()), "-").split("\n")[:3:2] == [text for text, _ in lines]


def test_a_lines_words_fill_its_box(made, photo):
    path = made([page(("离线识别 Hello", box(100, 100, 600, 40)))], photo())
    (first, (left, top, _, bottom)), (last, (_, _, right, _)) = words(path)
    assert (first, last) == ("离线识别", "Hello")
    assert np.allclose([left, top, right, bottom], np.array([100, 100, 700, 140]) * POINTS, atol=0.1)


TURNED = {
    "upwards": ([[100, 900], [100, 600], [140, 600], [140, 900]], (100, 600, 140, 900)),
    "downwards": ([[140, 600], [140, 900], [100, 900], [100, 600]], (100, 600, 140, 900)),
    "upside down": ([[500, 1000], [300, 1000], [300, 950], [500, 950]], (300, 950, 500, 1000)),
    "slightly rising": ([[100, 110], [300, 100], [302, 140], [102, 150]], (100, 100, 302, 150)),
}


@pytest.mark.parametrize("case", TURNED)
def test_a_turned_line_stays_in_its_box(made, case):
    quad, expected = TURNED[case]
    ((text, found),) = words(made([page(("转动turned", quad))]))
    scale = 842 / HEIGHT  # a page of unknown density is as long as A4
    assert text == "转动turned"
    assert np.allclose(found, np.array(expected) * scale, atol=6)


def test_a_column_is_one_word_from_top_to_bottom(made):
    column = {"text": "竖排文字", "score": 0.9, "box": box(800, 200, 100, 400), "vertical": True}
    ((text, found),) = words(made([{**page(), "lines": [column]}]))
    assert text == "竖排文字"
    assert np.allclose(found, np.array([800, 200, 900, 600]) * 842 / HEIGHT, atol=0.1)


def test_any_character_can_be_searched_for(made):
    text = "简體かなкирל𠮷😀é€"
    ((found, _),) = words(made([page((text, box(0, 0, 900, 40)))]))
    assert found == text


def test_a_quad_without_a_side_still_holds_its_text(made):
    ((found, _),) = words(made([page(("点", [[5, 5]] * 4))]))
    assert found == "点"


def test_many_pages_share_one_font(made):
    many = [page((f"第{number}页", box(100, 100, 300, 50))) for number in range(300)]
    path = made(many)
    assert poppler("pdfinfo", path).count("Pages:           300") == 1
    assert [text for text, _ in words(path)] == [f"第{number}页" for number in range(300)]
    assert path.stat().st_size < 300 * 1000


# --- the picture ------------------------------------------------------------------------------------------------------

KINDS = {
    "a JPEG": {},
    "a progressive JPEG": {"progressive": True},
    "a grey JPEG": {"mode": "L"},
    "a JPEG for printing": {"mode": "CMYK"},
    "a PNG": {"kind": "PNG"},
    "a grey PNG": {"kind": "PNG", "mode": "L"},
    "a PNG of few colours": {"kind": "PNG", "mode": "P"},
    "a PNG of two colours": {"kind": "PNG", "mode": "1"},
}


@pytest.mark.parametrize("case", KINDS)
def test_shows_the_picture_and_not_the_text_on_it(made, photo, case):
    data = photo(**KINDS[case])
    path = made([page(("不可见", box(100, 100, 800, 400)))], data)
    # Poppler's inks are duller than Pillow's; upside down, they would be 115 apart
    limit = 60 if "printing" in case else 6
    assert likeness(shown(path), Image.open(io.BytesIO(data)).convert("RGB")) < limit


@pytest.mark.parametrize("orientation", range(1, 9))
def test_shows_a_photo_upright_whatever_its_exif_turn(made, photo, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = photo(exif=exif)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    width, height = upright.size
    path = made([{"width": 2 * width, "height": 2 * height, "lines": []}], data)
    assert likeness(shown(path), upright) < 6


def test_a_page_that_lay_on_its_side_is_shown_upright(made, photo):
    data = photo()
    path = made([page(turned=90)], data)
    assert likeness(shown(path), Image.open(io.BytesIO(data)).rotate(-90, expand=True)) < 6


def test_leaves_the_place_of_the_photo_out(made, photo):
    exif = Image.Exif()
    exif[0x010F] = "The camera's maker"
    path = made([page()], photo(exif=exif, comment=b"a remark"))
    assert b"maker" not in path.read_bytes()
    assert b"maker" in photo(exif=exif)


def test_is_hardly_larger_than_its_picture(made, photo):
    data = photo()
    lines = [(f"第 {number} 行文字 with some English", box(100, 20 * number, 800, 18)) for number in range(60)]
    assert made([page(*lines)], data).stat().st_size < len(data) + 12_000


def test_uses_the_density_that_a_scanner_wrote(made, photo):
    path = made([page()], None)
    assert "Page size:       601.429 x 842 pts" in poppler("pdfinfo", path)
    openers = [lambda: (io.BytesIO(photo(dpi=(100, 100))), None)]
    path.write_bytes(b"".join(outputs.render([page()], "pdf", pictures=openers)))
    assert "Page size:       360 x 504 pts" in poppler("pdfinfo", path)


def test_refuses_a_picture_that_ends_early(refuses, photo):
    data = photo("PNG")
    with refuses(ImageRejected, "image_damaged"):
        list(outputs.render([page()], "pdf", pictures=[lambda: (io.BytesIO(data[: len(data) // 2]), None)]))
