"""Pages drawn here, from the bytes of a file to lines of text, by the real models."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageFilter
from ziyan import manifest
from ziyan.context import Context
from ziyan.errors import ImageRejected, ImageTooLarge
from ziyan.image import decode
from ziyan.options import Options
from ziyan.pipeline import Pipeline, Stopwatch
from ziyan.recognize import Recognizer
from ziyan.settings import Profile

NEAR_PX = 14
TEXTS = ("树莓派离线识别文字", "Raspberry Pi reads", "中文与英文都在这一行")
PLACES = ((70, 40), (70, 160), (300, 290))


@pytest.fixture(scope="module")
def pipeline(models):
    return Pipeline(manifest.load(models), threads=1, max_pixels=25_000_000)


@pytest.fixture(scope="module")
def page(draw):
    """A page of three lines, and where their ink is."""
    return draw(*zip(TEXTS, PLACES, strict=True))


def png(picture):
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return file.getvalue()


def bounds(box):
    xs, ys = zip(*box, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def test_reads_the_drawn_lines_exactly_and_in_order(pipeline, page):
    picture, ink = page
    found = pipeline.read(png(picture))
    assert tuple(line.text for line in found.lines) == TEXTS
    assert (found.width, found.height) == picture.size
    for line, drawn in zip(found.lines, ink, strict=True):
        assert bounds(line.box) == pytest.approx(drawn, abs=NEAR_PX)


def test_corners_go_clockwise_from_the_top_left(pipeline, page):
    for line in pipeline.read(png(page[0])).lines:
        (a, b, c, d), (left, top, right, bottom) = line.box, bounds(line.box)
        for corner, place in ((a, (left, top)), (b, (right, top)), (c, (right, bottom)), (d, (left, bottom))):
            assert corner == pytest.approx(place, abs=3)


def test_a_picture_on_its_side_is_read_upright_by_its_exif(pipeline, page):
    picture, ink = page
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    picture.transpose(Image.Transpose.ROTATE_90).save(file, "JPEG", quality=95, exif=exif)
    found = pipeline.read(file.getvalue())
    assert tuple(line.text for line in found.lines) == TEXTS
    assert (found.width, found.height) == picture.size
    assert bounds(found.lines[0].box) == pytest.approx(ink[0], abs=NEAR_PX)


def test_a_line_that_stands_on_its_side_is_read(pipeline, draw):
    picture, _ = draw(("站立的一行文字", (40, 20)), size=(460, 110))
    page = Image.new("RGB", (400, 560), "white")
    page.paste(picture.transpose(Image.Transpose.ROTATE_270), (150, 50))  # clockwise: its top is on the right
    found = pipeline.read(png(page))
    assert [line.text for line in found.lines] == ["站立的一行文字"]
    (x0, y0), (x1, y1), _, (x3, _) = found.lines[0].box
    assert y1 - y0 > 250  # its upper side runs downwards,
    assert x0 == pytest.approx(x1, abs=6)
    assert x3 < x0 - 30  # and its lower side is on the left


def test_a_tilted_page_is_read(pipeline, page):
    tilted = page[0].rotate(8, expand=True, fillcolor="white", resample=Image.Resampling.BICUBIC)
    assert tuple(line.text for line in pipeline.read(png(tilted)).lines) == TEXTS


def test_a_picture_above_the_working_size_has_boxes_in_its_own_pixels(pipeline, draw):
    picture, ink = draw(("大图中的文字", (1200, 1500)), size=(4400, 3200), font_px=300)
    found = pipeline.read(png(picture))
    assert [line.text for line in found.lines] == ["大图中的文字"]
    assert (found.width, found.height) == (4400, 3200)
    assert bounds(found.lines[0].box) == pytest.approx(ink[0], abs=6 * NEAR_PX)


def test_every_score_stays_with_its_line(models, pipeline, draw):
    picture, _ = draw(("第一行很清楚", (40, 30)), ("第二行模糊", (40, 150)), ("The third is clear", (40, 290)))
    picture.paste(picture.crop((0, 120, 900, 240)).filter(ImageFilter.GaussianBlur(6)), (0, 120))
    data = png(picture)
    lines = pipeline.read(data, Options(min_score=0, second_reader="off")).lines
    assert len(lines) == 3
    assert lines[1].score < min(lines[0].score, lines[2].score)
    facts = manifest.load(models)
    alone, decoder = Recognizer(facts.recognizer, threads=1), Context(facts.context).decoder
    for line in lines:
        (again,) = alone.read(decode(data, max_pixels=10**7).pixels, [np.float32(line.box)], decoder=decoder)
        assert again.text == line.text
        assert again.score == pytest.approx(line.score, abs=0.02)


def test_lines_scored_below_the_asked_score_are_left_out_and_the_others_kept(pipeline, page):
    data = png(page[0])
    everything = pipeline.read(data, Options(min_score=0)).lines
    scores = sorted(line.score for line in everything)
    asked = (scores[0] + scores[1]) / 2
    assert scores[0] < asked < scores[1]
    kept = pipeline.read(data, Options(min_score=asked)).lines
    said = [(line.text, line.score, line.box) for line in everything if line.score >= asked]
    assert [(line.text, line.score, line.box) for line in kept] == said
    assert len(kept) == 2


def test_text_holds_the_rows_that_were_asked_for_and_every_line_knows_its_own(pipeline, draw):
    words = ("品名", "金额", "酸奶", "16.50")
    picture, _ = draw(*zip(words, ((60, 40), (560, 40), (60, 160), (560, 160)), strict=True), size=(800, 280))
    plain = pipeline.read(png(picture))
    assert plain.text == tuple(line.text for line in plain.lines) == words
    assert {line.block for line in plain.lines} == {None}
    rows = pipeline.read(png(picture), Options(layout="rows"))
    assert rows.text == ("品名\t金额", "酸奶\t16.50")
    assert [(line.text, line.block) for line in rows.lines] == [*zip(words, (0, 0, 1, 1), strict=True)]


def test_paragraphs_are_joined_and_columns_are_read_one_after_the_other(pipeline, draw):
    one = "树莓派把照片变成文字 全程不联网也不用显卡 只要一块开发板就够了 中文英文都可以一起读 网页与接口任选其一吧 好"
    two = "第二栏从这里开始往下 每一行都写满整个栏宽 读者先读完左边再读右 右边栏里还剩下这几行 最后一行短些就结束了 完"
    columns = [one.split(), two.split()]
    places = [(text, (40 + 360 * x, 40 + 50 * y)) for x, column in enumerate(columns) for y, text in enumerate(column)]
    picture, _ = draw(*places, size=(760, 360), font_px=30)
    found = pipeline.read(png(picture), Options(layout="paragraphs"))
    assert found.text == tuple("".join(column) for column in columns)
    assert [line.block for line in found.lines] == [0] * 6 + [1] * 6


def test_only_the_allowed_characters_are_written(pipeline, draw):
    picture, _ = draw(("合计：128.50元", (60, 40)), ("谢谢惠顾", (60, 160)), size=(700, 280))
    assert pipeline.read(png(picture), Options(allow="digits .")).text == ("128.50",)


def test_words_that_are_expected_are_read_where_the_picture_is_too_poor_without_them(pipeline, draw):
    drug = "盐酸氨溴索口服液"
    picture, _ = draw((drug, (20, 6)), size=(280, 50), font_px=30)
    poor = png(picture.resize((68, 12), Image.Resampling.BILINEAR).resize((1120, 200), Image.Resampling.BICUBIC))
    plain = pipeline.read(poor)
    assert plain.text != (drug,)
    found = pipeline.read(poor, Options(lexicon=f"布洛芬缓释片\n{drug}"))
    assert found.text == (drug,)
    assert found.lines[0].score < 0.9  # what the lexicon knows makes no picture better
    assert pipeline.read(poor, Options(lexicon="布洛芬缓释片")).text == plain.text


@pytest.mark.parametrize("size", [(640, 480), (1, 1), (2000, 30), (30, 2000)], ids=str)
def test_a_white_page_has_no_lines(pipeline, size):
    found = pipeline.read(png(Image.new("RGB", size, "white")))
    assert found.lines == ()
    assert (found.width, found.height) == size


def test_what_is_no_picture_is_an_error_and_never_an_empty_page(pipeline, refuses):
    with refuses(ImageRejected, "image_empty"):
        pipeline.read(b"")
    with refuses(ImageRejected, "image_damaged"):
        pipeline.read(png(Image.new("RGB", (64, 64)))[:60])


def test_its_own_pixel_limit_holds(models, refuses):
    small = Pipeline(manifest.load(models), threads=1, max_pixels=4800)
    assert small.read(png(Image.new("RGB", (80, 60), "white"))).lines == ()
    with refuses(ImageTooLarge, "image_too_large"):
        small.read(png(Image.new("RGB", (80, 61), "white")))


def test_tells_how_long_each_stage_took(pipeline, page):
    seconds = pipeline.read(png(page[0])).seconds
    assert list(seconds) == ["decode", "enhance", "detect", "recognize", "reread"]
    assert seconds.pop("reread") >= 0  # no line of this page is doubtful
    assert all(value > 0 for value in seconds.values())


def test_a_stopwatch_adds_up_also_when_a_stage_fails():
    clock = Stopwatch()
    with pytest.raises(ZeroDivisionError), clock.stage("decode"):
        1 / 0  # noqa: B018
    first = clock.seconds["decode"]
    with clock.stage("decode"):
        sum(range(100_000))
    assert clock.seconds["decode"] > first >= 0


@pytest.mark.parametrize(("squeeze", "read"), [(0.8, True), (0.1, False)])
def test_the_fast_profile_reads_lines_as_narrow_as_the_manifest_says(models, page, squeeze, read):
    facts = manifest.load(models)
    facts = replace(facts, recognizer=replace(facts.recognizer, fast_squeeze=squeeze), second_recognizer=None)
    fast = Pipeline(facts, threads=1, max_pixels=25_000_000, profile=Profile.FAST)
    assert (tuple(line.text for line in fast.read(png(page[0])).lines) == TEXTS) is read
