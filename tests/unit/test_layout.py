"""Reading order of boxes placed by hand: rows from the top, each from the left."""

import numpy as np
import pytest
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


# --- columns ----------------------------------------------------------------------------------------------------------


def column(left, right, rows, *, top=0, pitch=40, height=30, ragged=0):
    """`rows` lines of a column of prose; the last one is short."""
    ends = [right - (ragged * i) % 60 for i in range(rows - 1)] + [(left + right) / 2]
    return [box(left, top + pitch * i, end, top + pitch * i + height) for i, end in enumerate(ends)]


def turned(quads, degrees):
    """`quads` turned clockwise about the picture's top left, as on a skewed page."""
    angle = np.deg2rad(degrees)
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return [np.float32(quad @ matrix) for quad in quads]


PROSE = "一行没有数字的文字"
SHUFFLED = np.random.default_rng(3).permutation


def order_of(quads, texts=None):
    """The reading order of shuffled quads, as indices of `quads`."""
    places = SHUFFLED(len(quads)).tolist()
    texts = [texts[i] for i in places] if texts else None
    return [places[i] for i in reading_order([quads[i] for i in places], texts)]


@pytest.mark.parametrize("degrees", [0, -4, 9])
@pytest.mark.parametrize("shift", [0, 13], ids=["rows at one height", "rows at other heights"])
def test_two_columns_of_prose_are_read_one_after_the_other(shift, degrees):
    quads = column(0, 400, 8, ragged=17) + column(440, 840, 8, top=shift, ragged=23)
    assert order_of(turned(quads, degrees), [PROSE] * 16) == list(range(16))


def test_three_columns_of_a_newspaper_under_its_headline_and_above_its_foot():
    headline, foot = box(0, 0, 1300, 80), box(400, 700, 900, 730)
    columns = [line for left in (0, 450, 900) for line in column(left, left + 400, 12, top=120 + left // 50)]
    quads = [headline, *columns, foot]
    assert order_of(quads, [PROSE] * len(quads)) == list(range(len(quads)))


def test_a_line_across_both_columns_parts_what_is_above_it_from_what_is_below():
    above = column(0, 400, 6, ragged=11) + column(440, 840, 6, ragged=19)
    across = box(0, 260, 840, 290)
    below = column(0, 400, 6, top=320, ragged=7) + column(440, 840, 6, top=320, ragged=29)
    quads = [*above, across, *below]
    assert order_of(quads, [PROSE] * len(quads)) == list(range(len(quads)))


def test_a_receipt_is_read_by_rows_although_its_prices_stand_in_a_column():
    rows = [(box(0, 40 * i, 150 + 30 * (i % 4), 40 * i + 30), box(420, 40 * i, 480, 40 * i + 30)) for i in range(9)]
    quads = [cell for row in rows for cell in row]
    assert order_of(quads, ["矿泉水饮料", "4.00"] * 9) == list(range(18))


def test_a_table_with_long_words_in_both_columns_is_read_by_rows():
    width = [300, 180, 420, 260, 390, 210, 330]
    rows = [(box(0, 50 * i, w, 50 * i + 30), box(480, 50 * i, 480 + w, 50 * i + 30)) for i, w in enumerate(width)]
    quads = [cell for row in rows for cell in row]
    assert order_of(quads, [PROSE, PROSE] * 7) == list(range(14))


def test_headings_in_the_margin_are_read_before_the_paragraph_that_they_stand_beside():
    quads = []
    for paragraph in range(4):
        top = 180 * paragraph
        quads += [box(0, top, 120, top + 30), *column(180, 800, 4, top=top)]
    assert order_of(quads, (["标题"] + [PROSE] * 4) * 4) == list(range(20))


def test_a_list_beside_prose_is_read_before_it_where_their_rows_do_not_meet():
    listed = [box(0, 34 * i, 150, 34 * i + 26) for i in range(12)]
    quads = listed + column(300, 900, 9, top=7, pitch=47)
    assert order_of(quads, ["文件.png"] * 12 + [PROSE] * 9) == list(range(21))


def test_rows_that_stand_a_quarter_of_their_height_apart_are_not_those_of_a_table():
    listed = [box(0, 20 * i, 200, 20 * i + 20) for i in range(14)]
    quads = listed + column(300, 700, 13, top=5, pitch=20, height=20)
    assert order_of(quads, ["文件.png"] * 14 + [PROSE] * 13) == list(range(27))


def test_a_line_of_large_type_does_not_join_the_two_small_rows_beside_it():
    total, upper, lower = box(300, 0, 500, 80), box(0, 4, 200, 30), box(0, 50, 200, 76)
    assert reading_order([lower, total, upper]) == [2, 1, 0]


def test_upright_columns_are_read_from_the_right_where_they_begin():
    title, foot = box(0, 0, 300, 30), box(0, 400, 300, 430)
    columns = [box(60 * i, 60, 60 * i + 40, 360) for i in range(4)]
    quads = [title, *columns, foot]
    assert reading_order(quads, None, [False, True, True, True, True, False]) == [0, 4, 3, 2, 1, 5]


def test_a_digit_in_a_narrow_box_stays_in_its_row_although_it_stands():
    rows = [(box(0, 40 * i, 150, 40 * i + 30), box(300, 40 * i, 312, 40 * i + 30)) for i in range(4)]
    quads = [cell for row in rows for cell in row]
    assert reading_order(quads, ["苹果", "3"] * 4, [False, True] * 4) == list(range(8))


def test_a_column_of_one_character_stays_with_the_other_columns():
    quads = [box(60 * i, 0, 60 * i + 40, 300) for i in range(3)] + [box(-60, 0, -20, 60)]
    assert reading_order(quads, ["一行竖排"] * 3 + ["字"], [True] * 4) == [2, 1, 0, 3]


def test_texts_and_flags_change_nothing_on_a_page_of_one_line():
    assert reading_order([box(0, 0, 90, 30)], ["字"], [True]) == [0]
