"""A page's lines as files: plain text, JSON, CSV, hOCR and searchable PDF.

Every function takes pages as /api/ocr answers them (`lines` with `text`, `score` and `box`; `width`, `height`), one
after the other, and gives the file in pieces, so that a long document is never in memory as a whole.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass
from itertools import count, groupby, repeat
from typing import Any
from xml.sax.saxutils import escape

from ziyan import __version__, pdf, placing
from ziyan.errors import RequestRejected

Page = Mapping[str, Any]
OpenPicture = pdf.OpenPicture

CSV_COLUMNS = ("page", "line", "text", "score", "x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4")
_UTF8_MARK = "\ufeff"  # by which Excel knows that a CSV file is UTF-8
_PAGE_BREAK = "\f"  # as pdftotext and Tesseract write it
_HAN, _LATIN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"), re.compile("[A-Za-z]")


@dataclass(frozen=True)
class Format:
    """A kind of file: its name's ending, its media type, and what writes it."""

    ending: str
    media_type: str
    write: Callable[[Iterable[Page]], Iterator[str]] | None


def render(pages: Iterable[Page], form: str, *, pictures: Iterable[OpenPicture | None] = ()) -> Iterator[bytes]:
    """The file of the format `form` (a key of FORMATS), in pieces.

    `pictures` are for PDF alone, one a page: a function that opens the page's JPEG or PNG file and tells its dots per
    inch (or None), or None for a blank page. RequestRejected names an unknown format.
    """
    found = find(form)
    if found.write is None:
        return pdf.write(pages, pictures)
    return (piece.encode() for piece in found.write(pages))


def find(form: str) -> Format:
    """The format of that name. RequestRejected names those that there are."""
    if form not in FORMATS:
        raise RequestRejected(
            "unknown_format",
            f"未知的输出格式 {form!r}；可用：{'、'.join(FORMATS)}。",
            f"Unknown output format {form!r}. Known are: {', '.join(FORMATS)}.",
        )
    return FORMATS[form]


# A page that could not be read has no size; A4 at this resolution stands for it where a size is needed.
_BLANK_DPI, _BLANK_SIZE = 150, (1240, 1754)


def unread(number: int, message: str) -> dict[str, Any]:
    """A page that could not be read as files show it: it says so, and is not taken for an empty one."""
    width, height = _BLANK_SIZE
    box = [[0, 0], [width, 0], [width, height // 40], [0, height // 40]]
    line = {"text": f"[{number}: {message}]", "score": 0.0, "box": box}
    return {"page": number, "dpi": _BLANK_DPI, "width": width, "height": height, "lines": [line], "error": message}


def _txt(pages: Iterable[Page]) -> Iterator[str]:
    """The page's text as it was asked for (lines, rows or paragraphs), a form feed between two pages."""
    for number, page in enumerate(pages):
        texts = map(placing.printable, page.get("text") or map(_joined, _blocks(page)), repeat("\t"))
        yield (_PAGE_BREAK if number else "") + "".join(f"{text}\n" for text in texts)


def _joined(block: tuple[int | None, list[Mapping[str, Any]]]) -> str:
    """What the lines of one block say: those beside each other as cells, the others as running text."""
    _, lines = block
    cells: list[list[str]] = []
    before = None
    for line in lines:
        if before is None or placing.is_next_cell(before["box"], line["box"]):
            cells.append([])
        cells[-1].append(line["text"])
        before = line
    return "\t".join(map(placing.joined, cells))


def _json(pages: Iterable[Page]) -> Iterator[str]:
    """{"pages": […]}, every page as it was given."""
    yield '{"pages": ['
    for number, page in enumerate(pages):
        yield (",\n" if number else "\n") + json.dumps(_sound(page), ensure_ascii=False)
    yield "\n]}\n"


def _csv(pages: Iterable[Page]) -> Iterator[str]:
    """A row a line (RFC 4180): page and line from 1, text, score, the corners from the text's top left clockwise."""
    yield _UTF8_MARK + _rows([CSV_COLUMNS])
    for number, page in enumerate(pages, 1):
        yield _rows(
            (number, place, _text(line), line["score"], *(value for corner in line["box"] for value in corner))
            for place, line in enumerate(page["lines"], 1)
        )


def _rows(rows: Iterable[Iterable[Any]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _hocr(pages: Iterable[Page]) -> Iterator[str]:
    """hOCR 1.2 (kba.github.io/hocr-spec/1.2), as XHTML."""
    number = f'<meta name="ocr-number-of-pages" content="{len(pages)}" />\n' if isinstance(pages, Sized) else ""
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml">\n<head>\n<meta charset="UTF-8" />\n'
        f'<title>OCR</title>\n<meta name="ocr-system" content="ziyan {__version__}" />\n'
        '<meta name="ocr-capabilities" content="ocr_page ocr_par ocr_line ocrx_word ocrp_lang ocrp_wconf" />\n'
        '<meta name="ocr-langs" content="zh en" />\n<meta name="ocr-scripts" content="Hans Latn" />\n'
        f"{number}</head>\n<body>\n"
    )
    for number, page in enumerate(pages, 1):
        yield from _hocr_page(number, page)
    yield "</body>\n</html>\n"


def _hocr_page(number: int, page: Page) -> Iterator[str]:
    whole = f"bbox 0 0 {page['width']} {page['height']}; ppageno {number - 1}"
    yield f'<div class="ocr_page" id="page_{number}" title="{whole}">\n'
    places = count(1)
    for block, lines in _blocks(page):
        shown = "".join(_hocr_line(f"{number}_{next(places)}", line) for line in lines)
        if block is None:
            yield shown
        else:
            around = _bbox([corner for line in lines for corner in line["box"]])
            yield f'<p class="ocr_par" id="par_{number}_{block + 1}" title="{around}">\n{shown}</p>\n'
    yield "</div>\n"


def _hocr_line(name: str, line: Mapping[str, Any]) -> str:
    text, vertical = _text(line), line.get("vertical", False)
    sure = f"x_wconf {round(100 * line['score'])}"
    attributes = [f'class="ocr_line" id="line_{name}" title="{_bbox(line["box"])}{_slant(line)}; {sure}"']
    if language := _language(text):
        attributes.append(f'lang="{language}" xml:lang="{language}"')
    if vertical:
        attributes.append('style="writing-mode: vertical-rl"')
    words = " ".join(
        f'<span class="ocrx_word" id="word_{name}_{place}" title="{_bbox(quad)}; {sure}">{escape(word)}</span>'
        for place, (word, quad) in enumerate(placing.words({**line, "text": text}), 1)
    )
    return f"<span {' '.join(attributes)}>{words}</span>\n"


def _slant(line: Mapping[str, Any]) -> str:
    """How a line leans: a baseline from the box's lower left corner, or the angle of one that is turned."""
    if line.get("vertical"):
        return ""
    turned = placing.angle(line["box"])
    if abs(turned) > 45:
        return f"; textangle {turned % 360:.2f}"
    _, _, (right, right_y), (left, left_y) = line["box"]
    slope = (right_y - left_y) / (right - left)
    left_edge, _, _, bottom = placing.upright(line["box"])
    return f"; baseline {slope:.4f} {left_y + slope * (left_edge - left) - bottom:.0f}"


def _bbox(box: Iterable[placing.Point]) -> str:
    left, top, right, bottom = placing.upright(list(box))
    return f"bbox {max(0, left)} {max(0, top)} {max(0, right)} {max(0, bottom)}"


def _language(text: str) -> str | None:
    """The main language's tag (BCP 47): Chinese where there is any hanzi, English where there are letters."""
    return "zh" if _HAN.search(text) else "en" if _LATIN.search(text) else None


def _blocks(page: Page) -> Iterator[tuple[int | None, list[Mapping[str, Any]]]]:
    """The lines of each block in turn, with its number; a line that is in none is one by itself, with None."""
    numbered = ((line.get("block"), place, line) for place, line in enumerate(page["lines"]))
    for (block, _), found in groupby(numbered, lambda one: (one[0], one[1] if one[0] is None else None)):
        yield block, [line for _, _, line in found]


def _text(line: Mapping[str, Any]) -> str:
    return placing.printable(line["text"])


def _sound(page: Page) -> dict[str, Any]:
    """The page with texts that UTF-8 can carry."""
    return {**page, "lines": [{**line, "text": _text(line)} for line in page["lines"]]}


FORMATS = {
    "txt": Format("txt", "text/plain; charset=utf-8", _txt),
    "json": Format("json", "application/json", _json),
    "csv": Format("csv", "text/csv; charset=utf-8", _csv),
    "hocr": Format("hocr", "text/html; charset=utf-8", _hocr),
    "pdf": Format("pdf", "application/pdf", None),
}
