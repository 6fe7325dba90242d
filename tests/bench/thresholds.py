"""What moving each threshold of the detector gains or costs, one at a time, by the first reader alone.

    PYTHONPATH=tests python -m bench.thresholds [FOLDER]     # pages.jsonl, as for `make bench`

Without a folder on pages that the thresholds were not chosen by: those of `bench.layouts`, each as it was drawn and in
two of the damaged copies of `bench.calibrate`.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click
import cv2
import numpy as np
from ziyan import manifest
from ziyan.options import Options
from ziyan.pipeline import Pipeline

from bench import dataset
from bench.calibrate import COPIES
from bench.layouts import KINDS
from bench.report import table
from bench.score import Counts, page_counts

ROOT = Path(__file__).parents[2]
MOVED = {
    "threshold": (0.15, 0.25, 0.30),
    "box_threshold": (0.3, 0.5),
    "unclip_ratio": (1.3, 1.5),
}


@dataclass(frozen=True)
class Shown:
    """An encoded picture and the lines on it."""

    data: bytes
    lines: list[str]
    partial: bool = False


def drawn() -> Iterator[Shown]:
    """Every page of bench.layouts, then two damaged copies of it: each damage in turn."""
    damages = COPIES[1:]
    for number, kind in enumerate(KINDS):
        sheet = kind(np.random.default_rng([0, *kind.__name__.encode()]))
        pixels = cv2.cvtColor(np.asarray(sheet.image), cv2.COLOR_RGB2BGR)
        turn = [damages[(2 * number + second) % len(damages)] for second in (0, 1)]
        for spoil in (COPIES[0], *turn):
            png = cv2.imencode(".png", spoil(pixels), [cv2.IMWRITE_PNG_COMPRESSION, 1])[1]
            yield Shown(png.tobytes(), sheet.lines)


def labelled(folder: Path) -> Iterator[Shown]:
    """The pages of a labelled folder."""
    for page in dataset.load(folder):
        yield Shown(page.path.read_bytes(), page.lines, page.partial)


def main() -> None:
    """Reads every page with every value, prints one table."""
    parser = argparse.ArgumentParser(prog="python -m bench.thresholds", description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", help="a labelled folder")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    models = manifest.load(ROOT / "models")
    changes = {"none": models} | {
        f"{name} {getattr(models.detector, name):g} → {value:g}": replace(
            models, detector=replace(models.detector, **{name: value})
        )
        for name, values in MOVED.items()
        for value in values
    }
    pipelines = {name: Pipeline(changed, threads=1, max_pixels=25_000_000) for name, changed in changes.items()}
    totals = dict.fromkeys(pipelines, Counts())
    pages = list(labelled(arguments.data) if arguments.data else drawn())
    with click.progressbar(pages, label="pages", file=sys.stderr) as bar:
        for page in bar:
            for name, pipeline in pipelines.items():
                totals[name] += counts(page, pipeline)
    print(f"{len(pages)} pages, {totals['none'].lines} lines\n")
    rows = [
        [name, f"{100 * total.f1:.2f}", f"{100 * total.cer:.2f}", str(total.exact)] for name, total in totals.items()
    ]
    print(table(["change", "F1 %", "CER %", "exact lines"], rows))


def counts(page: Shown, pipeline: Pipeline) -> Counts:
    """How well the page is read."""
    lines = pipeline.read(page.data, Options(second_reader="off")).lines
    return page_counts(page.lines, [line.text for line in lines], partial=page.partial)


if __name__ == "__main__":
    main()
