"""Lines joined to rows and paragraphs: boxes placed by hand, 24 pixels a hanzi and 12 a Latin letter."""

import pytest
from ziyan.paragraphs import blocks, joined

HANZI, LETTER, HEIGHT, PITCH = 24, 12, 30, 44


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["会议强调，高校是实施", "创新的重要力量。"], "会议强调，高校是实施创新的重要力量。"),
        (["one hand on", "the cold rail"], "one hand on the cold rail"),
        (["an exam-", "ple of it"], "an example of it"),
        (["the Mason-", "Dixon line"], "the Mason- Dixon line"),  # a capital begins a name, whose hyphen is its own
        (["pages 10-", "12"], "pages 10- 12"),
        (["使用", "Python 读取"], "使用Python 读取"),
        (["见第3", "章"], "见第3章"),
        ([" 一 ", "", "二"], "一二"),
        ([], ""),
    ],
)
def test_joins(pieces, text):
    assert joined(pieces) == text


def width(text):
    return sum(HANZI if ord(character) > 0x2E80 else LETTER for character in text)


def page(*rows, left=0, pitch=PITCH):
    """Quads and texts of rows below each other; a row is a text, or (indent in pixels, text)."""
    quads, texts = [], []
    for number, row in enumerate(rows):
        indent, text = row if isinstance(row, tuple) else (0, row)
        x, y = left + indent, number * pitch
        right, bottom = x + width(text), y + HEIGHT
        quads.append([(x, y), (right, y), (right, bottom), (x, bottom)])
        texts.append(text)
    return quads, texts


def paragraphs(*rows, **how):
    return [block.text for block in blocks(*page(*rows, **how), layout="paragraphs")]


ROWS = [
    "树莓派把照片变成文字不用联网", "离线识别中文英文和混合的文本", "一行文字写到右边为止再接下行",
    "段落里每行都一样长只有末行短", "每个汉字二十四个像素宽三十高", "读者看到的次序和纸上的一样呀",
]  # fmt: skip
ONE, TWO, THREE, FOUR, FIVE, SIX = ROWS  # 14 hanzi each


def test_full_lines_go_on_and_a_short_one_ends_the_paragraph():
    assert paragraphs(ONE, TWO, "到此结束。", THREE, "另一段。") == [ONE + TWO + "到此结束。", THREE + "另一段。"]


def test_an_indented_line_begins_a_paragraph_also_after_a_full_one():
    rows = [(2 * HANZI, ONE[:12]), TWO, THREE, (2 * HANZI, FOUR[:12]), FIVE]
    assert paragraphs(*rows) == [ONE[:12] + TWO + THREE, FOUR[:12] + FIVE]


def test_ragged_english_goes_on_where_the_next_word_had_no_room():
    text = [
        "The keeper climbed the stairs at",
        "dusk, one hand on the cold rail,",
        "and counted the steps as",
        "always.",
    ]
    assert paragraphs(*text) == [" ".join(text)]


def test_english_that_leaves_room_for_the_next_word_was_broken_on_purpose():
    text = [
        "Two roads diverged in a yellow wood, and I",
        "took the one",
        "less travelled by,",
        "and it made a difference.",
    ]
    assert paragraphs(*text) == text


@pytest.mark.parametrize("mark", ["1. ", "（二）", "• ", "三、", "a) "])
def test_items_of_a_list_stay_apart_although_their_lines_are_full(mark):
    items = [mark + row for row in ROWS]
    assert paragraphs(*items) == items


def test_the_lines_of_an_item_that_hang_below_its_text_belong_to_it():
    one, two = "一、" + ONE[:12], "二、" + FOUR[:12]
    hanging = [(2 * HANZI, text) for text in (TWO[:12], "完。", FIVE[:12])]
    assert paragraphs(one, *hanging[:2], two, hanging[2]) == [one + TWO[:12] + "完。", two + FIVE[:12]]


def test_fields_of_a_form_stay_apart():
    fields = ["姓名：欧阳修远志在四方人", "地址：北京市海淀区中关村", "单位：树莓派文字识别小组"]
    assert paragraphs(*fields) == fields


def test_short_lines_of_a_sign_stay_apart():
    assert paragraphs("人民公园", "开放时间", "免费入场") == ["人民公园", "开放时间", "免费入场"]


def test_names_of_files_that_begin_alike_stay_apart():
    files = [f"屏幕截图识别结果文件夹{number}.png" for number in "一二三四"]
    assert paragraphs(*files) == files


def test_a_wider_gap_ends_a_paragraph():
    quads, texts = page(*ROWS)
    lower = [[(x, y + (20 if number > 2 else 0)) for x, y in quad] for number, quad in enumerate(quads)]
    assert [block.text for block in blocks(lower, texts, layout="paragraphs")] == [ONE + TWO + THREE, FOUR + FIVE + SIX]


def test_a_heading_in_larger_type_is_no_part_of_the_paragraph_below_it():
    quads, texts = page(ONE, TWO, THREE)
    quads[0] = [(x, y - 20 if y == 0 else y) for x, y in quads[0]]  # 50 pixels high
    assert [block.text for block in blocks(quads, texts, layout="paragraphs")] == [ONE, TWO + THREE]


def receipt():
    quads, texts = [], []
    for number, row in enumerate([("品名", 0), ("数量", 300), ("金额", 400), ("酸奶", 0), ("3", 300), ("16.50", 400)]):
        text, x = row
        y = 40 * (number // 3)
        quads.append([(x, y), (x + width(text), y), (x + width(text), y + HEIGHT), (x, y + HEIGHT)])
        texts.append(text)
    return quads, texts


@pytest.mark.parametrize("layout", ["rows", "paragraphs"])
def test_the_cells_of_a_row_are_joined_by_tabs(layout):
    found = blocks(*receipt(), layout=layout)
    assert [block.text for block in found] == ["品名\t数量\t金额", "酸奶\t3\t16.50"]
    assert [block.lines for block in found] == [(0, 1, 2), (3, 4, 5)]


def test_a_paragraph_beside_a_heading_in_the_margin_goes_on_below_its_first_line():
    quads, texts = page(ONE, TWO, "完。", THREE, FOUR, left=200)
    names = [[(0, y), (48, y), (48, y + HEIGHT), (0, y + HEIGHT)] for y in (0, 3 * PITCH)]
    found = blocks(names + quads, ["甲项", "乙项", *texts], layout="paragraphs")
    assert [block.text for block in found] == [f"甲项\t{ONE}{TWO}完。", f"乙项\t{THREE}{FOUR}"]


def test_a_line_that_was_found_in_two_pieces_is_one_cell():
    quads, texts = page("前半行")
    right = width("前半行") + HEIGHT - 1
    quads.append([(right, 0), (right + 72, 0), (right + 72, HEIGHT), (right, HEIGHT)])
    assert [block.text for block in blocks(quads, [*texts, "后半行"], layout="rows")] == ["前半行后半行"]


@pytest.mark.parametrize("layout", ["lines", "rows", "paragraphs"])
def test_every_line_is_in_one_block(layout):
    quads, texts = receipt()
    more, said = page((48, ONE), TWO, "完。", "合计：3", left=20)
    quads, texts = quads + [[(x, y + 200) for x, y in quad] for quad in more], texts + said
    found = blocks(quads, texts, layout=layout)
    assert sorted(i for block in found for i in block.lines) == list(range(10))
    assert blocks([], [], layout=layout) == []


def test_upright_columns_of_prose_are_joined_from_the_right():
    quads = [[(x, 0), (x + 30, 0), (x + 30, bottom), (x, bottom)] for x, bottom in ((0, 100), (44, 340), (88, 336))]
    found = blocks(quads, ["为止。", TWO, ONE], layout="paragraphs", vertical=[True] * 3)
    assert [block.text for block in found] == [ONE + TWO + "为止。"]
