"""POST /api/export: a page and its picture become a file; what is no page is refused with words."""

import csv
import io
import json
import shutil
import subprocess

import pytest
import requests
from PIL import Image

PAGE = {
    "text": ["离线识别", "second"],
    "time": 0.1,
    "lines": [
        {"text": "离线识别", "score": 0.98, "box": [[10, 10], [90, 10], [90, 30], [10, 30]]},
        {"text": "second", "score": 0.7, "box": [[10, 40], [90, 40], [90, 60], [10, 60]], "vertical": False},
    ],
    "width": 200,
    "height": 100,
    "cached": False,
    "request_id": "0",
}


def picture(kind="JPEG", size=(200, 100)):
    data = io.BytesIO()
    Image.new("RGB", size, "white").save(data, kind)
    return data.getvalue()


@pytest.fixture
def export(service):
    def send(page=PAGE, form="txt", image=None, **fields):
        files = {"page": (None, page if isinstance(page, str | bytes) else json.dumps(page)), "format": (None, form)}
        if image is not None:
            files["image"] = ("page.jpg", image)
        files |= {name: (None, value) for name, value in fields.items()}
        return requests.post(f"{service.url}/api/export", files=files, timeout=30)

    return send


def test_takes_an_answer_of_the_api_as_it_came_and_names_the_file(export):
    answer = export(name="发票 3")
    assert (answer.status_code, answer.text) == (200, "离线识别\nsecond\n")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert "filename*=UTF-8''%E5%8F%91%E7%A5%A8%203.txt" in answer.headers["Content-Disposition"]


def test_takes_the_page_as_a_file_too(service):
    files = {"page": ("page.json", json.dumps(PAGE)), "format": (None, "csv")}
    answer = requests.post(f"{service.url}/api/export", files=files, timeout=30)
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert [row["text"] for row in rows] == PAGE["text"]


@pytest.mark.parametrize("form", ["json", "hocr"])
def test_gives_every_other_format(export, form):
    answer = export(form=form)
    assert answer.status_code == 200
    assert "离线识别" in answer.content.decode()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_gives_a_searchable_pdf(export, tmp_path, kind):
    if not shutil.which("pdftotext"):
        pytest.skip("apt-get install poppler-utils")
    answer = export(form="pdf", image=picture(kind))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf")
    path = tmp_path / "page.pdf"
    path.write_bytes(answer.content)
    text = subprocess.run(["pdftotext", path, "-"], capture_output=True, text=True, check=True).stdout
    assert text.split() == PAGE["text"]


def test_takes_a_picture_that_was_scaled_down_for_sending(export):
    assert export(form="pdf", image=picture(size=(100, 50))).status_code == 200


def changed(**fields):
    return {**PAGE, **fields}


def with_line(**fields):
    return changed(lines=[{**PAGE["lines"][0], **fields}])


REFUSED = {
    "no page": ({"page": ""}, 400, "page_missing"),
    "a page of 5 MB": ({"page": "[" + " " * (5 << 20)}, 413, "body_too_large"),
    "a page that is no JSON": ({"page": "{"}, 400, "page_invalid"),
    "a page that is a list": ({"page": "[]"}, 400, "page_invalid"),
    "a page that is deeply nested": ({"page": "[" * 100_000}, 400, "page_invalid"),
    "a page without lines": ({"page": {"width": 1, "height": 1}}, 400, "page_invalid"),
    "lines that are none": ({"page": changed(lines=[1])}, 400, "page_invalid"),
    "too many lines": ({"page": changed(lines=PAGE["lines"] * 2501)}, 400, "page_invalid"),
    "a line that is too long": ({"page": with_line(text="字" * 2001)}, 400, "page_invalid"),
    "a text that is a number": ({"page": with_line(text=1)}, 400, "page_invalid"),
    "three corners": ({"page": with_line(box=[[0, 0]] * 3)}, 400, "page_invalid"),
    "a corner of three numbers": ({"page": with_line(box=[[0, 0, 0]] * 4)}, 400, "page_invalid"),
    "a corner at infinity": ({"page": with_line(box=[[float("inf"), 0]] * 4)}, 400, "page_invalid"),
    "a corner that is no number": ({"page": with_line(box=[[float("nan"), 0]] * 4)}, 400, "page_invalid"),
    "a score above one": ({"page": with_line(score=1.1)}, 400, "page_invalid"),
    "a width of nothing": ({"page": changed(width=0)}, 400, "page_invalid"),
    "a width of half a pixel": ({"page": changed(width=0.5)}, 400, "page_invalid"),
    "a huge height": ({"page": changed(height=10**9)}, 400, "page_invalid"),
    "no format": ({"form": ""}, 400, "unknown_format"),
    "a format that there is not": ({"form": "docx"}, 400, "unknown_format"),
    "a field that there is not": ({"colour": "red"}, 400, "unknown_field"),
    "a name that is a path": ({"name": "../../etc/passwd"}, 400, "name_invalid"),
    "a name with a line break": ({"name": "a\r\nSet-Cookie: b"}, 400, "name_invalid"),
    "a name that is too long": ({"name": "x" * 201}, 400, "name_invalid"),
    "a PDF without a picture": ({"form": "pdf"}, 400, "image_missing"),
    "a PDF of another picture": ({"form": "pdf", "image": picture(size=(100, 200))}, 400, "image_mismatch"),
    "a PDF of a damaged picture": ({"form": "pdf", "image": b"\xff\xd8\xff"}, 422, "image_damaged"),
    "a PDF of no picture": ({"form": "pdf", "image": b"hello"}, 415, "unsupported_format"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(export, case):
    asked, status, code = REFUSED[case]
    answer = export(**asked)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert any("\u4e00" <= character <= "\u9fff" for character in error["message"]), "says it in Chinese"


def test_refuses_a_body_of_another_kind(service):
    answer = requests.post(f"{service.url}/api/export", json=PAGE, timeout=10)
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_content_type")
