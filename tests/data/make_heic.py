"""Draws the HEIC files of this folder: `python tests/data/make_heic.py`. Needs pillow-heif, as nothing else here does.

The service only decodes HEIC (pi-heif), and encoders of it are large, so these two are committed: corners.heic, lying
as it is shown, and turned.heic, which a phone held upright would write: pixels on their side, and a turn to undo that.
"""

from pathlib import Path

import pillow_heif
from PIL import Image, ImageDraw

HERE = Path(__file__).parent
SIZE = (96, 64)
ORIENTATION, TURN_CLOCKWISE = 0x0112, 6


def corners() -> Image.Image:
    """Four rectangles: red and green above, blue and white below."""
    picture = Image.new("RGB", SIZE, "white")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, 47, 31), fill=(255, 0, 0))
    pen.rectangle((48, 0, 95, 31), fill=(0, 255, 0))
    pen.rectangle((0, 32, 47, 63), fill=(0, 0, 255))
    return picture


def main() -> None:
    pillow_heif.register_heif_opener()
    picture, exif = corners(), Image.Exif()
    picture.save(HERE / "corners.heic", quality=90)
    exif[ORIENTATION] = TURN_CLOCKWISE
    picture.transpose(Image.Transpose.ROTATE_90).save(HERE / "turned.heic", quality=90, exif=exif.tobytes())


if __name__ == "__main__":
    main()
