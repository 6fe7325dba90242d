"""Reading order of boxes placed by hand: rows from the top, each from the left."""

import numpy as np
from ziyan.layout import reading_order


def box(left, top, right, bottom):
    return np.float32([(left, top), (right, top), (right, bottom), (left, bottom)])


def test_no_lines_have_no_order():
    assert reading_order([]) == []


def test_lines_below_each_other_are_read_from_the_top():
    assert reading_order([box(0, 200, 90, 230), box(0, 0, 90, 30), box(0, 100, 90, 130)]) == [1, 2, 0]


def test_a_row_is_read_from_the_left_although_its_boxes_differ_in_height():
    price, name, amount = box(400, 2, 480, 28), box(0, 0, 200, 30), box(250, 6, 300, 36)
    assert reading_order([price, name, amount]) == [1, 2, 0]


def test_two_columns_of_a_table_are_read_row_by_row():
    cells = [box(200, 50, 300, 80), box(0, 0, 100, 30), box(0, 50, 100, 80), box(200, 0, 300, 30)]
    assert reading_order(cells) == [1, 3, 2, 0]


def test_half_of_the_lower_height_in_common_makes_one_row_and_less_does_not():
    right, left = box(100, 0, 190, 30), box(0, 15, 90, 45)
    assert reading_order([right, left]) == [1, 0]  # 15 of 30 pixels
    lower = box(0, 16, 90, 46)
    assert reading_order([right, lower]) == [0, 1]  # 14 of 30


def test_a_row_that_drifts_down_is_still_one_row():
    words = [box(100 * i, 4 * i, 100 * i + 90, 4 * i + 30) for i in range(6)]
    assert reading_order(words[::-1]) == [5, 4, 3, 2, 1, 0]


def test_every_line_is_in_the_order_once():
    random = np.random.default_rng(7)
    corners = random.uniform(0, 900, (200, 2))
    quads = [box(x, y, x + 80, y + 20) for x, y in corners]
    assert sorted(reading_order(quads)) == list(range(200))


def test_a_box_of_no_height_does_no_harm():
    assert reading_order([box(0, 10, 50, 10), box(0, 0, 50, 5)]) == [1, 0]
