"""Parts of a picture: the tiles that cover it, and the windows around what is looked at again."""

from itertools import pairwise

import numpy as np
import pytest
from ziyan.windows import MARGIN, OVERLAP, Window, around, tiles

WHOLE = Window(0, 0, 1000, 800)


def box(left, top, width, height):
    return np.float32([[left, top], [left + width, top], [left + width, top + height], [left, top + height]])


@pytest.mark.parametrize(
    ("width", "height"), [(32, 32), (736, 800), (1600, 1600), (14688, 224), (224, 14688), (4000, 3008)], ids=str
)
def test_tiles_keep_every_pixel_exactly_once(width, height):
    columns, rows = tiles(width, height, pixels=600_000, multiple=32)
    kept = np.zeros((height, width), np.uint8)
    for top, bottom, high in rows:
        for left, right, wide in columns:
            assert 0 <= left <= wide.start < wide.stop <= right <= width
            assert 0 <= top <= high.start < high.stop <= bottom <= height
            assert (right - left) * (bottom - top) <= 1.1 * 600_000
            assert (right - left) % 32 == 0 or width % 32
            kept[high, wide] += 1
    assert (kept == 1).all()


def test_what_fits_into_one_tile_is_not_cut():
    assert tiles(736, 800, pixels=600_000, multiple=32) == ([(0, 736, slice(0, 736))], [(0, 800, slice(0, 800))])


def test_no_tile_is_trusted_at_a_rim_that_another_one_sees_better():
    columns, _ = tiles(4000, 224, pixels=200_000, multiple=32)
    assert len(columns) > 2
    for (_, right, before), (left, _, after) in pairwise(columns):
        assert before.stop == after.start
        assert right - before.stop >= OVERLAP // 2 - 1
        assert after.start - left >= OVERLAP // 2 - 1


def test_a_window_leaves_a_margin_around_what_it_holds():
    (window,) = around([box(400, 300, 200, 10)], [], WHOLE, 1.0)
    margin = int(MARGIN * 10)
    assert (window.left, window.top) == (400 - margin, 300 - margin)
    assert window.right == pytest.approx(600 + margin, abs=2)
    assert window.bottom == pytest.approx(310 + margin, abs=2)


def test_lines_far_apart_have_windows_of_their_own_and_near_ones_share_one():
    far = [box(100, 100, 200, 10), box(600, 600, 200, 10)]
    assert len(around(far, [], WHOLE, 1.0)) == 2
    near = [box(100, 100, 200, 10), box(100, 125, 200, 10)]
    assert len(around(near, [], WHOLE, 1.0)) == 1


def test_a_window_grows_until_it_cuts_no_line():
    small, reaching = box(100, 100, 60, 10), box(150, 105, 700, 20)
    (window,) = around([small], [reaching], WHOLE, 0.5)
    assert window.left <= 85
    assert window.right >= 850
    assert window.top <= 75
    assert window.bottom >= 155


def test_a_window_stays_inside_the_part_that_was_looked_at():
    part = Window(500, 400, 700, 500)
    (window,) = around([box(505, 405, 190, 10)], [], part, 1.0)
    assert window.left == 500
    assert window.top == 400
    assert window.right == 700
    assert window.bottom <= 500


def test_a_window_is_widened_to_a_multiple_within_the_picture():
    assert Window(10, 10, 100, 60).widened(32, WHOLE) == Window(7, 3, 103, 67)
    assert Window(0, 0, 100, 60).widened(32, WHOLE) == Window(0, 0, 128, 64)
    assert Window(950, 780, 1000, 800).widened(32, WHOLE) == Window(936, 768, 1000, 800)
    assert Window(0, 0, 990, 10).widened(32, Window(0, 0, 990, 20)) == Window(0, 0, 990, 20)


def test_a_window_goes_on_where_a_line_reaches_its_rim():
    window = Window(100, 100, 300, 150)
    assert window.beyond([], WHOLE) == window
    assert window.beyond([box(120, 110, 150, 20)], WHOLE) == window
    assert window.beyond([box(100, 110, 150, 20)], WHOLE) == Window(0, 100, 300, 150)
    assert window.beyond([box(120, 110, 180, 20), box(150, 140, 20, 10)], WHOLE) == Window(100, 100, 500, 200)


def test_a_window_holds_what_is_inside_as_a_whole():
    window = Window(100, 100, 200, 200)
    assert window.holds(box(100, 120, 100, 80))
    assert not window.holds(box(99, 120, 100, 20))
    assert not window.holds(box(150, 190, 20, 20))
