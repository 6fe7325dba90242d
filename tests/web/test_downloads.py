"""Every format is downloaded with its edits and opened by what reads it."""

import csv
import io
import json
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hand import choose, overlap, read

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make .venv-dev")

EDITED = "Raspberry Pi 5 reads"


@pytest.fixture
def edited(open_page, drawn):
    """A page with three lines, the second of them edited."""
    page = open_page()
    read(page, drawn.file("lines.png"))
    page.get_by_role("button", name="修改第 2 行").click()
    page.get_by_label("第 2 行的文字").fill(EDITED)
    page.keyboard.press("Enter")
    return page


@pytest.fixture
def expected(drawn):
    """The texts of that page."""
    return [drawn.texts[0], EDITED, drawn.texts[2]]


def download(page, format, folder):
    """The file that a choice in the menu gives."""
    page.get_by_role("button", name="下载").click()
    with page.expect_download() as coming:
        page.locator("#download-list").get_by_role("button", name=re.compile(f"^{format}")).click()
    path = folder / coming.value.suggested_filename
    coming.value.save_as(path)
    return path


def test_the_menu_says_what_each_format_is_for(edited, screenshot):
    edited.get_by_role("button", name="下载").click()
    offered = edited.locator("#download-list button").all_inner_texts()
    assert [text.split("\n")[0] for text in offered] == ["TXT", "JSON", "CSV", "hOCR", "PDF"]
    screenshot(edited, "download-menu")
    edited.keyboard.press("Escape")
    assert not edited.locator("#download-list").is_visible()


def test_txt_holds_the_lines(edited, expected, tmp_path):
    path = download(edited, "TXT", tmp_path)
    assert path.name == "lines.txt"
    assert re.split(r"\n+", path.read_text().strip()) == expected


def test_json_holds_lines_and_places(edited, expected, drawn, tmp_path):
    (page,) = json.loads(download(edited, "JSON", tmp_path).read_text())["pages"]
    assert [line["text"] for line in page["lines"]] == expected
    for line, ink in zip(page["lines"], drawn.ink, strict=True):
        (left, top), _, (right, bottom), _ = line["box"]
        assert overlap(ink, (left, top, right, bottom)) > 0.65


def test_csv_has_a_row_for_every_line(edited, expected, tmp_path):
    rows = list(csv.DictReader(io.StringIO(download(edited, "CSV", tmp_path).read_text("utf-8-sig"))))
    assert [row["text"] for row in rows] == expected


def test_hocr_is_well_formed_and_says_where_each_line_is(edited, expected, drawn, tmp_path):
    tree = ElementTree.fromstring(download(edited, "hOCR", tmp_path).read_bytes())
    lines = [node for node in tree.iter() if node.get("class") == "ocr_line"]
    assert ["".join(line.itertext()) for line in lines] == expected
    for line, ink in zip(lines, drawn.ink, strict=True):
        box = tuple(int(number) for number in re.search(r"bbox (\d+) (\d+) (\d+) (\d+)", line.get("title")).groups())
        assert overlap(ink, box) > 0.65


def words_of_pdf(path):
    """[(text, (left, top, right, bottom) in shares of the page)] as pdftotext finds them."""
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext is not installed: apt-get install poppler-utils")
    html = subprocess.run(["pdftotext", "-bbox", path, "-"], capture_output=True, check=True, text=True).stdout
    width, height = (float(value) for value in re.search(r'<page width="([\d.]+)" height="([\d.]+)"', html).groups())
    word = r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">([^<]*)</word>'
    return [
        (text, (float(x) / width, float(y) / height, float(to_x) / width, float(to_y) / height))
        for x, y, to_x, to_y, text in re.findall(word, html)
    ]


def assert_pdf_is_searchable(path, expected, drawn):
    words = words_of_pdf(path)
    assert "".join(text for text, _ in words) == "".join(expected).replace(" ", "")
    width, height = 900, 420
    for index, (left, top, right, bottom) in enumerate(drawn.ink):
        ink = (left / width, top / height, right / width, bottom / height)
        first = next(box for text, box in words if expected[index].startswith(text))
        assert ink[0] - 0.03 < first[0] < ink[2] + 0.03
        assert ink[1] - 0.08 < (first[1] + first[3]) / 2 < ink[3] + 0.08


def test_the_text_of_the_searchable_pdf_comes_out_at_its_places(edited, expected, drawn, tmp_path):
    assert_pdf_is_searchable(download(edited, "PDF", tmp_path), expected, drawn)


def test_a_phone_photo_becomes_a_searchable_pdf_upright(open_page, drawn, tmp_path):
    page = open_page()
    read(page, drawn.file("turned.jpg"))
    assert_pdf_is_searchable(download(page, "PDF", tmp_path), list(drawn.texts), drawn)


def test_a_pdf_is_not_offered_of_a_picture_that_the_browser_cannot_show(open_page, drawn):
    page = open_page()
    choose(page, Path(drawn.file("lines.tiff")).read_bytes(), name="scan", kind="application/octet-stream")
    page.wait_for_selector("[data-show=done]")
    page.get_by_role("button", name="下载").click()
    assert [text.split("\n")[0] for text in page.locator("#download-list button").all_inner_texts()] == [
        "TXT", "JSON", "CSV", "hOCR",
    ]
