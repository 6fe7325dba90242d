"""From bytes to pixels: real files of every accepted format, made here, whole and broken."""

import io
import random
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw
from ziyan import image
from ziyan.errors import ImageRejected, ImageTooLarge, UnsupportedFormat

DATA = Path(__file__).parents[1] / "data"
MEGAPIXELS_25 = 25_000_000
ORIENTATION = 0x0112
COLOURS = {"R": (255, 0, 0), "G": (0, 255, 0), "B": (0, 0, 255), "W": (255, 255, 255)}
UPRIGHT = "RG/BW"  # red and green above, blue and white below
# What lies in a file whose EXIF orientation makes it UPRIGHT: TIFF 6.0, page 36, worked out corner by corner.
# 6, for example: "the 0th row is the visual right-hand side, the 0th column the visual top".
STORED = {1: "RG/BW", 2: "GR/WB", 3: "WB/GR", 4: "BW/RG", 5: "RB/GW", 6: "GW/RB", 7: "WG/BR", 8: "BR/WG"}
LOSSLESS = [("PNG", {}), ("WEBP", {"lossless": True}), ("BMP", {}), ("GIF", {}), ("TIFF", {})]
each_lossless = pytest.mark.parametrize(("kind", "how"), LOSSLESS, ids=[kind for kind, _ in LOSSLESS])


def decode(data, *, max_pixels=MEGAPIXELS_25):
    return image.decode(data, max_pixels=max_pixels)


def corners(colours=UPRIGHT, size=(96, 64)):
    """A picture of four rectangles."""
    picture = Image.new("RGB", size)
    pen, (width, height) = ImageDraw.Draw(picture), size
    for colour, (x, y) in zip(colours.replace("/", ""), ((0, 0), (1, 0), (0, 1), (1, 1)), strict=True):
        left, top = x * width // 2, y * height // 2
        pen.rectangle((left, top, left + width // 2 - 1, top + height // 2 - 1), fill=COLOURS[colour])
    return picture


def seen(picture):
    """The four colours of a decoded picture, as in UPRIGHT; a colour far from all four is an error."""
    height, width = picture.pixels.shape[:2]
    columns, rows = (width // 4, 3 * width // 4), (height // 4, 3 * height // 4)
    return "/".join("".join(_colour(picture.pixels[y, x]) for x in columns) for y in rows)


def _colour(pixel):
    near = {name: np.abs(pixel[::-1].astype(int) - rgb).max() for name, rgb in COLOURS.items()}
    name = min(near, key=near.get)
    assert near[name] <= 12, pixel
    return name


# --- formats ----------------------------------------------------------------------------------------------------------


@each_lossless
def test_reads_every_pixel_of(kind, how, encoded, bgr):
    found = decode(encoded(corners(), kind, **how))
    assert found.pixels.dtype == np.uint8
    assert np.array_equal(found.pixels, bgr(corners()))
    assert (found.width, found.height) == (96, 64)


@pytest.mark.parametrize("how", [{}, {"progressive": True}, {"subsampling": 0}, {"quality": 60}], ids=str)
def test_reads_jpeg(how, encoded):
    assert seen(decode(encoded(corners(), "JPEG", **how))) == UPRIGHT


def test_reads_a_jpeg_of_inks(encoded):
    assert seen(decode(encoded(corners().convert("CMYK"), "JPEG", quality=95))) == UPRIGHT


def test_reads_a_jpeg_with_more_pictures_behind_the_first_as_phones_write(encoded):
    data = encoded(corners(), "MPO", save_all=True, append_images=[corners("WB/GR")])
    assert Image.open(io.BytesIO(data)).format == "MPO"
    assert seen(decode(data)) == UPRIGHT


def test_reads_a_grey_jpeg(encoded):
    assert decode(encoded(Image.new("L", (40, 30), 77), "JPEG")).pixels == pytest.approx(77, abs=1)


def test_reads_lossy_webp(encoded):
    assert seen(decode(encoded(corners(), "WEBP", quality=95))) == UPRIGHT


@pytest.mark.parametrize("name", ["corners.heic", "turned.heic"])
def test_reads_heic_upright(name):
    found = decode((DATA / name).read_bytes())
    assert seen(found) == UPRIGHT
    assert (found.width, found.height) == (96, 64)
    assert found.pixels.shape == (64, 96, 3)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits"])
def test_reads_compressed_tiff(compression, encoded, bgr):
    found = decode(encoded(corners(), "TIFF", compression=compression))
    assert np.array_equal(found.pixels, bgr(corners()))


def test_reads_a_fax(encoded):
    page = Image.new("1", (64, 40), 1)
    page.paste(0, (10, 10, 30, 20))
    pixels = decode(encoded(page, "TIFF", compression="group4")).pixels
    assert (pixels[10:20, 10:30] == 0).all()
    assert (pixels == 0).sum() == 10 * 20 * 3


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_reads_a_png_of_few_bits(mode, encoded):
    picture = Image.new("RGB", (8, 8), "white")
    picture.paste((0, 0, 0), (0, 0, 4, 8))
    pixels = decode(encoded(picture.convert(mode), "PNG")).pixels
    assert (pixels[:, :4] == 0).all()
    assert (pixels[:, 4:] == 255).all()


def test_keeps_the_upper_8_of_16_bits(encoded):
    values = np.uint16([[0x0000, 0x1234, 0x80FF, 0xFFFF]] * 4)
    grey = Image.fromarray(values)
    assert grey.mode == "I;16"
    for data in (encoded(grey, "PNG"), encoded(grey, "TIFF"), cv2.imencode(".png", values)[1].tobytes()):
        assert decode(data).pixels[0, :, 0] == pytest.approx([0x00, 0x12, 0x80, 0xFF], abs=1)


def test_keeps_the_upper_8_of_16_bits_of_each_colour():
    values = np.zeros((4, 4, 3), np.uint16)
    values[:] = (0x10FF, 0x8000, 0xFF00)  # blue, green, red
    data = cv2.imencode(".png", values)[1].tobytes()
    assert decode(data).pixels[2, 2] == pytest.approx([0x10, 0x80, 0xFF], abs=1)


@pytest.mark.parametrize(("kind", "how"), [("PNG", {}), ("WEBP", {"lossless": True, "exact": True}), ("TIFF", {})])
def test_lays_transparency_on_white(kind, how, encoded):
    # Red at 128/255 on white: 255 of red, and 255 * (1 - 128/255) = 127 of the others. Transparent black is white.
    picture = Image.new("RGBA", (8, 8), (255, 0, 0, 128))
    picture.paste((0, 0, 0, 0), (0, 4, 8, 8))
    pixels = decode(encoded(picture, kind, **how)).pixels
    assert pixels[1, 1] == pytest.approx([127, 127, 255], abs=1)
    assert (pixels[6, 6] == 255).all()


def test_lays_grey_with_transparency_on_white(encoded):
    pixels = decode(encoded(Image.new("LA", (4, 4), (0, 51)), "PNG")).pixels
    assert pixels[1, 1] == pytest.approx([204] * 3, abs=1)  # 255 * (1 - 51/255)


def test_lays_16_bits_with_transparency_on_white():
    values = np.zeros((4, 4, 4), np.uint16)
    values[:2, :, 3] = 0xFFFF  # opaque black above, transparent black below
    pixels = decode(cv2.imencode(".png", values)[1].tobytes()).pixels
    assert (pixels[:2] == 0).all()
    assert (pixels[2:] == 255).all()


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_lays_a_palette_with_a_transparent_entry_on_white(kind, encoded):
    picture = Image.new("P", (8, 8), 0)
    picture.putpalette([0, 0, 0, 0, 0, 255])
    picture.paste(1, (0, 0, 8, 4))
    pixels = decode(encoded(picture, kind, transparency=0)).pixels
    assert (pixels[:4] == (255, 0, 0)).all()  # blue, as it is
    assert (pixels[4:] == 255).all()  # the black entry is transparent


@pytest.mark.parametrize(("kind", "how"), [("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {}), ("TIFF", {})])
def test_reads_the_first_of_many_pictures_in(kind, how, encoded):
    data = encoded(corners(), kind, save_all=True, append_images=[corners("WB/GR"), corners("BR/WG")], **how)
    assert seen(decode(data)) == UPRIGHT


# --- turning ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("JPEG", {"quality": 95}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
    ],
    ids=["JPEG", "PNG", "WEBP", "TIFF", "TIFF-LZW"],
)
def test_stands_upright_whatever_its_orientation(kind, how, orientation, encoded):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = corners(STORED[orientation], size=(96, 64) if orientation <= 4 else (64, 96))
    found = decode(encoded(stored, kind, exif=exif, **how))
    assert seen(found) == UPRIGHT
    assert found.pixels.shape == (64, 96, 3)
    assert (found.width, found.height) == (96, 64)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_turns_nothing(orientation, encoded):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    assert seen(decode(encoded(corners(), "JPEG", quality=95, exif=exif))) == UPRIGHT


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_garbled_exif_does_no_harm(encoded):
    for exif in (b"Exif\0\0", b"Exif\0\0MM\0*\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0" + bytes(range(64))):
        assert seen(decode(encoded(corners(), "JPEG", quality=95, exif=exif))) == UPRIGHT


# --- limits -----------------------------------------------------------------------------------------------------------


@each_lossless
def test_accepts_a_picture_exactly_at_the_limit(kind, how, encoded):
    assert decode(encoded(Image.new("L", (100, 50)), kind, **how), max_pixels=5000).pixels.shape == (50, 100, 3)


@each_lossless
def test_rejects_a_picture_one_row_above_the_limit(kind, how, encoded, refuses):
    with refuses(ImageTooLarge, "image_too_large") as caught:
        decode(encoded(Image.new("L", (100, 51)), kind, **how), max_pixels=5000)
    assert "100x51" in caught.value.en
    assert f"the limit for {kind} is 0.005 megapixels" in caught.value.en


def _png_header(width, height):
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = b"IDAT"  # not one pixel
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part)) for part in (chunk, pixels)
    )


def _bmp_header(width, height):
    return b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def _tiff_header(width, height):
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8)]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4)


@pytest.mark.parametrize("header", [_png_header, _bmp_header, _tiff_header])
def test_rejects_50000_times_50000_by_its_header_alone(header, refuses):
    data = header(50_000, 50_000)
    assert len(data) < 200  # there is nothing in it to decode: decoding would call it damaged
    with refuses(ImageTooLarge, "image_too_large") as caught:
        decode(data)
    assert "50000x50000" in caught.value.en
    assert "25 megapixels" in caught.value.en


@pytest.mark.parametrize("header", [_png_header, _bmp_header, _tiff_header])
def test_the_same_header_of_an_acceptable_size_is_damaged(header, refuses):
    with refuses(ImageRejected, "image_damaged"):
        decode(header(500, 500))


def test_what_takes_more_memory_to_decode_has_a_limit_of_its_own(encoded, refuses):
    # 156 MB at 23 bytes a pixel are 6,782,608 pixels of transparent WebP: 2600x2608 and not one row more.
    how = {"lossless": True, "method": 0}
    fits, too_large = (Image.new("RGBA", (2600, rows), (0, 0, 0, 51)) for rows in (2608, 2609))
    assert decode(encoded(fits, "WEBP", **how)).pixels.shape == (2608, 2600, 3)
    with refuses(ImageTooLarge, "image_too_large") as caught:
        decode(encoded(too_large, "WEBP", **how))
    assert "the limit for transparent WEBP is 6.78 megapixels" in caught.value.en
    assert decode(encoded(too_large.convert("RGB"), "WEBP", **how)).pixels.shape == (2609, 2600, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_very_large_picture_is_halved_and_its_boxes_are_those_of_the_sent_one(kind, encoded):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    how = {"compress_level": 1} if kind == "PNG" else {"quality": 50}
    found = decode(encoded(corners(STORED[6], size=(3001, 4800)), kind, exif=exif, **how))
    assert seen(found) == UPRIGHT
    assert (found.width, found.height) == (4800, 3001)
    assert found.pixels.shape == (1501, 2400, 3)
    box = found.box(np.array([(0, 0), (1200, 0), (2400, 1501), (0, 1501)]))
    assert box == ((0, 0), (2400, 0), (4800, 3001), (0, 3001))


def test_a_picture_of_12_megapixels_is_kept_whole(encoded):
    found = decode(encoded(Image.new("L", (4000, 3000), 200), "JPEG"))
    assert found.pixels.shape == (3000, 4000, 3)
    assert found.box(np.array([(1.04, 2.06)] * 4))[0] == (1.0, 2.1)


def test_a_large_picture_with_transparency_is_halved_strip_by_strip_without_a_seam(encoded):
    picture = Image.new("RGBA", (4096, 3500), (0, 0, 0, 51))
    pixels = decode(encoded(picture, "PNG", compress_level=1)).pixels
    assert pixels.shape == (1750, 2048, 3)
    assert (np.abs(pixels.astype(int) - 204) <= 1).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1)])
def test_reads_the_thinnest_pictures(size, encoded):
    assert decode(encoded(Image.new("RGB", size, "white"), "PNG")).pixels.shape == (*size[::-1], 3)


# --- what is no picture -----------------------------------------------------------------------------------------------


def test_rejects_an_empty_file(refuses):
    with refuses(ImageRejected, "image_empty"):
        decode(b"")


@pytest.mark.parametrize(
    "data",
    [b"this is no picture", "一些文字\n".encode() * 100, b"%PDF-1.7\n", b"PK\x03\x04" + bytes(40), b"<svg/>", b"\0"],
    ids=["text", "Chinese text", "PDF", "zip", "SVG", "one zero"],
)
def test_rejects_what_is_no_picture_and_names_what_is(data, refuses):
    with refuses(UnsupportedFormat, "unsupported_format") as caught:
        decode(data)
    for name in ("JPEG", "PNG", "WebP", "BMP", "GIF", "TIFF", "HEIC/HEIF"):
        assert name in caught.value.zh
        assert name in caught.value.en


@pytest.mark.parametrize("kind", ["AVIF", "ICO", "PPM", "TGA", "JPEG2000"])
def test_rejects_other_picture_formats(kind, encoded, refuses):
    data = encoded(corners(), kind)
    with refuses(UnsupportedFormat, "unsupported_format"):
        decode(data)


def _noise():
    return Image.fromarray(np.random.default_rng(3).integers(0, 256, (64, 96, 3), np.uint8))


TRUNCATED = [
    ("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("WEBP", {}), ("WEBP", {"lossless": True}), ("GIF", {}),
    ("BMP", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("TIFF", {"compression": "jpeg"}),
]  # fmt: skip


each_truncated = pytest.mark.parametrize(("kind", "how"), TRUNCATED, ids=str)
# Pillow's, on standard error.
with_warnings = pytest.mark.filterwarnings("ignore:Truncated File Read", "ignore:Corrupt EXIF data")


@with_warnings
@each_truncated
@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_file_cut_short_is_damaged(kind, how, share, encoded, refuses):
    data = encoded(_noise(), kind, **how)
    with refuses(ImageRejected, "image_damaged"):
        decode(data[: int(len(data) * share)])


@with_warnings
@each_truncated
def test_a_file_cut_anywhere_is_refused_or_whole_and_never_half_a_picture(kind, how, encoded):
    data = encoded(corners(), kind, **how)
    whole, refused = decode(data).pixels, 0
    for end in range(1, len(data), max(1, len(data) // 60)):
        try:
            assert np.array_equal(decode(data[:end]).pixels, whole), end  # only what follows the pixels was cut
        except ImageRejected:
            refused += 1
    assert refused >= 45


@pytest.mark.parametrize("share", [0.5, 0.95])
@pytest.mark.parametrize("name", ["corners.heic", "turned.heic"])
def test_a_heic_cut_short_is_damaged(name, share, refuses):
    data = (DATA / name).read_bytes()
    with refuses(ImageRejected, "image_damaged"):
        decode(data[: int(len(data) * share)])


def test_a_heic_with_a_nameless_kind_of_item_is_damaged(refuses):
    # pi-heif 1.4.0 itself would take this process down.
    data = (DATA / "turned.heic").read_bytes()
    for garbled in (b"Exi\xff", b"\x80xif", b"\xc3xif"):
        with refuses(ImageRejected, "image_damaged"):
            decode(data.replace(b"Exif\0", garbled + b"\0", 1))


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, about broken TIFF and EXIF
def test_whatever_is_sent_is_a_picture_or_is_refused(encoded):
    luck = random.Random(2026)
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    files = [encoded(corners(), kind, **how) for kind, how in [*LOSSLESS, ("JPEG", {"exif": exif})]]
    files += [encoded(corners().convert("RGBA"), "PNG", exif=exif), (DATA / "turned.heic").read_bytes()]
    outcomes = set()
    for turn in range(1500):
        data = bytearray(files[turn % len(files)])
        for _ in range(luck.choice((1, 2, 8, 32))):
            data[luck.randrange(min(len(data), luck.choice((64, 4096))))] = luck.randrange(256)
        if turn % 5 == 0:
            data = bytes(data[: luck.choice((4, 8, 12))]) + luck.randbytes(luck.randrange(300))
        try:
            pixels = image.decode(bytes(data), max_pixels=1_000_000).pixels
            assert pixels.dtype == np.uint8
            assert pixels.ndim == pixels.shape[2] == 3
            outcomes.add("read")
        except ImageRejected as error:
            outcomes.add(error.code)
    assert outcomes == {"read", "image_damaged", "image_too_large", "unsupported_format"}


# --- turned -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("degrees", "colours", "first_quarter"),
    [
        (0, "RG/BW", ((0, 0), (48, 0), (48, 32), (0, 32))),
        (90, "BR/WG", ((0, 64), (0, 32), (48, 32), (48, 64))),
        (180, "WB/GR", ((96, 64), (48, 64), (48, 32), (96, 32))),
        (270, "GW/RB", ((96, 0), (96, 32), (48, 32), (48, 0))),
    ],
)
def test_a_turned_picture_has_its_boxes_in_the_sent_one(degrees, colours, first_quarter, encoded):
    turned = decode(encoded(corners(size=(96, 64)), "PNG")).turned(degrees)
    assert seen(turned) == colours
    assert (turned.width, turned.height) == (96, 64)
    height, width = turned.pixels.shape[:2]
    quarter = np.float32([(0, 0), (width / 2, 0), (width / 2, height / 2), (0, height / 2)])
    assert turned.box(quarter) == first_quarter


def test_a_picture_turned_twice_finds_its_way_back():
    sent = image.Picture(np.zeros((32, 48, 3), np.uint8), 96, 64, np.diag([2.0, 2.0, 1.0]))
    box = sent.turned(90).turned(270).box(np.float32([(1, 2), (20, 2), (20, 12), (1, 12)]))
    assert box == ((2, 4), (40, 4), (40, 24), (2, 24))


def test_tells_by_the_header_what_decoding_takes():
    file = io.BytesIO()
    Image.new("RGB", (100, 50)).save(file, "PNG")
    assert image.decoding_bytes(file.getvalue()) == 100 * 50 * 5
    assert image.decoding_bytes(b"no picture") == 0
