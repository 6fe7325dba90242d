"""The command line, run as a person runs it."""

import json
import os
import subprocess
from pathlib import Path

import pytest

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


def test_check_tells_models_memory_threads_and_temperature_source(ziyan):
    ended = ziyan("check")
    assert ended.returncode == 0
    for part in ("ppocrv6-tiny", "MB resident", "threads", "temperature"):
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
