"""Lists of words and patterns as people write them."""

import itertools
import re

import pytest
from ziyan import words
from ziyan.errors import RequestRejected


def language(pattern, *, most=5000):
    """Every text that an automaton matches, at most `most` of them."""
    ends = [("", None)]
    found = set()
    while ends and len(found) < most:
        text, at = ends.pop()
        if at in pattern.last:
            found.add(text)
        for position in pattern.first if at is None else pattern.follow[at]:
            ends += [(text + character, position) for character in pattern.characters[position]]
    return found


def test_takes_one_word_a_line_and_skips_comments_blanks_and_what_was_there():
    assert words.parse("# 药品\n 阿莫西林 \n\nIbuprofen; 布洛芬；Ibuprofen\r\n") == ("阿莫西林", "Ibuprofen", "布洛芬")


def test_a_word_may_hold_spaces_and_slashes():
    assert words.parse("Vitamin C\nkm/h") == ("Vitamin C", "km/h")


@pytest.mark.parametrize(
    "source",
    ["AB", r"A\d", "[A-C]yx?", "(AB|C)D", "A{2,4}", "(A|BC){2}", "x?y?zz", r"\(A\)", "[a-]b", "(a(b|c)?){2,3}",
     "A(|B)C"],
)  # fmt: skip
def test_a_pattern_matches_what_a_regular_expression_does(source):
    (pattern,) = words.parse(f"/{source}/")
    matched = language(pattern)
    assert matched
    expression = re.compile(source)
    assert all(expression.fullmatch(text) for text in matched)
    letters = sorted({*"".join(matched), "D"})[:6]
    for length in range(1, 6):
        for candidate in map("".join, itertools.product(letters, repeat=length)):
            assert bool(expression.fullmatch(candidate)) == (candidate in matched), candidate


def test_a_semicolon_inside_a_pattern_belongs_to_it():
    (pattern, word) = words.parse("/A;B/; CD")
    assert language(pattern) == {"A;B"}
    assert word == "CD"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x", "'x' must have 2 to 40"),
        ("x" * 41, "must have 2 to 40"),
        ("a\x07b", "must have 2 to 40 visible"),
        ("/[A-Z]+/", "'+' is not known"),
        ("/A.B/", "'.' is not known"),
        ("/AB*/", "'*' is not known"),
        ("/[^A]B/", "[^A] is not known"),
        ("/A{3,2}/", "{3,2} counts down"),
        ("/A{0}B/", "a count must be above 0"),
        ("/?AB/", "nothing before it"),
        ("/A(B/", "bracket has no partner"),
        ("/AB)/", "bracket has no partner"),
        ("/()AB/", "a bracket is empty"),
        ("/[z-a]B/", "range that is empty"),
        ("/A?/", "2 to 40 characters"),
        ("/A{41}/", "2 to 40 characters"),
        ("/((A{9}){9}){9}/", "longer than 100"),
        ("/" + "(" * 90 + "A" + ")" * 90 + "/", "more than 100"),
    ],
    ids=lambda value: value[:20],
)
def test_refuses_and_names(text, told, refuses):
    with refuses(RequestRejected, "lexicon_invalid") as caught:
        words.parse(f"good one\n{text}\n")
    assert told in caught.value.en


def test_accepts_as_many_words_as_the_limit_and_refuses_one_more(refuses):
    listed = [f"词{number}" for number in range(words.MOST_ASKED)]
    assert len(words.parse("\n".join(listed))) == words.MOST_ASKED
    with refuses(RequestRejected, "lexicon_invalid") as caught:
        words.parse("\n".join([*listed, "多一个"]))
    assert "500 words" in caught.value.en


def test_accepts_a_word_exactly_at_each_limit():
    assert words.parse("字眼\n" + "x" * 40) == ("字眼", "x" * 40)


def test_accepts_as_many_patterns_as_the_limit_and_refuses_one_more(refuses):
    listed = [f"/{letter}{digit}\\d/" for letter in "ABCDE" for digit in range(10)]
    assert len(words.parse("\n".join(listed))) == words.MOST_PATTERNS
    with refuses(RequestRejected, "lexicon_invalid") as caught:
        words.parse("\n".join([*listed, "/F\\d{2}/"]))
    assert "50 patterns" in caught.value.en
