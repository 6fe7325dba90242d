"""What drawn lines say, by the real recognizer."""

import dataclasses

import numpy as np
import pytest
from PIL import Image
from ziyan import ctc, manifest
from ziyan.charset import Charset
from ziyan.errors import ModelRejected
from ziyan.recognize import Reading, Recognizer, _batches, score

TEXTS = ["树莓派", "离线识别中英文图片，不联网。", "Raspberry Pi reads", "2026-11-22", "合计：128.50元", "說從來沒有過"]


@pytest.fixture(scope="module")
def facts(models):
    return manifest.load(models).recognizer


@pytest.fixture(scope="module")
def recognizer(facts):
    return Recognizer(facts, threads=1)


@pytest.fixture(scope="module")
def read(recognizer):
    """`read(line, …)` lays line pictures on one page, below each other, and reads them there."""

    def read_(*lines):
        page = np.full((sum(map(len, lines)), max(line.shape[1] for line in lines), 3), 255, np.uint8)
        quads, top = [], 0
        for line in lines:
            height, width = line.shape[:2]
            page[top : top + height, :width] = line
            quads.append(np.float32([(0, top), (width, top), (width, top + height), (0, top + height)]))
            top += height
        return recognizer.read(page, quads)

    return read_


@pytest.fixture(scope="module")
def line(draw, bgr):
    """The upright crop of one drawn text."""

    def cut(text, *, font_px=40, **how):
        picture, ((left, top, right, bottom),) = draw((text, (20, 20)), size=(3600, 120), font_px=font_px, **how)
        return bgr(picture)[round(top) - 6 : round(bottom) + 6, round(left) - 6 : round(right) + 6]

    return cut


@pytest.mark.parametrize("text", TEXTS)
def test_reads_exactly_what_was_drawn(read, line, text):
    (reading,) = read(line(text))
    assert reading.text == text
    assert 0.8 < reading.score <= 1


@pytest.mark.parametrize("text", ["the quick brown fox jumps over it", "Open the file and read"])
def test_keeps_the_spaces_between_words(read, line, text):
    assert read(line(text))[0].text == text


def test_reads_light_text_on_a_dark_ground(read, line):
    assert read(line("夜间模式", colour="white", background="black"))[0].text == "夜间模式"


def test_readings_come_in_the_order_of_the_quads_although_batches_go_by_width(read, line):
    lines = [line(text) for text in TEXTS]
    assert [reading.text for reading in read(*lines)] == TEXTS
    assert [reading.text for reading in read(*lines[::-1])] == TEXTS[::-1]


def test_a_line_reads_the_same_whoever_stands_beside_it(read, line):
    lines = [line(text) for text in (*TEXTS, "树莓派四号", "离线识别", "图片文字")]
    for picture, reading in zip(lines, read(*lines), strict=True):
        (alone,) = read(picture)
        assert alone.text == reading.text
        assert alone.score == pytest.approx(reading.score, abs=1e-4)


def test_steps_that_are_all_blank_read_as_no_text_and_no_score(recognizer):
    blank = np.zeros((40, recognizer._facts.charset.classes), np.float32)
    blank[:, 0] = 1
    assert recognizer._reading(blank, ctc.greedy) == Reading("", 0.0)


def test_the_decoder_that_is_handed_over_finds_the_text(recognizer, line, facts):
    def in_reverse(charset):
        assert charset is facts.charset
        return lambda probabilities: tuple(found[::-1] for found in ctc.greedy(probabilities))

    picture = line("树莓派")
    height, width = picture.shape[:2]
    quad = np.float32([(0, 0), (width, 0), (width, height), (0, height)])
    assert recognizer.read(picture, [quad], decoder=in_reverse)[0].text == "派莓树"


def test_a_calibrated_score_is_the_share_of_right_characters():
    plain = manifest.Calibration()
    assert [score(p, plain) for p in (0.1, 0.5, 0.9)] == pytest.approx([0.1, 0.5, 0.9])
    # logit(0.8) = ln 4 = 1.386; 2 * 1.386 - 1 = 1.773; sigmoid(1.773) = 0.855
    assert score(0.8, manifest.Calibration(scale=2, offset=-1)) == pytest.approx(0.855, abs=1e-3)
    assert 0 <= score(0, plain) < 1e-6
    assert 1 - 1e-6 < score(1, plain) <= 1


def test_no_quads_give_no_readings(recognizer):
    assert recognizer.read(np.zeros((48, 48, 3), np.uint8), []) == []


def test_the_thinnest_quads_are_read_without_harm(read):
    sizes = ((1, 1), (1, 900), (900, 1))
    assert len(read(*(np.zeros((height, width, 3), np.uint8) for height, width in sizes))) == 3


def test_a_turned_quad_is_read_along_its_own_upper_side(recognizer, line):
    picture = line("转过来的一行")
    height, width = picture.shape[:2]
    standing = np.ascontiguousarray(np.rot90(picture, -1))  # clockwise: its upper side is now on the right
    quad = np.float32([(height, 0), (height, width), (0, width), (0, 0)])
    assert recognizer.read(standing, [quad])[0].text == "转过来的一行"


def test_a_line_longer_than_the_limit_is_squeezed_and_read(read, line):
    text = "一行很长的文字" * 10
    wide = np.asarray(Image.fromarray(line(text)).resize((3600, 48)))
    assert wide.shape[1] > 3200
    assert read(wide)[0].text == text


def test_a_batch_is_of_like_width_and_bounded():
    # Widest first, one width a batch; three of 300 columns are 900, a fourth would be 1200 and above 960.
    assert list(_batches([96, 900, 300, 300, 96])) == [[1], [2, 3], [0, 4]]
    assert list(_batches([320, 320, 320, 320])) == [[0, 1, 2], [3]]
    assert list(_batches([3200])) == [[0]]  # one line alone may be wider
    assert list(_batches([])) == []


def test_steps_that_see_only_padding_are_cut_off(recognizer):
    # 300 columns and a margin of 32 make 336, a multiple of 8, and 42 steps: 37.5 of them for 300, 12.5 for 100.
    tensors = [np.zeros((3, 48, width), np.float32) for width in (300, 100)]
    assert [len(probabilities) for probabilities in recognizer._run(tensors, last=False)] == [38, 13]


def test_a_recognizer_made_with_another_charset_is_refused(facts, refuses):
    swapped = list(facts.charset.characters)
    swapped[0], swapped[1] = swapped[1], swapped[0]
    with refuses(ModelRejected, "charset_mismatch") as caught:
        Recognizer(dataclasses.replace(facts, charset=Charset(swapped)), threads=1)
    assert "recognizer.onnx" in caught.value.en
