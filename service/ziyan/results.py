"""What a job gave, as a file."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from ziyan import outputs
from ziyan.jobs import Job

_CHUNK = 1 << 16


def render(job: Job, form: str) -> Iterator[bytes]:
    """The pages of a job that is done in the format `form`, in pieces, one page in memory at a time."""
    if form == "pdf" and job.searchable:
        return _chunks(job.searchable)
    pages = job.pages() if form == "json" else map(_shown, job.pages())
    return outputs.render(pages, form, pictures=_pictures(job))


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _shown(page: dict[str, Any]) -> dict[str, Any]:
    return outputs.unread(page["page"], page["error"]["message"]) if page["error"] else page


def _pictures(job: Job) -> Iterator[outputs.OpenPicture | None]:
    for number in job.outcomes():
        path = job.picture(number)
        yield partial(_opened, path) if path else None


def _opened(path: Path) -> tuple[BinaryIO, float | None]:
    return path.open("rb"), None
