"""A job is a folder: what is in it tells its state, whatever is killed in between."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from ziyan import jobs
from ziyan.errors import Busy, Conflict, NotFound, SettingRejected
from ziyan.jobs import Store
from ziyan.settings import Settings

PAGE = {"page": 1, "lines": [], "error": None}


@pytest.fixture
def settings(tmp_path):
    return Settings(jobs_dir=tmp_path / "jobs", jobs_waiting=3)


@pytest.fixture
def store(settings):
    store = Store(settings)
    store.prepare()
    return store


@pytest.fixture
def accept(store):
    """Accepts a job of one document per text."""

    def accept(*texts, names=None):
        draft = store.draft(0)
        for text in texts:
            with draft.file() as file:
                file.write(text)
        names = names or [f"{i}.pdf" for i in range(len(texts))]
        return draft.accept(names=names, options={"min_score": 0.5}, force=False)

    return accept


def test_an_accepted_job_holds_what_was_sent(store, accept):
    job = accept(b"one", b"two", names=["a.pdf", "../../b.pdf"])
    found = store.job(job.id)
    assert [path.read_bytes() for path in found.files()] == [b"one", b"two"]
    assert found.asked["files"] == ["a.pdf", "../../b.pdf"]
    assert (found.state, found.plan, found.outcomes()) == ("queued", None, {})


def test_nobody_sees_a_job_that_is_still_being_received(store):
    draft = store.draft(0)
    draft.file().close()
    assert store.jobs() == []
    draft.drop()
    assert [path.name for path in (store.folder / "incoming").iterdir()] == ["writable"]


def test_jobs_come_in_the_order_in_which_they_were_accepted(store, accept):
    accepted = [accept(b"x").id for _ in range(3)]
    assert [job.id for job in store.jobs()] == accepted


def test_a_job_runs_from_its_first_attempt_to_its_end(accept):
    job = accept(b"x")
    job.attempt(0)
    assert job.state == "queued"
    job.keep_plan([2])
    job.attempt(1)
    assert job.state == "running"
    assert job.finish("done")
    assert job.state == "done"


def test_counts_how_often_a_page_was_tried(accept):
    job = accept(b"x")
    assert [job.attempt(page) for page in (1, 1, 2, 2, 2, 1)] == [1, 2, 1, 2, 3, 1]
    (job.folder / "attempt.json").write_bytes(b"")  # as a power cut may leave it
    assert job.attempt(1) == 1


def test_pages_come_in_order_each_once(accept):
    job = accept(b"x")
    for number, outcome in ((2, "text"), (10, "failed"), (1, "read")):
        job.keep_page(number, outcome, {"page": number}, None)
    job.keep_page(1, "read", {"page": 1, "again": True}, b"jpeg")
    assert job.outcomes() == {1: "read", 2: "text", 10: "failed"}
    assert [page["page"] for page in job.pages()] == [1, 2, 10]
    assert job.page(1)["again"]
    assert job.page(3) is None
    assert job.picture(1).read_bytes() == b"jpeg"
    assert job.picture(2) is None


def test_what_was_half_written_is_no_page(accept):
    job = accept(b"x")
    (job.folder / ".00001.read.json.ab12cd34").write_bytes(b'{"page": 1, "li')
    assert job.outcomes() == {}


def test_a_job_ends_once(accept):
    job = accept(b"x")
    with ThreadPoolExecutor(8) as threads:
        asked = ["done", "cancelled"] * 4
        first = list(threads.map(job.finish, asked))
    assert [state for state, was_first in zip(asked, first, strict=True) if was_first] == [job.state]


@pytest.mark.parametrize(("state", "left"), [("done", {"00001.read.json", "00001.jpg"}), ("cancelled", set())])
def test_the_documents_go_when_a_job_ends_and_its_pages_unless_it_is_done(accept, state, left):
    job = accept(b"x")
    job.keep_plan([1])
    job.attempt(1)
    job.keep_page(1, "read", PAGE, b"jpeg")
    job.finish(state, error={"code": "c", "message": "m"})
    assert {path.name for path in job.folder.iterdir()} == {"job.json", "plan.json", "end.json"} | left
    assert job.end["error"] == {"code": "c", "message": "m"}


def test_only_one_works_on_a_job_and_a_killed_one_lets_go(accept):
    job = accept(b"x")
    holds = (
        "import sys; from pathlib import Path; from ziyan.jobs import Job\n"
        "with Job(Path(sys.argv[1])).held() as mine: print(mine, flush=True); input()"
    )
    command = [sys.executable, "-c", holds, str(job.folder)]
    other = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
    assert other.stdout.readline() == "True\n"
    with job.held() as mine:
        assert not mine
    other.kill()
    other.wait()
    with job.held() as mine:
        assert mine
    other.stdout.close()
    other.stdin.close()


def test_nobody_works_on_a_job_that_has_ended_or_is_gone(store, accept):
    ended, gone = accept(b"x"), accept(b"x")
    ended.finish("cancelled")
    store.remove(gone)
    for job in (ended, gone):
        with job.held() as mine:
            assert not mine


@pytest.mark.parametrize("name", ["", "..", "incoming", "0" * 30, "0" * 29 + "G", "../jobs/" + "0" * 30])
def test_knows_nothing_of_a_name_that_is_no_job(store, refuses, name):
    with refuses(NotFound, "job_unknown"):
        store.job(name)


def test_a_name_that_is_no_id_is_no_folder(store):
    assert store.find("0" * 30).folder == store.folder / ("0" * 30)
    for name in ("..", "../../etc", "", "0" * 29, "0" * 30 + "/.."):
        assert store.find(name) is None


def test_a_result_is_kept_for_its_time(settings, accept, refuses):
    job = accept(b"x")
    job.finish("done", now=1000.0)
    store = Store(replace(settings, jobs_keep_s=60))
    assert store.expires(job) == 1060
    with refuses(NotFound, "job_unknown"):
        store.job(job.id)
    store.sweep()
    assert not job.folder.exists()


def test_an_unfinished_job_is_kept_however_old_it_is(settings, accept):
    job = accept(b"x")
    asked = json.loads((job.folder / "job.json").read_text())
    (job.folder / "job.json").write_text(json.dumps(asked | {"created": 0}))
    store = Store(replace(settings, jobs_keep_s=1, jobs_bytes=1))
    assert not store.sweep()
    assert store.job(job.id).state == "queued"


def test_the_oldest_result_goes_first_when_room_is_short(settings, accept):
    accepted = [accept(bytes(100)) for _ in range(3)]
    for job in accepted:
        job.keep_page(1, "read", PAGE, bytes(1000))
        job.finish("done")
    size = accepted[0].size_bytes
    store = Store(replace(settings, jobs_bytes=2 * size + 10))
    assert store.make_room()
    assert [job.id for job in store.jobs()] == [job.id for job in accepted[1:]]
    assert store.make_room(size)
    assert [job.id for job in store.jobs()] == [accepted[2].id]


def test_admits_as_many_jobs_as_may_wait_and_not_one_more(store, accept, refuses):
    waiting = [accept(b"x") for _ in range(3)]
    with refuses(Busy, "jobs_full") as caught:
        store.draft(0)
    assert caught.value.retry_after_s > 0
    waiting[0].finish("done")
    store.draft(0).drop()


def test_refuses_a_job_for_which_there_is_no_room(settings, store, refuses):
    small = Store(replace(settings, jobs_bytes=1 << 20))
    small.draft((1 << 20) - 1).drop()
    with refuses(Busy, "jobs_full"):
        small.draft(1 << 20)


def test_sweeps_away_what_was_sent_in_part_long_ago(store):
    old, new = store.draft(0), store.draft(0)
    folder = store.folder / "incoming"
    old_one, new_one = sorted(path for path in folder.iterdir() if path.is_dir())
    os.utime(old_one, (0, 0))
    store.sweep()
    assert [path for path in folder.iterdir() if path.is_dir()] == [new_one]
    old.drop()
    new.drop()


def test_a_folder_that_cannot_be_written_to_is_a_bad_setting(tmp_path, refuses):
    (tmp_path / "file").write_text("")
    with refuses(SettingRejected, "setting_invalid") as caught:
        Store(Settings(jobs_dir=tmp_path / "file" / "jobs")).prepare()
    assert "OCR_JOBS_DIR" in caught.value.message


@pytest.mark.parametrize(("state", "code"), [("failed", "job_failed"), ("cancelled", "job_cancelled")])
def test_says_why_there_is_no_result(accept, refuses, state, code):
    job = accept(b"x")
    with refuses(Conflict, "job_unfinished"):
        raise jobs.not_done(job)
    job.finish(state)
    with refuses(Conflict, code):
        raise jobs.not_done(job)


@pytest.fixture
def disk(monkeypatch):
    """What is synced, renamed and linked, in order, by file name; each is really done."""
    done, sync, rename, link = [], os.fsync, os.rename, os.link

    def synced(handle):
        done.append(("sync", Path(f"/proc/self/fd/{handle}").readlink().name))
        sync(handle)

    def renamed(source, target, **how):
        done.append(("rename", Path(target).name))
        rename(source, target, **how)

    def linked(source, target, **how):
        done.append(("link", Path(target).name))
        link(source, target, **how)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", renamed)
    monkeypatch.setattr(os, "link", linked)
    return done


def test_a_job_is_on_the_disk_before_it_is_accepted(accept, disk):
    job = accept(b"x")
    drafts = [name for what, name in disk if what == "sync" and name.startswith(".job.json.")]
    assert disk == [
        ("sync", "file-0"),
        ("sync", drafts[0]), ("rename", "job.json"), ("sync", job.id),
        ("rename", job.id), ("sync", "jobs"),
    ]  # fmt: skip


def test_a_page_and_its_picture_are_on_the_disk_before_the_page_counts_as_done(accept, disk):
    job = accept(b"x")
    disk.clear()
    job.keep_page(1, "read", PAGE, b"jpeg")
    picture, page = (name for what, name in disk if what == "sync" and name.startswith("."))
    assert disk == [
        ("sync", picture), ("rename", "00001.jpg"),
        ("sync", page), ("rename", "00001.read.json"), ("sync", job.id),
    ]  # fmt: skip


def test_the_end_is_on_the_disk_before_the_documents_go(accept, disk):
    job = accept(b"x")
    disk.clear()
    job.finish("done")
    assert disk[1:] == [("link", "end.json"), ("sync", job.id)]
    assert not job.files()[0].exists()
