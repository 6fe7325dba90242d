"""What is refused, by which status and code, in words that tell what to do; afterwards the box reads on."""

import io
import re
import struct
import zlib

import pytest
import requests
from PIL import Image


def encoded(kind, size=(640, 480), **options):
    picture = Image.effect_noise(size, 80).convert("RGB")
    data = io.BytesIO()
    picture.save(data, kind, **options)
    return data.getvalue()


def png_header(width, height):
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    header = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return header + struct.pack(">I", 50) + b"IDAT" + bytes(50)


def half(data):
    return data[: len(data) // 2]


REFUSED = {
    "an empty body": ({}, 400, "image_missing"),
    "no field": ({"files": {"photo": b"x"}}, 400, "image_missing"),
    "an empty file": ({"files": {"image": ("empty.jpg", b"")}}, 422, "image_empty"),
    "text as .jpg": ({"files": {"image": ("a.jpg", b"hello, this is text")}}, 415, "unsupported_format"),
    "a truncated JPEG": ({"files": {"image": half(encoded("JPEG"))}}, 422, "image_damaged"),
    "a truncated PNG": ({"files": {"image": half(encoded("PNG"))}}, 422, "image_damaged"),
    "a truncated WebP": ({"files": {"image": half(encoded("WEBP"))}}, 422, "image_damaged"),
    "a header of 50,000x50,000": ({"files": {"image": png_header(50_000, 50_000)}}, 413, "image_too_large"),
    "21 MiB": ({"files": {"image": bytes(21 << 20)}}, 413, "body_too_large"),
    "bad base64": ({"json": {"image": "!!!not base64!!!"}}, 400, "bad_base64"),
    "JSON without a picture": ({"json": {"picture": "x"}}, 400, "image_missing"),
    "JSON that is a list": ({"json": ["x"]}, 400, "image_missing"),
    "JSON that is none": ({"data": b"{", "headers": {"Content-Type": "application/json"}}, 400, "bad_request"),
    "a raw body": ({"data": b"x", "headers": {"Content-Type": "image/jpeg"}}, 415, "unsupported_content_type"),
    "an unknown option": ({"files": {"image": b"x"}, "params": {"colour": 1}}, 400, "unknown_option"),
    "an option out of range": ({"files": {"image": b"x"}, "data": {"min_score": "1.01"}}, 400, "option_invalid"),
    "an option that is no number": ({"files": {"image": b"x"}, "data": {"min_score": "nan"}}, 400, "option_invalid"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(service, case):
    request, status, code = REFUSED[case]
    answer = requests.post(f"{service.url}/api/ocr", timeout=30, **request)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert error["request_id"] == answer.headers["X-Request-ID"]
    assert any("\u4e00" <= character <= "\u9fff" for character in error["message"]), "says it in Chinese"
    assert re.search(r"[a-z]{3,} [a-z]+", error["message"]), "and in English"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/ocr", 405, "method_not_allowed"),
        ("PUT", "/api/ocr", 405, "method_not_allowed"),
        ("POST", "/health", 405, "method_not_allowed"),
        ("GET", "/api/nothing", 404, "not_found"),
    ],
)
def test_refuses_what_is_not_there(service, method, path, status, code):
    answer = requests.request(method, service.url + path, timeout=10)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    if status == 405:
        assert answer.headers["Allow"]


def test_refuses_in_json_what_waitress_does_not_even_receive(service):
    headers = {"Content-Length": str(1 << 40), "Content-Type": "multipart/form-data; boundary=x"}
    with requests.Session() as session:
        request = requests.Request("POST", f"{service.url}/api/ocr", headers=headers, data=b"").prepare()
        request.headers["Content-Length"] = headers["Content-Length"]
        answer = session.send(request, timeout=10)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


def test_reads_on_and_logged_no_traceback(service):
    for request, *_ in REFUSED.values():
        requests.post(f"{service.url}/api/ocr", timeout=30, **request)
    answer = requests.post(f"{service.url}/api/ocr", files={"image": encoded("PNG")}, timeout=30)
    assert answer.status_code == 200
    assert "Traceback" not in service.logs()
    assert "traceback" not in service.logs()
