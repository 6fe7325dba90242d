"""Spaces on clean drawn lines, and where those that are lost get lost: `PYTHONPATH=tests python -m bench.spacing`.

Each line is read three times: cut out exactly by the recognizer's best path, the same with the spaces that
`ziyan.spaces` finds, and on its page through the whole pipeline. What only the pipeline lacks is lost in finding lines
or by the second reader. Lines that the pipeline does not read as printed are listed.
"""

import argparse
import io
import re
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
from PIL import Image, ImageDraw
from ziyan import manifest
from ziyan.pipeline import Pipeline
from ziyan.recognize import Recognizer

from bench.layouts import CHINESE, ENGLISH, LATIN, SANS, SERIF, blank, face
from bench.report import table
from bench.score import Wording, page_wording

ROOT = Path(__file__).parents[2]
HANZI = [part for text in CHINESE for part in re.findall("[\u4e00-\u9fff]{2,8}", text)]
WORDS = [word for text in ENGLISH for word in re.findall("[A-Za-z]+", text)]
WORDS += ["Raspberry Pi", "Wi-Fi", "HDMI", "Linux", "Python", "v2.1", "128 GB", "100%", "16:30", "A4", "1,280", "2026"]
LINES = 10  # a page
NEVER = 2.0  # no probability reaches it
ROOM = 0.12  # around a line's ink, in font sizes


def english(random: np.random.Generator) -> str:
    """Four to eight words."""
    return " ".join(random.choice(WORDS, random.integers(4, 9)))


def mixed(random: np.random.Generator, gap: str = "") -> str:
    """Hanzi and words in turn, `gap` between both."""
    runs = [(random.choice(HANZI), " ".join(random.choice(WORDS, random.integers(1, 4)))) for _ in range(3)]
    return gap.join(run for pair in runs for run in pair)


def mixed_spaced(random: np.random.Generator) -> str:
    """The same with a space between hanzi and words."""
    return mixed(random, " ")


KINDS: list[Callable[[np.random.Generator], str]] = [english, mixed_spaced, mixed]


def page(kind: Callable, random: np.random.Generator) -> tuple[Image.Image, list[str], list[np.ndarray]]:
    """A white page of lines of one `kind`, their texts, and the quad of each."""
    path = random.choice([SANS, LATIN] if kind is english else [SANS, SERIF])
    font, texts = face(Path(path), int(random.integers(20, 42))), [kind(random) for _ in range(LINES)]
    longest = max(map(font.getlength, texts))
    sheet = blank(random, round(longest) + 80, 2 * LINES * round(font.size) + 60)
    quads = []
    for number, text in enumerate(texts):
        place, room = (40, 30 + 2 * number * font.size), ROOM * font.size
        sheet.write(*place, text, font)
        left, top, right, bottom = ImageDraw.Draw(sheet.image).textbbox(place, text, font=font)
        left, top, right, bottom = left - room, top - room, right + room, bottom + room
        quads.append(np.float32([(left, top), (right, top), (right, bottom), (left, bottom)]))
    return sheet.image, texts, quads


def main() -> None:
    """Draws, reads, prints one table."""
    parser = argparse.ArgumentParser(prog="python -m bench.spacing", description=__doc__)
    parser.add_argument("--pages", type=int, default=6, help="of each kind")
    pages = parser.parse_args().pages
    cv2.setNumThreads(1)
    models = manifest.load(ROOT / "models")
    recognizer = Recognizer(models.recognizer, threads=1)
    pipeline = Pipeline(models, threads=1, max_pixels=25_000_000)
    rows = []
    for kind in KINDS:
        random, totals = np.random.default_rng(11), [Wording()] * 3
        for _ in range(pages):
            image, texts, quads = page(kind, random)
            pixels, file = np.ascontiguousarray(np.asarray(image)[:, :, ::-1]), io.BytesIO()
            image.save(file, "PNG")
            with mock.patch("ziyan.spaces.SHOWN", NEVER):
                best_path = recognizer.read(pixels, quads)
            ways = best_path, recognizer.read(pixels, quads), pipeline.read(file.getvalue()).lines
            totals = [
                total + page_wording(texts, [line.text for line in way])
                for total, way in zip(totals, ways, strict=True)
            ]
            for line in ways[-1]:
                if line.text not in texts:
                    print(f"{kind.__name__}: {line.text}", flush=True)
        counts = [f"{total.found} / {total.invented} / {total.missed}" for total in totals]
        rows.append([
            kind.__name__.replace("_", " "), str(pages * LINES), *counts, f"{100 * totals[-1].space_f1:.1f}"
        ])  # fmt: skip
    print(table(["lines", "number", "best path", "with spaces.py", "pipeline", "pipeline, F1 %"], rows))


if __name__ == "__main__":
    main()
