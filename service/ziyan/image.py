"""From bytes to pixels, with every limit checked on the header before a pixel is decoded.

Pillow reads the headers (format, size, EXIF, transparency) of all formats. Whichever library needs less memory decodes:
OpenCV JPEG (large ones at half size, straight from the coefficients), WebP, BMP; Pillow the rest, and is then emptied
strip by strip. Both are strict: a truncated file is refused, not padded with grey.
"""

import io
import math
import os
import re
from dataclasses import dataclass
from typing import BinaryIO

# Read by OpenCV when it is imported: the second lock, behind our own check of the header.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(1 << 27))

import cv2
import numpy as np
import pi_heif

# Imported to be registered: a format without its plug-in makes Pillow load all forty of them, at the first bad picture.
from PIL import (  # noqa: F401
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from ziyan.errors import ImageRejected, ImageTooLarge, UnsupportedFormat
from ziyan.options import FORMATS
from ziyan.page import Quad

pi_heif.register_heif_opener()
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # damaged pictures are answered, not logged
Image.MAX_IMAGE_PIXELS = None  # `_check_size` is stricter, and says what to do

# MPO is what Pillow calls a JPEG that carries more pictures behind the first, as many phones write.
JPEG_FORMATS = frozenset({"JPEG", "MPO"})
OPENCV_FORMATS = JPEG_FORMATS | {"WEBP", "BMP"}
# Bytes that decoding takes a pixel at its peak, measured on 25 megapixels; what is not named takes no more than 5.
DECODE_BYTES = {"progressive JPEG": 6.6, "WEBP": 6.2, "transparent WEBP": 23.0, "HEIF": 7.7}
# With this, both programs stay under 300 MB whatever is decoded.
DECODE_LIMIT_BYTES = 156_000_000
# Pictures above this are halved (or thirded, …) on the way in: a 12-megapixel phone photo is kept whole, and twice the
# resolution of that adds nothing at 48 pixels a line but 38 MB.
WORKING_PIXELS = 12_600_000
STRIP_ROWS = 64
HEAD_BYTES = 12  # tell every format that is read here
ORIENTATION = 0x0112
_ITEM_ENTRY = re.compile(rb"infe([\0-\3])")  # its name, its version
_SMALLEST_ENTRY = 12  # size, name, version and flags

# EXIF orientation -> (rotation, mirrored before it): TIFF 6.0, page 36.
_TURNS = {
    2: (None, True),
    3: (cv2.ROTATE_180, False),
    4: (cv2.ROTATE_180, True),
    5: (cv2.ROTATE_90_COUNTERCLOCKWISE, True),
    6: (cv2.ROTATE_90_CLOCKWISE, False),
    7: (cv2.ROTATE_90_CLOCKWISE, True),
    8: (cv2.ROTATE_90_COUNTERCLOCKWISE, False),
}


@dataclass(frozen=True)
class Picture:
    """A decoded picture: `pixels` (H, W, 3) uint8 BGR, upright by its EXIF, perhaps shrunk, turned or flattened since.

    `width` and `height` are those of the sent picture after its EXIF turn. `to_sent` (3, 3) takes a place in `pixels`
    to the sent picture, as a homography.
    """

    pixels: np.ndarray
    width: int
    height: int
    to_sent: np.ndarray

    def box(self, quad: np.ndarray) -> Quad:
        """`quad` (4, 2), given in `pixels`, in the sent picture's coordinates, rounded to a tenth of a pixel."""
        corners = cv2.perspectiveTransform(np.asarray(quad, float)[None], self.to_sent)[0]
        corners = np.clip(corners, 0, (self.width, self.height))  # a flattened picture shows some of what is beyond
        return tuple(tuple(corner) for corner in np.round(corners, 1).tolist())

    def turned(self, degrees: int) -> "Picture":
        """The picture turned clockwise by 0, 90, 180 or 270 degrees."""
        if not degrees:
            return self
        height, width = self.pixels.shape[:2]
        back, rotation = {
            90: ([[0, 1, 0], [-1, 0, height], [0, 0, 1]], cv2.ROTATE_90_CLOCKWISE),
            180: ([[-1, 0, width], [0, -1, height], [0, 0, 1]], cv2.ROTATE_180),
            270: ([[0, -1, width], [1, 0, 0], [0, 0, 1]], cv2.ROTATE_90_COUNTERCLOCKWISE),
        }[degrees]
        return self.seen_as(cv2.rotate(self.pixels, rotation), np.array(back, float))

    def seen_as(self, pixels: np.ndarray, back: np.ndarray) -> "Picture":
        """The picture by other pixels; the homography `back` (3, 3) leads from them to the present ones."""
        return Picture(pixels, self.width, self.height, self.to_sent @ back)


def decode(data: bytes | BinaryIO, *, max_pixels: int) -> Picture:
    """The picture in `data`, bytes or a file at its start, which is read piece by piece where Pillow decodes it; of
    animations and multi-page files the first.

    UnsupportedFormat for anything but FORMATS, ImageTooLarge above `max_pixels`, ImageRejected for an empty or damaged
    file.
    """
    file = _file(data)
    if not _head(file):
        raise ImageRejected(
            "image_empty", "图片是空文件，请重新选择。", "The picture is an empty file. Choose another."
        )
    return _decoded(_open(file), file, max_pixels)


def decoding_bytes(data: bytes | BinaryIO) -> float:
    """What decoding `data` takes at its peak, by its header alone; 0 where that cannot be read. A file stands at its
    start again.
    """
    file = _file(data)
    try:
        header = _open(file)
    except ImageRejected:
        return 0
    finally:
        file.seek(0)
    width, height = header.size
    return width * height * DECODE_BYTES.get(_kind(header), 5.0)


def _decoded(header: Image.Image, file: BinaryIO | None, max_pixels: int) -> Picture:
    width, height = header.size
    _check_size(header, max_pixels)
    shrink = math.ceil(math.sqrt(width * height / WORKING_PIXELS))
    turn = _orientation(header)
    if header.format in OPENCV_FORMATS and not header.has_transparency_data:
        file.seek(0)
        pixels = _decode_with_opencv(file.read(), header.format, shrink)
    else:
        pixels = _decode_with_pillow(header, shrink)
    pixels = _upright(pixels, turn)
    if turn in (5, 6, 7, 8):
        width, height = height, width
    return Picture(pixels, width, height, np.diag([width / pixels.shape[1], height / pixels.shape[0], 1]))


def jpeg(picture: Picture, pixels: int, quality: int) -> bytes:
    """`picture` as a JPEG file, scaled down to at most `pixels`."""
    height, width = picture.pixels.shape[:2]
    scale = min(1, math.sqrt(pixels / (height * width)))
    size = [max(1, int(side * scale)) for side in (width, height)]
    small = picture.pixels if scale == 1 else cv2.resize(picture.pixels, size, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def count_frames(file: BinaryIO, *, at_most: int) -> int:
    """How many pages the TIFF in `file` has; counting ends at `at_most`. ImageRejected for a damaged file."""
    try:
        frames = Image.open(file, formats=["TIFF"])
        for index in range(1, at_most):
            frames.seek(index)
    except EOFError:
        return index
    except Exception as error:  # Pillow's parsers raise many types on broken headers; all mean the same to us
        raise _damaged() from error
    return at_most


def decode_frame(file: BinaryIO, index: int, *, max_pixels: int) -> Picture:
    """The page at `index`, from 0, of the TIFF in `file`, which is closed. Errors as of `decode`."""
    try:
        frames = Image.open(file, formats=["TIFF"])
        frames.seek(index)
    except Exception as error:  # as above
        raise _damaged() from error
    return _decoded(frames, None, max_pixels)


def _file(data: bytes | BinaryIO) -> BinaryIO:
    return io.BytesIO(data) if isinstance(data, bytes) else data


def _head(file: BinaryIO) -> bytes:
    """The first HEAD_BYTES of `file`, or as many as there are; it stands at its start again."""
    head = file.read(HEAD_BYTES)
    file.seek(0)
    return head


def _open(file: BinaryIO) -> Image.Image:
    head = _head(file)
    if _is_heic(head):
        whole = _items_have_names(file.read())
        file.seek(0)
        if not whole:
            raise _damaged()
    try:
        return Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        if _looks_like_picture(head):
            raise _damaged() from error
        raise UnsupportedFormat(
            "unsupported_format",
            "无法识别的文件格式；请发送 JPEG、PNG、WebP、BMP、GIF、TIFF 或 HEIC/HEIF 图片；"
            "PDF 与 zip 请发送到 /api/jobs。",
            "This is not a picture format that is read here; send JPEG, PNG, WebP, BMP, GIF, TIFF or HEIC/HEIF, "
            "and PDF or zip to /api/jobs.",
        ) from error
    except Exception as error:  # Pillow's parsers raise many types on broken headers; all mean the same to us
        raise _damaged() from error


def _looks_like_picture(head: bytes) -> bool:
    starts = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"GIF8", b"II*\0", b"MM\0*")
    webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return head.startswith(starts) or webp or _is_heic(head)


def _is_heic(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and pi_heif.get_file_mimetype(head).startswith(("image/heic", "image/heif"))


def _items_have_names(data: bytes) -> bool:
    """Whether the item entries (ISO/IEC 14496-12, 8.11.6) of a HEIC hold text where they should.

    pi-heif 1.4.0 takes a kind of item that is not UTF-8 for a NULL pointer, and the whole program dies of it.
    """
    for entry in _ITEM_ENTRY.finditer(data):
        size = int.from_bytes(data[entry.start() - 4 : entry.start()])
        end = entry.start() - 4 + size
        if size < _SMALLEST_ENTRY:
            return False
        if end <= len(data):  # else libheif refuses it, or it is no entry but chance
            try:
                data[entry.end() + (9 if entry[1] == b"\3" else 7) : end].decode()
            except UnicodeDecodeError:
                return False
    return True


def _damaged() -> ImageRejected:
    return ImageRejected(
        "image_damaged",
        "图片已损坏或不完整，请重新导出或重新拍摄后再发送。",
        "The picture is damaged or incomplete. Export or take it again, then send it.",
    )


def _orientation(header: Image.Image) -> int:
    """The EXIF orientation still to be undone, 1 to 8. Not through getexif(), which decodes a whole PNG to find one.

    A TIFF has none in `info`, since Pillow turns it while decoding; libheif does so with a HEIC, and resets its EXIF.
    """
    try:
        exif = Image.Exif()
        exif.load(header.info.get("exif", b""))
        return exif.get(ORIENTATION, 1)
    except Exception:  # a garbled EXIF block turns no picture, and damages none
        return 1


def _check_size(header: Image.Image, max_pixels: int) -> None:
    kind, (width, height) = _kind(header), header.size
    limit = min(max_pixels, int(DECODE_LIMIT_BYTES / DECODE_BYTES.get(kind, 1)))
    if width * height > limit:
        raise ImageTooLarge(
            "image_too_large",
            f"图片为 {width}×{height}，超过 {kind} 格式 {limit / 1e6:.3g} 百万像素的上限；请缩小后再发送。",
            f"The picture has {width}x{height} pixels, the limit for {kind} is {limit / 1e6:.3g} megapixels. "
            "Scale it down and send it again.",
        )


def _kind(header: Image.Image) -> str:
    """The format as DECODE_BYTES tells them apart."""
    if header.format in JPEG_FORMATS:
        return "progressive JPEG" if header.info.get("progressive") else "JPEG"
    if header.format == "WEBP" and header.has_transparency_data:
        return "transparent WEBP"
    return header.format


def _decode_with_opencv(data: bytes, kind: str, shrink: int) -> np.ndarray:
    flags = cv2.IMREAD_COLOR_BGR
    if kind in JPEG_FORMATS and shrink > 1:
        flags = cv2.IMREAD_REDUCED_COLOR_2 if shrink < 4 else cv2.IMREAD_REDUCED_COLOR_4
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise _damaged() from error
    if pixels is None:
        raise _damaged()
    if flags == cv2.IMREAD_COLOR_BGR and shrink > 1:
        return _shrunk(pixels, shrink)
    return pixels


def _decode_with_pillow(header: Image.Image, shrink: int) -> np.ndarray:
    try:
        header.load()
        width, height = header.size
        pixels = np.empty((math.ceil(height / shrink), math.ceil(width / shrink), 3), np.uint8)
        rows = STRIP_ROWS * shrink
        for top in range(0, height, rows):
            strip = header.crop((0, top, width, min(top + rows, height)))
            pixels[top // shrink : (top + rows) // shrink] = _shrunk(_bgr(strip), shrink)
        return pixels
    except Exception as error:  # Pillow's decoders raise many types on broken data; all mean the same to us
        raise _damaged() from error
    finally:
        header.close()


def _bgr(strip: Image.Image) -> np.ndarray:
    if strip.mode.startswith("I"):  # 16 bits of grey: its upper 8
        grey = (np.asarray(strip).astype(np.int32) >> 8).clip(0, 255).astype(np.uint8)
        return cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    if strip.has_transparency_data:
        rgba = strip.convert("RGBA")
        strip = Image.new("RGBA", rgba.size, "white")
        strip.alpha_composite(rgba)
    return cv2.cvtColor(np.asarray(strip.convert("RGB")), cv2.COLOR_RGB2BGR)


def _shrunk(pixels: np.ndarray, factor: int) -> np.ndarray:
    if factor == 1:
        return pixels
    size = [max(1, math.ceil(side / factor)) for side in pixels.shape[1::-1]]
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    rotation, mirrored = _TURNS.get(orientation, (None, False))
    if mirrored:
        pixels = cv2.flip(pixels, 1)
    return pixels if rotation is None else cv2.rotate(pixels, rotation)
