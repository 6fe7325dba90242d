"""The metric against values worked out by hand."""

import pytest
from bench.score import Counts, Wording, in_order, normalise, page_counts, page_wording


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ＡＢＣ，１２３", "ABC,123"),
        ("你好。“世界”", '你好."世界"'),
        ("中 文 and English words", "中文and English words"),
        ("a  b\tc", "a b c"),
        ("第一 —— 第二……", "第一-第二."),
        ("Total : 12", "Total:12"),
        ("   ", ""),
    ],
)
def test_normalises(text, expected):
    assert normalise(text) == expected


def test_keeps_case():
    assert page_counts(["OCR"], ["ocr"]).substituted == 3


def test_identical_lines_in_another_order_are_exact():
    counts = page_counts(["第一行", "second line"], ["second line", "第一行"])
    assert counts == Counts(matched=14, exact=2, lines=2)
    assert (counts.cer, counts.f1, counts.exact_share) == (0, 1, 1)


def test_counts_one_substitution_one_deletion_one_insertion():
    # 字眼识别 -> 字服识别: 1 wrong; abcd -> abc: 1 missing; 12 -> 123: 1 extra. 3+3+2 = 8 characters match of 10.
    counts = page_counts(["字眼识别", "abcd", "12"], ["字服识别", "abc", "123"])
    assert counts == Counts(matched=8, substituted=1, deleted=1, inserted=1, exact=0, lines=3)
    assert counts.cer == pytest.approx(3 / 10)
    assert counts.f1 == pytest.approx(16 / (16 + 2 + 1 + 1))


def test_empty_output_loses_every_character():
    assert page_counts(["三个字", "ab"], []) == Counts(deleted=5, lines=2)


def test_empty_truth_and_empty_output_are_no_error():
    counts = page_counts([], [" "])
    assert counts == Counts()
    assert counts.cer == 0


def test_an_extra_line_costs_its_length():
    assert page_counts(["天气"], ["天气", "广告位"]) == Counts(matched=2, inserted=3, exact=1, lines=1)


def test_an_extra_line_on_a_partly_labelled_page_costs_nothing():
    assert page_counts(["天气"], ["天气", "广告位"], partial=True) == Counts(matched=2, exact=1, lines=1)


def test_a_line_cut_in_two_is_exact():
    counts = page_counts(["床前明月光，疑是地上霜"], ["床前明月光", "，疑是地上霜"])
    assert counts == Counts(matched=11, exact=1, lines=1)


def test_latin_words_cut_in_two_are_joined_with_a_space():
    assert page_counts(["hello world"], ["world", "hello"]) == Counts(matched=11, exact=1, lines=1)


def test_two_fields_read_as_one_line_are_both_exact():
    assert page_counts(["单价", "数量"], ["单价数量"]) == Counts(matched=4, exact=2, lines=2)


def test_unlike_lines_are_not_paired():
    # Nothing in common: pairing would cost 2 substitutions + 1 insertion, cheaper than dropping both (2 + 3).
    assert page_counts(["天气"], ["abc"]) == Counts(substituted=2, inserted=1, lines=1)


def test_sets_are_scored_by_summed_counts():
    long, short = page_counts(["一二三四五六七八"], ["一二三四五六七八"]), page_counts(["甲乙"], [])
    total = long + short
    assert total == Counts(matched=8, deleted=2, exact=1, lines=2)
    assert total.cer == pytest.approx(0.2)
    assert total.f1 == pytest.approx(16 / 18)
    assert total.exact_share == 0.5


def test_text_in_order_costs_nothing_however_it_is_cut_into_lines():
    assert in_order(["左栏一", "左栏二", "right"], ["左栏一左栏二", "right"]) == (0, 11)


def test_a_line_in_the_wrong_place_costs_twice_its_length():
    # The shorter one is taken out and put in elsewhere: 2 missing, 2 extra.
    assert in_order(["甲乙丙丁", "ab"], ["ab", "甲乙丙丁"]) == (4, 6)


def test_extra_text_on_a_partly_labelled_page_costs_nothing_in_order_either():
    assert in_order(["天气"], ["广告位", "天汽"]) == (4, 2)
    assert in_order(["天气"], ["广告位", "天汽"], partial=True) == (1, 2)
    assert in_order(["天气"], ["天"], partial=True) == (1, 2)


def test_counts_found_missed_and_invented_spaces_beside_latin_text_only():
    # "is a" found, "a good" missed, "st art" invented; the space between the two hanzi is nobody's business.
    assert page_wording(["this is a good start"], ["this is agood st art"]) == Wording(
        found=3, missed=1, invented=1, letters=16, cased=16
    )
    assert page_wording(["公园 入口"], ["公园入口"]) == Wording()


def test_counts_spaces_between_hanzi_and_latin_as_printed():
    assert page_wording(["用 OCR 识别"], ["用OCR 识别"]) == Wording(found=1, missed=1, letters=3, cased=3)


def test_counts_the_case_of_letters_that_were_read():
    # C is read small, O is read as a zero: no letter was read there.
    assert page_wording(["OCR Pi"], ["0cR Pi"]) == Wording(found=1, letters=4, cased=3)


def test_a_gap_beside_a_wrong_character_counts_for_nothing():
    assert page_wording(["a b"], ["axb"]) == Wording(letters=2, cased=2)
    assert page_wording(["ab cd"], ["axcd"]).missed == 0


def test_wording_adds_up_and_has_no_share_of_nothing():
    total = page_wording(["Open the door"], ["open the door"]) + page_wording(["a b"], ["ab"])
    assert total == Wording(found=2, missed=1, letters=13, cased=12)
    assert total.space_f1 == pytest.approx(4 / 5)
    assert total.case_share == pytest.approx(12 / 13)
    assert (Wording().space_f1, Wording().case_share) == (None, None)
