"""A folder of pictures with labels; the format is documented in tests/data/README.md."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path


class DatasetError(Exception):
    """The folder cannot be measured; the message says which line of which file is wrong."""


@dataclass(frozen=True)
class LabelledPage:
    """One picture and the text that a person sees on it."""

    name: str
    path: Path
    category: str
    lines: list[str]
    partial: bool

    @classmethod
    def from_record(cls, record: dict, folder: Path) -> "LabelledPage":
        """The page that one object of pages.jsonl describes; its picture is checked against `sha256` if given."""
        page = cls(
            name=record["file"],
            path=folder / record["file"],
            category=record["category"],
            lines=[str(line) for line in record["lines"]],
            partial=bool(record.get("partial", False)),
        )
        if not page.path.is_file():
            raise DatasetError(f"{page.path}: the picture is missing")
        expected = record.get("sha256")
        if expected and hashlib.sha256(page.path.read_bytes()).hexdigest() != expected:
            raise DatasetError(f"{page.path}: not the file that was labelled (sha256 differs)")
        return page


def load(folder: Path) -> list[LabelledPage]:
    """All pages of `folder`/pages.jsonl, in its order."""
    labels = folder / "pages.jsonl"
    if not labels.is_file():
        raise DatasetError(f"{labels}: not found; tests/data/README.md tells how to write one")
    pages = []
    for number, text in enumerate(labels.read_text(encoding="utf-8").splitlines(), start=1):
        if not text.strip():
            continue
        try:
            pages.append(LabelledPage.from_record(json.loads(text), folder))
        except (ValueError, TypeError, KeyError) as error:
            raise DatasetError(f"{labels}, line {number}: {type(error).__name__}: {error}") from error
    if not pages:
        raise DatasetError(f"{labels}: no page in it")
    return pages
