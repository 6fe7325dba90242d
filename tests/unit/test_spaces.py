"""Spaces that the best path leaves out, on probabilities written by hand and on drawn lines."""

import numpy as np
import pytest
from ziyan import ctc, manifest
from ziyan.charset import BLANK, Charset
from ziyan.recognize import Recognizer
from ziyan.spaces import Spaces

CHARSET = Charset("ab12字眼,，_ ")


def line(text, *gaps):
    """Certain characters with a blank step after each; `gaps` are the space's probabilities there."""
    rows = []
    for character, gap in zip(text, [*gaps, 0.0], strict=True):
        rows += np.eye(CHARSET.classes, dtype=np.float32)[CHARSET.encode(character)].tolist()
        rows.append([1 - gap, *[0.0] * (len(CHARSET) - 1), gap])
    return np.array(rows, np.float32)


def read(probabilities):
    return CHARSET.decode(ctc.greedy(Spaces(CHARSET).shown(probabilities))[0].tolist())


@pytest.mark.parametrize(("gap", "text"), [(0.24, "ab"), (0.25, "a b"), (0.49, "a b"), (0.51, "a b")])
def test_a_space_is_read_from_a_quarter_on(gap, text):
    assert read(line("ab", gap)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a字", "a 字"),
        ("字1", "字 1"),
        ("a,", "a ,"),
        ("a1", "a 1"),
        ("12", "12"),
        ("字眼", "字眼"),
        ("a，", "a，"),
        (",_", ",_"),
    ],
)
def test_only_beside_a_latin_letter_or_digit_and_not_within_a_number(text, expected):
    assert read(line(text, 0.4)) == expected


def test_one_space_a_gap():
    wide = np.insert(line("ab", 0.3), 2, line("ab", 0.45)[1], axis=0)
    assert read(wide) == "a b"


def test_before_the_first_and_after_the_last_character_is_no_gap():
    blank = line("ab", 0.0)
    blank[[-1, 1], BLANK], blank[[-1, 1], -1] = 0.6, 0.4
    assert read(blank[1:]) == "b"
    assert read(blank) == "a b"


def test_the_confidence_of_such_a_space_is_that_of_there_being_no_other_character():
    classes, confidences = ctc.greedy(Spaces(CHARSET).shown(line("ab", 0.3)))
    assert CHARSET.decode(classes.tolist()) == "a b"
    assert confidences == pytest.approx([1, 0.7, 1])


def test_probabilities_without_such_a_space_are_left_alone():
    sure, spaced = line("ab", 0.01), line("ab", 0.4)
    assert Spaces(CHARSET).shown(sure) is sure
    assert Spaces(Charset("ab")).shown(sure[:, :3]).shape == (4, 3)
    Spaces(CHARSET).shown(spaced)
    assert np.array_equal(spaced, line("ab", 0.4))


@pytest.mark.parametrize(
    "text",
    ["运行 make test 命令", "请用 Python 运行 ziyan 命令", "模型 CRNN 很小", "使用 ONNX Runtime 推理"],
)
def test_reads_drawn_spaces_between_hanzi_and_latin_and_none_where_none_is(models, draw, bgr, text):
    recognizer = Recognizer(manifest.load(models).recognizer, threads=1)
    for drawn in (text, text.replace(" ", "")):
        picture, ((x0, y0, x1, y1),) = draw((drawn, (20, 20)), size=(1200, 90), font_px=40)
        quad = np.float32([(x0 - 6, y0 - 6), (x1 + 6, y0 - 6), (x1 + 6, y1 + 6), (x0 - 6, y1 + 6)])
        assert recognizer.read(bgr(picture), [quad])[0].text == drawn
