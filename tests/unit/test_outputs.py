"""Pages as text files: plain text, JSON, CSV and hOCR."""

import csv
import io
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from ziyan import outputs
from ziyan.errors import RequestRejected

XHTML = "{http://www.w3.org/1999/xhtml}"


def box(left, top, width, height):
    return [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]


def line(text, at, score=0.9, **more):
    return {"text": text, "score": score, "box": at, **more}


PAGE = {
    "width": 1000,
    "height": 1400,
    "lines": [
        line("离线识别 Hello", box(100, 100, 600, 40), 0.987),
        line('a "b", <c> & d', box(100, 200, 300, 50)),
        line("竖排", box(800, 200, 50, 400), vertical=True),
    ],
}


def rendered(pages, form):
    return b"".join(outputs.render(pages, form)).decode()


def test_text_is_one_line_each_and_a_form_feed_between_pages():
    assert (
        rendered([PAGE, PAGE], "txt")
        == '离线识别 Hello\na "b", <c> & d\n竖排\n\f离线识别 Hello\na "b", <c> & d\n竖排\n'
    )


def test_text_is_what_was_asked_for():
    assert rendered([{**PAGE, "text": ["离线识别 Hello", "a\tb"]}], "txt") == "离线识别 Hello\na\tb\n"


def test_an_edited_pages_blocks_are_put_together_from_their_lines():
    paragraph = [("识别文", 0, 0), ("字不用云。", 0, 30), ("No cloud,", 0, 60), ("no GPU.", 0, 90)]
    row = [("名称", 0, 150), ("价格", 300, 151), ("元", 345, 150)]
    lines = [line(text, box(left, top, 20 * len(text), 24), block=0) for text, left, top in paragraph]
    lines += [line(text, box(left, top, 20 * len(text), 24), block=1) for text, left, top in row]
    lines += [line("末行", box(0, 300, 40, 24))]
    assert rendered([{**PAGE, "lines": lines}], "txt") == "识别文字不用云。No cloud, no GPU.\n名称\t价格元\n末行\n"


def test_json_gives_every_page_as_it_was():
    assert json.loads(rendered([PAGE, PAGE], "json")) == {"pages": [PAGE, PAGE]}


def test_csv_comes_back_as_it_went():
    text = rendered([PAGE, PAGE], "csv")
    assert text.startswith("\ufeff"), "Excel reads UTF-8 by this mark alone"
    rows = list(csv.DictReader(io.StringIO(text[1:], newline="")))
    lines = [given for page in (PAGE, PAGE) for given in page["lines"]]
    assert [row["text"] for row in rows] == [given["text"] for given in lines]
    assert [float(row["score"]) for row in rows] == [given["score"] for given in lines]
    assert [(row["page"], row["line"]) for row in rows] == [(p, n) for p in "12" for n in "123"]
    corners = [[[float(row[f"x{k}"]), float(row[f"y{k}"])] for k in range(1, 5)] for row in rows]
    assert corners == [given["box"] for given in lines]


@pytest.mark.parametrize("form", ["txt", "json", "csv", "hocr", "pdf"])
def test_a_page_without_text_is_a_whole_file_in_every_format(form):
    assert isinstance(b"".join(outputs.render([{**PAGE, "lines": []}], form)), bytes)


@pytest.mark.parametrize("form", ["txt", "json", "csv", "hocr", "pdf"])
def test_characters_that_no_file_can_hold_do_not_break_one(form):
    strange = {**PAGE, "lines": [line("a\x00b\ud800\r\nc\ufffe", box(0, 0, 90, 9)), line("", box(0, 0, 9, 9))]}
    data = b"".join(outputs.render([strange], form))
    if form == "hocr":
        assert "a b\ufffd" in "".join(ElementTree.fromstring(data).itertext())
    if form == "txt":
        assert data.decode() == "a b\ufffd  c\ufffd\n\n"


def test_refuses_a_format_that_there_is_not(refuses):
    with refuses(RequestRejected, "unknown_format") as caught:
        outputs.render([PAGE], "docx")
    assert "hocr" in caught.value.message


def test_renders_a_page_only_when_it_is_asked_for():
    def pages():
        yield PAGE
        raise AssertionError("the second page is not needed yet")

    assert "离线识别" in next(outputs.render(pages(), "txt")).decode()


def test_a_page_whose_text_is_missing_is_still_written():
    assert rendered([{**PAGE, "text": []}], "txt").startswith("离线识别 Hello\n"), "as from a PDF's text layer"


# --- hOCR -------------------------------------------------------------------------------------------------------------


def hocr_lines(page):
    root = ElementTree.fromstring(rendered([page], "hocr"))
    return [span for span in root.iter(f"{XHTML}span") if span.get("class") == "ocr_line"]


def properties(span):
    return dict(part.strip().split(" ", 1) for part in span.get("title").split(";"))


def test_hocr_keeps_to_its_specification(tmp_path):
    path = tmp_path / "page.hocr"
    blocks = [{**given, "block": number} for number, given in enumerate(PAGE["lines"])]
    pages = [PAGE, {**PAGE, "lines": []}, {**PAGE, "lines": blocks}]
    path.write_text(rendered(pages, "hocr"), encoding="utf-8")
    checker = Path(sys.executable).with_name("hocr-spec")
    ended = subprocess.run([checker, path], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stdout
    assert "WARN" not in ended.stdout


def test_hocr_holds_every_line_with_its_box_its_score_and_its_words():
    first, second, _ = hocr_lines(PAGE)
    assert "".join(first.itertext()) == "离线识别 Hello"
    assert properties(first)["bbox"] == "100 100 700 140"
    assert properties(first)["x_wconf"] == "99"
    assert "".join(second.itertext()) == 'a "b", <c> & d'
    # eight half ems of hanzi, one of the space, five of Latin letters over 600 pixels
    assert [properties(word)["bbox"] for word in first] == ["100 100 443 140", "485 100 700 140"]


def test_hocr_tells_the_paragraphs(tmp_path):
    lines = [{**given, "block": number > 0} for number, given in enumerate(PAGE["lines"])]
    root = ElementTree.fromstring(rendered([{**PAGE, "lines": lines}], "hocr"))
    first, second = (one for one in root.iter(f"{XHTML}p"))
    assert (first.get("class"), len(first), len(second)) == ("ocr_par", 1, 2)
    assert second.get("title") == "bbox 100 200 850 600"


def test_hocr_tells_the_language_and_the_writing_mode():
    first, second, column = hocr_lines(PAGE)
    assert (first.get("lang"), second.get("lang")) == ("zh", "en")
    assert column.get("style") == "writing-mode: vertical-rl"


def test_hocr_tells_how_a_line_leans():
    rising = line("rising", [[100, 120], [300, 100], [300, 140], [100, 160]])
    upwards = line("upwards", [[100, 900], [100, 600], [140, 600], [140, 900]])
    overturned = line("overturned", [[500, 1000], [300, 1000], [300, 950], [500, 950]])
    leaning, standing, turned = hocr_lines({**PAGE, "lines": [rising, upwards, overturned]})
    slope, offset = properties(leaning)["baseline"].split()
    assert (float(slope), float(offset)) == (-0.1, 0)
    assert float(properties(standing)["textangle"]) == 90, "anticlockwise"
    assert float(properties(turned)["textangle"]) == 180


def test_hocr_boxes_stay_on_the_page():
    (edge,) = hocr_lines({**PAGE, "lines": [line("边", [[-3.2, -1], [40, -1], [40, 30], [-3.2, 30]])]})
    assert properties(edge)["bbox"] == "0 0 40 30"
    assert re.fullmatch(r"[\d ]+", properties(edge)["bbox"])
