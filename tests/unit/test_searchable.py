"""A PDF of pictures made searchable: its pages stay what they were, and the text is where the lines are."""

import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import numpy as np
import pypdfium2 as pdfium
import pytest
from PIL import Image, ImageDraw
from ziyan import searchable
from ziyan.errors import DocumentRejected

XHTML = "{http://www.w3.org/1999/xhtml}"
SIZE_PT = (300, 400)
DPI = 144
BOX = [[100, 60], [400, 60], [400, 100], [100, 100]]  # in pixels at DPI, as the page is shown

pytestmark = pytest.mark.skipif(not shutil.which("pdftotext"), reason="apt-get install poppler-utils")


@pytest.fixture
def scan(tmp_path):
    """`scan(rotation=…, crop=…)` makes a PDF of one picture, its page turned and cropped so."""

    def make(*, rotation=0, crop=None):
        picture = Image.new("RGB", SIZE_PT, "white")
        ImageDraw.Draw(picture).rectangle((50, 30, 200, 50), fill="black")
        path = tmp_path / "scan.pdf"
        picture.save(path, "PDF", resolution=72)
        with pdfium.PdfDocument(path) as document:
            page = document[0]
            page.set_rotation(rotation)
            if crop:
                page.set_cropbox(*crop)
            document.save(tmp_path / "turned.pdf")
        return tmp_path / "turned.pdf"

    return make


def read_page(path, text="离线识别 Hello", box=BOX, **more):
    with pdfium.PdfDocument(path) as document:
        width, height = document.get_page_size(0)
    size = {"width": round(width * DPI / 72), "height": round(height * DPI / 72)}
    return {"lines": [{"text": text, "score": 0.9, "box": box}], "dpi": DPI, **size, **more}


def words(path):
    ended = subprocess.run(["pdftotext", "-cropbox", "-bbox", path, "-"], capture_output=True, timeout=60, check=True)
    edges = ("xMin", "yMin", "xMax", "yMax")
    root = ElementTree.fromstring(ended.stdout)
    return [(word.text, [float(word.get(edge)) for edge in edges]) for word in root.iter(f"{XHTML}word")]


def shown(path):
    with pdfium.PdfDocument(path) as document:
        return np.asarray(document[0].render().to_pil().convert("RGB"), float)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("crop", [None, (20, 10, 280, 390)], ids=["whole", "cropped"])
def test_the_text_is_where_it_was_seen(scan, tmp_path, rotation, crop):
    source, target = scan(rotation=rotation, crop=crop), tmp_path / "searchable.pdf"
    searchable.write(source, [read_page(source)], target)
    (first, (left, top, _, bottom)), (last, (_, _, right, _)) = words(target)
    assert (first, last) == ("离线识别", "Hello")
    assert np.allclose([left, top, right, bottom], [50, 30, 200, 50], atol=1)
    assert np.abs(shown(source) - shown(target)).max() == 0, "and nothing of it can be seen"


def test_the_picture_stays_as_it_was_and_the_file_hardly_grows(scan, tmp_path):
    source, target = scan(), tmp_path / "searchable.pdf"
    searchable.write(source, [read_page(source)], target)
    assert target.stat().st_size < source.stat().st_size + 8000


def test_a_layer_of_before_gives_way(scan, tmp_path):
    source, once, twice = scan(), tmp_path / "once.pdf", tmp_path / "twice.pdf"
    searchable.write(source, [read_page(source, "garbage")], once)
    searchable.write(once, [read_page(once, "right")], twice)
    assert [text for text, _ in words(twice)] == ["right"]


def test_what_can_be_seen_is_never_removed(tmp_path):
    source, target = tmp_path / "source.pdf", tmp_path / "searchable.pdf"
    content = b"BT /F 20 Tf 50 300 Td (visible) Tj 3 Tr 0 -100 Td (invisible) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 400] /Contents 4 0 R "
        b"/Resources << /Font << /F 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % (number, text) for number, text in enumerate(objects, 1))
    source.write_bytes(b"%PDF-1.4\n" + body + b"trailer\n<< /Root 1 0 R /Size 6 >>\n%%EOF\n")
    assert [text for text, _ in words(source)] == ["visible", "invisible"]
    searchable.write(source, [read_page(source)], target)
    assert sorted(text for text, _ in words(target)) == ["Hello", "visible", "离线识别"]
    assert np.abs(shown(source) - shown(target)).max() == 0


@pytest.mark.parametrize("more", [{"source": "text"}, {"error": {"code": "x", "message": "y"}}, {"lines": []}])
def test_a_page_with_its_own_text_or_none_stays_as_it_is(scan, tmp_path, more):
    source, target = scan(), tmp_path / "searchable.pdf"
    searchable.write(source, [{**read_page(source), **more}], target)
    assert words(target) == []


def test_a_page_that_lay_on_its_side_is_shown_upright(scan, tmp_path):
    source, target = scan(), tmp_path / "searchable.pdf"
    upwards = [[100, 400], [100, 100], [140, 100], [140, 400]]
    searchable.write(source, [read_page(source, box=upwards, turned=90)], target)
    with pdfium.PdfDocument(target) as document:
        assert document.get_page_size(0) == SIZE_PT[::-1]
    assert [text for text, _ in words(target)] == ["离线识别", "Hello"]


def test_refuses_what_is_no_pdf(tmp_path, refuses):
    (tmp_path / "scan.pdf").write_bytes(b"no PDF")
    with refuses(DocumentRejected, "document_unwritable"):
        searchable.write(tmp_path / "scan.pdf", [], tmp_path / "searchable.pdf")
