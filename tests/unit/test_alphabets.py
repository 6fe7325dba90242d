"""Allow-lists of characters."""

import pytest
from ziyan import alphabets
from ziyan.errors import RequestRejected


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("digits", "0189", "a字 ."),
        ("digits .,¥", "07.,¥", "O字 -"),
        ("uppercase digits -", "AZ09-", "az字_"),
        ("letters", "aZ", "0字é"),
        ("hanzi", "字眼龘㐀𠀀", "a0，あ"),
        ("marks space", "，。()- ", "a0字"),
        ("甲乙 丙", "甲乙丙", "丁 "),
        ("abc", "abc", "d"),
    ],
)
def test_holds(text, inside, outside):
    alphabet = alphabets.parse(text)
    assert [character for character in inside if character not in alphabet] == []
    assert [character for character in outside if character in alphabet] == []


@pytest.mark.parametrize(("part", "meant"), [("digit", "digits"), ("Digits", "digits"), ("hanzis", "hanzi")])
def test_a_name_that_is_nearly_right_is_refused_instead_of_taken_letter_by_letter(part, meant, refuses):
    with refuses(RequestRejected, "option_invalid") as caught:
        alphabets.parse(f"{part} .")
    assert f"is it '{meant}'" in caught.value.en
