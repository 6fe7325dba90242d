"""The watch folder step by step, and cut off at every step."""

import io
import itertools
import os
from pathlib import Path

import pytest
from PIL import Image
from ziyan.jobs import Store
from ziyan.settings import Settings
from ziyan.watch import Watch

BOX = [[10, 10], [90, 10], [90, 30], [10, 30]]


class Killed(BaseException):
    """The program ended here."""


@pytest.fixture
def picture():
    data = io.BytesIO()
    Image.new("RGB", (100, 50), "white").save(data, "JPEG")
    return data.getvalue()


@pytest.fixture
def place(tmp_path):
    """The settings of a folder to watch, and of a store for its jobs."""
    (tmp_path / "scans").mkdir()
    given = Settings(watch=str(tmp_path / "scans"), watch_settle_s=5, jobs_dir=tmp_path / "jobs")
    Store(given).prepare()
    return given


def scans(place):
    return Path(place.watch)


def drop(place, name, data):
    (scans(place) / name).write_bytes(data)


def read_all(place, picture):
    """Does what the reader does with every job."""
    for job in Store(place).unfinished():
        line = {"text": "离线识别", "score": 0.9, "box": BOX}
        page = {"page": 1, "lines": [line], "width": 100, "height": 50, "error": None}
        job.keep_plan([1])
        job.keep_page(1, "read", page, picture)
        job.finish("done")


def tree(place):
    """Every visible and hidden file of the folder, and its bytes."""
    root = scans(place)
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def finish(place, picture):
    """Looks, and reads, until nothing is left to do."""
    watch = Watch(place)
    for now in (0, 100, 200, 300):
        watch.look(now)
        read_all(place, picture)


def test_waits_until_a_file_has_settled(place, picture):
    watch = Watch(place)
    drop(place, "scan.jpg", picture)
    watch.look(0)
    watch.look(4.9)
    assert Store(place).jobs() == []
    drop(place, "scan.jpg", picture + b"more")
    watch.look(5)
    watch.look(9.9)
    assert Store(place).jobs() == [], "it changed, and waits anew"
    watch.look(10)
    watch.look(11)
    (job,) = Store(place).jobs()
    assert job.files()[0].read_bytes() == picture + b"more"


def test_an_empty_file_gets_longer(place):
    watch = Watch(place)
    drop(place, "scan.jpg", b"")
    watch.look(0)
    watch.look(49)
    assert (scans(place) / "scan.jpg").exists()
    watch.look(50)
    assert tree(place).keys() == {"failed/scan.jpg", "failed/scan.jpg.txt"}


def test_results_lie_beside_the_moved_file(place, picture):
    drop(place, "scan.jpg", picture)
    finish(place, picture)
    found = tree(place)
    assert found.keys() == {"done/scan.jpg", "done/scan.jpg.txt", "done/scan.jpg.pdf"}
    assert found["done/scan.jpg.txt"].decode() == "离线识别\n"
    assert Store(place).jobs() == []


def test_nothing_is_written_over_another_file(place, picture):
    for name in ("scan.jpg", "scan.jpg.txt", "scan-2.jpg.pdf"):
        (scans(place) / "done").mkdir(exist_ok=True)
        (scans(place) / "done" / name).write_text("mine")
    drop(place, "scan.jpg", picture)
    finish(place, picture)
    found = tree(place)
    assert [found[f"done/{name}"] for name in ("scan.jpg", "scan.jpg.txt", "scan-2.jpg.pdf")] == [b"mine"] * 3
    assert found["done/scan-3.jpg"] == picture
    assert found["done/scan-3.jpg.txt"].decode() == "离线识别\n"


def test_a_file_that_changes_while_it_is_read_is_read_again(place, picture):
    watch = Watch(place)
    drop(place, "scan.jpg", picture)
    watch.look(0)
    watch.look(5)
    drop(place, "scan.jpg", picture + b"more")
    read_all(place, picture)
    watch.look(6)
    assert Store(place).jobs() == [], "what was read is not what lies there"
    finish(place, picture)
    assert tree(place)["done/scan.jpg"] == picture + b"more"


def test_a_file_that_is_taken_away_ends_its_job(place, picture):
    watch = Watch(place)
    drop(place, "scan.jpg", picture)
    drop(place, "other.jpg", picture)
    watch.look(0)
    watch.look(5)
    assert len(Store(place).jobs()) == 2
    (scans(place) / "scan.jpg").unlink()
    watch.look(6)
    assert len(Store(place).jobs()) == 1


def test_a_file_too_large_is_refused_with_the_limit(place, picture):
    drop(place, "scan.jpg", picture)
    small = Settings(watch=place.watch, jobs_dir=place.jobs_dir, jobs_body_bytes=1024, watch_settle_s=5)
    drop(place, "large.jpg", picture + bytes(1024))
    watch = Watch(small)
    watch.look(0)
    watch.look(5)
    assert "1024" in tree(place)["failed/large.jpg.txt"].decode()


def test_a_name_that_is_no_text_is_no_trouble(place, picture):
    name = os.fsdecode(b"\xff\xfe.jpg")
    drop(place, name, picture)
    finish(place, picture)
    assert (scans(place) / "done" / name).exists()


def test_a_link_is_not_followed(place, picture, tmp_path):
    (tmp_path / "secret.jpg").write_bytes(picture)
    (scans(place) / "scan.jpg").symlink_to(tmp_path / "secret.jpg")
    finish(place, picture)
    assert [path.name for path in scans(place).iterdir() if path.is_symlink()] == ["scan.jpg"]


def test_without_the_folder_it_says_so_and_does_not_make_it(place):
    scans(place).rmdir()
    with pytest.raises(FileNotFoundError):
        Watch(place).look(0)
    assert not scans(place).exists()


def test_who_may_drop_files_may_take_the_results_away(place, picture):
    scans(place).chmod(0o2770)
    before = os.umask(0o027)
    try:
        finish(place, picture)
    finally:
        os.umask(before)
    assert {(scans(place) / name).stat().st_mode & 0o7777 for name in ("done", "failed")} == {0o2770}


def test_a_file_that_cannot_be_moved_does_not_hold_up_the_others(place, picture, monkeypatch):
    drop(place, "a stuck.jpg", picture)
    drop(place, "scan.jpg", picture)
    move = Path.rename

    def refused(path, target):
        if path.name == "a stuck.jpg":
            raise PermissionError(1, "Operation not permitted")
        return move(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", refused)
        finish(place, picture)
        assert (scans(place) / "done" / "scan.jpg").exists()
        assert (scans(place) / "a stuck.jpg").exists()
    finish(place, picture)
    assert not (scans(place) / "a stuck.jpg").exists()


# --- cut off ----------------------------------------------------------------------------------------------------------

STEPS = ((os, "fsync"), (os, "open"), (Path, "rename"), (Path, "replace"), (Path, "unlink"), (Path, "mkdir"))


def cut_off_after(steps, monkeypatch):
    """From the step of this number on, nothing reaches the disk any more, as for a program that was killed."""
    count = itertools.count(1)

    def mortal(step):
        def do(*arguments, **named):
            if next(count) > steps:
                raise Killed
            return step(*arguments, **named)

        return do

    for owner, name in STEPS:
        monkeypatch.setattr(owner, name, mortal(getattr(owner, name)))


@pytest.mark.parametrize("moment", ["taking it", "handing it over", "refusing it"])
def test_cut_off_at_any_step_it_ends_as_if_it_had_not_been(place, picture, monkeypatch, moment):
    data = b"no picture" if moment == "refusing it" else picture
    folder = "failed" if moment == "refusing it" else "done"
    expected = {f"{folder}/scan.jpg"} | {
        f"{folder}/scan.jpg.{form}" for form in ("txt", "pdf")[: 1 + (folder == "done")]
    }
    for steps in itertools.count():
        drop(place, "scan.jpg", data)
        if moment == "handing it over":
            watch = Watch(place)
            watch.look(0)
            watch.look(5)
            read_all(place, picture)
        with monkeypatch.context() as patched:
            cut_off_after(steps, patched)
            try:
                watch = Watch(place)
                watch.look(0)
                watch.look(5)
                alive = True
            except Killed:
                alive = False
        finish(place, picture)
        found = tree(place)
        assert found.keys() == expected, f"cut off after {steps} steps"
        assert found[f"{folder}/scan.jpg"] == data
        assert Store(place).jobs() == []
        if alive:
            break
        for path in scans(place).rglob("*"):
            if path.is_file():
                path.unlink()
    assert steps > 5, "it was cut off at several steps"
