"""Searchable PDF: every page's picture, and over it the text, invisible, each line in its place.

Written as it goes, one page in memory (ISO 32000-1). The text uses a font without shapes, as Tesseract's does: its one
glyph is a blank half em wide and one em high, stretched by Tz until a line's characters fill the line's box, so that a
viewer's selection covers what it shows. A code is given to each character at its first use, and the ToUnicode map says
which: any character can be searched for, whatever its writing system.
"""

import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.resources import files
from itertools import chain, groupby, repeat
from typing import Any, BinaryIO

from ziyan import __version__, placing
from ziyan.embed import Embedded, look

Page = Mapping[str, Any]
# Opens a page's picture, a JPEG or PNG file, and tells its dots per inch (None: the file's own, or to fit A4). The file
# is closed once it is copied.
OpenPicture = Callable[[], tuple[BinaryIO, float | None]]

POINTS_PER_INCH = 72
_A4_LONG_SIDE_PT = 842
_LONGEST_PT = 14_400  # ISO 32000-1, annex C: what viewers can show
_MOST_CODES = 0xFFFF
_CATALOG, _PAGES, _INFO, _FONT, _FONT_DOWN, _DESCENDANT, _DESCRIPTOR, _PROGRAM, _GLYPHS, _UNICODE = range(1, 11)
_FIRST_FREE = 11
# (a, b, c, d, e, f) by which EXIF's orientation 1 to 8 lays the unit square down, upright (CIPA DC-008, 4.6.4).
_TURNS = {
    1: (1, 0, 0, 1, 0, 0),
    2: (-1, 0, 0, 1, 1, 0),
    3: (-1, 0, 0, -1, 1, 1),
    4: (1, 0, 0, -1, 0, 1),
    5: (0, -1, -1, 0, 1, 1),
    6: (0, -1, 1, 0, 0, 1),
    7: (0, 1, 1, 0, 0, 0),
    8: (0, 1, -1, 0, 1, 0),
}


def write(pages: Iterable[Page], pictures: Iterable[OpenPicture | None] = ()) -> Iterator[bytes]:
    """The PDF in pieces. A page without a picture is blank, its text invisible on it all the same."""
    paper, codes = _Paper(), _Codes()
    yield paper.start()
    kids = []
    for page, open_picture in zip(pages, chain(pictures, repeat(None)), strict=False):
        kids.append(paper.next_number())
        yield from _page(paper, codes, kids[-1], page, open_picture)
    yield from _fonts(paper, codes)
    yield paper.write(_CATALOG, f"<< /Type /Catalog /Pages {_PAGES} 0 R >>")
    listed = " ".join(f"{number} 0 R" for number in kids)
    yield paper.write(_PAGES, f"<< /Type /Pages /Count {len(kids)} /Kids [{listed}] >>")
    yield paper.write(_INFO, f"<< /Producer (Ziyan {__version__}) >>")
    yield paper.end()


class _Paper:
    """Numbers the objects, and remembers at which byte each of them starts."""

    def __init__(self) -> None:
        self._written, self._next = 0, _FIRST_FREE
        self._offsets: dict[int, int] = {}

    def next_number(self) -> int:
        """The number of one more object."""
        self._next += 1
        return self._next - 1

    def _out(self, data: bytes) -> bytes:
        self._written += len(data)
        return data

    def start(self) -> bytes:
        return self._out(b"%PDF-1.5\n%\xe5\xad\x97\xe7\x9c\xbc\n")

    def write(self, number: int, content: str) -> bytes:
        """A whole object."""
        self._offsets[number] = self._written
        return self._out(f"{number} 0 obj\n{content}\nendobj\n".encode("ascii"))

    def stream(self, number: int, entries: str, length: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """A stream object of `length` bytes, passed on as they come."""
        self._offsets[number] = self._written
        yield self._out(f"{number} 0 obj\n<< {entries} /Length {length} >>\nstream\n".encode("ascii"))
        for chunk in chunks:
            yield self._out(chunk)
        yield self._out(b"\nendstream\nendobj\n")

    def packed(self, number: int, data: bytes, entries: str = "") -> Iterator[bytes]:
        """A stream object that holds `data` compressed."""
        packed = zlib.compress(data, 9)
        return self.stream(number, f"/Filter /FlateDecode {entries}", len(packed), [packed])

    def end(self) -> bytes:
        """The table of all objects, and where it is."""
        rows = [f"{self._offsets[number]:010d} 00000 n \n" for number in range(1, self._next)]
        table = f"xref\n0 {self._next}\n0000000000 65535 f \n{''.join(rows)}"
        trailer = f"trailer\n<< /Size {self._next} /Root {_CATALOG} 0 R /Info {_INFO} 0 R >>\n"
        return f"{table}{trailer}startxref\n{self._written}\n%%EOF\n".encode("ascii")


class _Codes:
    """The two-byte code of every character so far: 1, 2, 3, … in the order of first use."""

    def __init__(self) -> None:
        self._of: dict[str, int] = {}

    def hex(self, text: str) -> str:
        """The codes of `text`, four hexadecimal digits each; 0000 (U+FFFD) once all are taken."""
        return "".join(f"{self._code(character):04x}" for character in text)

    def _code(self, character: str) -> int:
        if character not in self._of and len(self._of) == _MOST_CODES:
            return 0
        return self._of.setdefault(character, len(self._of) + 1)

    def __len__(self) -> int:
        return len(self._of) + 1

    def to_unicode(self) -> bytes:
        """The CMap from codes to UTF-16 (ISO 32000-1, 9.10.3)."""
        rows = ["<0000> <fffd>"]
        rows += [f"<{code:04x}> <{character.encode('utf-16-be').hex()}>" for character, code in self._of.items()]
        blocks = [rows[start : start + 100] for start in range(0, len(rows), 100)]  # a block holds at most 100
        maps = "\n".join(f"{len(block)} beginbfchar\n{chr(10).join(block)}\nendbfchar" for block in blocks)
        return (
            "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
            "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
            "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
            "1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n"
            f"{maps}\nendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
        ).encode("ascii")


def _fonts(paper: _Paper, codes: _Codes) -> Iterator[bytes]:
    """The font without shapes, for rows (/R) and for columns (/C)."""
    name = "/BaseFont /GlyphLessFont"
    info = "/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
    for number, encoding in ((_FONT, "/Identity-H"), (_FONT_DOWN, "/Identity-V")):
        yield paper.write(
            number,
            f"<< /Type /Font /Subtype /Type0 {name} /Encoding {encoding} "
            f"/DescendantFonts [{_DESCENDANT} 0 R] /ToUnicode {_UNICODE} 0 R >>",
        )
    yield paper.write(
        _DESCENDANT,
        f"<< /Type /Font /Subtype /CIDFontType2 {name} {info} /FontDescriptor {_DESCRIPTOR} 0 R "
        f"/CIDToGIDMap {_GLYPHS} 0 R /DW 500 /W2 [0 {len(codes)} -1000 0 0] >>",
    )
    yield paper.write(
        _DESCRIPTOR,
        "<< /Type /FontDescriptor /FontName /GlyphLessFont /Flags 5 /FontBBox [0 0 500 1000] /ItalicAngle 0 "
        f"/Ascent 1000 /Descent -1 /CapHeight 1000 /StemV 80 /FontFile2 {_PROGRAM} 0 R >>",
    )
    program = (files("ziyan") / "glyphless.ttf").read_bytes()
    yield from paper.packed(_PROGRAM, program, f"/Length1 {len(program)}")
    yield from paper.packed(_GLYPHS, b"\0\1" * len(codes))  # every code shows glyph 1, the blank
    yield from paper.packed(_UNICODE, codes.to_unicode())


def _page(paper: _Paper, codes: _Codes, number: int, page: Page, open_picture: OpenPicture | None) -> Iterator[bytes]:
    image, dpi = None, None
    if open_picture:
        file, dpi = open_picture()
        embedded = look(file)
        # Of the picture's own dots; it may be smaller than the one that was read.
        dpi = (dpi or embedded.dpi or 0) * page["width"] / embedded.shown_size[0]
        image = paper.next_number()
    scale = _points_per_pixel(page, page.get("dpi") or dpi)
    width_pt, height_pt = page["width"] * scale, page["height"] * scale
    content = paper.next_number()
    resources = f"/Font << /R {_FONT} 0 R /C {_FONT_DOWN} 0 R >>" + (f" /XObject << /I {image} 0 R >>" if image else "")
    turned = 90 * round(page.get("turned", 0) / 90) % 360
    yield paper.write(
        number,
        f"<< /Type /Page /Parent {_PAGES} 0 R /MediaBox [0 0 {_n(width_pt)} {_n(height_pt)}] /Rotate {turned} "
        f"/Resources << {resources} >> /Contents {content} 0 R >>",
    )
    drawn = []
    if image:
        entries = f"/Type /XObject /Subtype /Image /Width {embedded.width} /Height {embedded.height} {embedded.entries}"
        with file:
            yield from paper.stream(image, entries, embedded.size_bytes, embedded.copied(file))
        drawn = [_drawn(embedded, width_pt, height_pt)]
    text = [_line(codes, line, scale, height_pt) for line in page["lines"]]
    yield from paper.packed(content, "\n".join([*drawn, "BT 3 Tr", *filter(None, text), "ET"]).encode("ascii"))


def _points_per_pixel(page: Page, dpi: float | None) -> float:
    longer = max(page["width"], page["height"])
    wished = POINTS_PER_INCH / dpi if dpi else _A4_LONG_SIDE_PT / longer
    return min(wished, _LONGEST_PT / longer)


def _drawn(embedded: Embedded, width_pt: float, height_pt: float) -> str:
    """Draws the picture upright over the whole page."""
    a, b, c, d, e, f = _TURNS[embedded.orientation]
    placed = (a * width_pt, b * height_pt, c * width_pt, d * height_pt, e * width_pt, f * height_pt)
    return f"q {' '.join(map(_n, placed))} cm /I Do Q"


def _line(codes: _Codes, line: Mapping[str, Any], scale: float, height_pt: float) -> str | None:
    """Shows one line's characters so that they fill its box."""
    text = placing.printable(line["text"])
    if not text:
        return None
    box = [(x * scale, height_pt - y * scale) for x, y in line["box"]]
    width, height = placing.sides(box)
    # The font is a rectangle: a line's lean is kept, a quad's perspective is not.
    turn = math.radians(placing.angle(line["box"]))
    across = (math.cos(turn), math.sin(turn))
    if line.get("vertical"):
        # A character starts at its lower left corner here as well (W2): Poppler looks for it nowhere else.
        size, font = height / len(text), "/C"
        origin = (box[0][0] + across[1] * size, box[0][1] - across[0] * size)
        shown = f"{_n(200 * width / size)} Tz <{codes.hex(text)}> Tj"
    else:
        size, origin, font = height, box[3], "/R"
        half_em = width / (placing.reach(text) or len(text))
        shown = " ".join(
            f"{_n(100 * reach * half_em / (0.5 * size))} Tz <{codes.hex(run)}> Tj" for reach, run in _runs(text)
        )
    matrix = (*across, -across[1], across[0], *origin)
    return f"{font} {_n(size)} Tf {' '.join(map(_n, matrix))} Tm {shown}"


def _runs(text: str) -> Iterator[tuple[int, str]]:
    """The text in stretches of characters that reach equally far, at least a hundredth of a half em."""
    for reach, run in groupby(text, placing.advance):
        yield reach or 0.01, "".join(run)


def _n(value: float) -> str:
    """A number as PDF writes it: at most four decimals, no exponent."""
    return f"{value:.4f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"
