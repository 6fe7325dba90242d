"""A PDF made searchable: its own pages as they are, sharp and small, and what was read on them invisible above."""

from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
from pypdfium2 import raw as pdfium_c

from ziyan import pdf
from ziyan.errors import DocumentRejected

Page = Mapping[str, Any]


def write(source: Path, pages: Iterable[Page], target: Path) -> None:
    """Writes the PDF at `source` with the text of its `pages`, all of them in order, to `target`.

    A page whose text came from the PDF, or that could not be read, stays as it is. An invisible layer of before, as
    scanners and other programs leave it, gives way to the new one. DocumentRejected where PDFium cannot do it.
    """
    try:
        with closing(pdfium.PdfDocument(source)) as document:
            for index, page in enumerate(pages):
                if page["lines"] and page.get("source") != "text" and not page.get("error"):
                    _add(document, index, page)
            document.save(target)
    except pdfium.PdfiumError as error:
        raise DocumentRejected(
            "document_unwritable",
            "无法在此 PDF 上写入文字；请换用其他输出格式，或先另存为新的 PDF。",
            "No text can be written to this PDF. Ask for another format, or save it anew first.",
        ) from error


def _add(document: pdfium.PdfDocument, index: int, page: Page) -> None:
    layer = b"".join(pdf.write([{**page, "turned": 0}]))
    with closing(pdfium.PdfDocument(layer)) as text, closing(document[index]) as drawn:
        for old in list(drawn.get_objects(max_depth=1)):
            if _is_hidden_text(old.raw):
                drawn.remove_obj(old)
                old.close()
        with closing(text.page_as_xobject(0, document)) as captured:
            new = captured.as_pageobject()
        new.transform(_place(drawn, text.get_page_size(0)))
        drawn.insert_obj(new)
        drawn.gen_content()
        drawn.set_rotation((drawn.get_rotation() + 90 * round(page.get("turned", 0) / 90)) % 360)


def _is_hidden_text(drawn: Any) -> bool:
    """Whether an object of a page is invisible text, or a form of nothing else."""
    kind = pdfium_c.FPDFPageObj_GetType(drawn)
    if kind == pdfium_c.FPDF_PAGEOBJ_FORM:
        inner = range(pdfium_c.FPDFFormObj_CountObjects(drawn))
        return bool(inner) and all(_is_hidden_text(pdfium_c.FPDFFormObj_GetObject(drawn, i)) for i in inner)
    hidden = pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE
    return kind == pdfium_c.FPDF_PAGEOBJ_TEXT and pdfium_c.FPDFTextObj_GetTextRenderMode(drawn) == hidden


def _place(drawn: pdfium.PdfPage, size: tuple[float, float]) -> pdfium.PdfMatrix:
    """From a layer of `size`, as the page is shown, to the page's own space, which may lie turned and elsewhere."""
    (width, height), (left, bottom, right, top) = drawn.get_size(), drawn.get_bbox()
    a, b, c, d, e, f = {
        0: (1, 0, 0, 1, left, bottom),
        90: (0, 1, -1, 0, right, bottom),
        180: (-1, 0, 0, -1, right, top),
        270: (0, -1, 1, 0, left, top),
    }[drawn.get_rotation()]
    return pdfium.PdfMatrix().scale(width / size[0], height / size[1]).multiply(pdfium.PdfMatrix(a, b, c, d, e, f))
