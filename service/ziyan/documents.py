"""Documents of many pages: how many they have, and each page as a picture, one in memory at a time.

PDF pages are drawn by PDFium; pages of a TIFF and pictures in a zip are decoded as any picture is. Nothing is unpacked
to the disk, and no name inside a document is used as a path.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from ziyan import image
from ziyan.errors import DocumentRejected, DocumentTooLarge
from ziyan.image import Picture
from ziyan.kinds import HEAD_BYTES, kind, unsupported
from ziyan.page import Line
from ziyan.pdfium import Pdf, damaged, encrypted

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
    document = Pdf(path) if form == "pdf" else {"tiff": _Tiff, "zip": _Zip, "picture": _Single}[form](path, limits)
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
        with self._path.open("rb") as file:
            return image.decode(file, max_pixels=self._limits.pixels)

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
            raise damaged() from error
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
                raise encrypted()
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
            raise damaged()
        try:
            data = self._zip.read(self._entry)
        except Exception as error:  # zipfile and zlib raise many types on broken data; all mean the same to us
            raise damaged() from error
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
        raise damaged()
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
