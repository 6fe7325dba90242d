"""Synthetic lines: a phrase, drawn in ink, photographed. Kinds and their shares are in KINDS.

    python -m models.training.synth --sheet lines.png       a sheet of 48 lines to look at (after `fetch` and `texts`)
"""

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from . import charset, work
from .ink import PenDrawer, TypeDrawer, faces
from .lines import line_pixels
from .phrases import Phrases
from .scene import photographed

KINDS = {  # share of the lines; pen and handfont are handwriting, where the parent errs most
    "pen": 0.32,
    "handfont": 0.2,
    "chinese": 0.14,
    "english": 0.09,
    "bilingual": 0.12,
    "figures": 0.05,
    "rare": 0.08,
}
LONGEST = 26  # em: wider than that and most boxes of a page are cut


def synthetic_lines(folders: work.Folders, *, seed: int) -> Iterator[tuple[np.ndarray, str, str]]:
    """Endless (picture (h, w, 3) uint8 BGR, text, kind); the same ones for the same seed and packages."""
    draw = random.Random(seed)
    phrases = Phrases(folders.texts, charset.load(), draw)
    hands, latin_hands = faces(folders.packages, "hand"), faces(folders.packages, "latin-hand")
    printed, latin = faces(folders.packages, "print"), faces(folders.packages, "latin")
    drawers = {
        "pen": PenDrawer(folders.packages / "strokes/hanzi-writer-data/package", hands + latin_hands),
        "handfont": TypeDrawer(hands, unsteady=True),
        "english": TypeDrawer(latin + printed[:2] + latin_hands),
    }
    otherwise = TypeDrawer(printed)
    while True:
        kind = draw.choices(list(KINDS), list(KINDS.values()))[0]
        by_hand = kind in ("pen", "handfont")
        text = phrases.line("answer" if by_hand else kind)
        ink = drawers.get(kind, otherwise).draw(text, draw) if text else None
        if ink is not None and min(ink.shape) >= 8 and ink.shape[1] <= LONGEST * ink.shape[0]:
            yield photographed(ink, draw, by_hand=by_hand), text, kind


def sheet(lines: Iterator[tuple[np.ndarray, str, str]], *, rows: int = 24, width: int = 640) -> np.ndarray:
    """Two columns of lines at the net's height, cut at `width`."""
    page = np.full((rows * 52, 2 * width, 3), 255, np.uint8)
    for number in range(2 * rows):
        picture, text, kind = next(lines)
        pixels = line_pixels(picture)[:, : width - 8]
        y, x = number // 2 * 52, number % 2 * width
        page[y : y + 48, x : x + pixels.shape[1]] = pixels
        print(f"{number // 2:2d} {'LR'[number % 2]} {kind:9s} {text}")
    return page


def main() -> None:
    """Writes a sheet of lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    work.option(parser).add_argument("--sheet", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    cv2.imwrite(str(given.sheet), sheet(synthetic_lines(work.Folders(given.work), seed=given.seed)))


if __name__ == "__main__":
    main()
