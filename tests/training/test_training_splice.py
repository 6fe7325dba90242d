"""Lines joined out of two real ones: what is seen, what is written and what the teacher says stay together."""

import random

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: the training recipe is not tested [not in CI]")

from ziyan.charset import Charset

from models.training.pool import Item
from models.training.splice import cuts, spliced

KNOWN = Charset("abcdefgh ")
PITCH = 6  # steps from one character to the next


def spaced(text: str, *, paper: int = 230, ink: int = 20, pitch: int = PITCH) -> Item:
    """One block a character, `pitch` steps apart, as bright as its class says; the teacher sure of each middle step."""
    steps = pitch * len(text) + 1
    pixels = np.full((48, 8 * pitch * len(text), 3), paper, np.uint8)
    classes, probabilities = np.zeros((steps, 4), np.int16), np.full((steps, 4), 0.9, np.float16)
    for place, number in enumerate(KNOWN.encode(text)):
        middle = pitch * place + pitch // 2
        pixels[10:38, 8 * middle - 8 : 8 * middle + 8] = ink + number
        classes[middle, 0] = number
    return Item(pixels, text, "hand", classes, probabilities)


def said(item: Item) -> str:
    best = item.classes[:, 0]
    return KNOWN.decode(best[best != 0])


def seen(item: Item, *, ink: int = 20) -> str:
    """The blocks in the picture, by their brightness."""
    row = item.pixels[24, :, 0].astype(int)
    blocks = [int(value) for value, before in zip(row[1:], row, strict=False) if value < 60 <= before]
    return KNOWN.decode([value - ink for value in blocks])


def test_picture_label_and_teacher_stay_together():
    left, right = spaced("abcd"), spaced("efgh", paper=200)
    joined = {}
    for seed in range(40):
        line = spliced(left, right, KNOWN, random.Random(seed))
        assert line.text == said(line)
        assert line.pixels.shape[1] == 8 * (len(line.classes) - 1) == 8 * (len(line.probabilities) - 1)
        joined[line.text] = line
    assert len(joined) > 4
    assert all(text[0] == "a" and text[-1] == "h" for text in joined)
    assert all(len(text) <= 4 for text in joined)  # no wider than the left line was


def test_the_right_part_comes_onto_the_left_ones_paper():
    line = spliced(spaced("ab"), spaced("ab", paper=180), KNOWN, random.Random(0))
    assert (line.pixels[0] == 230).all()


def test_the_picture_shows_what_the_label_says():
    for seed in range(20):
        line = spliced(spaced("abcd"), spaced("efgh"), KNOWN, random.Random(seed))
        assert seen(line) == line.text


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (spaced("a"), spaced("efgh")),  # one character has no gap
        (spaced("abcd"), spaced("efgh", paper=20, ink=200)),  # light on dark beside dark on light
        (spaced("abcd", pitch=3), spaced("efgh")),  # letters so near that a cut on a step may hit one
    ],
)
def test_what_does_not_fit_stays_as_it_was(left, right):
    assert all(spliced(left, right, KNOWN, random.Random(seed)) is left for seed in range(10))


def test_a_line_is_cut_only_where_label_and_teacher_agree():
    line = spaced("abcd")
    assert [first for _, first in cuts(line, KNOWN)] == [1, 2, 3]
    assert cuts(Item(line.pixels, "abce", line.kind, line.classes, line.probabilities), KNOWN) == []
    assert cuts(Item(line.pixels, "", line.kind, line.classes, line.probabilities), KNOWN) == []


def test_no_cut_goes_through_ink():
    line = spaced("ab")
    line.pixels[20:24] = 0  # a stroke that joins both
    line.pixels[:, 40:56] = 0
    assert cuts(line, KNOWN) == []
