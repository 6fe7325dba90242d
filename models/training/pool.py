"""Lines made once and read by the teacher once, kept in shards: training then only looks at them.

    python -m models.training.pool --real FOLDER            real lines of a realtext folder
    python -m models.training.pool --synthetic 20000        synthetic lines (after `fetch` and `texts`)
    python -m models.training.pool --synthetic 8 --work FOLDER             a tiny run, seconds

The teacher reads about 31 lines per core-second; a line takes about 9 KB with its picture and 0.5 KB without.
"""

import argparse
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from ziyan import ctc
from ziyan.charset import Charset
from ziyan.normalize import line_tensor

from . import charset, parent, realtext, work
from .lines import line_pixels
from .teacher import Teacher

SHARD = 500  # lines
WIDEST = 1120  # columns at height 48: wider lines cost much and are few
SURE = 0.85  # a machine's reading below this is not taken for a label
STRETCHES = (0.78, 1.1)  # widths of a second look at a line, as a share of its own


@dataclass(frozen=True)
class Item:
    """One line of a pool."""

    pixels: np.ndarray  # uint8 (48, W, 3) BGR
    text: str  # the label, "" where none can be trusted
    kind: str
    classes: np.ndarray  # int16 (T, 4): the teacher's likeliest classes, the student's numbering
    probabilities: np.ndarray  # float16 (T, 4); all 0 where the teacher lacks a character of the text


def heeded(item: Item, known: Charset) -> Item:
    """`item`, the teacher silent where it did not read the label, spaces apart: an error would be taught."""
    read = known.decode(ctc.collapsed(item.classes[:, 0], item.probabilities[:, 0])[0])
    if not item.text or read.replace(" ", "") == item.text.replace(" ", ""):
        return item
    return replace(item, probabilities=np.zeros_like(item.probabilities))


def write_shard(items: list[Item], path: Path) -> None:
    """Writes a shard whole or not at all: arrays with the lines one behind the other, pictures as JPEG."""
    jpegs = [cv2.imencode(".jpg", item.pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].reshape(-1) for item in items]
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.savez(
            file,
            jpegs=np.concatenate(jpegs),
            jpeg_ends=np.cumsum([len(jpeg) for jpeg in jpegs]),
            texts=np.array([item.text for item in items]),
            kinds=np.array([item.kind for item in items]),
            classes=np.concatenate([item.classes for item in items]),
            probabilities=np.concatenate([item.probabilities for item in items]),
            step_ends=np.cumsum([len(item.classes) for item in items]),
        )
    unfinished.replace(path)


class Pool:
    """All shards of a folder, or those whose name begins with `only`; pictures still as JPEG.

    `refresh` takes in the shards written since.
    """

    def __init__(self, folder: Path, *, only: str = ""):
        self.folder, self.only = folder, only
        self.jpegs: list[np.ndarray] = []
        self.texts: list[str] = []
        self.kinds: list[str] = []
        self.steps: list[tuple[np.ndarray, np.ndarray]] = []
        self._shards: set[str] = set()

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: int) -> Item:
        pixels = cv2.imdecode(self.jpegs[index], cv2.IMREAD_COLOR)
        return Item(pixels, self.texts[index], self.kinds[index], *self.steps[index])

    def refresh(self) -> None:
        """Reads the shards that were not there before."""
        for path in sorted(self.folder.glob(f"{self.only}*.npz")):
            if path.name not in self._shards:
                self._shards.add(path.name)
                self._add(np.load(path))

    def _add(self, shard: np.lib.npyio.NpzFile) -> None:
        jpeg_ends, step_ends = shard["jpeg_ends"][:-1], shard["step_ends"][:-1]
        classes, probabilities = np.split(shard["classes"], step_ends), np.split(shard["probabilities"], step_ends)
        self.jpegs += np.split(shard["jpegs"], jpeg_ends)
        self.texts += shard["texts"].tolist()
        self.kinds += shard["kinds"].tolist()
        self.steps += zip(classes, probabilities, strict=True)


def real_lines(
    folder: Path, *, seed: int, kinds: frozenset[str] = frozenset()
) -> Iterator[tuple[np.ndarray, str, str]]:
    """(crop, label or "", kind) of every open line that is not held out, shuffled, then again at other widths.

    `kinds` takes lines of these kinds alone, with another seed for more looks at what is rare.

    Handwriting, the parent's weakness, comes a third time. Plain English receipts come once, and only a third of them.
    """
    draw = random.Random(seed)
    lines = [line for line in realtext.read(folder) if not line.held_out and (not kinds or line.kind in kinds)]
    looks = [(line, look) for line in lines for look in range(_looks(line, draw))]
    draw.shuffle(looks)
    looks.sort(key=lambda pair: pair[1])
    for line, look in looks:
        crop = cv2.imread(str(folder / line.file), cv2.IMREAD_COLOR)
        if look:
            crop = cv2.resize(crop, None, fx=draw.uniform(*STRETCHES), fy=1, interpolation=cv2.INTER_AREA)
        yield crop, line.text if line.labelled or line.confidence >= SURE else "", line.kind


def _looks(line: realtext.Line, draw: random.Random) -> int:
    if line.kind == "receipt":
        return int(draw.random() < 1 / 3)
    return 3 if line.kind == "hand" else 2


def taught(lines: Iterator[tuple[np.ndarray, str, str]], teacher: Teacher, known: frozenset[str]) -> Iterator[Item]:
    """The pool's items of lines; those too wide or with a character that the student lacks are left out."""
    for crop, text, kind in lines:
        pixels = line_pixels(crop)
        if not 16 <= pixels.shape[1] <= WIDEST or not known.issuperset(text):
            continue
        read = teacher.read if teacher.knows.issuperset(text) else teacher.say_nothing
        classes, probabilities = read(line_tensor(pixels))
        yield Item(pixels, text, kind, classes, probabilities)


def fill(folder: Path, name: str, items: Iterator[Item], *, lines: int | None = None) -> None:
    """Writes `items` as shards NAME-000.npz, … until they end or there are `lines`."""
    folder.mkdir(parents=True, exist_ok=True)
    items = itertools.islice(items, lines)
    for number in itertools.count():
        shard = list(itertools.islice(items, SHARD))
        if not shard:
            return
        write_shard(shard, folder / f"{name}-{number:03d}.npz")
        print(f"{name}: {number * SHARD + len(shard)} lines", flush=True)


def main() -> None:
    """Fills the pool of the working folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = work.option(parser).add_mutually_exclusive_group(required=True)
    source.add_argument("--real", type=Path, metavar="FOLDER", help="folder with labels.tsv")
    source.add_argument("--synthetic", type=int, metavar="LINES")
    parser.add_argument("--seed", type=int, default=1, help="another seed makes other lines, and shards of its name")
    parser.add_argument("--kinds", default="", help="these kinds alone, with commas between: hand,mixed")
    arguments = parser.parse_args()
    folders = work.Folders(arguments.work)
    known = charset.load()
    teacher = Teacher(parent.small(folders.packages), known)
    kinds = frozenset(arguments.kinds.split(",")) - {""}
    if arguments.real:
        name, lines = "real", real_lines(arguments.real, seed=arguments.seed, kinds=kinds)
    else:
        from .synth import KINDS, synthetic_lines

        shares = {kind: share for kind, share in KINDS.items() if kind in kinds or not kinds}
        name, lines = "synthetic", synthetic_lines(folders, seed=arguments.seed, shares=shares)
    items = taught(lines, teacher, frozenset(known.characters))
    fill(folders.pool, f"{name}{arguments.seed}", items, lines=arguments.synthetic)


if __name__ == "__main__":
    main()
