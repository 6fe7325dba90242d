"""Documents of many pages: how many they have, and each page as a picture, one in memory at a time.

PDF pages are drawn by PDFium; pages of a TIFF and pictures in a zip are decoded as any picture is. Nothing is unpacked
to the disk, and no name inside a document is used as a path.
"""

import ctypes
import io
import math
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np
import pypdfium2 as pdfium
from pypdfium2 import raw as pdfium_c

from ziyan import image
from ziyan.errors import DocumentRejected, DocumentTooLarge
from ziyan.image import Picture
from ziyan.kinds import HEAD_BYTES, kind, unsupported
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
# Bytes a pixel that PDFium takes to decode a picture in a PDF, measured on 9 to 256 megapixels: little where it goes row
# by row, so much for each component of JPEG 2000. The pictures of a page add up. What is not named takes the second most.
PICTURE_BYTES = {
    "baseline JPEG": 0.2, "progressive JPEG": 4.2, "FlateDecode": 0.1, "LZWDecode": 0.1, "CCITTFaxDecode": 0.5,
    "JBIG2Decode": 0.5,
}  # fmt: skip
JPEG_2000_BYTES = 6.7
# With this both programs stay under 300 MB: what any other picture may take, less the page on which it is drawn.
PICTURES_LIMIT_BYTES = image.DECODE_LIMIT_BYTES - 20_000_000
_PROGRESSIVE = b"\xff\xc2"  # ITU-T T.81, B.1.1.3: SOF2
_JPEG_2000_SIZE = re.compile(rb"\xff\x4f\xff\x51.{4}(.{32})(.{2})", re.DOTALL)  # ITU-T T.800, A.5.1: SIZ
# A zip's directory is read as a whole: 20,000 entries of shortest names, 10,000 of usual ones.
ZIP_DIRECTORY_BYTES = 1 << 20
_ZIP_END = re.compile(rb"(PK\x06\x07.{16})?PK\x05\x06.{8}(.{4})", re.DOTALL)  # APPNOTE.TXT 6.3.10, 4.3.15 and 4.3.16
_ZIP_END_BYTES = (1 << 16) + 22 + 20  # its comment, itself, and the locator of its 64-bit form before it
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others take memory as the file says
_NOT_FOR_READING = re.compile(r"(^|/)(\.|__MACOSX/|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)


@dataclass(frozen=True)
class Limits:
    """What a document may have: pages, pixels and bytes of a picture, and bytes of all that a zip unpacks to."""

    pages: int
    pixels: int
    picture_bytes: int
    unpacked_bytes: int


class Sheet(Protocol):
    """One page of a document, before it is read. `name` is its own within the document, or empty."""

    name: str
    dpi: float | None

    def draw(self) -> Picture:
        """The page as a picture. ImageRejected where it cannot be decoded."""

    def layer(self) -> tuple[Line, ...] | None:
        """The lines of text that the page already carries, in pixels of `draw`, or None where it carries none."""


class Document(Protocol):
    """An opened document. Opening checked its number of pages and its names, not each page."""

    def __len__(self) -> int: ...

    def sheet(self, index: int) -> Sheet:
        """The page at `index`, from 0."""


@contextmanager
def opened(path: Path, limits: Limits) -> Iterator[Document]:
    """The document at `path`, until the block ends. DocumentRejected tells what is wrong with it as a whole."""
    with path.open("rb") as file:
        form = kind(file.read(HEAD_BYTES))
    if form is None:
        raise unsupported(path.name)
    document = {"pdf": _Pdf, "tiff": _Tiff, "zip": _Zip, "picture": _Single}[form](path, limits)
    try:
        if len(document) > limits.pages:
            raise too_many_pages(limits)
        if not len(document):
            raise DocumentRejected("document_empty", "文件里没有可识别的页。", "The document has no page to read.")
        yield document
    finally:
        document.close()


def too_many_pages(limits: Limits) -> DocumentTooLarge:
    """The refusal of documents that together have more pages than may be."""
    return DocumentTooLarge(
        "document_too_many_pages",
        f"超过 {limits.pages} 页的上限；请分成几份发送。",
        f"There are more than {limits.pages} pages, which is the limit. Send them in parts.",
    )


def _damaged() -> DocumentRejected:
    return DocumentRejected(
        "document_damaged",
        "文件已损坏或不完整，请重新导出后再发送。",
        "The document is damaged or incomplete. Export it again, then send it.",
    )


def _encrypted() -> DocumentRejected:
    return DocumentRejected(
        "document_encrypted",
        "文件有密码保护，无法读取；请去掉密码后再发送。",
        "The document is protected by a password. Save it without one, then send it.",
    )


class _NoLayer:
    def layer(self) -> None:
        """Pictures carry no text."""


# --- one picture ------------------------------------------------------------------------------------------------------


class _Single(_NoLayer):
    """A file that is one picture, its only page."""

    name, dpi = "", None

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path, self._limits = path, limits

    def __len__(self) -> int:
        return 1

    def sheet(self, index: int) -> "Sheet":
        return self

    def draw(self) -> Picture:
        """See Sheet."""
        limit = self._limits.picture_bytes
        if (size := self._path.stat().st_size) > limit:
            raise _picture_too_large(size, limit)
        return image.decode(self._path.read_bytes(), max_pixels=self._limits.pixels)

    def close(self) -> None:
        """Nothing is held open."""


def _picture_too_large(size: int, limit: int) -> DocumentTooLarge:
    return DocumentTooLarge(
        "picture_too_large",
        f"图片有 {size} 字节，上限为 {limit} 字节；请缩小后再发送。",
        f"The picture has {size} bytes, the limit is {limit}. Scale it down and send it again.",
    )


# --- TIFF -------------------------------------------------------------------------------------------------------------


class _Tiff:
    def __init__(self, path: Path, limits: Limits) -> None:
        self._path, self._limits = path, limits
        with path.open("rb") as file:
            self._pages = image.count_frames(file, at_most=limits.pages + 1)

    def __len__(self) -> int:
        return self._pages

    def sheet(self, index: int) -> "Sheet":
        return _Frame(self._path, index, self._limits)

    def close(self) -> None:
        """Nothing is held open."""


class _Frame(_NoLayer):
    name, dpi = "", None

    def __init__(self, path: Path, index: int, limits: Limits) -> None:
        self._path, self._index, self._limits = path, index, limits

    def draw(self) -> Picture:
        """See Sheet."""
        with self._path.open("rb") as file:
            return image.decode_frame(file, self._index, max_pixels=self._limits.pixels)


# --- zip --------------------------------------------------------------------------------------------------------------


class _Zip:
    """The pictures of a zip by name, "2.jpg" before "10.jpg". Folders, hidden files and systems' own are no pages."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._limits = limits
        _check_directory(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise _damaged() from error
        try:
            self._entries = sorted(self._checked(), key=lambda entry: _natural(_name(entry)))
        except BaseException:
            self._zip.close()
            raise

    def _checked(self) -> Iterator[zipfile.ZipInfo]:
        unpacked = 0
        for entry in self._zip.infolist():
            name = _name(entry)
            if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or re.match(r"[A-Za-z]:", name):
                raise DocumentRejected(
                    "zip_unsafe_name",
                    "zip 中有指向其外部的文件名（如 ../），已拒绝；请重新打包。",
                    "The zip names a file outside of itself (such as ../). Pack it again.",
                )
            if entry.flag_bits & 1:
                raise _encrypted()
            if entry.is_dir() or _NOT_FOR_READING.search(name):
                continue
            unpacked += entry.file_size
            if unpacked > self._limits.unpacked_bytes:
                limit = self._limits.unpacked_bytes
                raise DocumentTooLarge(
                    "zip_too_large",
                    f"zip 解压后超过 {limit} 字节的上限；请分成几份发送。",
                    f"Unpacked, the zip has more than {limit} bytes, which is the limit. Send it in parts.",
                )
            yield entry

    def __len__(self) -> int:
        return len(self._entries)

    def sheet(self, index: int) -> "Sheet":
        return _Entry(self._zip, self._entries[index], self._limits)

    def close(self) -> None:
        self._zip.close()


class _Entry(_NoLayer):
    dpi = None

    def __init__(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limits: Limits) -> None:
        self.name = PurePosixPath(_name(entry)).name
        self._zip, self._entry, self._limits = archive, entry, limits

    def draw(self) -> Picture:
        """See Sheet."""
        limit = self._limits.picture_bytes
        if self._entry.file_size > limit:
            raise _picture_too_large(self._entry.file_size, limit)
        if self._entry.compress_type not in _METHODS:
            raise _damaged()
        try:
            data = self._zip.read(self._entry)
        except Exception as error:  # zipfile and zlib raise many types on broken data; all mean the same to us
            raise _damaged() from error
        if kind(data[:HEAD_BYTES]) == "tiff" and image.count_frames(io.BytesIO(data), at_most=2) > 1:
            raise DocumentRejected(
                "zip_holds_document",
                "zip 中的 TIFF 有多页；请直接发送它。",
                "This TIFF in the zip has several pages. Send it by itself.",
            )
        return image.decode(data, max_pixels=self._limits.pixels)


def _check_directory(path: Path) -> None:
    """Refuses a zip whose directory, which zipfile loads as a whole, is larger than ZIP_DIRECTORY_BYTES."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _ZIP_END_BYTES))
        ends = list(_ZIP_END.finditer(file.read()))
    if not ends:
        raise _damaged()
    large, size = ends[-1].groups()
    if large or int.from_bytes(size, "little") > ZIP_DIRECTORY_BYTES:
        raise DocumentTooLarge(
            "zip_too_large",
            "zip 中的文件太多；请分成几份发送。",
            "The zip has too many files. Send it in parts.",
        )


def _name(entry: zipfile.ZipInfo) -> str:
    """The entry's name; where the zip does not say that it is UTF-8, zipfile took it for cp437."""
    if entry.flag_bits & 0x800:
        return entry.filename
    for encoding in ("utf-8", "gb18030"):
        with suppress(UnicodeError):
            return entry.filename.encode("cp437").decode(encoding)
    return entry.filename


def _natural(name: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]


# --- PDF --------------------------------------------------------------------------------------------------------------


class _Pdf:
    def __init__(self, path: Path, limits: Limits) -> None:
        try:
            self._pdf = pdfium.PdfDocument(path)
        except pdfium.PdfiumError as error:
            if error.err_code in (pdfium_c.FPDF_ERR_PASSWORD, pdfium_c.FPDF_ERR_SECURITY):
                raise _encrypted() from error
            raise _damaged() from error
        self._pdf.init_forms()  # what is filled into a form is drawn as well

    def __len__(self) -> int:
        return len(self._pdf)

    def sheet(self, index: int) -> "Sheet":
        return _PdfPage(self._pdf, index)

    def close(self) -> None:
        self._pdf.close()


class _PdfPage:
    name = ""

    def __init__(self, pdf: pdfium.PdfDocument, index: int) -> None:
        self._pdf, self._index = pdf, index
        try:
            width_pt, height_pt = pdf.get_page_size(index)
        except pdfium.PdfiumError as error:
            raise _damaged() from error
        inches = max(1e-6, width_pt * height_pt / 72**2)
        self.dpi = min(DRAWN_DPI, math.sqrt(DRAWN_PIXELS / inches))
        self._size = tuple(max(1, math.ceil(side * self.dpi / 72)) for side in (width_pt, height_pt))

    @contextmanager
    def _page(self) -> Iterator[pdfium.PdfPage]:
        try:
            page = self._pdf[self._index]
        except pdfium.PdfiumError as error:
            raise _damaged() from error
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
            raise _damaged()
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
        kind_of_jpeg = "progressive JPEG" if _PROGRESSIVE in bytes(drawn.get_data(decode_simple=True)) else "baseline JPEG"
        return width * height, PICTURE_BYTES[kind_of_jpeg]
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
