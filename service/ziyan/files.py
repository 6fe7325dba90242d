"""Files for the command line and the watch folder: which are read, what their results are called, safe writing."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ziyan import outputs
from ziyan.jobs import sync_to_disk
from ziyan.kinds import HEAD_BYTES, kind


def found(paths: Iterable[Path]) -> Iterator[Path]:
    """The files of `paths` as they are, and of folders, sorted, what can be read and is not a result of ours."""
    for path in paths:
        if path.is_dir():
            yield from (inner for inner in sorted(path.rglob("*")) if _readable(inner, path))
        else:
            yield path


def _readable(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    if hidden or not path.is_file() or is_result(path):
        return False
    try:
        with path.open("rb") as file:
            return kind(file.read(HEAD_BYTES)) is not None
    except OSError:  # reading it will tell what is wrong
        return True


def is_result(path: Path) -> bool:
    """Whether a file is called as the result of one beside it is: scan.pdf.txt beside scan.pdf."""
    endings = {f".{form.ending}" for form in outputs.FORMATS.values()}
    return path.suffix in endings and path.with_suffix("").is_file()


def result(path: Path, form: str, folder: Path | None = None) -> Path:
    """Where the result of a file goes: beside it or into `folder`, its whole name and the format's ending."""
    return (folder or path.parent) / f"{path.name}.{outputs.find(form).ending}"


def write(path: Path, pieces: Iterable[bytes]) -> None:
    """Writes a file that is there as a whole, and on the disk, or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with draft.open("wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_to_disk(path.parent)
