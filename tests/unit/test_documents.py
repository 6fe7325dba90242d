"""Documents: pages in order and of bounded size, text layers in their place, and what is wrong with bad ones."""

import io
import zipfile

import made_pdf
import numpy as np
import pytest
from PIL import Image
from ziyan import pdfium
from ziyan.documents import Limits, opened
from ziyan.errors import DocumentRejected, DocumentTooLarge, ImageRejected, ImageTooLarge, UnsupportedFormat

LIMITS = Limits(pages=5, pixels=1_000_000, picture_bytes=200_000, unpacked_bytes=400_000)
GREYS = (10, 120, 240)


@pytest.fixture
def write(tmp_path):
    """Writes a document and gives its path."""

    def write(data):
        path = tmp_path / "file-0"
        path.write_bytes(data)
        return path

    return write


def grey(value, kind="PNG", size=(80, 60), **how):
    file = io.BytesIO()
    Image.new("L", size, value).save(file, kind, **how)
    return file.getvalue()


def tiff(*values, size=(80, 60)):
    first, *others = (Image.new("L", size, value) for value in values)
    file = io.BytesIO()
    first.save(file, "TIFF", save_all=True, append_images=others)
    return file.getvalue()


def scanned_pdf(*values, size=(80, 60), **how):
    first, *others = (Image.new("L", size, value) for value in values)
    file = io.BytesIO()
    first.save(file, "PDF", save_all=True, append_images=others, **how)
    return file.getvalue()


def zipped(files, method=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


DOCUMENTS = {
    "PDF": scanned_pdf(*GREYS),
    "TIFF": tiff(*GREYS),
    "zip": zipped({f"{i}.png": grey(value) for i, value in enumerate(GREYS)}),
}


@pytest.mark.parametrize("data", DOCUMENTS.values(), ids=DOCUMENTS)
def test_gives_its_pages_in_order_and_any_of_them_again(write, data):
    with opened(write(data), LIMITS) as document:
        assert len(document) == 3
        for index in (0, 1, 2, 1):
            picture = document.sheet(index).draw()
            assert picture.pixels.dtype == np.uint8
            assert picture.pixels.shape == (picture.height, picture.width, 3)
            assert picture.pixels.mean() == pytest.approx(GREYS[index], abs=2)


def test_a_picture_is_a_document_of_one_page(write):
    with opened(write(grey(120)), LIMITS) as document:
        sheet = document.sheet(0)
        assert (len(document), sheet.layer(), sheet.dpi) == (1, None, None)
        assert (sheet.draw().width, sheet.draw().height) == (80, 60)


@pytest.mark.parametrize("pages", [5, 6])
@pytest.mark.parametrize("make", [tiff, scanned_pdf])
def test_the_limit_of_pages_may_be_reached_but_not_passed(write, make, pages, refuses):
    path = write(make(*range(pages)))
    if pages == 5:
        with opened(path, LIMITS) as document:
            assert len(document) == 5
    else:
        with refuses(DocumentTooLarge, "document_too_many_pages"), opened(path, LIMITS):
            pass


# --- PDF --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size_pt", "dpi"),
    [((595, 842), 200), ((842, 1191), 152.5), ((14_400, 14_400), 10.6), ((72, 72), 200)],
    ids=["A4", "A3", "the largest", "a stamp"],
)
def test_draws_a_page_at_200_dpi_and_a_large_one_at_less(write, size_pt, dpi):
    with opened(write(made_pdf.pdf([""], size=size_pt)), LIMITS) as document:
        sheet = document.sheet(0)
        picture = sheet.draw()
    assert sheet.dpi == pytest.approx(dpi, rel=0.01)
    assert picture.width == pytest.approx(size_pt[0] / 72 * sheet.dpi, abs=1)
    assert picture.width * picture.height <= pdfium.DRAWN_PIXELS * 1.01


TEXT = (("A first line of text", 72, 700), ("and a second one", 300, 500))


def ink(picture, box):
    """The darkest pixel inside a box, and outside of all boxes."""
    xs, ys = zip(*box, strict=True)
    inside = np.s_[int(min(ys)) : int(max(ys)) + 1, int(min(xs)) : int(max(xs)) + 1]
    return picture.pixels[inside].min()


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_text_layer_lies_where_its_text_is_drawn(write, turn):
    with opened(write(made_pdf.pdf([made_pdf.text(*TEXT)], page=f"/Rotate {turn}")), LIMITS) as document:
        sheet = document.sheet(0)
        picture, lines = sheet.draw(), sheet.layer()
    assert [line.text for line in lines] == [text for text, _, _ in TEXT]
    for line in lines:
        assert ink(picture, line.box) < 100
        xs, ys = zip(*line.box, strict=True)
        picture.pixels[int(min(ys)) - 2 : int(max(ys)) + 3, int(min(xs)) - 2 : int(max(xs)) + 3] = 255
    assert picture.pixels.min() > 200, "no ink outside of the boxes"


def layer_of(write, content, **how):
    with opened(write(made_pdf.pdf([content], **how)), LIMITS) as document:
        return document.sheet(0).layer()


def test_a_few_characters_are_no_text_layer(write):
    fewest = "x" * pdfium.LAYER_CHARACTERS
    assert layer_of(write, made_pdf.text((fewest, 72, 700)))
    assert layer_of(write, made_pdf.text((fewest[1:], 72, 700))) is None
    assert layer_of(write, "") is None


def test_a_stamp_on_a_scan_is_no_text_layer_but_the_text_of_a_scan_is(write):
    scan = "q 595 0 0 842 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x80 EI Q\n"
    stamp = made_pdf.text(("Scanned with some scanner of somebody", 72, 20))
    assert layer_of(write, stamp)
    assert layer_of(write, scan + stamp) is None
    rows = [("A line of text that somebody recognized", 72, 700 - 20 * i) for i in range(7)]
    assert len(layer_of(write, scan + made_pdf.text(*rows))) == 7


def test_a_filled_in_form_is_drawn(write):
    """The value of a field is in its widget's appearance, which is no part of the page's own content."""
    appearance = "q 0 g 0 0 200 40 re f Q"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [5 0 R] >> >>",
        "<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Annots [5 0 R] >>",
        "<< /Length 0 >>\nstream\n\nendstream",
        "<< /Type /Annot /Subtype /Widget /FT /Tx /T (a) /Rect [100 700 300 740] /F 4 /AP << /N 6 0 R >> >>",
        f"<< /Type /XObject /Subtype /Form /BBox [0 0 200 40] /Length {len(appearance)} >>\n"
        f"stream\n{appearance}\nendstream",
    ]
    with opened(write(made_pdf.assembled(objects)), LIMITS) as document:
        assert document.sheet(0).draw().pixels.min() < 50


def test_refuses_a_pdf_with_a_password(write, refuses):
    with refuses(DocumentRejected, "document_encrypted"), opened(write(made_pdf.encrypted()), LIMITS):
        pass


@pytest.mark.parametrize("data", [b"%PDF-1.7\n", made_pdf.pdf([""])[:200], b"%PDF-" + bytes(10_000)], ids=range(3))
def test_refuses_a_damaged_pdf(write, data, refuses):
    with refuses(DocumentRejected, "document_damaged"), opened(write(data), LIMITS):
        pass


def test_a_picture_that_would_take_too_much_memory_is_refused_and_a_large_one_drawn(write, refuses):
    with opened(write(made_pdf.picture_bomb(3000)), LIMITS) as document:
        assert document.sheet(0).draw().pixels.min() == 255
    path = write(made_pdf.picture_bomb(10, told=41_000))  # 1.7 gigapixels
    with opened(path, LIMITS) as document, refuses(DocumentTooLarge, "picture_too_large"):
        document.sheet(0).draw()


def test_a_baseline_jpeg_may_have_more_pixels_than_a_progressive_one(write, refuses):
    for progressive in (False, True):
        data = grey(200, "JPEG", size=(6000, 6000), progressive=progressive)
        path = write(made_pdf.picture(data, 6000, 6000, "DCTDecode"))
        with opened(path, LIMITS) as document:
            if progressive:
                with refuses(DocumentTooLarge, "picture_too_large"):
                    document.sheet(0).draw()
            else:
                assert document.sheet(0).draw().width


def test_a_jpeg_2000_is_refused_by_the_size_that_it_tells_itself(write, refuses):
    size = b"\xff\x4f\xff\x51\0\x2f\0\0" + b"".join(n.to_bytes(4, "big") for n in (30_000, 20_000, 0, 0, 1, 1, 0, 0))
    data = size + b"\0\3" + bytes(40)
    path = write(made_pdf.picture(data, 10, 10, "JPXDecode"))
    with opened(path, LIMITS) as document, refuses(DocumentTooLarge, "picture_too_large") as caught:
        document.sheet(0).draw()
    assert "600 megapixels" in caught.value.en


# --- TIFF -------------------------------------------------------------------------------------------------------------


def test_refuses_a_tiff_page_above_the_pixel_limit(write, refuses):
    with opened(write(tiff(1, 2, size=(1000, 1001))), LIMITS) as document, refuses(ImageTooLarge, "image_too_large"):
        document.sheet(1).draw()


def test_refuses_a_tiff_that_is_cut_off(write, refuses):
    path = write(tiff(*GREYS)[:6000])
    with refuses(ImageRejected, "image_damaged"), opened(path, LIMITS):
        pass


def test_a_tiff_that_leads_back_to_itself_ends(write):
    data = bytearray(tiff(10, 120))
    first = int.from_bytes(data[4:8], "little")
    entries = int.from_bytes(data[first : first + 2], "little")
    place = first + 2 + 12 * entries
    data[place : place + 4] = first.to_bytes(4, "little")
    try:
        with opened(write(bytes(data)), LIMITS) as document:
            assert 1 <= len(document) <= LIMITS.pages
    except ImageRejected:
        pass


# --- zip --------------------------------------------------------------------------------------------------------------


def names_of(path):
    with opened(path, LIMITS) as document:
        return [document.sheet(i).name for i in range(len(document))]


def test_pictures_of_a_zip_come_by_their_numbers(write):
    files = {name: grey(1) for name in ("b.png", "page10.png", "page9.png", "a/2.png")}
    assert names_of(write(zipped(files))) == ["2.png", "b.png", "page9.png", "page10.png"]


def test_what_systems_add_to_a_zip_is_no_page(write):
    files = {"a/": b"", "__MACOSX/a/._1.png": b"x", ".DS_Store": b"x", "a/Thumbs.db": b"x", "a/1.png": grey(1)}
    assert names_of(write(zipped(files))) == ["1.png"]


def test_names_in_gbk_are_understood(write):
    data = zipped({"\u00d0\u00c2.png": grey(1)})  # written as UTF-8; then as an old Windows wrote 新
    packed = data.replace("\u00d0\u00c2".encode(), "新".encode("gbk") + b"XX"[:2])
    assert len(packed) == len(data)
    packed = bytearray(packed)
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        packed[packed.index(mark) + place + 1] &= ~0x08 & 0xFF  # no longer said to be UTF-8
    assert names_of(write(bytes(packed))) == ["新XX.png"]


@pytest.mark.parametrize("name", ["../a.png", "a/../../b.png", "/etc/a.png", "\\a.png", "..\\a.png", "C:\\a.png"])
def test_refuses_a_zip_that_names_files_outside_of_itself(write, name, refuses):
    with refuses(DocumentRejected, "zip_unsafe_name"), opened(write(zipped({name: grey(1)})), LIMITS):
        pass


def test_what_a_zip_unpacks_to_may_reach_its_limit(write, refuses):
    for more, allowed in ((0, True), (1, False)):
        path = write(zipped({"a.png": bytes(200_000), "b.png": bytes(200_000 + more)}))
        if allowed:
            assert names_of(path) == ["a.png", "b.png"]
        else:
            with refuses(DocumentTooLarge, "zip_too_large"), opened(path, LIMITS):
                pass


def test_a_picture_of_a_zip_has_a_limit_of_its_own(write, refuses):
    path = write(zipped({"a.png": grey(1) + bytes(200_000)}))
    with opened(path, LIMITS) as document, refuses(DocumentTooLarge, "picture_too_large"):
        document.sheet(0).draw()


def test_a_zip_that_lies_about_a_size_gives_no_more_than_it_says(write, refuses):
    data = bytearray(zipped({"a.png": bytes(300_000)}))
    for mark, place in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        start = data.index(mark) + place
        data[start : start + 4] = (1000).to_bytes(4, "little")
    with opened(write(bytes(data)), LIMITS) as document, refuses(DocumentRejected, "document_damaged"):
        document.sheet(0).draw()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_refuses_methods_that_take_memory_as_the_file_says(write, method, refuses):
    path = write(zipped({"a.png": grey(1)}, method))
    with opened(path, LIMITS) as document, refuses(DocumentRejected, "document_damaged"):
        document.sheet(0).draw()


def test_refuses_a_zip_with_a_password(write, refuses):
    data = bytearray(zipped({"a.png": grey(1)}))
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(mark) + place] |= 1
    with refuses(DocumentRejected, "document_encrypted"), opened(write(bytes(data)), LIMITS):
        pass


def test_refuses_a_zip_whose_directory_is_too_large_to_load(write, refuses):
    path = write(zipped({f"{i}": b"" for i in range(25_000)}))
    with refuses(DocumentTooLarge, "zip_too_large"), opened(path, LIMITS):
        pass


def test_says_that_a_zip_holds_a_document_instead_of_reading_its_first_page_alone(write, refuses):
    with opened(write(zipped({"a.tif": tiff(1, 2), "b.pdf": made_pdf.pdf([""])})), LIMITS) as document:
        with refuses(DocumentRejected, "zip_holds_document"):
            document.sheet(0).draw()
        with refuses(UnsupportedFormat, "unsupported_format"):
            document.sheet(1).draw()


@pytest.mark.parametrize("data", [zipped({"a.png": grey(1)})[:60], b"PK\3\4" + bytes(100)], ids=["cut off", "no end"])
def test_refuses_a_damaged_zip(write, data, refuses):
    with refuses(DocumentRejected, "document_damaged"), opened(write(data), LIMITS):
        pass


def test_refuses_what_is_no_document(write, refuses):
    with refuses(UnsupportedFormat, "unsupported_format"), opened(write(b"hello, this is text"), LIMITS):
        pass
