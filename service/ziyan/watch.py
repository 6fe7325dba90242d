"""The watch folder: what a scanner drops there becomes a job, and its text and searchable PDF appear in done/.

    FOLDER/scan.jpg                     dropped, left alone until nobody writes to it any more
    FOLDER/done/scan.jpg                moved here once its results lie beside it, safe on the disk:
    FOLDER/done/scan.jpg.txt, .pdf
    FOLDER/failed/note.doc, .txt        what cannot be read, and why

Nothing is remembered in memory: a job names the very file that it came from (by its name, size and time), and the name
that a result gets is written down before the result. So the program may be killed at any moment: it goes on where it
was, and no file is lost, read into two results, or written over another.
"""

import contextlib
import hashlib
import logging
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ziyan import files, options, results
from ziyan.errors import Busy, DocumentRejected, DocumentTooLarge, ZiyanError
from ziyan.jobs import Intake, Job, Store, sync_to_disk
from ziyan.kinds import HEAD_BYTES, kind, unsupported
from ziyan.log import event
from ziyan.settings import Settings

PROGRAM = "ocr-web"
FORMS = ("txt", "pdf")
LOOK_S = 2
TROUBLE_S = 10
# A file without a byte may have been made to be filled later: it gets this many times as long.
EMPTY_PATIENCE = 10
# What browsers, copying programs and scanners call a file while they write it.
_UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".filepart", ".swp")
_MARK = "watch:"


class Watch:
    """The folder `settings.watch`."""

    def __init__(self, settings: Settings) -> None:
        self._folder = Path(settings.watch)
        self._done, self._failed = self._folder / "done", self._folder / "failed"
        self._settings, self._store = settings, Store(settings)
        self._intake = Intake(settings, PROGRAM)
        self._seen: dict[str, float] = {}
        self._troubled: set[str] = set()
        self._clean = False

    def run(self) -> None:
        """Watches for as long as the program lives."""
        trouble = False
        while True:
            try:
                self.look()
                trouble = False
            except Exception:  # the stick was pulled out, the disk is full: the page and the API serve on
                if not trouble:
                    event(PROGRAM, "watch_failed", level=logging.ERROR, exc_info=True)
                trouble = True
            time.sleep(TROUBLE_S if trouble else LOOK_S)

    def look(self, now: float | None = None) -> None:
        """Takes every dropped file one step further, as far as it can go at the moment `now` (monotonic seconds)."""
        now = time.monotonic() if now is None else now
        for folder in (self._done, self._failed):
            self._prepare(folder)
        dropped = {_origin(path): path for path in self._dropped()}
        self._seen = {origin: self._seen.get(origin, now) for origin in dropped}
        jobs = self._jobs() if dropped or self._plans() or not self._clean else {}
        self._tidy(dropped, jobs)
        self._troubled &= dropped.keys()
        for origin, path in dropped.items():
            try:
                self._advance(origin, path, jobs.get(origin), now)
            except FileNotFoundError:  # taken away under our hands
                continue
            except Exception:  # one file must not hold up the others; it is tried again
                if origin not in self._troubled:
                    event(PROGRAM, "watch_failed", level=logging.ERROR, exc_info=True)
                self._troubled.add(origin)

    def _prepare(self, folder: Path) -> None:
        """Makes a folder, with the rights of the one it is in: who may drop files may also take the results away."""
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            with contextlib.suppress(PermissionError):  # a file system without rights
                folder.chmod(self._folder.stat().st_mode & 0o7777)

    def _dropped(self) -> Iterator[Path]:
        for path in sorted(self._folder.iterdir()):
            shown = not path.name.startswith(".") and not path.is_symlink()
            if shown and path.is_file() and not path.name.lower().endswith(_UNFINISHED):
                yield path

    def _jobs(self) -> dict[str, Job]:
        """The jobs that came from here, by their origin."""
        told = ((job.asked.get("origin") or "", job) for job in self._store.jobs())
        return {origin: job for origin, job in told if origin.startswith(_MARK)}

    def _advance(self, origin: str, path: Path, job: Job | None, now: float) -> None:
        end = job and job.end
        if job is None:
            patience = 1 if path.stat().st_size else EMPTY_PATIENCE
            if now - self._seen[origin] >= patience * self._settings.watch_settle_s:
                self._submit(origin, path)
        elif end and end["state"] == "done":
            self._hand_over(origin, path, self._done, {form: results.render(job, form) for form in FORMS})
            event(PROGRAM, "watched", job=job.id, pages=len(job.outcomes()))
            self._store.remove(job)
        elif end:
            reason = end["error"]["message"] if end["error"] else "任务已取消。 The job was cancelled."
            self._refuse(origin, path, reason)
            self._store.remove(job)

    # --- in ---

    def _submit(self, origin: str, path: Path) -> None:
        try:
            self._check(path)
            draft = self._store.draft(path.stat().st_size)
        except Busy:
            return  # until there is room
        except ZiyanError as error:
            self._refuse(origin, path, str(error))
            return
        try:
            with path.open("rb") as source, draft.file() as copy:
                shutil.copyfileobj(source, copy)
            if _origin(path) != origin:  # it was not complete after all
                draft.drop()
                return
            asked = options.DEFAULTS.as_dict()
            job = draft.accept(names=[path.name], options=asked, force=False, origin=origin)
        except BaseException:
            draft.drop()
            raise
        self._intake.put(job)

    def _check(self, path: Path) -> None:
        size = path.stat().st_size
        if not size:
            raise DocumentRejected("file_empty", "文件是空的。", "The file is empty.")
        if size > (limit := self._settings.jobs_body_bytes):
            raise DocumentTooLarge(
                "body_too_large",
                f"文件有 {size} 字节，上限为 {limit} 字节；请分成几份。",
                f"The file has {size} bytes, the limit is {limit}. Split it.",
            )
        try:
            with path.open("rb") as file:
                known = kind(file.read(HEAD_BYTES))
        except PermissionError as error:
            raise DocumentRejected(
                "file_unreadable",
                "没有读取此文件的权限；请让用户 ziyan 可以读取。",
                "The file may not be read. Let the user ziyan read it.",
            ) from error
        if known is None:
            raise unsupported(path.name)

    # --- out ---

    def _refuse(self, origin: str, path: Path, reason: str) -> None:
        self._hand_over(origin, path, self._failed, {"txt": [f"{reason}\n".encode()]})
        event(PROGRAM, "watched_in_vain", level=logging.WARNING)

    def _hand_over(self, origin: str, path: Path, folder: Path, pieces: Mapping[str, Iterable[bytes]]) -> None:
        """Writes the results into `folder`, then moves the file to them, under a name that was free."""
        plan = folder / f".{origin.removeprefix(_MARK)}.name"
        if not plan.exists():
            files.write(plan, [os.fsencode(_free_name(folder, path.name, pieces))])
        name = os.fsdecode(plan.read_bytes())
        for form, content in pieces.items():
            files.write(files.result(folder / name, form), content)
        if _origin(path) == origin:
            path.rename(folder / name)
            sync_to_disk(folder)
            sync_to_disk(self._folder)
        else:  # written anew meanwhile: what was read is not what lies there
            for form in pieces:
                files.result(folder / name, form).unlink(missing_ok=True)
        plan.unlink()

    def _plans(self) -> list[Path]:
        return [*self._done.glob(".*.name"), *self._failed.glob(".*.name")]

    def _tidy(self, dropped: Mapping[str, Path], jobs: dict[str, Job]) -> None:
        """Ends what a kill left: jobs and plans of files that were moved already, and jobs of files that changed."""
        for origin in jobs.keys() - dropped.keys():
            job = jobs.pop(origin)
            job.finish("cancelled")
            self._store.remove(job)
        for plan in self._plans():
            if _MARK + plan.name.removeprefix(".").removesuffix(".name") not in dropped:
                plan.unlink(missing_ok=True)
        if not self._clean:
            for draft in (*self._done.glob(".*.part"), *self._failed.glob(".*.part")):
                draft.unlink(missing_ok=True)
            self._clean = True


def _origin(path: Path) -> str:
    """What tells a dropped file from every other, also from one of the same name: its name, size and time of change."""
    status = path.stat()
    told = repr((str(path), status.st_size, status.st_mtime_ns))
    return _MARK + hashlib.sha256(told.encode()).hexdigest()


def _free_name(folder: Path, name: str, forms: Iterable[str]) -> str:
    """`name`, or name-2, name-3 … before its ending, so that neither the file nor a result is written over another."""
    stem, ending = Path(name).stem, Path(name).suffix
    number = 1
    while True:
        tried = name if number == 1 else f"{stem}-{number}{ending}"
        taken = [folder / tried, *(files.result(folder / tried, form) for form in forms)]
        if not any(path.exists() for path in taken):
            return tried
        number += 1
