"""What of a JPEG or PNG file goes into a PDF as it is: found in the file's headers, nothing is decoded.

PDF knows JPEG's and PNG's own compression (ISO 32000-1, 7.4.8 and 7.4.4.4), so a picture is copied, not made anew.
Of a JPEG only what its colours need is copied: the place and the camera that EXIF names stay behind.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ziyan.errors import ImageRejected, UnsupportedFormat

_CHUNK = 1 << 16
# Densities outside this are what cameras write without meaning it, and not what a scanner measured.
_DENSITY_DPI = (90, 2400)
_CM_PER_INCH, _M_PER_INCH = 2.54, 0.0254
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_COLOURS = {0: ("/DeviceGray", 1), 2: ("/DeviceRGB", 3), 3: ("", 1)}
_JPEG_COLOURS = {1: "/DeviceGray", 3: "/DeviceRGB", 4: "/DeviceCMYK"}
# Start of a JPEG frame (ITU-T T.81, table B.1) that PDF readers decode: baseline, extended and progressive.
_FRAMES = {0xC0, 0xC1, 0xC2}
_OTHER_FRAMES = {0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
# Far above what programs write: a file made of empty segments must not keep the box busy.
_MOST_SEGMENTS = 20_000


@dataclass(frozen=True)
class Embedded:
    """A picture that can be copied into a PDF.

    `width` and `height` are in pixels as stored; `orientation` is EXIF's, 1 to 8; `dpi` is None where the file does
    not tell. `parts` are the (offset, length) of what is copied, `entries` the PDF dictionary that explains it.
    """

    width: int
    height: int
    orientation: int
    dpi: float | None
    parts: tuple[tuple[int, int], ...]
    entries: str

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height after the EXIF turn."""
        return (self.height, self.width) if self.orientation > 4 else (self.width, self.height)

    @property
    def size_bytes(self) -> int:
        """How many bytes `copied` gives."""
        return sum(length for _, length in self.parts)

    def copied(self, file: BinaryIO) -> Iterator[bytes]:
        """The bytes that go into the PDF. ImageRejected where `file` is shorter than it was."""
        for offset, length in self.parts:
            file.seek(offset)
            while length:
                chunk = file.read(min(length, _CHUNK))
                if not chunk:
                    raise _damaged()
                length -= len(chunk)
                yield chunk


def look(file: BinaryIO) -> Embedded:
    """The picture in the seekable `file`. UnsupportedFormat, or ImageRejected where its headers are damaged."""
    file.seek(0)
    start = file.read(8)
    try:
        if start.startswith(b"\xff\xd8"):
            found = _jpeg(file)
        elif start == _PNG:
            found = _png(file)
        else:
            raise _unsupported()
    except struct.error as error:  # the file ends where it says that it goes on
        raise _damaged() from error
    if max(offset + length for offset, length in found.parts) > file.seek(0, 2):
        raise _damaged()
    return found


def _damaged() -> ImageRejected:
    return ImageRejected(
        "image_damaged",
        "图片文件不完整或已损坏；请重新导出后再试。",
        "The picture is incomplete or damaged. Export it again and send that.",
    )


def _unsupported() -> UnsupportedFormat:
    return UnsupportedFormat(
        "unsupported_format",
        "PDF 只能放入 JPEG，或 8 位、不透明、非隔行的 PNG；请转换为 JPEG 后再试。",
        "A PDF takes a JPEG, or a PNG of 8 bits that is opaque and not interlaced. Convert the picture to JPEG.",
    )


# --- JPEG -------------------------------------------------------------------------------------------------------------


def _jpeg(file: BinaryIO) -> Embedded:
    kept, frame, orientation, dpi, adobe = [(0, 2)], None, 1, None, False
    for marker, offset, length, body in _segments(file):
        if marker in _OTHER_FRAMES:
            raise _unsupported()
        if marker in _FRAMES:
            frame = struct.unpack_from(">BHHB", body)
        elif marker == 0xE0 and body.startswith(b"JFIF\0"):
            dpi = _jfif_dpi(body)
        elif marker == 0xE1 and body.startswith(b"Exif\0\0"):
            orientation = _exif_orientation(body[6:])
        elif marker == 0xEE and body.startswith(b"Adobe"):
            adobe = True
        # Colour is explained by JFIF (E0), by an ICC profile (E2) and by Adobe (EE); all else is about, not in, it.
        if not 0xE1 <= marker <= 0xEF or marker == 0xEE or body.startswith(b"ICC_PROFILE\0"):
            kept.append((offset, length))
    if frame is None:
        raise _damaged()
    bits, height, width, components = frame
    if bits != 8 or components not in _JPEG_COLOURS or not width or not height:
        raise _unsupported()
    entries = f"/Filter /DCTDecode /BitsPerComponent 8 /ColorSpace {_JPEG_COLOURS[components]}"
    if components == 4 and adobe:  # Adobe's programs store the inks upside down
        entries += " /Decode [1 0 1 0 1 0 1 0]"
    return Embedded(width, height, orientation, dpi, tuple(kept), entries)


def _segments(file: BinaryIO) -> Iterator[tuple[int, int, int, bytes]]:
    """The marker, offset, length and body of every segment; the last one is the first scan and all behind it."""
    offset = 2
    for _ in range(_MOST_SEGMENTS):
        file.seek(offset)
        lead, marker, length = struct.unpack(">BBH", file.read(4))
        if lead != 0xFF or length < 2 or marker == _END_OF_IMAGE:
            raise _damaged()
        if marker == 0xFF:  # a fill byte
            offset += 1
            continue
        if marker == _START_OF_SCAN:
            size_bytes = file.seek(0, 2)
            yield marker, offset, size_bytes - offset, b""
            return
        yield marker, offset, 2 + length, file.read(length - 2)
        offset += 2 + length
    raise _damaged()


def _jfif_dpi(body: bytes) -> float | None:
    unit, across = struct.unpack_from(">7xBH", body)
    return _believable({1: across, 2: across * _CM_PER_INCH}.get(unit, 0))


def _believable(dpi: float) -> float | None:
    low, high = _DENSITY_DPI
    return dpi if low <= dpi <= high else None


def _exif_orientation(tiff: bytes) -> int:
    """Tag 0x0112 of the first directory (CIPA DC-008, 4.6.4), or 1: a damaged one turns nothing."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, directory)
        for entry in range(directory + 2, directory + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", tiff, entry)
            if (tag, kind) == (0x0112, 3):
                (value,) = struct.unpack_from(f"{order}H", tiff, entry + 8)
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


# --- PNG --------------------------------------------------------------------------------------------------------------


def _png(file: BinaryIO) -> Embedded:
    parts, header, palette, dpi = [], None, b"", None
    for kind, offset, length in _chunks(file):
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", file.read(13))
        elif kind == b"PLTE":
            palette = file.read(min(length, 768))
        elif kind == b"pHYs":
            across, _, unit = struct.unpack(">IIB", file.read(9))
            dpi = _believable(across * _M_PER_INCH) if unit == 1 else None
        elif kind == b"tRNS":
            raise _unsupported()
        elif kind == b"IDAT":
            parts.append((offset, length))
    if header is None or not parts:
        raise _damaged()
    width, height, bits, colour, _, _, interlaced = header
    if bits > 8 or colour not in _PNG_COLOURS or interlaced or not width or not height:
        raise _unsupported()
    space, components = _PNG_COLOURS[colour]
    if colour == 3:
        space = f"[/Indexed /DeviceRGB {len(palette) // 3 - 1} <{palette.hex()}>]"
    entries = (
        f"/Filter /FlateDecode /BitsPerComponent {bits} /ColorSpace {space} "
        f"/DecodeParms << /Predictor 15 /Colors {components} /BitsPerComponent {bits} /Columns {width} >>"
    )
    return Embedded(width, height, 1, dpi, tuple(parts), entries)


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """The kind, offset and length of every chunk's data, the file standing at it."""
    offset = len(_PNG)
    for _ in range(_MOST_SEGMENTS):
        file.seek(offset)
        length, kind = struct.unpack(">I4s", file.read(8))
        if kind == b"IEND":
            return
        yield kind, offset + 8, length
        offset += 12 + length
    raise _damaged()
