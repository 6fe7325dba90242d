"""A folder of drawn lines out of a list of words, in the form of real ones: for a language that nobody has lines of.

    python -m models.training.wordlines words.txt --fonts /usr/share/fonts/truetype/dejavu --out my_lines --lines 1500

Each line is one to four words of the list, in a font of the folder that has all its letters, photographed as `scene`
does it. `finetune my_lines --chars letters.txt` then teaches them.
"""

import argparse
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from .ink import Face, TypeDrawer
from .scene import photographed

CASES = (str, str, str, str.upper, str.title)


def drawn_lines(words: list[str], faces: list[Face], draw: random.Random) -> Iterator[tuple[np.ndarray, str]]:
    """Endless (picture (h, w, 3) uint8 BGR, text). ValueError where no font can write any of 200 lines."""
    drawer, failures = TypeDrawer(faces), 0
    while True:
        text = " ".join(draw.choices(words, k=draw.randint(1, 4)))[:40].strip()
        text = draw.choice(CASES)(text)
        if (ink := drawer.draw(text, draw)) is not None:
            failures = 0
            yield photographed(ink, draw, surface=draw.choice(("print", "print", "sign"))), text
        elif (failures := failures + 1) == 200:
            raise ValueError(f"no font here has the letters of “{text}”")


def write(lines: Iterator[tuple[np.ndarray, str]], out: Path, count: int) -> None:
    """Writes `count` lines as pictures and labels.tsv into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    rows = ["file\ttext"]
    for number in range(count):
        picture, text = next(lines)
        cv2.imwrite(str(out / f"{number:05d}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
        rows.append(f"{number:05d}.jpg\t{text}")
    (out / "labels.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def main() -> None:
    """Draws the lines named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", type=Path, help="UTF-8, a word or phrase a line")
    parser.add_argument("--fonts", type=Path, required=True, help="folder with .ttf or .otf files")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--lines", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    words = [word.strip() for word in given.words.read_text(encoding="utf-8").splitlines() if word.strip()]
    faces = [Face([path]) for path in sorted(given.fonts.rglob("*.[to]tf"))]
    if not words or not faces:
        sys.exit(f"{given.words if not words else given.fonts} holds none: name a list of words and a folder of fonts")
    write(drawn_lines(words, faces, random.Random(given.seed)), given.out, given.lines)
    print(f"{given.out}: {given.lines} lines in {len(faces)} fonts")


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(str(error))
