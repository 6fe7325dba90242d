"""Pages of PDFs as pictures, drawn by PDFium, and the text that they carry already."""

import ctypes
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
from pypdfium2 import raw as pdfium_c

from ziyan import image
from ziyan.errors import DocumentRejected, DocumentTooLarge
from ziyan.image import Picture
from ziyan.page import Line

# A page is drawn at this, unless it would have more pixels than that: A4 has 3.9 million at 200 dpi.
DRAWN_DPI = 200
DRAWN_PIXELS = 4_500_000
# A page's text layer is taken for its text if it has this many characters; where pictures cover half of the page, as in
# a scan, this many more: a stamp ("Scanned with …") says little of what the scan shows.
LAYER_CHARACTERS = 25
LAYER_CHARACTERS_OVER_A_SCAN = 200
# Above this part of characters that no font explains (U+FFFD, private use, control), a layer is not text.
LAYER_GARBAGE = 0.1
# Bytes a pixel that decoding a picture takes, measured on 9 to 256 megapixels: little where PDFium goes row by row, so
# much for each component of JPEG 2000. The pictures of a page add up. What is not named takes the second most.
PICTURE_BYTES = {
    "baseline JPEG": 0.2, "progressive JPEG": 4.2, "FlateDecode": 0.1, "LZWDecode": 0.1, "CCITTFaxDecode": 0.5,
    "JBIG2Decode": 0.5,
}  # fmt: skip
JPEG_2000_BYTES = 6.7
# With this both programs stay under 300 MB: what any other picture may take, less the page on which it is drawn.
PICTURES_LIMIT_BYTES = image.DECODE_LIMIT_BYTES - 20_000_000
_PROGRESSIVE = b"\xff\xc2"  # ITU-T T.81, B.1.1.3: SOF2
_JPEG_2000_SIZE = re.compile(rb"\xff\x4f\xff\x51.{4}(.{32})(.{2})", re.DOTALL)  # ITU-T T.800, A.5.1: SIZ


class Pdf:
    """The PDF at `path`. DocumentRejected where it is damaged or has a password."""

    def __init__(self, path: Path) -> None:
        try:
            self._pdf = pdfium.PdfDocument(path)
        except pdfium.PdfiumError as error:
            if error.err_code in (pdfium_c.FPDF_ERR_PASSWORD, pdfium_c.FPDF_ERR_SECURITY):
                raise encrypted() from error
            raise damaged() from error
        self._pdf.init_forms()  # what is filled into a form is drawn as well

    def __len__(self) -> int:
        return len(self._pdf)

    def sheet(self, index: int) -> "PdfPage":
        """The page at `index`, from 0."""
        return PdfPage(self._pdf, index)

    def close(self) -> None:
        """Frees what PDFium holds of it."""
        self._pdf.close()


class PdfPage:
    """One page of a PDF; see documents.Sheet."""

    name = ""

    def __init__(self, pdf: pdfium.PdfDocument, index: int) -> None:
        self._pdf, self._index = pdf, index
        try:
            width_pt, height_pt = pdf.get_page_size(index)
        except pdfium.PdfiumError as error:
            raise damaged() from error
        inches = max(1e-6, width_pt * height_pt / 72**2)
        self.dpi = min(DRAWN_DPI, math.sqrt(DRAWN_PIXELS / inches))
        self._size = tuple(max(1, math.ceil(side * self.dpi / 72)) for side in (width_pt, height_pt))

    @contextmanager
    def _page(self) -> Iterator[pdfium.PdfPage]:
        try:
            page = self._pdf[self._index]
        except pdfium.PdfiumError as error:
            raise damaged() from error
        try:
            yield page
        finally:
            page.close()

    def draw(self) -> Picture:
        """See Sheet."""
        width, height = self._size
        pixels = np.full((height, width, 3), 255, np.uint8)
        bitmap = pdfium_c.FPDFBitmap_CreateEx(
            width, height, pdfium_c.FPDFBitmap_BGR, pixels.ctypes.data_as(ctypes.c_void_p), width * 3
        )
        if not bitmap:
            raise damaged()
        flags = pdfium_c.FPDF_ANNOT | pdfium_c.FPDF_RENDER_LIMITEDIMAGECACHE
        try:
            with self._page() as page:
                _check_pictures(page)
                pdfium_c.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, flags)
                if self._pdf.formenv:
                    pdfium_c.FPDF_FFLDraw(self._pdf.formenv, bitmap, page, 0, 0, width, height, 0, flags)
        finally:
            pdfium_c.FPDFBitmap_Destroy(bitmap)
        return Picture(pixels, width, height, np.eye(3))

    def layer(self) -> tuple[Line, ...] | None:
        """See Sheet."""
        with self._page() as page:
            text = page.get_textpage()
            try:
                lines = tuple(_layer_lines(page, text, self._size))
                characters = "".join(line.text for line in lines).replace(" ", "")
                scanned = _is_scan(page)
            finally:
                text.close()
        least = LAYER_CHARACTERS_OVER_A_SCAN if scanned else LAYER_CHARACTERS
        garbage = sum(not character.isprintable() or character == "\ufffd" for character in characters)
        return lines if len(characters) >= least and garbage <= LAYER_GARBAGE * len(characters) else None


def _check_pictures(page: pdfium.PdfPage) -> None:
    """Refuses a page whose pictures would take more memory than any other that is read."""
    needed = largest = 0.0
    for drawn in page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE]):
        pixels, each_bytes = _cost(drawn)
        needed, largest = needed + pixels * each_bytes, max(largest, pixels)
    if needed > PICTURES_LIMIT_BYTES:
        raise DocumentTooLarge(
            "picture_too_large",
            f"此页的图片（最大的有 {largest / 1e6:.3g} 百万像素）解码所需内存超过上限；请以较低分辨率重新导出。",
            f"The pictures of this page, the largest of {largest / 1e6:.3g} megapixels, take too much memory. "
            "Export it at a lower resolution.",
        )


def _cost(drawn: pdfium.PdfImage) -> tuple[int, float]:
    """A picture's pixels, and the bytes that decoding takes for each."""
    (width, height), filters = drawn.get_px_size(), drawn.get_filters()
    if not filters:
        return width * height, 0.0
    if filters[-1] == "DCTDecode":
        progressive = _PROGRESSIVE in bytes(drawn.get_data(decode_simple=True))
        return width * height, PICTURE_BYTES["progressive JPEG" if progressive else "baseline JPEG"]
    if filters[-1] != "JPXDecode":
        return width * height, PICTURE_BYTES.get(filters[-1], 4.2)
    found = _JPEG_2000_SIZE.search(bytes(drawn.get_data(decode_simple=True)))
    if not found:
        return width * height, 3 * JPEG_2000_BYTES
    # The picture's own word for its size: the PDF's may be another.
    right, bottom, left, top = (int.from_bytes(found[1][i : i + 4], "big") for i in range(0, 16, 4))
    return (right - left) * (bottom - top), JPEG_2000_BYTES * int.from_bytes(found[2], "big")


def _is_scan(page: pdfium.PdfPage) -> bool:
    """Whether pictures cover at least half of the page."""
    width, height = page.get_size()
    covered = 0.0
    for drawn in page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        left, bottom, right, top = drawn.get_bounds()
        covered += min(width, max(0, right - left)) * min(height, max(0, top - bottom))
    return covered >= 0.5 * width * height


def _layer_lines(page: pdfium.PdfPage, text: pdfium.PdfTextPage, size: tuple[int, int]) -> Iterator[Line]:
    """The lines of a text layer in the order in which the PDF holds them."""
    characters: list[str] = []
    boxes: list[tuple[float, float, float, float]] = []
    box = [ctypes.c_double() for _ in range(4)]
    for i in range(text.count_chars()):
        character = chr(pdfium_c.FPDFText_GetUnicode(text, i))
        if character in "\r\n":
            yield from _layer_line(page, characters, boxes, size)
            characters, boxes = [], []
            continue
        characters.append(character)
        if not character.isspace() and pdfium_c.FPDFText_GetCharBox(text, i, *box):  # left, right, bottom, top
            boxes.append(tuple(value.value for value in box))
    yield from _layer_line(page, characters, boxes, size)


def _layer_line(page: pdfium.PdfPage, characters: list[str], boxes: list, size: tuple[int, int]) -> Iterator[Line]:
    # Characters beyond U+FFFF come as surrogates; U+FFFE stands for the hyphen at the end of a broken word.
    text = "".join(characters).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = re.sub(r"[\0\u00ad]", "", text.replace("\ufffe", "-").replace("\xa0", " ")).strip()
    if not text or not boxes:
        return
    lefts, rights, bottoms, tops = zip(*boxes, strict=True)
    placed = pdfium.PdfPosConv(page, (0, 0, *size, 0))
    corners = [placed.to_bitmap(x, y) for x in (min(lefts), max(rights)) for y in (min(bottoms), max(tops))]
    xs, ys = zip(*corners, strict=True)
    left, right = (float(min(max(value, 0), size[0])) for value in (min(xs), max(xs)))
    top, bottom = (float(min(max(value, 0), size[1])) for value in (min(ys), max(ys)))
    yield Line(text, 1.0, ((left, top), (right, top), (right, bottom), (left, bottom)))


def damaged() -> DocumentRejected:
    """The refusal of a document that is not whole."""
    return DocumentRejected(
        "document_damaged",
        "文件已损坏或不完整，请重新导出后再发送。",
        "The document is damaged or incomplete. Export it again, then send it.",
    )


def encrypted() -> DocumentRejected:
    """The refusal of a document that needs a password."""
    return DocumentRejected(
        "document_encrypted",
        "文件有密码保护，无法读取；请去掉密码后再发送。",
        "The document is protected by a password. Save it without one, then send it.",
    )
