"""A job that was accepted is done whole, whatever is killed on the way, with the queue in SQLite and in Redis."""

import contextlib
import io
import os
import re
import signal
import time

import pytest
import redis_server
import requests
import stack
from PIL import Image, ImageDraw

PAGES = 10


@pytest.fixture(params=["sqlite", "redis"])
def queue(request):
    """OCR_QUEUE for an empty queue."""
    if request.param == "sqlite":
        yield "sqlite"
        return
    if not redis_server.available():
        pytest.skip("Redis is not installed: apt-get install redis-server")
    with redis_server.running() as url:
        yield url


@pytest.fixture(scope="module")
def numbered_pdf():
    """A scan of ten pages, each of which says its number."""
    pages = []
    for number in range(1, PAGES + 1):
        pages.append(Image.new("RGB", (900, 300), "white"))
        pen = ImageDraw.Draw(pages[-1])
        for row in range(3):
            pen.text((30, 20 + 90 * row), f"Page number {number}", font_size=60, fill="black")
    file = io.BytesIO()
    pages[0].save(file, "PDF", save_all=True, append_images=pages[1:], resolution=150)
    return file.getvalue()


def kill(service, *names):
    """kill -9; the programs are back when this returns."""
    before = service.pids
    for name in names:
        os.kill(before[name], signal.SIGKILL)
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(requests.RequestException, ValueError):
            now = service.pids
            back = all(now.get(name, before[name]) != before[name] for name in names)
            if back and service.health()["status"] == "ok":
                return
        assert time.monotonic() < deadline, service.logs()
        time.sleep(0.1)


def shown(pages):
    """The number that each page shows in all of its lines."""
    return [{int(number) for number in re.findall(r"(\d+)$", "\n".join(page["text"]), re.MULTILINE)} for page in pages]


def check_whole(jobs, job_id):
    job = jobs.wait(job_id)
    assert (job["state"], job["pages"], job["pages_done"], job["pages_failed"]) == ("done", PAGES, PAGES, 0)
    pages = jobs.result(job_id)
    assert [page["page"] for page in pages] == list(range(1, PAGES + 1))
    assert shown(pages) == [{number} for number in range(1, PAGES + 1)]


def written(service, job_id):
    """The pages that are safe, and when each was written."""
    return {path.name: path.stat().st_mtime_ns for path in (service.folder / "jobs" / job_id).glob("?????.*.json")}


def test_a_job_survives_kills_of_both_programs(queue, jobs_api, numbered_pdf):
    with stack.running(settings={"OCR_QUEUE": queue, "OCR_THREADS": "1"}) as service:
        jobs = jobs_api(service)
        first, second = jobs.send(("first.pdf", numbered_pdf)), jobs.send(("second.pdf", numbered_pdf))
        jobs.wait(first, until=lambda job: job["pages_done"] >= 3)
        safe = written(service, first)
        kill(service, "ocr-reader", "ocr-web")
        jobs.wait(first, until=lambda job: job["pages_done"] >= 6)
        kill(service, "ocr-reader")
        check_whole(jobs, first)
        assert safe.items() <= written(service, first).items(), "what was read before the kill was not read again"
        kill(service, "ocr-reader", "ocr-web")
        check_whole(jobs, second)


def test_a_job_that_its_queue_forgot_is_found_again(queue, jobs_api, numbered_pdf):
    with stack.running(settings={"OCR_QUEUE": queue, "OCR_THREADS": "1"}) as service:
        jobs = jobs_api(service)
        with stack.frozen(service.pids["ocr-reader"]):
            job_id = jobs.send(("scan.pdf", numbered_pdf))
            forget(queue, service)
            assert jobs.state(job_id)["state"] == "queued"
        kill(service, "ocr-reader")
        check_whole(jobs, job_id)


def forget(queue, service):
    """Empties the queue behind the programs' back."""
    if queue == "sqlite":
        import sqlite3

        with contextlib.closing(sqlite3.connect(service.folder / "jobs" / "queue.db")) as base, base:
            assert base.execute("delete from task").rowcount == 1
    else:
        import redis

        with redis.Redis.from_url(queue) as server:
            assert server.flushall()


def test_jobs_are_accepted_while_the_reader_is_away(jobs_api, numbered_pdf):
    with stack.running(settings={"OCR_THREADS": "1"}) as service:
        jobs = jobs_api(service)
        os.kill(service.pids["ocr-reader"], signal.SIGKILL)
        job_id = jobs.send(("scan.pdf", numbered_pdf))
        check_whole(jobs, job_id)


def test_a_job_is_accepted_and_done_although_redis_was_away(jobs_api, numbered_pdf):
    with stack.running(settings={"OCR_QUEUE": "unix:///nowhere/redis.sock", "OCR_THREADS": "1"}) as service:
        jobs = jobs_api(service)
        job_id = jobs.send(("scan.pdf", numbered_pdf))
        assert jobs.state(job_id)["state"] == "queued"
        assert "queue_failed" in service.logs()
        settings = {"OCR_THREADS": "1", "OCR_JOBS_DIR": str(service.folder / "jobs")}
        with stack.running(settings=settings) as other:  # another box, or this one with its Redis back
            check_whole(jobs_api(other), job_id)


def test_a_page_that_ends_the_reader_every_time_is_given_up_and_the_next_is_read(jobs_api):
    heavy = Image.new("L", (3000, 3000), "white")
    pen = ImageDraw.Draw(heavy)
    for i in range(700):
        pen.text((20 + i % 14 * 210, 10 + i // 14 * 58), f"No. {i} Pi{i * 7919 % 997}", font_size=40, fill="black")
    light = Image.new("L", (600, 200), "white")
    ImageDraw.Draw(light).text((30, 30), "Short page", font_size=60, fill="black")
    files = []
    for picture in (heavy, light):
        file = io.BytesIO()
        picture.save(file, "PNG")
        files.append(("page.png", file.getvalue()))
    with stack.running(settings={"OCR_PAGE_TIMEOUT_S": "2", "OCR_THREADS": "1"}) as service:
        jobs = jobs_api(service)
        job_id = jobs.send(*files)
        job = jobs.wait(job_id)
        assert (job["state"], job["pages_done"], job["pages_failed"]) == ("done", 2, 1)
        given_up, read = jobs.result(job_id)
        assert given_up["error"]["code"] == "page_given_up"
        assert read["text"] == ["Short page"]
        assert service.logs().count('"page_timeout"') == 3
