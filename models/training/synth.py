"""Synthetic lines: a phrase, drawn in ink, photographed. Kinds and their shares are in KINDS.

    python -m models.training.synth --sheet lines.png       a sheet of 48 lines to look at (after `fetch` and `texts`)
"""

import argparse
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np

from . import charset, work
from .ink import PenDrawer, TypeDrawer, faces
from .lines import line_pixels
from .phrases import Phrases
from .scene import photographed

KINDS = {  # share of the lines; pen, handfont and latinhand are handwriting, where the parent errs most
    "pen": 0.19,
    "handfont": 0.12,
    "latinhand": 0.05,
    "sign": 0.11,
    "screen": 0.11,
    "chinese": 0.08,
    "traditional": 0.08,
    "traditionalsign": 0.03,
    "english": 0.07,
    "bilingual": 0.07,
    "figures": 0.04,
    "rare": 0.05,
}
# What a kind says and where it stands, if not words of its own name in print.
PHRASES = {"pen": "answer", "handfont": "answer", "latinhand": "english", "traditionalsign": "traditional"}
PAPER, SIGNS = ("pen", "handfont", "latinhand"), ("sign", "traditionalsign")
SURFACES = dict.fromkeys(PAPER, "paper") | dict.fromkeys(SIGNS, "sign") | {"screen": "screen"}
LONGEST = 26  # em: wider than that and most boxes of a page are cut


def synthetic_lines(
    folders: work.Folders, *, seed: int, shares: Mapping[str, float] = KINDS
) -> Iterator[tuple[np.ndarray, str, str]]:
    """Endless (picture (h, w, 3) uint8 BGR, text, kind); the same ones for the same seed, packages and `shares`."""
    draw = random.Random(seed)
    phrases = Phrases(folders.texts, charset.load(), draw)
    drawers = _drawers(folders.packages)
    while True:
        kind = draw.choices(list(shares), list(shares.values()))[0]
        text = phrases.line(PHRASES.get(kind, kind))
        ink = drawers[kind].draw(text, draw) if text else None
        if ink is not None and min(ink.shape) >= 8 and ink.shape[1] <= LONGEST * ink.shape[0]:
            yield photographed(ink, draw, surface=SURFACES.get(kind, "print")), text, kind


def _drawers(packages: Path) -> dict[str, TypeDrawer | PenDrawer]:
    """What draws each kind of line."""
    hands, latin_hands = faces(packages, "hand"), faces(packages, "latin-hand")
    printed, latin = faces(packages, "print"), faces(packages, "latin")
    special = {
        "pen": PenDrawer(packages / "strokes/hanzi-writer-data/package", hands + latin_hands),
        "handfont": TypeDrawer(hands, unsteady=True),
        "latinhand": TypeDrawer(latin_hands + hands, unsteady=True),
        "sign": TypeDrawer(printed + hands),
        "traditionalsign": TypeDrawer(printed + hands),
        "english": TypeDrawer(latin + printed[:2]),
        "screen": TypeDrawer(printed + latin),
    }
    return {kind: special.get(kind) or TypeDrawer(printed) for kind in KINDS}


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
