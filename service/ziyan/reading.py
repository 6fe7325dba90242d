"""What `ziyan read` does with one file: its pages one after the other, and their pictures where a PDF wants them."""

import io
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ziyan import documents, embed, image, outputs
from ziyan.errors import ZiyanError
from ziyan.kinds import HEAD_BYTES, kind
from ziyan.options import Options
from ziyan.page import Page
from ziyan.pipeline import Pipeline

# A page's picture in a searchable PDF that cannot be taken from its file: A4 at 200 dpi.
_KEPT_PIXELS, _KEPT_QUALITY = 4_000_000, 80
_CHUNK = 1 << 16


class Reading:
    """The pages of the file at `path`, read as they are asked for. `failed` holds the errors of those that were not."""

    def __init__(
        self, path: Path, pipeline: Pipeline, asked: Options, limits: documents.Limits, *, force: bool
    ) -> None:
        self._path, self._pipeline, self._asked, self._limits, self._force = path, pipeline, asked, limits, force
        self._picture: image.Picture | None = None
        self.failed: list[tuple[int, ZiyanError]] = []

    def render(self, form: str, turned: Callable[[], None] = lambda: None) -> Iterator[bytes]:
        """The file of the format `form`, in pieces. Calls `turned` behind each page."""
        with self._path.open("rb") as file:
            keeps_its_pages = form == "pdf" and kind(file.read(HEAD_BYTES)) == "pdf"
        if keeps_its_pages:
            return self._searchable(self.pages(turned))
        return outputs.render(self.pages(turned), form, pictures=self._pictures())

    def _searchable(self, pages: Iterator[dict[str, Any]]) -> Iterator[bytes]:
        from ziyan import searchable  # PDFium, for PDFs alone

        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "searchable.pdf"
            searchable.write(self._path, pages, target)
            with target.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    yield chunk

    def pages(self, turned: Callable[[], None] = lambda: None) -> Iterator[dict[str, Any]]:
        """Every page; one that cannot be read says so in place of its text. Calls `turned` behind each."""
        with documents.opened(self._path, self._limits) as document:
            for index in range(len(document)):
                yield self._page(document, index)
                turned()

    def _pictures(self) -> Iterator[outputs.OpenPicture | None]:
        """The picture of the page that was given last, whenever it is asked for."""
        while True:
            yield self._open if self._picture else None

    def _page(self, document: documents.Document, index: int) -> dict[str, Any]:
        self._picture = None
        try:
            sheet = document.sheet(index)
            layer = None if self._force else sheet.layer()
            self._picture = sheet.draw()
            if layer is None:
                page = self._pipeline.read(self._picture, self._asked)
            else:
                page = Page(layer, self._picture.width, self._picture.height)
        except ZiyanError as error:
            if len(document) == 1:
                raise
            self.failed.append((index + 1, error))
            return outputs.unread(index + 1, error.message)
        source = "read" if layer is None else "text"
        return {"page": index + 1, "dpi": sheet.dpi, "source": source, **page.as_dict()}

    def _open(self) -> tuple[BinaryIO, float | None]:
        """The file itself, where a PDF takes it as it is, else the page's picture as JPEG."""
        file = self._path.open("rb")
        try:
            embed.look(file)
            return file, None
        except ZiyanError:
            file.close()
        return io.BytesIO(image.jpeg(self._picture, _KEPT_PIXELS, _KEPT_QUALITY)), None


def count(path: Path, limits: documents.Limits) -> int:
    """How many pages a file has; 1 where reading it will tell what is wrong with it."""
    try:
        with documents.opened(path, limits) as document:
            return len(document)
    except (ZiyanError, OSError):
        return 1
