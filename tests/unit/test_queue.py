"""The queue of jobs, by the same code in SQLite and in Redis."""

import subprocess
import sys

import huey  # noqa: F401 (before the service's own import, which does without Redis where it is not asked for)
import pytest
import redis_server
from ziyan.jobs import Job, Queue, Store
from ziyan.settings import Settings


@pytest.fixture(params=["sqlite", "redis"])
def settings(request, tmp_path):
    """Settings of a queue that is empty."""
    if request.param == "sqlite":
        yield Settings(jobs_dir=tmp_path)
        return
    if not redis_server.available():
        pytest.skip("Redis is not installed: apt-get install redis-server")
    with redis_server.running() as url:
        yield Settings(jobs_dir=tmp_path, queue=url)


def job(name, settings):
    folder = settings.jobs_dir / name
    folder.mkdir(exist_ok=True)
    return Job(folder)


def test_jobs_are_taken_in_the_order_in_which_they_were_put(settings):
    taken = []
    queue = Queue(settings, taken.append)
    assert not queue.take()
    for name in ("b", "a", "c"):
        queue.put(job(name, settings))
    while queue.take():
        pass
    assert taken == ["b", "a", "c"]


def test_another_program_takes_what_was_put_here(settings):
    Queue(settings).put(job("a", settings))
    program = (
        "from pathlib import Path; from ziyan.jobs import Queue; from ziyan.settings import Settings\n"
        f"queue = Queue(Settings(jobs_dir=Path({str(settings.jobs_dir)!r}), queue={settings.queue!r}), print)\n"
        "while queue.take(): pass"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "a\n"


def test_a_job_that_fails_does_not_stop_the_queue(settings, caplog):
    def fail(job_id):
        raise ZeroDivisionError(job_id)

    queue = Queue(settings, fail)
    queue.put(job("a", settings))
    assert queue.take()
    assert not queue.take()
    assert "ZeroDivisionError" in caplog.text


def test_finds_the_jobs_that_are_not_in_the_queue_and_that_nobody_has_begun(settings):
    queue = Queue(settings)
    known, lost, begun = (job(name, settings) for name in ("known", "lost", "begun"))
    queue.put(known)
    begun.attempt(1)
    assert queue.ids() == {"known"}
    assert queue.lost([known, lost, begun]) == [lost]


def test_messages_are_json_and_nothing_that_runs(settings):
    queue = Queue(settings)
    queue.put(job("a", settings))
    (message,) = queue._huey.storage.enqueued_items()
    assert bytes(message).startswith(b"[")


def test_the_default_queue_loads_no_redis():
    program = (
        "import sys, tempfile; from pathlib import Path\n"
        "from ziyan.jobs import Queue; from ziyan.settings import Settings\n"
        "Queue(Settings(jobs_dir=Path(tempfile.mkdtemp()))); print('redis' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "False\n"


def test_a_store_needs_no_queue(tmp_path):
    assert Store(Settings(jobs_dir=tmp_path)).unfinished() == []


def test_a_damaged_queue_is_begun_anew(tmp_path):
    settings, taken = Settings(jobs_dir=tmp_path), []
    (tmp_path / "queue.db").write_bytes(b"this is no SQLite database, but what a failing card left of one" * 100)
    queue = Queue(settings, taken.append)
    queue.put(job("a", settings))
    assert queue.take()
    assert taken == ["a"]


def test_a_sound_queue_is_kept(tmp_path):
    settings, taken = Settings(jobs_dir=tmp_path), []
    Queue(settings).put(job("a", settings))
    assert Queue(settings, taken.append).take()
    assert taken == ["a"]
