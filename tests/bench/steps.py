"""What each step gains and costs on a labelled set: everything on, then one step off at a time, by category.

    PYTHONPATH=tests python -m bench.steps FOLDER        # pages.jsonl, as for `make bench`

Every page is read in all ways in turn, in this process, so that a busy spell of the machine strikes all of them alike.
CPU seconds are the process's own, one thread.
"""

import argparse
import contextlib
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest import mock

import click
import cv2
from ziyan import ctc, detect, manifest
from ziyan.options import DEFAULTS
from ziyan.pipeline import Pipeline

from bench import dataset
from bench.bounds import HOUR_MS
from bench.report import table
from bench.score import Counts, page_counts

ROOT = Path(__file__).parents[2]
ONE_LOOK, NO_CONTEXT, ALL_OFF = "one look", "no context", "all off"
ON = replace(DEFAULTS, budget_ms=HOUR_MS)  # wall time would make a busy machine read worse
AS_SENT = {"turn": "0", "vertical": "off", "flatten": "off"}
WAYS = {
    "all on": ON,
    "second_reader=off": replace(ON, second_reader="off"),
    NO_CONTEXT: ON,
    ONE_LOOK: ON,
    "preprocess=none": replace(ON, preprocess="none"),
    " ".join(f"{name}={value}" for name, value in AS_SENT.items()): replace(ON, **AS_SENT),
    ALL_OFF: replace(ON, second_reader="off", preprocess="none", **AS_SENT),
}


@dataclass
class Read:
    """The pages of one category, or all, read in one way."""

    counts: Counts = field(default_factory=Counts)
    cpu_s: float = 0.0


@contextlib.contextmanager
def without(way: str, pipeline: Pipeline) -> Iterator[None]:
    """Takes away what no option does: all looks of the detector but one, and what the neighbours say of a hanzi."""
    with contextlib.ExitStack() as undo:
        if way in (ONE_LOOK, ALL_OFF):
            undo.enter_context(mock.patch.multiple(detect, SMALL_HEIGHT=0, BLIND_SCALE=0))
        if way in (NO_CONTEXT, ALL_OFF):
            undo.enter_context(mock.patch.object(pipeline, "_plain", ctc.best_path))
        yield


def main() -> None:
    """Reads, prints one table."""
    parser = argparse.ArgumentParser(prog="python -m bench.steps", description=__doc__)
    parser.add_argument("data", type=Path)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    pipeline = Pipeline(manifest.load(ROOT / "models"), threads=1, max_pixels=25_000_000)
    pages = dataset.load(arguments.data)
    pipeline.read(pages[0].path.read_bytes())  # loads the second reader
    total: dict[tuple[str, str], Read] = defaultdict(Read)
    with click.progressbar(pages, label="pages", file=sys.stderr) as shown:
        for page in shown:
            data = page.path.read_bytes()
            for way, options in WAYS.items():
                with without(way, pipeline):
                    start = time.process_time()
                    lines = pipeline.read(data, options).lines
                    cpu_s = time.process_time() - start
                for category in (page.category, "all"):
                    read = total[category, way]
                    read.cpu_s += cpu_s
                    read.counts += page_counts(page.lines, [line.text for line in lines], partial=page.partial)
    print(rendered(total, len(pages)))


def rendered(total: dict[tuple[str, str], Read], pages: int) -> str:
    """A row for each category, then what all cost."""
    categories = [*sorted({category for category, _ in total} - {"all"}), "all"]
    rows = [
        [f"{category} ({total[category, 'all on'].counts.lines})", *(cell(total[category, way]) for way in WAYS)]
        for category in categories
    ]
    rows.append(["CPU s a page", *(f"{total['all', way].cpu_s / pages:.3f}" for way in WAYS)])
    return table(["category (lines): F1 / exact %", *WAYS], rows)


def cell(read: Read) -> str:
    """F1 and exact lines in percent."""
    return f"{100 * read.counts.f1:.1f} / {100 * read.counts.exact_share:.1f}"


if __name__ == "__main__":
    main()
