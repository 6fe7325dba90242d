"""What a picture's headers tell a PDF, and pictures that tell lies."""

import io
import struct

import pytest
from PIL import Image
from ziyan import embed
from ziyan.errors import ImageRejected, UnsupportedFormat


@pytest.fixture
def look():
    return lambda data: embed.look(io.BytesIO(data))


@pytest.fixture
def plain(encoded):
    return lambda kind, mode="RGB", **how: encoded(Image.new(mode, (40, 30)), kind, **how)


def test_tells_the_size_and_the_density(look, plain):
    found = look(plain("JPEG", dpi=(300, 300)))
    assert (found.width, found.height, found.dpi, found.shown_size) == (40, 30, 300, (40, 30))
    found = look(plain("PNG", dpi=(300, 300)))
    assert (found.width, found.height, round(found.dpi)) == (40, 30, 300)


def test_does_not_believe_a_density_that_cameras_write(look, plain):
    assert look(plain("JPEG", dpi=(72, 72))).dpi is None
    assert look(plain("JPEG")).dpi is None


@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
def test_reads_the_exif_turn_in_both_byte_orders(look, plain, order):
    mark = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, 6, 0)
    exif = b"Exif\0\0" + mark + struct.pack(f"{order}IH", 8, 1) + entry + bytes(4)
    found = look(plain("JPEG", exif=exif))
    assert (found.orientation, found.shown_size) == (6, (30, 40))


@pytest.mark.parametrize("exif", [b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0xx", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"])
def test_a_damaged_exif_block_turns_nothing(look, plain, exif):
    assert look(plain("JPEG", exif=exif)).orientation == 1


def test_what_is_copied_is_a_picture_again(look, plain):
    data = plain("JPEG", comment=b"to be left out", exif=Image.Exif().tobytes() or b"")
    found = look(data)
    copied = b"".join(found.copied(io.BytesIO(data)))
    assert len(copied) == found.size_bytes
    assert Image.open(io.BytesIO(copied)).size == (40, 30)


UNSUPPORTED = {
    "WebP": ("WEBP", "RGB", {}),
    "a PNG that one can see through": ("PNG", "RGBA", {}),
    "a PNG with one clear colour": ("PNG", "L", {"transparency": 0}),
    "a PNG of 16 bits": ("PNG", "I;16", {}),
}


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_refuses(look, plain, refuses, case):
    kind, mode, how = UNSUPPORTED[case]
    with refuses(UnsupportedFormat, "unsupported_format") as caught:
        look(plain(kind, mode, **how))
    assert "JPEG" in caught.value.en


DAMAGED = {
    "a JPEG's first bytes": b"\xff\xd8",
    "a JPEG without a frame": b"\xff\xd8\xff\xda\0\x02",
    "a JPEG of fill bytes": b"\xff\xd8" + b"\xff" * 100_000,
    "a JPEG that ends at once": b"\xff\xd8\xff\xd9\0\0",
    "a JPEG whose segment is longer than the file": b"\xff\xd8\xff\xc0\xff\xff\x08\0\x01",
    "a PNG's first bytes": b"\x89PNG\r\n\x1a\n",
    "a PNG without a picture": b"\x89PNG\r\n\x1a\n\0\0\0\0IEND",
    "a PNG that says it is longer": b"\x89PNG\r\n\x1a\n"
    + struct.pack(">I4sIIBBBBBI", 13, b"IHDR", 1, 1, 8, 2, 0, 0, 0, 0)
    + b"\xff\xff\xff\xffIDAT",
}


@pytest.mark.parametrize("case", DAMAGED)
def test_refuses_as_damaged(look, refuses, case):
    with refuses(ImageRejected, "image_damaged"):
        look(DAMAGED[case])


def test_refuses_what_is_no_picture_at_all(look, refuses):
    for data in (b"", b"hello, this is text"):
        with refuses(UnsupportedFormat, "unsupported_format"):
            look(data)
