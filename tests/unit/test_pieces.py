"""Long lines: cut where nothing is written, joined without losing or doubling a character."""

from itertools import pairwise

import numpy as np
import pytest
from ziyan import manifest, pieces
from ziyan.recognize import Recognizer


@pytest.fixture(scope="module")
def recognizer(models):
    return Recognizer(manifest.load(models).recognizer, threads=1)


def around(ink, margin=4):
    left, top, right, bottom = ink
    left, top, right, bottom = left - margin, top - margin, right + margin, bottom + margin
    return np.float32([[left, top], [right, top], [right, bottom], [left, bottom]])


@pytest.fixture(scope="module")
def long_line(draw, bgr):
    """`long_line(text)` gives a picture of one line of 20 pixels, and its quad."""

    def draw_line(text):
        picture, (ink,) = draw((text, (10, 10)), size=(20 * len(text) + 40, 60), font_px=20)
        return bgr(picture), around(ink)

    return draw_line


def test_a_line_of_ordinary_length_is_one_piece(long_line):
    picture, quad = long_line("树莓派" * 10)
    ((piece, gap),) = pieces.cut(picture, quad)
    assert piece is quad
    assert gap == 0


def test_pieces_follow_each_other_without_a_gap_and_cut_no_ink(long_line):
    picture, quad = long_line("树莓派离线识别文字" * 20)
    found = [piece for piece, _ in pieces.cut(picture, quad)]
    assert len(found) >= 3
    assert found[0][0] == pytest.approx(quad[0])
    assert found[-1][1] == pytest.approx(quad[1], abs=1e-3)
    for before, after in pairwise(found):
        assert before[1] == pytest.approx(after[0])
        assert before[2] == pytest.approx(after[3])
        x = round(float(after[0][0]))
        columns = picture[int(quad[0][1]) : int(quad[2][1]), x - 1 : x + 2, 0].astype(int)
        assert np.ptp(columns, axis=0).min() < 40  # paper from top to bottom


def test_cuts_along_the_slope_of_a_tilted_line(long_line):
    _, quad = long_line("一" * 150)
    turn = np.float32([[0.995, 0.0998], [-0.0998, 0.995]])
    found = [piece for piece, _ in pieces.cut(np.full((900, 3200, 3), 255, np.uint8), quad @ turn)]
    assert len(found) >= 3
    for piece in found:
        assert np.linalg.norm(piece[3] - piece[0]) == pytest.approx(np.linalg.norm(quad[3] - quad[0]), rel=0.01)


@pytest.mark.parametrize(
    "text",
    [
        "树莓派离线识别文字，每一行都要完整地读出来，不多也不少。" * 7,
        "The quick brown fox jumps over the lazy dog and runs away " * 6,
        "1223334444555556666667777777" * 12,
    ],
    ids=["Chinese", "English", "repeated digits"],
)
def test_reads_a_line_too_long_for_the_network_as_it_was_written(text, long_line, recognizer):
    text = text.strip()
    picture, quad = long_line(text)
    assert len(list(pieces.cut(picture, quad))) > 1
    (reading,) = recognizer.read(picture, [quad])
    assert reading.text == text
    assert reading.score > 0.9


@pytest.mark.parametrize(
    ("texts", "gap", "line"),
    [
        (["two", "words"], 0.3, "two words"),
        (["one", "word"], 0.05, "oneword"),
        (["汉字", "没有空格"], 0.5, "汉字没有空格"),
        (["ends.", "Next"], 0.3, "ends. Next"),
        (["", "words"], 0.3, "words"),
    ],
)
def test_a_gap_is_a_space_in_latin_text_alone(texts, gap, line):
    assert pieces.joined(texts, [0.0, gap]) == line
