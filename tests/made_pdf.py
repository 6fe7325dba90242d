"""Small PDFs for tests, written by hand: text in Helvetica, pictures, and what a hostile sender might write."""

import zlib
from collections.abc import Sequence

A4 = (595, 842)


def pdf(pages: Sequence[str], *, size: tuple[float, float] = A4, page: str = "", trailer: str = "") -> bytes:
    """A PDF of `pages`, each the operators of its content, with /F1 Helvetica. `page` and `trailer` go in as given."""
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{' '.join(f'{4 + 2 * i} 0 R' for i in range(len(pages)))}] >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for i, content in enumerate(pages):
        box = f"[0 0 {size[0]} {size[1]}]"
        fonts = "/Resources << /Font << /F1 3 0 R >> >>"
        objects.append(f"<< /Type /Page /Parent 2 0 R /MediaBox {box} {fonts} /Contents {5 + 2 * i} 0 R {page} >>")
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
    return assembled(objects, trailer)


def assembled(objects: Sequence[str], trailer: str = "") -> bytes:
    """The file of these objects, the first of which is its catalog. Every character is a byte."""
    out, offsets = "%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    place, size = len(out), len(objects) + 1
    out += f"xref\n0 {size}\n0000000000 65535 f \n{table}"
    out += f"trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\nstartxref\n{place}\n%%EOF\n"
    return out.encode("latin-1")


def text(*lines: tuple[str, float, float], size_pt: float = 12) -> str:
    """Operators that write each (text, x, y) in points from the lower left corner."""
    shown = "".join(f"1 0 0 1 {x} {y} Tm ({line}) Tj\n" for line, x, y in lines)
    return f"BT /F1 {size_pt} Tf\n{shown}ET"


def encrypted() -> bytes:
    """A PDF that nobody opens without its password."""
    key = "00" * 32
    standard = f"/Encrypt << /Filter /Standard /V 1 /R 2 /P -1 /O <{key}> /U <{key}> >> /ID [<{key}> <{key}>]"
    return pdf([text(("secret", 100, 700))], trailer=standard)


def picture_bomb(side: int, *, told: int | None = None) -> bytes:
    """A small PDF whose only page shows a white picture of `side` x `side` pixels, or says that it has `told`."""
    rows, out = zlib.compressobj(9), b""
    for _ in range(side):
        out += rows.compress(b"\xff" * 3 * side)
    return picture(out + rows.flush(), told or side, told or side, "FlateDecode")


def picture(data: bytes, width: int, height: int, decoded_by: str) -> bytes:
    """A PDF whose only page shows a picture of these pixels, RGB, encoded as PDF's filter `decoded_by` takes it."""
    facts = f"/Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceRGB /BitsPerComponent 8"
    content = "595 0 0 842 0 0 cm /I Do"
    resources = "/Resources << /XObject << /I 5 0 R >> >>"
    return assembled([
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] {resources} /Contents 4 0 R >>",
        f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
        f"<< {facts} /Filter /{decoded_by} /Length {len(data)} >>\nstream\n{data.decode('latin-1')}\nendstream",
    ])  # fmt: skip
