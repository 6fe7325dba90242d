"""Region, ignored areas and a picture that is one line: what a caller asks for is what is read."""

import numpy as np
import pytest
from ziyan import areas
from ziyan.errors import RequestRejected
from ziyan.image import decode
from ziyan.options import Options
from ziyan.windows import Window


@pytest.fixture(scope="module")
def picture(draw, encoded):
    return decode(encoded(draw(size=(400, 300))[0], "PNG"), max_pixels=10**7)


@pytest.fixture(scope="module")
def shrunk(draw, encoded):
    """A picture above the working size: 6000x4000, kept as 3000x2000."""
    found = decode(encoded(draw(size=(6000, 4000))[0], "PNG"), max_pixels=25_000_000)
    assert found.pixels.shape == (2000, 3000, 3)
    return found


def box(left, top, width, height):
    return np.float32([[left, top], [left + width, top], [left + width, top + height], [left, top + height]])


def test_without_a_region_the_whole_picture_is_looked_at(picture):
    assert areas.window(picture, Options()) is None


def test_the_window_holds_all_areas_asked_for(picture):
    asked = Options(region=((10, 20, 100, 50), (200, 100, 50, 60)))
    assert areas.window(picture, asked) == Window(10, 20, 250, 160)


def test_an_area_is_cut_at_the_rim_of_the_picture(picture):
    assert areas.window(picture, Options(region=((-50, 250, 100, 500),))) == Window(0, 250, 50, 300)


def test_an_area_of_a_shrunk_picture_is_in_pixels_of_the_sent_one(shrunk):
    assert areas.window(shrunk, Options(region=((1000, 400, 2000, 600),))) == Window(500, 200, 1500, 500)
    (quad,) = areas.lines(shrunk, Options(det="off", region=((1000, 400, 2000, 600),)))
    assert quad == pytest.approx(box(500, 200, 1000, 300), abs=0.01)
    inside, outside = box(600, 250, 100, 20), box(600, 600, 100, 20)
    assert areas.chosen(shrunk, [inside, outside], Options(region=((1000, 400, 2000, 600),))) == [inside]


@pytest.mark.parametrize("area", [(400, 0, 10, 10), (0, -20, 400, 20), (-5, -5, 5.5, 5.5)], ids=str)
def test_refuses_an_area_outside_of_the_picture(area, picture, refuses):
    with refuses(RequestRejected, "area_outside"):
        areas.window(picture, Options(region=(area,)))
    with refuses(RequestRejected, "area_outside"):
        areas.lines(picture, Options(det="off", region=(area,)))


def test_a_line_counts_by_its_middle(picture):
    left, right = box(0, 0, 100, 20), box(120, 0, 100, 20)
    assert areas.chosen(picture, [left, right], Options(region=((40, 0, 100, 40),))) == [left]
    assert areas.chosen(picture, [left, right], Options(ignore=((40, 0, 100, 40),))) == [right]
    assert areas.chosen(picture, [left, right], Options()) == [left, right]
    both = Options(region=((0, 0, 400, 40),), ignore=((160, 0, 40, 40),))
    assert areas.chosen(picture, [left, right], both) == [left]


def test_without_looking_for_lines_the_picture_is_one(picture):
    (quad,) = areas.lines(picture, Options(det="off"))
    assert quad == pytest.approx(box(0, 0, 400, 300))
