"""POST /api/export: a page, edited or not, becomes a file for its reader."""

import io
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import quote

from flask import Request, Response

from ziyan import embed, outputs
from ziyan.errors import RequestRejected, UnsupportedBody

LINES = 5000
LINE_LENGTH = 2000
SIDE = 100_000
NAME_LENGTH = 200
_PAGE_BYTES = 4 << 20
_FURTHEST = 1e6  # pixels from the corner; a box may reach a little over the picture's edge
_FIELDS = ("page", "format", "name", "image")
# A picture scaled down for sending may be off by a rounded pixel.
_ASPECT_TOLERANCE = 0.02


@dataclass(frozen=True)
class Export:
    """What is asked for: a checked page, a format of `outputs`, the file's name, and the picture for a PDF."""

    page: dict[str, Any]
    form: str
    name: str
    picture: BinaryIO | None


def parse(request: Request) -> Export:
    """The export in `request`. Its errors tell what is wrong with it."""
    if request.mimetype != "multipart/form-data":
        raise UnsupportedBody(
            "unsupported_content_type",
            f"不支持 Content-Type {request.mimetype!r}；请用 multipart/form-data 发送 page 与 format 字段。",
            f"The content type {request.mimetype!r} is not taken. Send multipart/form-data with page and format.",
        )
    request.max_form_memory_size = _PAGE_BYTES
    _known_fields(request)
    form = request.form.get("format", "")
    outputs.find(form)
    page = _page(request)
    picture = _picture(request, page) if form == "pdf" else None
    return Export(page, form, _name(request.form.get("name", "ocr")), picture)


def answer(export: Export) -> Response:
    """The file, in pieces, under its name."""
    picture = export.picture
    pieces = outputs.render([export.page], export.form, pictures=[lambda: (picture, None)] if picture else [])
    return download(pieces, export.form, export.name)


def download(pieces: Iterable[bytes], form: str, name: str) -> Response:
    """An answer that is saved as the file `name` (RFC 6266: in UTF-8, and in ASCII for who does not know that)."""
    found = outputs.find(form)
    response = Response(pieces, content_type=found.media_type)
    ascii_name = name if name.isascii() else "ocr"
    encoded = quote(f"{name}.{found.ending}", safe="")
    parts = {"filename": f"{ascii_name}.{found.ending}", "filename*": f"UTF-8''{encoded}"}
    response.headers.set("Content-Disposition", "attachment", **parts)
    return response


def _known_fields(request: Request) -> None:
    unknown = sorted((set(request.form) | set(request.files) | set(request.args)) - set(_FIELDS))
    if unknown:
        raise RequestRejected(
            "unknown_field",
            f"未知字段 {unknown[0]!r}；可用：{'、'.join(_FIELDS)}。",
            f"Unknown field {unknown[0]!r}. Known are: {', '.join(_FIELDS)}.",
        )


def _name(given: str) -> str:
    if not 0 < len(given) <= NAME_LENGTH or not given.isprintable() or set(given) & set('/\\"'):
        raise RequestRejected(
            "name_invalid",
            f'name 应为 1 到 {NAME_LENGTH} 个字符，不含 / \\ "。',
            f'The field name must have 1 to {NAME_LENGTH} characters, and no / \\ ".',
        )
    return given


# --- the page ---------------------------------------------------------------------------------------------------------


def _page(request: Request) -> dict[str, Any]:
    """The page that was sent, only what the formats use of it."""
    text = request.files["page"].stream.read(_PAGE_BYTES + 1) if "page" in request.files else request.form.get("page")
    if not text or len(text) > _PAGE_BYTES:
        raise RequestRejected(
            "page_missing",
            f"请求里没有页面，或超过 {_PAGE_BYTES} 字节；请把 /api/ocr 的回答放在 page 字段中。",
            f"There is no page, or more than {_PAGE_BYTES} bytes of it. Put the answer of /api/ocr in the field page.",
        )
    try:
        return _checked(json.loads(text))
    # whatever JSON may hold where it should not, or too deep
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise RequestRejected(
            "page_invalid",
            f"page 字段不是有效的页面（至多 {LINES} 行，每行至多 {LINE_LENGTH} 字）；请对照 /docs 检查。",
            f"The field page is no page (of at most {LINES} lines of {LINE_LENGTH} characters). Compare it with /docs.",
        ) from error


def _checked(given: dict[str, Any]) -> dict[str, Any]:
    lines = given["lines"]
    if not isinstance(lines, list) or len(lines) > LINES:
        raise ValueError(len(lines))
    return {
        "lines": [_line(line) for line in lines],
        "width": _whole(given["width"], 1, SIDE),
        "height": _whole(given["height"], 1, SIDE),
        "turned": _whole(given.get("turned", 0), -360, 360),
    }


def _line(given: dict[str, Any]) -> dict[str, Any]:
    text, box, vertical = given["text"], given["box"], given.get("vertical", False)
    block = given.get("block")
    if not isinstance(text, str) or len(text) > LINE_LENGTH or not isinstance(vertical, bool) or len(box) != 4:
        raise ValueError(text)
    line = {"text": text, "score": _number(given.get("score", 1), 0, 1), "box": [_corner(corner) for corner in box]}
    line["vertical"] = vertical
    if block is not None:
        line["block"] = _whole(block, 0, LINES)
    return line


def _corner(given: Any) -> list[float]:
    x, y = given
    return [_number(x, -_FURTHEST, _FURTHEST), _number(y, -_FURTHEST, _FURTHEST)]


def _number(given: Any, low: float, high: float) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not low <= given <= high:  # NaN is in no range
        raise ValueError(given)
    return given


def _whole(given: Any, low: int, high: int) -> int:
    if _number(given, low, high) != math.floor(given):
        raise ValueError(given)
    return int(given)


# --- the picture ------------------------------------------------------------------------------------------------------


def _picture(request: Request, page: dict[str, Any]) -> BinaryIO:
    if "image" not in request.files:
        raise RequestRejected(
            "image_missing",
            "可搜索 PDF 需要图片；请放在 image 字段中。",
            "A searchable PDF needs the picture. Put it in the field image.",
        )
    sent = request.files["image"]
    # Werkzeug closes what was sent before the answer is; this file is closed once it is copied into it.
    file, sent.stream = sent.stream, io.BytesIO()
    width, height = embed.look(file).shown_size
    if abs(math.log((width / height) / (page["width"] / page["height"]))) > _ASPECT_TOLERANCE:
        raise RequestRejected(
            "image_mismatch",
            f"图片为 {width}×{height}，与页面的 {page['width']}×{page['height']} 不成比例；请发送识别时的图片。",
            f"The picture has {width}×{height} pixels, which does not fit a page of {page['width']}×{page['height']}. "
            "Send the picture that was read.",
        )
    return file
