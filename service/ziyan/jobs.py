"""Jobs: what takes longer than one picture. Each is a folder, and what is in it tells its state.

    ID/job.json            what was sent and asked, written once, when the job is accepted
    ID/file-0, file-1, …   the sent documents, until the job ends
    ID/plan.json           how many pages each of them has
    ID/attempt.json        the page that was begun last, and how often; look.json the same of the look at the documents
    ID/00001.jpg           a page's picture
    ID/00001.read.json     what it gave; `text` for `read` where it is a PDF's own text, `failed` where it gave nothing
    ID/result.pdf          the PDF that was sent, with what was read on it; only where the job was one PDF
    ID/end.json            how the job ended: done, failed or cancelled

A file appears whole or not at all, and is on the disk before anything that depends on it is said: a job that was
accepted and a page that was read survive a kill and a power cut. The queue (Huey) only says whose turn it is; should it
lose a job, `Queue.lost` finds it. See docs/decisions/0004-jobs-are-folders.md.
"""

import contextlib
import fcntl
import json
import logging
import os
import re
import secrets
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ziyan.errors import Busy, Conflict, NotFound, SettingRejected
from ziyan.log import event
from ziyan.page import corrected
from ziyan.settings import Settings, variable

FINAL = ("done", "failed", "cancelled")
OUTCOMES = ("read", "text", "failed")
_ID = re.compile(r"[0-9a-f]{30}")  # microseconds of its acceptance, by which jobs are in order, and 64 random bits
_PAGE = re.compile(r"(\d{5})\.(read|text|failed)\.json")
_INCOMING = "incoming"
_SEARCHABLE = "result.pdf"
# What is left in `incoming` this long after it was touched, nobody is sending any more.
_ABANDONED_S = 3600
# Never filled: the logs, the system and the next update need some of the card as well.
_FREE_BYTES = 64 << 20


@dataclass(frozen=True)
class Pages:
    """How many pages of a job are done, and of these how many had a text layer or could not be read."""

    done: int
    from_text: int
    failed: int


class Job:
    """The job in `folder`. Nothing is remembered: another program may write there at any time."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.id = folder, folder.name

    def __repr__(self) -> str:
        return f"Job({self.id}, {self.state})"

    # --- what it is ---

    @property
    def asked(self) -> dict[str, Any]:
        """`created` (Unix seconds), `files` (their names, as the sender called them), `options`, `force`."""
        return _read(self.folder / "job.json") or {}

    @property
    def plan(self) -> list[int] | None:
        """How many pages each document has, or None while nobody has looked."""
        return _read(self.folder / "plan.json")

    @property
    def end(self) -> dict[str, Any] | None:
        """`state`, `at` (Unix seconds) and `error` of a job that ended."""
        return _read(self.folder / "end.json")

    @property
    def state(self) -> str:
        """queued, running, done, failed or cancelled."""
        return state_of(self, self.end)

    def files(self) -> list[Path]:
        """The sent documents in the order in which they were sent."""
        return [self.folder / f"file-{i}" for i in range(len(self.asked["files"]))]

    # --- its pages ---

    def outcomes(self) -> dict[int, str]:
        """The outcome (OUTCOMES) of every page that is done, by its number from 1."""
        try:
            found = filter(None, (_PAGE.fullmatch(path.name) for path in self.folder.iterdir()))
            return {int(page[1]): page[2] for page in sorted(found, key=lambda page: page[1])}
        except FileNotFoundError:
            return {}

    def pages(self) -> Iterator[dict[str, Any]]:
        """Every page that is done, in order, one in memory at a time."""
        return (self._page(number, outcome) for number, outcome in self.outcomes().items())

    def page(self, number: int) -> dict[str, Any] | None:
        """Page `number`, from 1, or None where it is not done."""
        outcome = self.outcomes().get(number)
        return self._page(number, outcome) if outcome else None

    def _page(self, number: int, outcome: str) -> dict[str, Any]:
        return json.loads((self.folder / f"{number:05d}.{outcome}.json").read_bytes())

    def picture(self, number: int) -> Path | None:
        """The JPEG of a page, or None where there is none."""
        path = self.folder / f"{number:05d}.jpg"
        return path if path.exists() else None

    def keep_plan(self, pages: list[int]) -> None:
        """Notes how many pages each document has."""
        _write(self.folder / "plan.json", _json(pages))

    def keep_page(self, number: int, outcome: str, page: dict[str, Any], picture: bytes | None) -> None:
        """Keeps what page `number` (from 1) gave. Once this returns, the page is never read again."""
        if picture:
            _write(self.folder / f"{number:05d}.jpg", picture, sync_folder=False)
        _write(self.folder / f"{number:05d}.{outcome}.json", _json(page))

    @property
    def searchable(self) -> Path | None:
        """The PDF that was sent, made searchable, or None where there is none."""
        path = self.folder / _SEARCHABLE
        return path if path.exists() else None

    def keep_searchable(self, write: Callable[[Path], None]) -> None:
        """Keeps the PDF that `write` writes to the path it is given."""
        draft = self.folder / f".{_SEARCHABLE}"
        try:
            write(draft)
            sync_to_disk(draft)
            draft.rename(self.folder / _SEARCHABLE)
        finally:
            draft.unlink(missing_ok=True)
        sync_to_disk(self.folder)

    def correct_page(self, number: int, texts: list[str]) -> dict[str, Any] | None:
        """Keeps `texts`, one a line, in place of what page `number` gave: the page, or None where it is not done.

        The sent PDF with its text would say the former text, so it goes; the PDF is made of the pages' pictures then.
        ValueError where they are not as many as its lines.
        """
        outcome = self.outcomes().get(number)
        if outcome is None:
            return None
        page = corrected(self._page(number, outcome), texts)
        _write(self.folder / f"{number:05d}.{outcome}.json", _json(page))
        (self.folder / _SEARCHABLE).unlink(missing_ok=True)
        return page

    def attempt(self, page: int) -> int:
        """Notes that `page` is tried, 0 being the look at the documents; the result is how often by now."""
        path = self.folder / ("attempt.json" if page else "look.json")
        before = _read(path) or {"page": None, "times": 0}
        times = before["times"] + 1 if before["page"] == page else 1
        _write(path, _json({"page": page, "times": times}), sync=False)  # a power cut is no fault of the page's
        return times

    # --- its end ---

    def finish(self, state: str, *, error: dict[str, str] | None = None, now: float | None = None) -> bool:
        """Ends the job, unless it has ended: then the result is False. What the result does not need is removed."""
        if state != "done":  # where the disk is full, this makes room for the end
            for path in self.folder.glob("*.jpg"):
                path.unlink(missing_ok=True)
        ended = {"state": state, "at": time.time() if now is None else now, "error": error}
        first = _write(self.folder / "end.json", _json(ended), once=True)
        self.tidy()
        return first

    def tidy(self) -> None:
        """Removes what an ended job does not need: the documents, and all pages of one that was not done."""
        end = self.end
        if not end:
            return
        spared = {"job.json", "end.json", "plan.json", "lock"}
        for path in self.folder.iterdir():
            if path.name[0] == ".":  # somebody is about to put it in place
                continue
            if path.name not in spared and not (end["state"] == "done" and _is_of_the_result(path.name)):
                path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def held(self) -> Iterator[bool]:
        """Whether the caller alone may work on the job until the block ends, even if the caller is killed."""
        try:
            lock = (self.folder / "lock").open("ab")
        except FileNotFoundError:  # removed meanwhile
            yield False
            return
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield not self.end

    @property
    def size_bytes(self) -> int:
        """Bytes of all its files."""
        total = 0
        with contextlib.suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    total += entry.stat().st_size
        return total


def state_of(job: Job, end: dict[str, Any] | None) -> str:
    """queued, running, done, failed or cancelled, where `end` is how the job ended."""
    return end["state"] if end else "running" if (job.folder / "attempt.json").exists() else "queued"


def _is_of_the_result(name: str) -> bool:
    return bool(_PAGE.fullmatch(name)) or name.endswith(".jpg") or name == _SEARCHABLE


class Draft:
    """A job that is being received: nobody sees it before `accept`."""

    def __init__(self, store: "Store") -> None:
        self._store = store
        self._folder = store.folder / _INCOMING / f"{time.time_ns() // 1000:014x}{secrets.token_hex(8)}"
        self._folder.mkdir(mode=0o750)
        self.files: list[Path] = []

    def file(self) -> BinaryIO:
        """The next document, to be written."""
        self.files.append(self._folder / f"file-{len(self.files)}")
        return self.files[-1].open("w+b")

    def accept(self, *, names: list[str], options: dict[str, Any], force: bool, origin: str | None = None) -> Job:
        """The job, safe on the disk. `names` belong to `files`, in their order; `origin` is its sender's own mark."""
        for path in self.files:
            sync_to_disk(path)
        asked = {"created": time.time(), "files": names, "options": options, "force": force, "origin": origin}
        _write(self._folder / "job.json", _json(asked))
        target = self._store.folder / self._folder.name
        self._folder.rename(target)
        sync_to_disk(self._store.folder)
        return Job(target)

    def drop(self) -> None:
        """Removes what was received."""
        shutil.rmtree(self._folder, ignore_errors=True)


class Store:
    """All jobs of this box, and how long and how large they may be."""

    def __init__(self, settings: Settings) -> None:
        self.folder = settings.jobs_dir
        self._keep_s = settings.jobs_keep_s
        self._limit_bytes = settings.jobs_bytes
        self._waiting = settings.jobs_waiting

    def prepare(self) -> Path:
        """Makes the folders; the result is where bodies may be received. SettingRejected where it is not writable."""
        incoming = self.folder / _INCOMING
        try:
            incoming.mkdir(mode=0o750, parents=True, exist_ok=True)
            _write(incoming / "writable", b"")
        except OSError as error:
            name = variable("jobs_dir")
            raise SettingRejected(
                "setting_invalid",
                f"环境变量 {name}={str(self.folder)!r} 不可写：{error.strerror}。请改用可写的文件夹。",
                f"{name}={str(self.folder)!r} cannot be written to: {error.strerror}. Name a folder that can.",
            ) from error
        return incoming

    def jobs(self) -> list[Job]:
        """All jobs, in the order in which they were accepted."""
        try:
            return [Job(path) for path in sorted(self.folder.iterdir()) if _ID.fullmatch(path.name)]
        except FileNotFoundError:
            return []

    def unfinished(self) -> list[Job]:
        """The jobs that have not ended, in the order in which they were accepted."""
        return [job for job in self.jobs() if not (job.folder / "end.json").exists()]

    def find(self, name: str) -> Job | None:
        """The folder of that id, whatever is in it, or None where `name` is no id: it may come from anywhere."""
        return Job(self.folder / name) if _ID.fullmatch(name) else None

    def job(self, name: str) -> Job:
        """The job of that id. NotFound where there is none, or none any more."""
        job = self.find(name)
        if not job or not job.asked or self._expired(job):
            hours = f"{self._keep_s / 3600:g}"
            raise NotFound(
                "job_unknown",
                f"没有此编号的任务；结果保留 {hours} 小时，空间不足时更短。",
                f"There is no job with this id. Results are kept for {hours} hours, or less where room is short.",
            )
        return job

    def expires(self, job: Job) -> float | None:
        """When an ended job is removed, in Unix seconds, unless its room is needed before."""
        end = job.end
        return end["at"] + self._keep_s if end else None

    def _expired(self, job: Job) -> bool:
        expires = self.expires(job)
        return expires is not None and expires <= time.time()

    def draft(self, size_bytes: int) -> Draft:
        """A job of about `size_bytes` to be received. Busy where there is no room for one more."""
        if len(self.unfinished()) >= self._waiting:
            raise _full(f"已有 {self._waiting} 个任务在等待", f"{self._waiting} jobs are waiting")
        if not self.make_room(size_bytes):
            raise no_room()
        return Draft(self)

    def make_room(self, more_bytes: int = 0) -> bool:
        """Removes what has expired, then ended jobs from the oldest on, until all fit. False where they do not."""
        jobs = self.jobs()
        for job in jobs:
            if self._expired(job):
                self.remove(job)
        sizes = {job: job.size_bytes for job in jobs}
        used, free = sum(sizes.values()) + more_bytes, shutil.disk_usage(self.folder).free - more_bytes
        for job in jobs:
            if used < self._limit_bytes and free > _FREE_BYTES:
                break
            if (job.folder / "end.json").exists():
                self.remove(job)
                used, free = used - sizes[job], free + sizes[job]
        return used < self._limit_bytes and free > _FREE_BYTES

    def remove(self, job: Job) -> None:
        """Removes a job at once, as far as anybody can see, and then its files."""
        grave = self.folder / _INCOMING / f"removed-{job.id}"
        with contextlib.suppress(FileNotFoundError):
            job.folder.rename(grave)
            shutil.rmtree(grave, ignore_errors=True)

    def sweep(self) -> bool:
        """Makes room, and removes what was sent in part or left by a removal that was cut off. False without room."""
        with contextlib.suppress(FileNotFoundError):
            for path in (self.folder / _INCOMING).iterdir():
                with contextlib.suppress(FileNotFoundError):
                    if path.is_dir() and path.stat().st_mtime < time.time() - _ABANDONED_S:
                        shutil.rmtree(path, ignore_errors=True)
        return self.make_room()

    def size_bytes(self) -> int:
        """Bytes of all jobs."""
        return sum(job.size_bytes for job in self.jobs())


def _full(zh: str, en: str) -> Busy:
    zh, en = f"{zh}，已达上限；请稍后重试。", f"{en}, which is the limit. Try again later."
    return Busy("jobs_full", zh, en, retry_after_s=60)


def no_room() -> Busy:
    """Why no more can be kept: the jobs fill their limit, or the disk is full."""
    return _full("存放任务的空间已满", "The room for jobs is used up")


def not_done(job: Job) -> Conflict:
    """Why a job that is not done has no result."""
    state = job.state
    reasons = {
        "failed": ("任务失败，没有结果；原因见任务状态。", "The job failed and has no result; its state tells why."),
        "cancelled": ("任务已取消，没有结果。", "The job was cancelled and has no result."),
    }
    unfinished = ("任务还没有完成；请稍后再取结果。", "The job is not done yet. Ask for its result later.")
    zh, en = reasons.get(state, unfinished)
    return Conflict(f"job_{state if state in reasons else 'unfinished'}", zh, en)


# --- the queue --------------------------------------------------------------------------------------------------------


class Queue:
    """Whose turn it is: Huey, in a file beside the jobs or in Redis. `read` works on the job of an id.

    A job may be in it twice, or no more: whoever takes one holds the job's folder, and `Store` knows all jobs.
    """

    def __init__(self, settings: Settings, read: Callable[[str], None] = lambda job_id: None) -> None:
        def read_job(job_id: str) -> None:  # of this module in every program: Huey knows a task by module and name
            read(job_id)

        self._huey = _huey(settings)
        self._task = self._huey.task()(read_job)

    def put(self, job: Job) -> None:
        """Puts the job at the end."""
        self._task(job.id)

    def take(self) -> bool:
        """Works on the job that is first, and returns when it is worked on. False where there was none."""
        task = self._huey.dequeue()
        if task is not None:
            self._huey.execute(task)
        return task is not None

    def ids(self) -> set[str]:
        """The ids of the jobs in it."""
        return {task.args[0] for task in self._huey.pending()}

    def lost(self, unfinished: Iterable[Job]) -> list[Job]:
        """Those of `unfinished` that nobody has started and that are not in the queue."""
        known = self.ids()
        return [job for job in unfinished if job.id not in known and job.state == "queued"]


class Intake:
    """Where a program hands jobs in. The queue is opened with the first of them: nobody else needs it in memory."""

    def __init__(self, settings: Settings, program: str) -> None:
        self._settings, self._program = settings, program
        self._queue: Queue | None = None

    def put(self, job: Job) -> None:
        """Puts the job, which the store has, at the end of the queue."""
        try:
            self._queue = self._queue or Queue(self._settings)
            self._queue.put(job)
        except Exception:  # Redis is away: the job is on the disk, and the reader will find it there
            event(self._program, "queue_failed", level=logging.ERROR, exc_info=True, job=job.id)


def _huey(settings: Settings) -> Any:
    """The queue of these settings. Imported here: a box that never gets a job has no use for it."""
    logging.getLogger("huey").setLevel(logging.WARNING)  # the jobs' own events say more
    if settings.queue == "sqlite":
        with _without("redis"):  # Huey imports it where it is installed: 6 MB of each program
            from huey import SqliteHuey

        path = settings.jobs_dir / "queue.db"
        _remove_if_damaged(path)
        return SqliteHuey("ziyan", filename=str(path), fsync=True, cache_mb=1, results=False, serializer=_serializer())
    from huey import PriorityRedisHuey

    return PriorityRedisHuey("ziyan", url=settings.queue, results=False, serializer=_serializer())


def _remove_if_damaged(path: Path) -> None:
    """A failing card must not stop the box: the jobs are elsewhere, and find their way into a new queue."""
    try:
        with contextlib.closing(sqlite3.connect(path)) as base:
            sound = base.execute("pragma quick_check").fetchone() == ("ok",)
    except sqlite3.OperationalError:  # another program writes just now
        return
    except sqlite3.DatabaseError:
        sound = False
    if not sound:
        for damaged in path.parent.glob(f"{path.name}*"):
            damaged.unlink(missing_ok=True)


@contextlib.contextmanager
def _without(package: str) -> Iterator[None]:
    absent = package not in sys.modules
    if absent:
        sys.modules[package] = None
    try:
        yield
    finally:
        if absent:
            del sys.modules[package]


def _serializer() -> Any:
    """Messages in JSON. Huey's own are pickled: whoever can write to Redis could run what he likes."""
    from huey.registry import Message
    from huey.serializer import Serializer

    class JsonSerializer(Serializer):
        def _serialize(self, data: Any) -> bytes:
            return _json(data)

        def _deserialize(self, data: bytes) -> Any:
            return Message(*json.loads(bytes(data)))

    return JsonSerializer()


# --- files ------------------------------------------------------------------------------------------------------------


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):  # a file that a power cut left empty is no file
        return None


def _write(path: Path, data: bytes, *, once: bool = False, sync: bool = True, sync_folder: bool = True) -> bool:
    """Puts the whole file in place, and on the disk. With `once` only where there is none: else the result is False."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            if sync:
                os.fsync(file.fileno())
        if once:
            os.link(draft, path)
        else:
            draft.rename(path)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    if sync and sync_folder:
        sync_to_disk(path.parent)
    return True


def sync_to_disk(path: Path) -> None:
    """Makes a file, or the names in a folder, safe on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
