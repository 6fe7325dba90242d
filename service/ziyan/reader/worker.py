"""Works on jobs, page by page, while no picture waits. Killed, it goes on where it was: see `ziyan.jobs`."""

import logging
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ziyan import image, options
from ziyan.errors import ImageRejected, TooHot, ZiyanError
from ziyan.jobs import Job, Queue, Store, no_room
from ziyan.kinds import HEAD_BYTES, kind
from ziyan.log import event
from ziyan.page import Page
from ziyan.settings import Settings

if TYPE_CHECKING:
    from ziyan.documents import Limits, Sheet
    from ziyan.reader.app import Reader

PROGRAM = "ocr-reader"
IDLE_S = 0.5
TROUBLE_S = 10
SWEEP_S = 60
COOLING_S = 5
# A page, or a document, that was begun this often without coming to its end has ended the program each time.
ATTEMPTS = 3
# What a zip may have unpacked, as a multiple of the largest request.
UNPACKED = 10
# The picture that is kept of a page for its searchable PDF: A4 at 150 dpi, about 250 kB.
KEPT_PIXELS = 2_200_000
KEPT_QUALITY = 75
_HOW_TO_READ = ("allow", "det", "ignore", "layout", "region")


class Worker:
    """The consumer of the job queue, beside `reader`, whose turns and models it uses."""

    def __init__(self, settings: Settings, reader: "Reader") -> None:
        self._reader = reader
        self._settings = settings
        self._store = Store(settings)
        self._store.prepare()
        self._queue = Queue(settings, self._take)
        self._waits_for: dict[str, str] = {}
        self._swept: float | None = None
        self._room = True
        self.page_s = 1.0  # what a page of a job took lately, waiting included

    def progress(self, job_id: str) -> dict[str, Any] | None:
        """What a job that is not at the gate waits for, as `Gate.progress` tells it."""
        stage = self._waits_for.get(job_id)
        return {"state": "waiting", "ahead": 0, "stage": stage, "done": 0, "of": 0} if stage else None

    def run(self) -> None:
        """Works for as long as the program lives."""
        for job in self._store.unfinished():
            if job.state == "running":  # as the program before this one left it
                self._take(job.id)
        while True:
            try:
                self._tend()
                if not self._queue.take():
                    time.sleep(IDLE_S)
            except Exception:  # Redis is away, the disk is full: jobs wait, and pictures are read meanwhile
                event(PROGRAM, "queue_failed", level=logging.ERROR, exc_info=True)
                time.sleep(TROUBLE_S)

    def _tend(self) -> None:
        """What is due between two pages: a look at new jobs, and from time to time order among the old ones."""
        unfinished = self._store.unfinished()
        for job in unfinished:
            if job.plan is None:
                with job.held() as mine:
                    if mine:
                        self._try_to_look(job)
        if self._swept is None or time.monotonic() - self._swept > SWEEP_S:
            self._swept = time.monotonic()
            self._room = self._store.sweep()
            for job in self._queue.lost(unfinished):
                event(PROGRAM, "job_found", job=job.id)
                self._queue.put(job)

    def _take(self, job_id: str) -> None:
        """Works on a job until it ends, unless somebody does already."""
        job = self._store.find(job_id)
        if not job:
            return
        with job.held() as mine:
            if not mine:
                return
            try:
                self._work(job)
            except Exception as error:  # one job must not end the others
                if job.end or not job.asked:  # cancelled or removed under our hands
                    job.tidy()
                    return
                event(PROGRAM, "job_failed", level=logging.ERROR, exc_info=True, job=job.id)
                job.finish("failed", error=_told(error))
            finally:
                self._waits_for.pop(job.id, None)

    # --- one job ---

    def _try_to_look(self, job: Job) -> None:
        try:
            self._look(job)
        except Exception:  # it is tried again, but not for ever; the job at hand has no part in it
            event(PROGRAM, "look_failed", level=logging.ERROR, exc_info=True, job=job.id)

    def _look(self, job: Job) -> None:
        """Notes how many pages each document of a job has, or ends the job where none can be opened."""
        from ziyan import documents

        plan, errors = [], []
        try:
            with self._reader.turn(job.id, of_a_job=True) as progress:
                progress("open", 0, 1)
                if job.attempt(0) > ATTEMPTS:
                    errors.append(_given_up())
                for path in job.files() if not errors else ():
                    try:
                        with documents.opened(path, self._limits) as document:
                            plan.append(len(document))
                    except ZiyanError as error:  # it counts as one page, which will fail by the same error
                        plan.append(1)
                        errors.append(error)
        except TooHot:
            return
        except FileNotFoundError:  # cancelled or removed meanwhile
            if job.asked and not job.end:
                job.finish("failed", error=_told(_failed()))
            return
        if sum(plan) > self._limits.pages:
            errors = [documents.too_many_pages(self._limits)]
            plan = []
        if len(errors) >= max(1, len(plan)):
            job.finish("failed", error=_told(errors[0]))
            event(PROGRAM, "job_ended", job=job.id, state="failed", code=errors[0].code)
        else:
            job.keep_plan(plan)

    def _work(self, job: Job) -> None:
        while job.plan is None and not job.end:
            self._look(job)
            if job.plan is None and not job.end:
                self._cool(job)
        number, done = 0, job.outcomes()
        for path, name, pages in zip(job.files(), job.asked["files"], job.plan or (), strict=False):
            numbers = range(number + 1, number + pages + 1)
            number += pages
            if not done.keys() >= set(numbers) and not job.end:
                self._document(job, path, {"file": name}, [i for i in numbers if i not in done], numbers[0])
        if not job.end:
            self._end(job)
        job.tidy()

    def _document(self, job: Job, path: Path, facts: dict[str, Any], numbers: list[int], first: int) -> None:
        """Reads the pages of `numbers` of the document at `path`, whose first page is page `first` of the job."""
        from ziyan import documents

        try:
            with documents.opened(path, self._limits) as document:
                for number in numbers:
                    if job.end:
                        return
                    sheet = document.sheet(number - first)
                    self._page(job, number, sheet, facts | {"file_page": number - first + 1})
                    self._tend()
                    if not self._room:
                        raise no_room()
        except ImageRejected as error:  # the document cannot be opened (any more)
            for number in numbers:
                self._keep_failed(job, number, facts | {"file_page": number - first + 1}, error)

    def _end(self, job: Job) -> None:
        outcomes = Counter(job.outcomes().values())
        if set(outcomes) == {"failed"}:
            job.finish("failed", error=next(job.pages())["error"])
        else:
            self._make_searchable(job)
            job.finish("done")
        event(PROGRAM, "job_ended", job=job.id, state=job.state, pages=dict(outcomes))

    def _make_searchable(self, job: Job) -> None:
        """Keeps a PDF that was sent with its text, for the result; without it the result is made of the pictures."""
        path = job.files()[0]
        with path.open("rb") as file:
            alone = len(job.files()) == 1 and kind(file.read(HEAD_BYTES)) == "pdf"
        if not alone or not self._room or job.attempt(sum(job.plan) + 1) > ATTEMPTS:
            return
        from ziyan import searchable

        try:
            job.keep_searchable(lambda target: searchable.write(path, job.pages(), target))
        except Exception:  # a PDF that can be drawn and not written again
            event(PROGRAM, "searchable_failed", level=logging.ERROR, exc_info=True, job=job.id)

    # --- one page ---

    def _page(self, job: Job, number: int, sheet: "Sheet", facts: dict[str, Any]) -> None:
        started = time.monotonic()
        facts |= {"picture_name": sheet.name, "dpi": sheet.dpi and round(sheet.dpi, 1)}
        while not job.end:
            try:
                outcome, page, picture = self._read(job, number, sheet)
            except TooHot:
                self._cool(job)
                continue
            except ZiyanError as error:
                self._keep_failed(job, number, facts, error)
            else:
                told = {"page": number, **facts, "source": outcome, **page.as_dict(), "error": None}
                job.keep_page(number, outcome, told, picture)
            break
        self.page_s += 0.2 * (time.monotonic() - started - self.page_s)

    def _read(self, job: Job, number: int, sheet: "Sheet") -> tuple[str, Page, bytes]:
        """How the page was had, the page, and its picture as JPEG."""
        asked, force = options.parse(job.asked["options"]), job.asked["force"]
        with self._reader.turn(job.id, of_a_job=True) as progress:
            self._waits_for.pop(job.id, None)
            if job.attempt(number) > ATTEMPTS:
                raise _given_up()
            progress("draw", 0, 1)
            try:
                layer = sheet.layer() if _takes_layers(asked) and not force else None
                picture = sheet.draw()
                if layer is None:
                    page = self._reader.pipeline.read(picture, asked, progress)
                else:
                    text = tuple(line.text for line in layer)
                    page = Page(layer, picture.width, picture.height, text=text)
                progress("keep", 0, 1)
                return "read" if layer is None else "text", page, image.jpeg(picture, KEPT_PIXELS, KEPT_QUALITY)
            except (ZiyanError, OSError):
                raise
            except Exception as error:  # one page must not end the job; the log has the traceback
                event(PROGRAM, "page_failed", level=logging.ERROR, exc_info=True, job=job.id, page=number)
                raise _failed() from error

    def _keep_failed(self, job: Job, number: int, facts: dict[str, Any], error: ZiyanError) -> None:
        nothing = Page((), width=0, height=0).as_dict()
        page = {"page": number, "picture_name": "", "dpi": None, **facts, "source": "failed", **nothing}
        job.keep_page(number, "failed", page | {"error": _told(error)}, None)

    def _cool(self, job: Job) -> None:
        self._waits_for[job.id] = "cooling"
        time.sleep(COOLING_S)

    @property
    def _limits(self) -> "Limits":
        from ziyan.documents import Limits

        given = self._settings
        return Limits(
            pages=given.jobs_pages,
            pixels=given.max_pixels,
            picture_bytes=given.max_body_bytes,
            unpacked_bytes=UNPACKED * given.jobs_body_bytes,
        )


def _takes_layers(asked: options.Options) -> bool:
    """Whether a PDF's own text answers what is asked: not where it is about how or where to read."""
    return all(getattr(asked, name) == getattr(options.DEFAULTS, name) for name in _HOW_TO_READ)


def _told(error: Exception) -> dict[str, str]:
    known = error if isinstance(error, ZiyanError) else _failed()
    return {"code": known.code, "message": known.message}


def _failed() -> ZiyanError:
    return ZiyanError(
        "reading_failed",
        "识别时出错，详情见日志；请换一份文件，或报告问题。",
        "Reading failed; the log has the details. Try another document, or report it.",
    )


def _given_up() -> ImageRejected:
    return ImageRejected(
        "page_given_up",
        f"此页已试 {ATTEMPTS} 次都没有读完（太慢或占用内存太多），已放弃；请重新导出此页后再试。",
        f"This page was tried {ATTEMPTS} times and never came to its end: it takes too long or too much memory. "
        "Export it again and retry.",
    )
