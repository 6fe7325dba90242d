"""Sends pictures that are allowed but made to cost memory, and tells the peak of all programs: `make bench-memory`.

Every picture keeps to the service's limits (20 MiB as a file, 25 megapixels), so every one must be read or refused
with a proper error, and no program may die of it.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import stack
from PIL import ExifTags, Image

from bench.engines import Service
from bench.report import MEGABYTE, table
from bench.usage import Meter

FILE_LIMIT_BYTES = 20 * 2**20
LARGE = (4000, 6250)  # rows, columns: 25,000,000 pixels exactly
LETTERS = "Ziyan reads 0123456789 quickly"


def text_picture(rows: int, columns: int, *, scale: float = 0.8) -> np.ndarray:
    """White, filled with black text lines; (rows, columns, 3) uint8. `scale` 1 is about 30 pixels a line."""
    picture = np.full((rows, columns, 3), 255, np.uint8)
    step = int(38 * scale)
    line = LETTERS * (columns // int(16 * scale * len(LETTERS)) + 1)
    for baseline in range(step, rows, step):
        cv2.putText(picture, line, (4, baseline), cv2.FONT_HERSHEY_SIMPLEX, scale, (0, 0, 0), 1, cv2.LINE_AA)
    return picture


def photo_picture() -> np.ndarray:
    """25 megapixels like a phone's photo: soft light, sensor noise, some text; (4000, 6250, 3) uint8."""
    random = np.random.default_rng(1)
    lamps = random.uniform(60, 220, (8, 12, 3)).astype(np.float32)
    light = cv2.resize(lamps, LARGE[::-1], interpolation=cv2.INTER_CUBIC)
    light += random.standard_normal((*LARGE, 1), dtype=np.float32) * 3
    picture = np.clip(light, 0, 255).astype(np.uint8)
    write_large(picture)
    return picture


def write_large(picture: np.ndarray) -> None:
    """Ten lines of letters 150 pixels high, dark, on a picture of `LARGE` (uint8)."""
    for baseline in range(400, 4000, 360):
        cv2.putText(picture, LETTERS, (300, baseline), cv2.FONT_HERSHEY_SIMPLEX, 7, (20, 20, 20), 14, cv2.LINE_AA)


def noise_picture(levels: int = 256) -> np.ndarray:
    """25 megapixels of grey noise in so many levels; (4000, 6250, 3) uint8. Fewer levels make a smaller PNG."""
    grey = np.random.default_rng(2).integers(0, levels, LARGE, np.uint8) * (255 // (levels - 1))
    return np.repeat(grey[..., None], 3, axis=2)


def save_jpeg(picture: np.ndarray, path: Path, **options) -> None:
    """Writes a JPEG of the best quality that keeps to the file limit."""
    for quality in (92, 80, 60, 40, 25, 12):
        Image.fromarray(picture).save(path, "JPEG", quality=quality, **options)
        if path.stat().st_size <= FILE_LIMIT_BYTES:
            return


def save_png(picture: np.ndarray, path: Path) -> None:
    """Writes a PNG: (rows, columns, 3 or 4), uint8 or uint16, in the colour order of OpenCV."""
    cv2.imwrite(str(path), picture, [cv2.IMWRITE_PNG_COMPRESSION, 6])


def deep_transparent_picture() -> np.ndarray:
    """25 megapixels in 16 bits with an alpha channel, 200 MB when decoded; (4000, 6250, 4) uint16."""
    mask = np.full(LARGE, 255, np.uint8)
    write_large(mask)
    ramp = np.linspace(0, 65535, LARGE[1], dtype=np.uint16)
    picture = np.repeat(np.where(mask == 255, ramp, 0)[..., None], 4, axis=2)
    picture[..., 3] = 65535 - picture[..., 3] // 2
    return picture


def orientation(value: int) -> Image.Exif:
    """EXIF data that tells a viewer to turn the picture: 6 is a quarter turn clockwise."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = value
    return exif


def white(rows: int, columns: int) -> np.ndarray:
    """Nothing to read; (rows, columns, 3) uint8."""
    return np.full((rows, columns, 3), 255, np.uint8)


PROGRESSIVE = {"progressive": True, "subsampling": 0}  # the decoder holds all coefficients: 6 bytes a pixel at 4:4:4
PICTURES: dict[str, Callable[[Path], None]] = {
    "1x1.png": lambda path: save_png(white(1, 1), path),
    "wide-1025x254.png": lambda path: save_png(text_picture(254, 1025), path),
    "strip-20000x300.png": lambda path: save_png(text_picture(300, 20000), path),
    "strip-300x20000.png": lambda path: save_png(text_picture(20000, 300), path),
    "dense-a4-300dpi.png": lambda path: save_png(text_picture(3508, 2480, scale=0.7), path),
    "dense-25mp.jpg": lambda path: save_jpeg(text_picture(*LARGE, scale=0.9), path),
    "white-25mp.png": lambda path: save_png(white(*LARGE), path),
    "photo-25mp.jpg": lambda path: save_jpeg(photo_picture(), path),
    "photo-25mp-turned.jpg": lambda path: save_jpeg(photo_picture(), path, exif=orientation(6)),
    "photo-25mp-progressive.jpg": lambda path: save_jpeg(photo_picture(), path, **PROGRESSIVE),
    "photo-25mp.webp": lambda path: Image.fromarray(photo_picture()).save(path, quality=75, method=0),
    "photo-25mp-lzw.tif": lambda path: Image.fromarray(photo_picture() & 0xE0).save(path, compression="tiff_lzw"),
    "photo-25mp.gif": lambda path: Image.fromarray(photo_picture() & 0xE0).convert("P").save(path),
    "noise-25mp.jpg": lambda path: save_jpeg(noise_picture(), path),
    "noise-25mp-progressive.jpg": lambda path: save_jpeg(noise_picture(), path, **PROGRESSIVE),
    "noise-25mp.png": lambda path: save_png(noise_picture(levels=8), path),
    "rgba16-25mp.png": lambda path: save_png(deep_transparent_picture(), path),
}


def make_pictures(folder: Path) -> Iterator[Path]:
    """Writes the pictures into `folder`, one after the other."""
    for name, make in PICTURES.items():
        path = folder / name
        make(path)
        size = path.stat().st_size
        if size > FILE_LIMIT_BYTES:
            raise SystemExit(f"{name} became {size} bytes; the limit is {FILE_LIMIT_BYTES}: make it another way")
        yield path


def main() -> None:
    """Prints a line for each picture; status 1 for an answer of 5xx, a program that died, or more than `--limit-mb`."""
    parser = argparse.ArgumentParser(prog="python -m bench.hostile", description=__doc__)
    parser.add_argument("--limit-mb", type=float, help="status 1 if all programs together ever hold more (PSS)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, stack.running() as running:
        service = Service(running)
        results = [send(service, running, path) for path in make_pictures(Path(folder))]
    peak = max(result.peak_pss_bytes for result in results)
    columns = ["picture", "file MB", "status", "answer", "wall s", "peak PSS MB", "peak RSS MB"]
    print(table(columns, [result.cells() for result in results]))
    print(f"\nPeak of all programs together: {megabytes(peak)} MB (PSS)")
    too_much = arguments.limit_mb and peak > arguments.limit_mb * MEGABYTE
    if too_much or any(result.died or not 200 <= result.status < 500 for result in results):
        sys.exit(1)


@dataclass(frozen=True)
class Result:
    """What became of one picture."""

    path: Path
    size_bytes: int
    status: int
    answer: str
    wall_s: float
    peak_pss_bytes: int
    peak_rss_bytes: int
    died: bool

    def cells(self) -> list[str]:
        """A row of the table."""
        answer = f"{self.answer}; a program died" if self.died else self.answer
        size, *peaks = megabytes(self.size_bytes, 1), megabytes(self.peak_pss_bytes), megabytes(self.peak_rss_bytes)
        return [self.path.name, size, str(self.status), answer, f"{self.wall_s:.2f}", *peaks]


def send(service: Service, running: stack.Stack, path: Path) -> Result:
    """Posts one picture to a service that is ready, and looks afterwards whether its programs are still the same."""
    stack.wait_until_ready(running)
    pids = running.pids
    with Meter(service.processes) as meter:
        status, body = service.post(path)
    answer = f"{len(body['text'])} lines" if status == 200 else body["error"]["code"]
    time.sleep(1)  # a reader over its budget ends itself after the answer: time for that to happen
    peaks = meter.peak_pss_bytes, meter.peak_rss_bytes
    return Result(path, path.stat().st_size, status, answer, meter.wall_s, *peaks, running.pids != pids)


def megabytes(size: int, digits: int = 0) -> str:
    """`size` in 10^6 bytes."""
    return f"{size / MEGABYTE:.{digits}f}"


if __name__ == "__main__":
    main()
