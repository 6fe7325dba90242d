"""The second reader on lines that the first reads badly, and what it costs where nobody doubts."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image
from ziyan import manifest
from ziyan.image import decode
from ziyan.options import Options
from ziyan.orient import Found
from ziyan.pipeline import Pipeline
from ziyan.reader.app import Reader
from ziyan.recognize import Reading, Recognizer
from ziyan.second import GROUP, SecondReader
from ziyan.settings import Settings

TEXTS = ("第一行文字", "第二行文字", "第三行文字", "第四行文字", "第五行文字", "第六行文字")
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def facts(models):
    return manifest.load(models).second_recognizer


@pytest.fixture
def second(facts):
    return SecondReader(facts, threads=1, below=0.9)


@pytest.fixture(scope="module")
def lines(draw, bgr):
    """A picture of six lines, and the quad of each."""
    picture, ink = draw(*((text, (40, 20 + 90 * i)) for i, text in enumerate(TEXTS)), size=(400, 560))
    quads = [
        np.float32([(x0 - 6, y0 - 6), (x1 + 6, y0 - 6), (x1 + 6, y1 + 6), (x0 - 6, y1 + 6)]) for x0, y0, x1, y1 in ink
    ]
    return bgr(picture), quads


def found(lines, readings):
    """The arguments of `improve`: the picture, and its lines as they were read first."""
    pairs = zip(lines[1], readings, strict=True)
    return lines[0], [Found(quad, reading, vertical=False, lying=quad) for quad, reading in pairs]


def small_page(models):
    """A picture of three lines, decoded."""
    return decode((models.parent / "tests/data/pages/label.jpg").read_bytes(), max_pixels=10**6)


def label(models):
    """Its pixels."""
    return small_page(models).pixels


def out_of_focus(models):
    """The same, blurred."""
    return replace(small_page(models), pixels=cv2.GaussianBlur(label(models), (0, 0), 1.2))


def improved(second, image, lines, **asked):
    """The readings alone."""
    return second.improve(image, lines, **asked)[0]


def texts(readings):
    return [reading.text for reading in readings]


def test_reads_doubtful_lines_again_and_leaves_the_others(second, lines):
    readings = [Reading("wrong", 0.5), Reading("sure", 0.9), Reading("wrong", 0.89), *(Reading("sure", 1.0),) * 3]
    better = improved(second, *found(lines, readings), budget_ms=HOUR_MS)
    assert texts(better) == [TEXTS[0], "sure", TEXTS[2], "sure", "sure", "sure"]
    assert all(reading.score > 0.9 for reading in better[:3:2])


def test_is_not_loaded_where_no_line_is_doubtful(second, lines):
    readings = [Reading(text, 0.9) for text in TEXTS]
    assert improved(second, *found(lines, readings), budget_ms=HOUR_MS) == readings
    assert not second.loaded


def test_no_budget_reads_nothing_again(second, lines):
    readings = [Reading("wrong", 0.1)] * 6
    assert improved(second, *found(lines, readings), budget_ms=0) == readings
    assert not second.loaded


def test_a_spent_budget_leaves_the_less_doubtful_lines_as_they_were(second, lines):
    # To load the network takes longer than a millisecond, so that one group is begun and no other.
    readings = [Reading("wrong", score) for score in (0.6, 0.1, 0.5, 0.2, 0.4, 0.3)]
    better = improved(second, *found(lines, readings), budget_ms=1)
    assert GROUP == 4
    assert texts(better) == ["wrong", TEXTS[1], "wrong", TEXTS[3], TEXTS[4], TEXTS[5]]


def test_tells_that_the_budget_left_doubtful_lines_unread(second, models):
    image, quads = label(models), [np.float32([(20, 72), (260, 72), (260, 100), (20, 100)])] * (GROUP + 1)
    few, many = [Reading("wrong", 0.1)] * GROUP, [Reading("wrong", 0.1)] * (GROUP + 1)
    assert second.improve(*found((image, quads), many), budget_ms=1)[1]
    assert not second.improve(*found((image, quads), many), budget_ms=HOUR_MS)[1]
    assert not second.improve(*found((image, quads[:GROUP]), few), budget_ms=1)[1]
    assert not second.improve(*found((image, quads), many), budget_ms=0)[1]


def test_a_second_reading_with_a_lower_score_is_not_taken(second, lines):
    white = np.full_like(lines[0], 255), lines[1]
    readings = [Reading("seen", 0.3)] * 6
    assert improved(second, *found(white, readings), budget_ms=HOUR_MS) == readings
    assert second.loaded


def test_reads_a_doubtful_column_again_laid_out(second, draw, bgr):
    text = "竖排文字也再读"
    picture, ink = draw(*((character, (40, 20 + 60 * i)) for i, character in enumerate(text)), size=(140, 470))
    x0, y0, x1, y1 = ink[0][0] - 6, ink[0][1] - 6, ink[0][2] + 6, ink[-1][3] + 6
    quad = np.float32([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    column = Found(quad, Reading("wrong", 0.1), vertical=True, lying=np.roll(quad, -1, axis=0))
    (reading,) = improved(second, bgr(picture), [column], budget_ms=HOUR_MS)
    assert reading.text == text


def test_gives_its_memory_back_and_reads_again_afterwards(second, lines):
    for _ in range(2):
        assert texts(improved(second, *found(lines, [Reading("", 0.0)] * 6), budget_ms=HOUR_MS)) == list(TEXTS)
        assert second.loaded
        second.rest()
        assert not second.loaded


def test_what_it_gives_back_leaves_the_process(second, lines, monkeypatch):
    released = []
    monkeypatch.setattr("ziyan.second.release_memory", lambda: released.append(second.loaded))
    second.rest()
    assert not released  # nothing to give back yet
    improved(second, *found(lines, [Reading("", 0.0)] * 6), budget_ms=HOUR_MS)
    second.rest()
    second.rest()
    assert released == [False]


def test_repairs_what_the_first_reader_gets_wrong(models):
    pipeline = Pipeline(manifest.load(models), threads=1, max_pixels=25_000_000)
    shown = ["止咳口服溶液", "用法用量：每日三次，每次十毫升", "Keep away from children"]
    alone = pipeline.read(out_of_focus(models), Options(second_reader="off"))
    assert texts(alone.lines) != shown
    assert not pipeline.second.loaded
    both = pipeline.read(out_of_focus(models))
    assert texts(both.lines) == shown
    assert min(line.score for line in both.lines) > min(line.score for line in alone.lines)


def test_leaves_its_room_to_a_large_picture(models, encoded):
    pipeline = Pipeline(manifest.load(models), threads=1, max_pixels=25_000_000)
    pipeline.read((models.parent / "tests/data/pages/label.jpg").read_bytes())
    pipeline.read(encoded(Image.new("L", (2000, 2000), "white"), "PNG"))
    assert pipeline.second.loaded
    pipeline.read(encoded(Image.new("L", (4000, 3100), "white"), "PNG"))
    assert not pipeline.second.loaded


def test_rests_when_the_reader_says_so(models):
    reader = Reader(Settings(models_dir=models))
    reader.rest()  # nothing to give back yet
    with (models.parent / "tests/data/pages/label.jpg").open("rb") as picture:
        reader.read(picture, Options())
    assert reader.state()["models"]["second_recognizer"]["loaded"]
    reader.rest()
    assert not reader.state()["models"]["second_recognizer"]["loaded"]


def test_a_pipeline_that_never_doubts_has_no_second_reader(models):
    assert Pipeline(manifest.load(models), threads=1, max_pixels=25_000_000, second_below=0).second is None


def test_compact_weights_read_the_same(models, facts):
    pixels = decode((models.parent / "tests/data/pages/label.jpg").read_bytes(), max_pixels=10**6).pixels
    quad = np.float32([(20, 72), (260, 72), (260, 100), (20, 100)])
    readings = [Recognizer(facts, threads=1, compact=compact).read(pixels, [quad])[0] for compact in (True, False)]
    assert readings[0].text == readings[1].text
    assert readings[0].score == pytest.approx(readings[1].score, abs=1e-3)
