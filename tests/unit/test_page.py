"""A page of lines, and its JSON form."""

import dataclasses
import json

import pytest
from ziyan.page import Line, Page, corrected

BOX = ((10.0, 20.0), (110.5, 20.0), (110.5, 60.0), (10.0, 60.0))


def test_a_page_becomes_plain_json_and_keeps_its_lines_in_order():
    lines = (Line("第一行", 0.98, BOX), Line("two words", 0.5, BOX, 1, vertical=True))
    page = Page(lines, 640, 480, {"decode": 0.01}, ("第一行", "two words"))
    corners = [[10, 20], [110.5, 20], [110.5, 60], [10, 60]]
    assert json.loads(json.dumps(page.as_dict())) == {
        "lines": [
            {"text": "第一行", "score": 0.98, "box": corners, "block": None, "vertical": False},
            {"text": "two words", "score": 0.5, "box": corners, "block": 1, "vertical": True},
        ],
        "width": 640,
        "height": 480,
        "seconds": {"decode": 0.01},
        "text": ["第一行", "two words"],
        "turned": 0,
        "capped": False,
    }


def test_two_pages_do_not_share_their_stopwatch():
    first, second = Page((), 1, 1), Page((), 1, 1)
    first.seconds["decode"] = 1.0
    assert second.seconds == {}


def test_what_was_read_cannot_be_changed_afterwards():
    line = Line("字", 0.9, BOX)
    with pytest.raises(dataclasses.FrozenInstanceError):
        line.text = "眼"


def test_a_correction_changes_the_line_and_the_text_that_it_is_part_of():
    lines = [{"text": text, "block": block} for text, block in (("Tea", 0), ("28", 0), ("28", 1), ("Cake", 1))]
    page = {"lines": lines, "text": ["Tea\t28", "28\tCake"], "width": 4}
    now = corrected(page, ["Tea", "29", "30", "Cakes"])
    assert now["text"] == ["Tea\t29", "30\tCakes"]
    assert [line["text"] for line in now["lines"]] == ["Tea", "29", "30", "Cakes"]
    assert page["text"] == ["Tea\t28", "28\tCake"]


def test_a_correction_of_plain_lines_changes_each_in_its_place():
    page = {"lines": [{"text": "a", "block": None}, {"text": "a", "block": None}], "text": ["a", "a"]}
    assert corrected(page, ["a", "b"])["text"] == ["a", "b"]


def test_refuses_more_or_fewer_corrections_than_lines():
    with pytest.raises(ValueError, match="zip"):
        corrected({"lines": [{"text": "a"}], "text": ["a"]}, [])
