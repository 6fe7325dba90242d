"""The watch folder, with both programs running: what is dropped is read, moved and never lost."""

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import stack
from PIL import Image

PAGES = Path(__file__).parents[1] / "data" / "pages"
LIMIT_S = 120
SETTLE_S = 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("scans")


@pytest.fixture(scope="module")
def box(folder):
    with stack.running(settings={"OCR_WATCH": str(folder), "OCR_WATCH_SETTLE_S": str(SETTLE_S)}) as running:
        yield running


def until(true, box):
    deadline = time.monotonic() + LIMIT_S
    while not true():
        assert time.monotonic() < deadline, box.logs()
        time.sleep(0.2)


def visible(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def jobs(box):
    return [path for path in box.folder.rglob("job.json") if "incoming" not in path.parts]


@pytest.fixture(autouse=True)
def empty(folder):
    yield
    for path in folder.rglob("*"):
        if path.is_file():
            path.unlink()


def test_reads_a_dropped_picture_and_moves_it_to_its_results(box, folder):
    shutil.copy(PAGES / "sign.jpg", folder / "街道 1.jpg")
    done = folder / "done"
    until(lambda: (done / "街道 1.jpg").exists(), box)
    assert "人民公园" in (done / "街道 1.jpg.txt").read_text()
    assert (done / "街道 1.jpg").read_bytes() == (PAGES / "sign.jpg").read_bytes()
    if shutil.which("pdftotext"):
        # -raw: the sign hangs askew, and by places alone pdftotext would shuffle its slanting lines
        command = ["pdftotext", "-raw", done / "街道 1.jpg.pdf", "-"]
        assert "人民公园" in subprocess.run(command, capture_output=True, text=True, check=True).stdout
    until(lambda: visible(folder) == ["done", "failed"] and not jobs(box), box)


def test_leaves_a_file_alone_while_it_is_written(box, folder):
    data = (PAGES / "sign.jpg").read_bytes()
    with (folder / "slow.jpg").open("wb") as file:
        for start in range(0, len(data), len(data) // 4 + 1):
            file.write(data[start : start + len(data) // 4 + 1])
            file.flush()
            time.sleep(SETTLE_S / 2)
            assert not jobs(box)
    until(lambda: (folder / "done" / "slow.jpg").exists(), box)
    assert visible(folder / "failed") == []


def test_says_why_a_file_cannot_be_read(box, folder):
    (folder / "note.doc").write_text("no picture")
    (folder / "half.jpg").write_bytes((PAGES / "sign.jpg").read_bytes()[:2000])
    failed = folder / "failed"
    until(lambda: (failed / "note.doc").exists() and (failed / "half.jpg").exists(), box)
    assert visible(failed) == ["half.jpg", "half.jpg.txt", "note.doc", "note.doc.txt"]
    for name in ("note.doc.txt", "half.jpg.txt"):
        text = (failed / name).read_text()
        assert any("\u4e00" <= character <= "\u9fff" for character in text)
        assert text.isascii() is False


def test_a_second_file_of_the_same_name_gets_another(box, folder):
    for page in ("sign.jpg", "receipt.jpg"):
        shutil.copy(PAGES / page, folder / "scan.jpg")
        until(lambda: not (folder / "scan.jpg").exists(), box)
    done = folder / "done"
    assert visible(done) == [f"{name}{more}" for name in ("scan-2.jpg", "scan.jpg") for more in ("", ".pdf", ".txt")]
    assert (done / "scan.jpg").read_bytes() == (PAGES / "sign.jpg").read_bytes()
    assert (done / "scan-2.jpg").read_bytes() == (PAGES / "receipt.jpg").read_bytes()


def test_a_hidden_or_unfinished_file_is_not_taken(box, folder):
    for name in (".scan.jpg", "scan.jpg.part", "SCAN.TMP"):
        shutil.copy(PAGES / "sign.jpg", folder / name)
    shutil.copy(PAGES / "sign.jpg", folder / "scan.jpg")
    until(lambda: (folder / "done" / "scan.jpg").exists(), box)
    assert visible(folder) == ["SCAN.TMP", "done", "failed", "scan.jpg.part"]


def test_survives_being_killed_at_any_moment_without_loss_or_doubling(box, folder):
    names = [f"page {number}.png" for number in range(4)]
    with Image.open(PAGES / "mixed.png") as picture:
        for number, name in enumerate(names):
            picture.crop((0, 0, picture.width, picture.height - number)).save(folder / name)
    dice, done = random.Random(11), folder / "done"
    for _ in range(8):
        time.sleep(dice.uniform(0.3, 3))
        for program in dice.sample(["ocr-web", "ocr-reader"], dice.randint(1, 2)):
            if pid := box.pids.get(program):
                os.kill(pid, signal.SIGKILL)
    until(lambda: not set(names) & set(visible(folder)), box)
    expected = sorted(f"{name}{ending}" for name in names for ending in ("", ".txt", ".pdf"))
    until(lambda: sorted(path.name for path in done.iterdir()) == expected, box)
    for name in names:
        assert (done / f"{name}.txt").read_text().count("Imager") == 1
    assert visible(folder / "failed") == []
    until(lambda: not jobs(box), box)
