"""POST /api/ocr as integrators use it, against the real programs."""

import base64
import io
import json
import unicodedata
from pathlib import Path

import pytest
import requests
from bench import score
from PIL import Image

PAGES = Path(__file__).parents[1] / "data"
LABELS = [json.loads(line) for line in (PAGES / "pages.jsonl").read_text().splitlines()]
PICTURE = PAGES / LABELS[0]["file"]


@pytest.fixture(scope="module")
def ocr(service):
    """Posts to /api/ocr and gives the response."""

    def post(**request):
        return requests.post(f"{service.url}/api/ocr", timeout=60, **request)

    return post


@pytest.fixture(scope="module")
def expected(ocr):
    """The lines of the picture, sent the plain way."""
    return ocr(files={"image": PICTURE.read_bytes()}).json()["text"]


def reencoded(mode, kind, **options):
    """The picture in another mode and format."""
    sent = io.BytesIO()
    with Image.open(PICTURE) as picture:
        picture.convert(mode).save(sent, kind, **options)
    return sent.getvalue()


def test_reads_the_lines_that_the_picture_shows(expected):
    counts = score.page_counts(LABELS[0]["lines"], expected)
    assert counts.f1 > 0.97, (LABELS[0]["lines"], expected)


def test_answers_as_the_contract_says(ocr):
    answer = ocr(files={"image": PICTURE.read_bytes()})
    page = answer.json()
    assert answer.status_code == 200
    assert set(page) == {"text", "time", "lines", "width", "height", "turned", "capped", "cached", "request_id"}
    assert page["text"] == [line["text"] for line in page["lines"]]
    with Image.open(PICTURE) as picture:
        assert (page["width"], page["height"]) == picture.size
    assert answer.headers["X-Request-ID"] == page["request_id"]
    for line in page["lines"]:
        assert 0 < line["score"] <= 1
        assert all(0 <= x <= page["width"] and 0 <= y <= page["height"] for x, y in line["box"])


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
@pytest.mark.parametrize("form", ["json", "multipart", "urlencoded"])
def test_takes_base64_with_and_without_a_data_prefix(ocr, expected, form, prefix):
    text = prefix + base64.b64encode(PICTURE.read_bytes()).decode()
    request = {
        "json": {"json": {"image": text}},
        "multipart": {"files": {"image": (None, text)}},
        "urlencoded": {"data": {"image": text}},
    }[form]
    assert ocr(**request).json()["text"] == expected


def test_takes_base64_broken_into_lines_or_unescaped_in_a_form(ocr, expected):
    encoded = base64.b64encode(PICTURE.read_bytes()).decode()
    in_lines = "\n".join(encoded[i : i + 76] for i in range(0, len(encoded), 76))
    assert ocr(json={"image": in_lines}).json()["text"] == expected
    unescaped = f"image={encoded}"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert ocr(data=unescaped, headers=headers).json()["text"] == expected


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "GIF", "TIFF", "JPEG"])
def test_reads_every_format(ocr, expected, kind):
    sent = reencoded("RGB", kind, **({"lossless": True} if kind == "WEBP" else {}))
    read = ocr(files={"image": sent}).json()["text"]
    assert len(plain(read) & plain(expected)) >= 0.8 * len(expected)


def plain(lines):
    """The lines without what JPEG's noise may sway: spaces, and whether a comma is a wide one."""
    return {unicodedata.normalize("NFKC", "".join(line.split())) for line in lines}


def test_says_that_a_picture_was_sent_before(ocr):
    sent = reencoded("L", "PNG")
    first, again, otherwise = (
        ocr(files={"image": sent}, params=options).json() for options in ({}, {}, {"min_score": 0.25})
    )
    assert [first["cached"], again["cached"], otherwise["cached"]] == [False, True, False]
    assert first["lines"] == again["lines"]


@pytest.mark.parametrize("where", ["query", "form", "json"])
def test_leaves_out_lines_below_the_asked_score(ocr, where):
    picture = PICTURE.read_bytes()
    answer = {
        "query": lambda: ocr(files={"image": picture}, params={"min_score": "1"}),
        "form": lambda: ocr(files={"image": picture}, data={"min_score": "1"}),
        "json": lambda: ocr(json={"image": base64.b64encode(picture).decode(), "min_score": 1}),
    }[where]()
    assert answer.status_code == 200
    assert all(line["score"] == 1 for line in answer.json()["lines"])


def test_finds_nothing_on_a_white_page_and_says_so_with_an_empty_list(ocr):
    sent = io.BytesIO()
    Image.new("RGB", (400, 300), "white").save(sent, "PNG")
    answer = ocr(files={"image": sent.getvalue()})
    assert (answer.status_code, answer.json()["text"]) == (200, [])


def test_reads_a_body_of_exactly_the_limit(ocr, service):
    limit = requests.get(f"{service.url}/api/options", timeout=10).json()["limits"]["body_bytes"]
    picture = PICTURE.read_bytes()  # what follows the last chunk of a PNG or the end of a JPEG is ignored by decoders
    request = requests.Request("POST", f"{service.url}/api/ocr", files={"image": picture}).prepare()
    padded = picture + b"\0" * (limit - len(request.body))
    request = requests.Request("POST", f"{service.url}/api/ocr", files={"image": padded}).prepare()
    assert len(request.body) == limit
    assert ocr(files={"image": padded}).status_code == 200
    assert ocr(files={"image": padded + b"\0"}).status_code == 413


def test_text_holds_rows_when_they_are_asked_for_and_no_line_is_lost(ocr, expected):
    page = ocr(files={"image": PICTURE.read_bytes()}, data={"layout": "rows"}).json()
    assert len(page["text"]) < len(expected)
    assert [line["text"] for line in page["lines"]] == expected
    for line in page["lines"]:
        assert line["text"].replace(" ", "") in page["text"][line["block"]].replace(" ", "")


def test_only_allowed_characters_are_written(ocr):
    said = ocr(files={"image": PICTURE.read_bytes()}, data={"allow": "digits ."}).json()["text"]
    assert said
    assert set("".join(said)) <= set("0123456789.")


def test_a_lexicon_may_be_sent_as_a_file_of_a_form_field_and_changes_nothing_that_is_clear(ocr, expected):
    words = "# 词\n系统设置\n/[A-Z]{2}-\\d{4}/\n无线网路\n"
    assert ocr(files={"image": PICTURE.read_bytes()}, data={"lexicon": words}).json()["text"] == expected


def test_a_lexicon_that_is_none_is_refused_with_the_entry_named(ocr):
    answer = ocr(files={"image": PICTURE.read_bytes()}, data={"lexicon": "good\n/[A-Z]+/"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "lexicon_invalid")
    assert "/[A-Z]+/" in answer.json()["error"]["message"]
    unknown = ocr(files={"image": PICTURE.read_bytes()}, data={"lexicon": "\U0001f600\U0001f600"})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (400, "lexicon_invalid")


def test_the_longest_lexicon_that_is_allowed_reaches_the_reader(ocr, expected):
    words = "\n".join(f"词语{number:04d}甲乙丙丁戊己庚辛壬" for number in range(500))[:10_000]
    assert ocr(files={"image": PICTURE.read_bytes()}, data={"lexicon": words}).json()["text"] == expected
