"""How far a score can be believed: the reliability of both readers on a labelled set, and the calibration that fits it.

    PYTHONPATH=tests python -m bench.calibrate FOLDER        # pages.jsonl, as for `make bench`

Every line that is found on the pages, and on copies of them that are blurred, dimmed, compressed, shrunk and tilted, is
read by both readers. Which share of its characters is right is told by the ground-truth line that it fits best; pages
that are labelled in part are left out. The fitted scale and offset belong in models/prepare.py (or, for another
recognizer, in its manifest), the tables in docs/accuracy.md.
"""

import argparse
import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click
import cv2
import numpy as np
from ziyan import context, ctc, geometry, image, manifest
from ziyan.detect import Detector
from ziyan.recognize import Recognizer, score

from bench import dataset
from bench.report import table
from bench.score import normalise

ROOT = Path(__file__).parents[2]
BOUNDS = (0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1)
STEPS = 50  # of Newton's method; it stands still after ten


@dataclass(frozen=True)
class Believed:
    """A line as one reader read it: the mean probability of its characters, and the share of them that is right."""

    page: str
    probability: float
    right: float


def blurred(picture: np.ndarray) -> np.ndarray:
    """Out of focus, by a thousandth and a half of the longer side."""
    return cv2.GaussianBlur(picture, (0, 0), 1.6e-3 * max(picture.shape))


def dimmed(picture: np.ndarray) -> np.ndarray:
    """A quarter of the contrast, with a sensor's noise."""
    noise = np.random.default_rng(3).normal(0, 6, (*picture.shape[:2], 1))
    return np.clip(picture * 0.25 + 40 + noise, 0, 255).astype(np.uint8)


def compressed(picture: np.ndarray) -> np.ndarray:
    """JPEG at quality 12."""
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 12])[1], cv2.IMREAD_COLOR)


def shrunk(picture: np.ndarray) -> np.ndarray:
    """At 55 % of its size."""
    return cv2.resize(picture, None, fx=0.55, fy=0.55, interpolation=cv2.INTER_AREA)


def tilted(picture: np.ndarray) -> np.ndarray:
    """Turned by 6 degrees."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 6, 1)
    return cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


COPIES: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    lambda picture: picture, blurred, dimmed, compressed, shrunk, tilted,
)  # fmt: skip


def main() -> None:
    """Prints a table and the fit for each reader."""
    parser = argparse.ArgumentParser(prog="python -m bench.calibrate", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", type=Path, default=ROOT / "models")
    arguments = parser.parse_args()
    models = manifest.load(arguments.models)
    pages = [page for page in dataset.load(arguments.data) if not page.partial]
    detector, decoder = Detector(models.detector, threads=1), context.decoder(models.context)
    for facts in filter(None, (models.recognizer, models.second_recognizer)):
        plain = replace(facts, calibration=manifest.Calibration())
        recognizer = Recognizer(plain, threads=1)
        lines = [line for page in shown(pages) for line in believed(page, detector, recognizer, decoder)]
        print(f"\n{facts.name}: {len(lines)} lines of {len(pages)} pages and {len(COPIES) - 1} copies of each\n")
        print(reliability(lines, facts.calibration))
        scale, offset = fitted(lines)
        print(f"\nfits best: scale {scale:.2f}, offset {offset:.2f}; in the manifest: {facts.calibration}")


def shown(pages: list[dataset.LabelledPage]) -> Iterator[dataset.LabelledPage]:
    """The pages, with a progress bar."""
    with click.progressbar(pages, label="pages", file=sys.stderr) as bar:
        yield from bar


def believed(
    page: dataset.LabelledPage, detector: Detector, recognizer: Recognizer, decoder: ctc.Decoder
) -> Iterator[Believed]:
    """All lines that are read on a page and on its copies."""
    truth = [line for line in map(normalise, page.lines) if line]
    pixels = image.decode(page.path.read_bytes(), max_pixels=25_000_000).pixels
    for copy in COPIES:
        picture = copy(pixels)
        found = detector.quads(picture)
        quads = [np.roll(quad, -1, axis=0) if geometry.is_standing(quad) else quad for quad in found]
        for reading in recognizer.read(picture, quads, decoder=decoder):
            if text := normalise(reading.text):
                wrong = min(edits_within(text, line) for line in truth)
                yield Believed(page.name, reading.score, 1 - min(1, wrong / len(text)))


def edits_within(text: str, line: str) -> int:
    """The edit distance of `text` to that part of `line` that it fits best (Sellers 1980)."""
    costs = np.zeros(len(line) + 1, int)
    letters = np.frombuffer(line.encode("utf-32-le"), np.uint32)
    for number, letter in enumerate(text.encode("utf-32-le")[i : i + 4] for i in range(0, 4 * len(text), 4)):
        differs = letters != np.frombuffer(letter, np.uint32)
        new = np.concatenate([[number + 1], np.minimum(costs[:-1] + differs, costs[1:] + 1)])
        costs = np.minimum.accumulate(new - np.arange(len(new))) + np.arange(len(new))
    return int(costs.min())


def fitted(lines: list[Believed]) -> tuple[float, float]:
    """Scale and offset of `manifest.Calibration` at the greatest likelihood (logistic regression, Newton's method)."""
    certain = np.clip([line.probability for line in lines], 1e-5, 1 - 1e-5)
    given = np.stack([np.log(certain / (1 - certain)), np.ones(len(lines))], axis=1)
    right, weights = np.array([line.right for line in lines]), np.zeros(2)
    for _ in range(STEPS):
        expected = 1 / (1 + np.exp(-given @ weights))
        curvature = (given * (expected * (1 - expected))[:, None]).T @ given
        weights = weights + np.linalg.solve(curvature + 1e-6 * np.eye(2), given.T @ (right - expected))
    return float(weights[0]), float(weights[1])


def reliability(lines: list[Believed], calibration: manifest.Calibration) -> str:
    """A table: what the score promises, and what is so."""
    scores = np.array([score(line.probability, calibration) for line in lines])
    plain, right = np.array([line.probability for line in lines]), np.array([line.right for line in lines])
    rows = []
    for low, high in itertools.pairwise(BOUNDS):
        chosen = (scores >= low) & ((scores < high) | (high == 1))
        if chosen.any():
            numbers = (plain[chosen], scores[chosen], right[chosen], right[chosen] == 1)
            rows.append([f"{low:g}–{high:g}", str(chosen.sum()), *(f"{100 * n.mean():.0f}" for n in numbers)])
    columns = ["score", "lines", "mean probability %", "mean score %", "characters right %", "lines all right %"]
    return table(columns, rows)


if __name__ == "__main__":
    main()
