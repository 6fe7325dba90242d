"""The routes of jobs: documents in, their state, their result. `ziyan.jobs` keeps them, the reader works on them."""

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, g, jsonify, request, send_file, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import parse_form_data

from ziyan import options, outputs, results
from ziyan.errors import (
    DocumentRejected,
    DocumentTooLarge,
    NotFound,
    ReaderLost,
    RequestRejected,
    UnsupportedBody,
    ZiyanError,
)
from ziyan.jobs import Draft, Intake, Job, Store, not_done, state_of
from ziyan.kinds import HEAD_BYTES, kind, unsupported
from ziyan.settings import Settings
from ziyan.web import exports
from ziyan.web.desk import Desk

PROGRAM = "ocr-web"
FIELD = "file"
NAME_LENGTH = 200
_FORM_BYTES = 1 << 18
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")


def blueprint(settings: Settings, desk: Desk, store: Store) -> Blueprint:
    """The routes of jobs."""
    jobs = Blueprint("jobs", __name__)
    counter = Counter(settings, store)

    @jobs.post("/api/jobs")
    def accept() -> ResponseReturnValue:
        job = counter.accept()
        g.facts = {"job": job.id, "bytes": job.size_bytes, "files": len(job.asked["files"])}
        return jsonify(_links(job)), 202, {"Location": _links(job)["url"]}

    @jobs.get("/api/jobs/<job_id>")
    def state(job_id: str) -> ResponseReturnValue:
        return jsonify(describe(store.job(job_id), store, desk))

    @jobs.delete("/api/jobs/<job_id>")
    def delete(job_id: str) -> ResponseReturnValue:
        job = store.job(job_id)
        if job.finish("cancelled"):
            return jsonify(describe(job, store, desk))
        store.remove(job)
        return "", 204

    @jobs.get("/api/jobs/<job_id>/result")
    def result(job_id: str) -> ResponseReturnValue:
        form = outputs.find(request.args.get("format", "json"))
        job = store.job(job_id)
        if job.state != "done":
            raise not_done(job)
        return _file(job, form)

    @jobs.get("/api/jobs/<job_id>/pages/<int:number>")
    def page(job_id: str, number: int) -> ResponseReturnValue:
        return jsonify(_page(store.job(job_id), number))

    @jobs.put("/api/jobs/<job_id>/pages/<int:number>")
    def correct(job_id: str, number: int) -> ResponseReturnValue:
        return jsonify(_corrected(store.job(job_id), number))

    @jobs.get("/api/jobs/<job_id>/pages/<int:number>/picture")
    def picture(job_id: str, number: int) -> ResponseReturnValue:
        path = store.job(job_id).picture(number)
        if not path:
            raise _no_page(number)
        return send_file(path, mimetype="image/jpeg", max_age=0)

    return jobs


# --- in ---------------------------------------------------------------------------------------------------------------


class Counter:
    """Where jobs are handed in."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store
        self._intake = Intake(settings, PROGRAM)

    def accept(self) -> Job:
        """The job that the request brings, safe on the disk and in the queue."""
        if request.mimetype != "multipart/form-data":
            raise UnsupportedBody(
                "unsupported_content_type",
                f"不支持 Content-Type {request.mimetype!r}；请用 multipart/form-data 的 {FIELD} 字段发送文件。",
                f"The content type {request.mimetype!r} is not taken. Send multipart/form-data with a field {FIELD}.",
            )
        draft = self._store.draft(request.content_length or 0)
        try:
            job = self._received(draft)
        except BaseException:
            draft.drop()
            raise
        self._intake.put(job)
        return job

    def _received(self, draft: Draft) -> Job:
        form, files = self._parsed(draft)
        for storage in files.values():
            storage.close()
        sent = files.getlist(FIELD)
        if set(files) - {FIELD} or not sent or FIELD in form:
            raise RequestRejected(
                "file_missing",
                f"请求里没有文件，或字段名不对；请放在 {FIELD} 字段中：curl -F {FIELD}=@scan.pdf …/api/jobs",
                f"The request holds no file, or under another name. Put it in the field {FIELD}: "
                f"curl -F {FIELD}=@scan.pdf …/api/jobs",
            )
        given = {**request.args.to_dict(), **form.to_dict()}
        force = _flag("force", given.pop("force", ""))
        asked = options.parse(given)
        names = [_name(storage.filename, i) for i, storage in enumerate(sent, 1)]
        for path, name in zip(draft.files, names, strict=True):
            _check(path, name)
        return draft.accept(names=names, options=asked.as_dict(), force=force)

    def _parsed(self, draft: Draft) -> tuple[MultiDict[str, str], MultiDict[str, FileStorage]]:
        """The form's fields and files, the latter written straight to where they stay."""
        limit = self._settings.jobs_body_bytes
        try:
            _, form, files = parse_form_data(
                request.environ,
                stream_factory=lambda **_: draft.file(),
                max_content_length=limit + 1,  # Werkzeug refuses a body that reaches its limit; ours may be reached
                max_form_memory_size=_FORM_BYTES,
                max_form_parts=self._settings.jobs_pages + 100,
            )
        except RequestEntityTooLarge as error:
            raise DocumentTooLarge(
                "body_too_large",
                f"请求体超过 {limit} 字节或 {self._settings.jobs_pages} 个文件的上限；请分成几份发送。",
                f"The body has more than {limit} bytes, or more than {self._settings.jobs_pages} files, "
                "which is the limit. Send it in parts.",
            ) from error
        return form, files


def _flag(name: str, text: str) -> bool:
    if text.lower() not in _TRUE + _FALSE:
        raise RequestRejected(
            "option_invalid", f"选项 {name} 应为 true 或 false。", f"The option {name} must be true or false."
        )
    return text.lower() in _TRUE


def _name(given: str | None, number: int) -> str:
    """What the sender called a file, for people to know it by: never a path."""
    last = (given or "").replace("\\", "/").rpartition("/")[2]
    return "".join(filter(str.isprintable, last))[:NAME_LENGTH] or f"file {number}"


def _check(path: Path, name: str) -> None:
    if not path.stat().st_size:
        raise DocumentRejected(
            "file_empty", f"文件 {name!r} 是空的，请重新选择。", f"The file {name!r} is empty. Choose another."
        )
    with path.open("rb") as file:
        if kind(file.read(HEAD_BYTES)) is None:
            raise unsupported(name)


# --- its state --------------------------------------------------------------------------------------------------------


def describe(job: Job, store: Store, desk: Desk) -> dict[str, Any]:
    """What GET /api/jobs/ID says."""
    end = job.end  # once, so that all that is said fits together while the reader goes on
    state = state_of(job, end)
    asked, plan, outcomes = job.asked, job.plan, list(job.outcomes().values())
    ahead = [] if end else [other for other in store.unfinished() if other.id < job.id]
    now = {} if end else _progress(job, desk)
    return {
        "id": job.id,
        "state": state,
        "stage": now.get("stage"),
        "done": now.get("done", 0),
        "of": now.get("of", 0),
        "pages": sum(plan) if plan else None,
        "pages_done": len(outcomes),
        "pages_from_text": outcomes.count("text"),
        "pages_failed": outcomes.count("failed"),
        "queue_position": None if end else 0 if state == "running" else len(ahead),
        "estimate_s": None if end else _estimate(_pages(job) - len(outcomes), ahead, desk),
        "files": asked["files"],
        "options": asked["options"],
        "force": asked["force"],
        "created": _time(asked["created"]),
        "ended": _time(end["at"]) if end else None,
        "expires": _time(store.expires(job)),
        "error": end["error"] if end else None,
        **{name: link for name, link in _links(job).items() if name != "id"},
    }


def _progress(job: Job, desk: Desk) -> dict[str, Any]:
    try:
        known = desk.progress(job.id)
    except (NotFound, ReaderLost):
        return {}
    return known if known["state"] == "reading" or known["stage"] else {"stage": "waiting"}


def _estimate(left: int, ahead: list[Job], desk: Desk) -> float | None:
    """Seconds, rounded up, until a job with `left` pages is done, by what pages took lately; None while unknown."""
    page_s = (desk.state() or {}).get("job_page_s")
    left += sum(max(0, _pages(each) - len(each.outcomes())) for each in ahead)
    return None if page_s is None else math.ceil(10 * max(0, left) * page_s) / 10


def _pages(job: Job) -> int:
    """How many pages the job has; a document counts as one until somebody looked."""
    return sum(job.plan or [1] * len(job.asked.get("files", ())))


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _links(job: Job) -> dict[str, str]:
    """Where the job is; relative, since a box has many names."""
    return {
        "id": job.id,
        "url": url_for("jobs.state", job_id=job.id),
        "result_url": url_for("jobs.result", job_id=job.id),
    }


# --- out --------------------------------------------------------------------------------------------------------------


def _file(job: Job, form: outputs.Format) -> Response:
    pieces = results.render(job, form.ending)
    if form.ending == "json":
        return Response(pieces, content_type=form.media_type)
    return exports.download(pieces, form.ending, Path(job.asked["files"][0]).stem or "ocr")


def _page(job: Job, number: int) -> dict[str, Any]:
    page = job.page(number)
    if page is None:
        raise _no_page(number)
    return page


def _corrected(job: Job, number: int) -> dict[str, Any]:
    """The page with the texts that the request brings, which its files hold from now on."""
    given = request.get_json(cache=False)
    texts = given.get("lines") if isinstance(given, dict) else None
    is_text = isinstance(texts, list) and all(isinstance(text, str) for text in texts)
    if not is_text or any(len(text) > exports.LINE_LENGTH for text in texts):
        raise _bad_lines()
    try:
        page = job.correct_page(number, texts)
    except ValueError as error:
        raise _bad_lines() from error
    if page is None:
        raise _no_page(number)
    return page


def _bad_lines() -> ZiyanError:
    return RequestRejected(
        "lines_invalid",
        f"lines 应为文本列表，与该页各行一一对应，每行至多 {exports.LINE_LENGTH} 字。",
        f"The field lines must be a list of texts, one for each line of the page, of at most {exports.LINE_LENGTH} "
        "characters.",
    )


def _no_page(number: int) -> ZiyanError:
    return NotFound(
        "page_unknown",
        f"此任务没有第 {number} 页，或还没有识别到。",
        f"This job has no page {number}, or it is not done yet.",
    )
