"""Where lines are found: by the real detector on drawn text, and by a network of one node on kernels drawn by hand."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from ziyan import detect, manifest
from ziyan.detect import MAX_AREA, MAX_LINES, Detector
from ziyan.normalize import detector_tensor
from ziyan.windows import Window

LONG = "离线识别一行很长的文字，从头到尾都在"
NEAR_PX = 12  # a box is drawn around the ink with a margin of its own


@pytest.fixture(scope="module")
def detector(models):
    return Detector(manifest.load(models).detector, threads=1)


@pytest.fixture(scope="module")
def seeing(tmp_path_factory):
    """A detector whose network passes the blue channel on: the picture is the probability of text, 255 for 1."""
    taken = helper.make_node("Slice", ["picture", "start", "end", "axis"], ["probability"])
    constants = [helper.make_tensor(n, TensorProto.INT64, [1], [v]) for n, v in (("start", 0), ("end", 1), ("axis", 1))]
    shapes = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, "height", "width"])
        for name, channels in (("picture", 3), ("probability", 1))
    ]
    graph = helper.make_graph([taken], "seeing", shapes[:1], shapes[1:], constants)
    path = tmp_path_factory.mktemp("seeing") / "seeing.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    facts = manifest.Detector("seeing", path, (0, 0, 0), (1, 1, 1), 32, 256 * 256, 0.2, 0.4, 1.4)
    return Detector(facts, threads=1)


def bounds(quad):
    return (*quad.min(axis=0), *quad.max(axis=0))


def test_finds_each_drawn_line_where_it_was_drawn(detector, draw, bgr):
    picture, ink = draw(("树莓派离线识别", (60, 40)), ("Raspberry Pi", (320, 180)), ("中文与英文", (90, 310)))
    quads = sorted(detector.quads(bgr(picture)), key=lambda quad: quad[:, 1].min())
    assert len(quads) == 3
    for quad, drawn in zip(quads, ink, strict=True):
        assert quad.shape == (4, 2)
        assert bounds(quad) == pytest.approx(drawn, abs=NEAR_PX)
        assert bounds(quad)[0] <= drawn[0] + 2  # the ink is inside, not merely near
        assert bounds(quad)[2] >= drawn[2] - 2


def test_finds_a_line_on_a_large_picture_in_its_own_pixels(detector, draw, bgr):
    picture, ink = draw(("很大的一张图片", (1500, 1200)), size=(3000, 2400), font_px=160)
    (quad,) = detector.quads(bgr(picture))
    assert bounds(quad) == pytest.approx(ink[0], abs=4 * NEAR_PX)


def test_finds_a_line_that_falls_along_its_slope(detector, draw, bgr):
    picture, _ = draw(("倾斜的一行文字在这里", (200, 280)), size=(900, 600))
    turned = picture.rotate(-20, fillcolor="white")  # clockwise
    (quad,) = detector.quads(bgr(turned))
    along = quad[1] - quad[0]
    assert np.degrees(np.arctan2(along[1], along[0])) == pytest.approx(20, abs=2)


@pytest.mark.parametrize("colour", ["white", "black", "#888888"])
@pytest.mark.parametrize("size", [(640, 480), (1, 1), (2000, 3), (3, 2000)], ids=str)
def test_finds_nothing_on_a_plain_page(detector, colour, size, bgr):
    from PIL import Image

    assert detector.quads(bgr(Image.new("RGB", size, colour))) == []


def test_a_quad_never_leaves_the_picture(detector, draw, bgr):
    picture, _ = draw(("顶到边上的文字", (-10, -14)), size=(360, 60), font_px=60)
    quads = detector.quads(bgr(picture))
    assert quads
    for quad in quads:
        assert (quad >= 0).all()
        assert (quad <= (360, 60)).all()


def test_fewer_pixels_may_be_asked_for(detector, draw, bgr):
    picture, ink = draw(("少一点像素也够用", (60, 150)), size=(900, 420), font_px=64)
    (quad,) = detector.quads(bgr(picture), pixels=150_000)
    assert bounds(quad) == pytest.approx(ink[0], abs=2 * NEAR_PX)


def rows(count, text="树莓派离线识别", *, left=60, top=40, step=30):
    return [(text, (left, top + step * i)) for i in range(count)]


def found_once(quads, ink):
    """Each drawn line has one quad around it, and there is no other."""
    assert len(quads) == len(ink)
    for left, top, right, bottom in ink:
        (quad,) = (quad for quad in quads if abs(quad[:, 1].mean() - (top + bottom) / 2) < (bottom - top) / 2)
        assert bounds(quad)[0] <= left + 2
        assert bounds(quad)[2] >= right - 2
        assert bounds(quad)[3] - bounds(quad)[1] < 2.2 * (bottom - top)


def test_small_print_in_a_large_picture_is_looked_at_again(detector, draw, bgr):
    lines = rows(60, "树莓派离线识别文字每一行都要找到", left=1800, top=900, step=32)
    picture, ink = draw(*lines, size=(4000, 3000), font_px=20)  # 4.5 pixels high as the network sees it first
    found_once(detector.quads(bgr(picture)), ink)


def test_lines_that_run_together_in_the_first_look_are_told_apart(detector, draw, bgr):
    lines = rows(60, "树莓派离线识别文字每一行都要找到", left=1800, top=900, step=24)
    picture, ink = draw(*lines, size=(4000, 3000), font_px=16)  # 3.6 pixels high in the first look: grey blocks
    found_once(detector.quads(bgr(picture)), ink)


def test_a_large_title_stays_one_line_above_small_print(detector, draw, bgr):
    picture, small = draw(*rows(20, LONG, left=400, top=700, step=26), size=(2400, 2000), font_px=16)
    title = draw(("大标题", (400, 300)), size=(2400, 700), font_px=260)
    picture.paste(title[0].crop((0, 0, 2400, 690)), (0, 0))
    found_once(detector.quads(bgr(picture)), [*title[1], *small])


def test_a_line_through_many_tiles_is_one_line(detector, draw, bgr):
    picture, ink = draw(*rows(10, LONG * 25, left=40, top=8, step=29), size=(12000, 300), font_px=18)
    found_once(detector.quads(bgr(picture)), ink)


def test_a_tall_strip_of_small_lines_is_found_whole(detector, draw, bgr):
    picture, ink = draw(*rows(250, "长长的小票上有很多行", left=30, top=10, step=40), size=(300, 10040), font_px=20)
    found_once(detector.quads(bgr(picture)), ink)


def test_only_the_window_asked_for_is_looked_at(detector, draw, bgr):
    picture, ink = draw(("上面的一行", (60, 40)), ("下面的一行", (60, 300)))
    (quad,) = detector.quads(bgr(picture), window=Window(0, 200, 900, 420))
    assert bounds(quad) == pytest.approx(ink[1], abs=NEAR_PX)


def kernels(*boxes, value=255, size=256):
    """A picture for the seeing detector: rectangles (left, top, right, bottom), all sides included."""
    picture = np.zeros((size, size, 3), np.uint8)
    for left, top, right, bottom in boxes:
        picture[top : bottom + 1, left : right + 1] = value
    return picture


def test_a_kernel_is_grown_by_its_area_over_its_perimeter(seeing):
    # 100x20 between its outermost pixel centres: 100 * 20 * 1.4 / (2 * 120) = 11.67 on every side makes it 43.33 high,
    # 0.075 of which are added on the left and on the right, 0.04 above and below.
    (quad,) = seeing.quads(kernels((50, 100, 150, 120)))
    expected = [(35.08, 86.60), (164.92, 86.60), (164.92, 133.40), (35.08, 133.40)]
    assert quad == pytest.approx(np.array(expected), abs=0.02)


def test_kernels_apart_are_lines_apart(seeing):
    quads = seeing.quads(kernels((20, 20, 200, 40), (20, 80, 200, 100), (20, 140, 90, 160), (130, 140, 200, 160)))
    assert len(quads) == 4


def test_text_inside_a_frame_is_found(seeing):
    picture = kernels((10, 10, 245, 245))
    picture[20:236, 20:236] = 0
    picture[100:121, 60:191] = 255
    sizes = sorted(round(float(bounds(quad)[2] - bounds(quad)[0])) for quad in seeing.quads(picture))
    # The frame's mean is low, since it is mostly hole; the text, 130x20, grows by 12.13 + 3.32 on both sides.
    assert sizes == [161]


@pytest.mark.parametrize(("side", "found"), [(2, 0), (3, 1)])
def test_a_kernel_of_3_pixels_is_a_line_and_one_of_2_a_speck(side, found, seeing):
    assert len(seeing.quads(kernels((50, 100, 150, 100 + side)))) == found


@pytest.mark.parametrize(("value", "found"), [(101, 0), (103, 1)])
def test_a_box_is_kept_from_a_mean_probability_of_two_fifths(value, found, seeing):
    assert len(seeing.quads(kernels((50, 100, 150, 120), value=value))) == found  # 0.4 of 255 is 102


@pytest.mark.parametrize(("value", "joined"), [(50, False), (53, True)])
def test_a_pixel_is_text_above_a_probability_of_one_fifth(value, joined, seeing):
    picture = kernels((20, 100, 100, 120), (110, 100, 200, 120))
    picture[100:121, 101:110] = value  # 0.2 of 255 is 51
    assert len(seeing.quads(picture)) == (1 if joined else 2)


def test_a_kernel_at_the_edge_stays_inside(seeing):
    (quad,) = seeing.quads(kernels((0, 0, 100, 20)))
    assert bounds(quad) == pytest.approx((0, 0, 114.92, 33.40), abs=0.02)


def bars(size, step):
    """Blocks that are small lines in the first look; from each to the next a bar that is a speck there, and no more."""
    picture = np.zeros((size, size, 3), np.uint8)
    for y in range(step // 2, size, step):
        picture[y - 18 : y + 18] = 255
        for x in range(step // 2, size, step):
            picture[y - 40 : y + 40, x - 220 : x + 220] = 0
            picture[y - 40 : y + 40, x - 120 : x + 120] = 255
    return picture


@pytest.mark.parametrize("step", [500, 1000, 2000])
def test_all_looks_together_see_no_more_than_is_allowed(step, seeing, monkeypatch):
    seen = []
    monkeypatch.setattr(detect, "detector_tensor", lambda *given: seen.append(given[1]) or detector_tensor(*given))
    seeing.quads(bars(4000, step))
    area = sum(width * height for width, height in seen) / 256**2
    assert 2 < area < 1.1 * MAX_AREA


def test_of_too_many_kernels_the_largest_are_kept(seeing):
    texture = kernels(*((x, y, x + 3, y + 3) for y in range(50, 250, 5) for x in range(0, 250, 5)))
    texture[10:40, 20:220] = 255
    quads = seeing.quads(texture)
    assert 500 < len(quads) <= MAX_LINES == 1000
    assert max(bounds(quad)[2] - bounds(quad)[0] for quad in quads) > 199
