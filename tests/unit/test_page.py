"""A page of lines, and its JSON form."""

import dataclasses
import json

import pytest
from ziyan.page import Line, Page

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
    }


def test_two_pages_do_not_share_their_stopwatch():
    first, second = Page((), 1, 1), Page((), 1, 1)
    first.seconds["decode"] = 1.0
    assert second.seconds == {}


def test_what_was_read_cannot_be_changed_afterwards():
    line = Line("字", 0.9, BOX)
    with pytest.raises(dataclasses.FrozenInstanceError):
        line.text = "眼"
