"""The command line, run as a person runs it."""

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from ziyan import options, outputs, tokens

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "tests" / "data" / "pages"


@pytest.fixture
def ziyan(models):
    def run(*arguments):
        environment = {**os.environ, "OCR_MODELS_DIR": str(models)}
        command = [ROOT / ".venv" / "bin" / "ziyan", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    return run


def test_reads_one_file_as_plain_lines(ziyan):
    ended = ziyan("read", PAGES / "sign.jpg")
    assert ended.returncode == 0
    assert ended.stdout.strip()
    assert "==" not in ended.stdout


def test_reads_many_files_as_json_lines(ziyan):
    ended = ziyan("read", "--json", PAGES / "sign.jpg", PAGES / "receipt.jpg")
    pages = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [Path(page["file"]).name for page in pages] == ["sign.jpg", "receipt.jpg"]
    assert all(page["lines"] for page in pages)


def test_reads_on_past_a_bad_file_and_says_which(ziyan, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_text("no picture")
    ended = ziyan("read", bad, PAGES / "sign.jpg")
    assert ended.returncode == 1
    assert "bad.jpg" in ended.stderr
    assert "1 / 2" in ended.stderr
    assert "sign.jpg" in ended.stdout


@pytest.fixture
def pdf(tmp_path):
    """A PDF of two pages that are pictures, as a scanner makes it."""
    path = tmp_path / "scan.pdf"
    with Image.open(PAGES / "sign.jpg") as first, Image.open(PAGES / "receipt.jpg") as second:
        first.save(path, save_all=True, append_images=[second.convert("RGB")], resolution=100)
    return path


def test_reads_a_document_page_by_page(ziyan, pdf):
    ended = ziyan("read", pdf)
    assert ended.returncode == 0, ended.stderr
    first, second = ended.stdout.split("\f")
    assert "人民公园" in first
    assert second.strip()


def test_writes_a_searchable_pdf_of_a_document(ziyan, pdf):
    assert ziyan("read", "--format", "pdf", pdf).returncode == 0
    result = pdf.with_name("scan.pdf.pdf")
    assert result.stat().st_size < pdf.stat().st_size + 10_000, "its pages are its own, and not drawn anew"
    # -raw: the sign hangs askew, and by places alone pdftotext would shuffle its slanting lines
    text = subprocess.run(["pdftotext", "-raw", result, "-"], capture_output=True, text=True, check=True).stdout
    assert "人民公园" in text.split("\f")[0]


def test_a_page_that_carries_its_text_is_not_read_unless_forced(ziyan, tmp_path):
    text = "这一页是空白的，文字只在看不见的图层里，一共超过二十五个字符。"
    line = {"text": text, "score": 0.9, "box": [[100, 100], [900, 100], [900, 140], [100, 140]]}
    blank = {"width": 1000, "height": 1400, "lines": [line]}
    (tmp_path / "blank.pdf").write_bytes(b"".join(outputs.render([blank], "pdf")))
    assert ziyan("read", tmp_path / "blank.pdf").stdout.strip() == text
    assert ziyan("read", "--force", tmp_path / "blank.pdf").stdout.strip() == ""


def test_reads_a_folder_into_another_and_leaves_its_own_results_alone(ziyan, tmp_path):
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    shutil.copy(PAGES / "sign.jpg", folder / "a.jpg")
    shutil.copy(PAGES / "sign.jpg", folder / "deep" / "b.jpg")
    (folder / "notes.txt").write_text("no picture, and nobody asked for it")
    (folder / ".hidden.jpg").write_text("hidden")
    for _ in range(2):
        ended = ziyan("read", "--format", "pdf", folder)
        assert ended.returncode == 0, ended.stderr
    found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert found == [".hidden.jpg", "a.jpg", "a.jpg.pdf", "deep/b.jpg", "deep/b.jpg.pdf", "notes.txt"]
    assert ziyan("read", "--out", tmp_path / "out", folder).returncode == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.jpg.txt", "b.jpg.txt"]


def test_a_page_that_cannot_be_read_is_named_and_the_others_are_written(ziyan, tmp_path):
    path = tmp_path / "pictures.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(PAGES / "sign.jpg", "1.jpg")
        archive.writestr("2.jpg", (PAGES / "sign.jpg").read_bytes()[:2000])
        archive.write(PAGES / "sign.jpg", "3.jpg")
    ended = ziyan("read", "--format", "txt", path)
    assert ended.returncode == 1
    assert "pictures.zip, 2:" in ended.stderr
    pages = path.with_name("pictures.zip.txt").read_text().split("\f")
    assert ["人民公园" in page for page in pages] == [True, False, True]


def test_a_failed_file_leaves_no_half_result(ziyan, tmp_path):
    (tmp_path / "bad.jpg").write_bytes((PAGES / "sign.jpg").read_bytes()[:2000])
    assert ziyan("read", "--format", "pdf", tmp_path / "bad.jpg").returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == ["bad.jpg"]


def test_takes_every_option_that_the_api_takes_as_a_flag(ziyan):
    ended = ziyan("read", "--help")
    for name in options.describe():
        assert f"--{name.replace('_', '-')} " in ended.stdout
    every, sure = (
        ziyan("read", *flags, PAGES / "receipt.jpg").stdout.splitlines() for flags in ((), ("--min-score", "1"))
    )
    assert len(sure) < len(every)
    refused = ziyan("read", "--min-score", "2", PAGES / "sign.jpg")
    assert (refused.returncode, "min_score" in refused.stderr) == (1, True)


def test_makes_a_token_and_keeps_its_hash_alone(ziyan, tmp_path):
    path = tmp_path / "tokens"
    made = [ziyan("token", name, "--file", path).stdout.strip() for name in ("laptop", "phone")]
    known = tokens.Tokens(path)
    assert [known.name(token) for token in made] == ["laptop", "phone"]
    assert made[0] not in path.read_text()
    assert path.stat().st_mode & 0o007 == 0, "not for everybody"
    assert ziyan("token", "a name").returncode == 1


def test_check_tells_models_memory_threads_and_temperature_source(ziyan):
    ended = ziyan("check")
    assert ended.returncode == 0
    for part in ("crnn", "MB resident", "threads", "temperature"):
        assert part in ended.stdout


def test_leaves_no_trace_at_home(models, tmp_path):
    # ONNX Runtime's wheels keep what they would report to their maker under ~/.cache, unless that is off in time.
    environment = {**os.environ, "OCR_MODELS_DIR": str(models), "HOME": str(tmp_path)}
    environment.pop("XDG_CACHE_HOME", None)
    command = [ROOT / ".venv" / "bin" / "ziyan", "read", PAGES / "sign.jpg"]
    subprocess.run(command, env=environment, capture_output=True, timeout=60, check=True)
    assert list(tmp_path.rglob("*")) == []


def test_bench_tells_seconds_by_stage(ziyan):
    ended = ziyan("bench", "--repeat", "1", PAGES / "sign.jpg")
    assert ended.returncode == 0
    for part in ("wall", "cpu", "decode", "detect", "recognize", "MB resident"):
        assert part in ended.stdout


def test_without_models_it_says_what_to_do(ziyan, tmp_path):
    environment = {**os.environ, "OCR_MODELS_DIR": str(tmp_path)}
    command = [ROOT / ".venv" / "bin" / "ziyan", "check"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("ziyan: manifest_missing")
    assert "make models" in ended.stderr
    assert "Traceback" not in ended.stderr
