"""The picture and the options in a request: multipart, form or JSON, parsed before anything is done with them."""

import base64
import binascii
import hashlib
import io
import os
import re
import threading
from dataclasses import dataclass
from typing import Any, BinaryIO

from flask import Request

from ziyan import options
from ziyan.errors import RequestRejected, UnsupportedBody

FIELD = "image"
_DATA_URL = re.compile(r"\Adata:[^,]{0,200};base64,", re.IGNORECASE)
_WHITESPACE = re.compile(r"\s+")
_CHUNK = 1 << 16

# A base64 picture is in memory up to three times while it is parsed; one at a time keeps that bounded.
_parse_text = threading.Lock()


@dataclass(frozen=True)
class Upload:
    """A sent picture: a file at its start, how long it is, its sha256, and what is asked of it."""

    file: BinaryIO
    size_bytes: int
    sha256: str
    asked: options.Options


def parse(request: Request) -> Upload:
    """The upload in `request`. RequestRejected or UnsupportedBody tell what is wrong with it."""
    kind = request.mimetype
    if kind == "application/json":
        with _parse_text:
            return _from_json(request)
    if kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
        return _from_form(request)
    if not kind and not request.content_length:
        raise _missing()
    raise UnsupportedBody(
        "unsupported_content_type",
        f"不支持 Content-Type {kind!r}；请用 multipart/form-data 的 {FIELD} 字段或 JSON 发送图片。",
        f"The content type {kind!r} is not taken. Send multipart/form-data with a field {FIELD}, or JSON.",
    )


def _from_form(request: Request) -> Upload:
    # Werkzeug bounds text fields to 500 kB; a base64 picture is one, and the whole body is bounded already.
    request.max_form_memory_size = request.max_content_length
    with _parse_text:
        if FIELD not in request.files:
            return _from_fields(request, request.form.to_dict())
    asked = options.parse({**request.args.to_dict(), **request.form.to_dict()})
    file = request.files[FIELD].stream
    file.seek(0, os.SEEK_END)
    size_bytes = file.tell()
    file.seek(0)
    return _upload(file, size_bytes, asked)


def _from_json(request: Request) -> Upload:
    fields = request.get_json(cache=False)
    if not isinstance(fields, dict):
        raise _missing()
    return _from_fields(request, fields)


def _from_fields(request: Request, fields: dict[str, Any]) -> Upload:
    text = fields.pop(FIELD, None)
    if not isinstance(text, str) or not text:
        raise _missing()
    asked = options.parse({**request.args.to_dict(), **fields})
    data = _decoded(text)
    return _upload(io.BytesIO(data), len(data), asked)


def _decoded(text: str) -> bytes:
    """The bytes of base64 `text`, with or without a data: prefix, lines and padding."""
    prefix = _DATA_URL.match(text)
    # A client that forgot to escape its form turned every "+" into a space, so a space can only be a "+".
    text = _WHITESPACE.sub("", text[prefix.end() if prefix else 0 :].strip().replace(" ", "+"))
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestRejected(
            "bad_base64",
            f"{FIELD} 字段不是有效的 base64；请检查编码，或改用 multipart 上传文件。",
            f"The field {FIELD} is not valid base64. Check the encoding, or send the file as multipart.",
        ) from error


def _upload(file: BinaryIO, size_bytes: int, asked: options.Options) -> Upload:
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    file.seek(0)
    return Upload(file, size_bytes, digest.hexdigest(), asked)


def _missing() -> RequestRejected:
    return RequestRejected(
        "image_missing",
        f"请求里没有图片；请放在 {FIELD} 字段中：curl -F {FIELD}=@photo.jpg …/api/ocr",
        f"The request holds no picture. Put it in the field {FIELD}: curl -F {FIELD}=@photo.jpg …/api/ocr",
    )
