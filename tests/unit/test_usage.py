"""The meter on a real process that does a known thing."""

import subprocess
import sys

import psutil
import pytest
from bench.usage import Meter, folder_bytes, peak_rss_bytes

MEBIBYTE = 2**20


@pytest.fixture
def worker():
    """A Python that runs what is written to it, line by line, and answers each with a newline."""
    code = "import sys\nfor line in sys.stdin: exec(line); print(flush=True)"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def run(line: str) -> None:
            process.stdin.write(line + "\n")
            process.stdin.flush()
            process.stdout.readline()

        run("pass")
        yield psutil.Process(process.pid), run


def test_measures_memory_that_was_freed_before_the_end(worker):
    process, run = worker
    with Meter(lambda: [process]) as meter:
        run("import time; block = bytearray(64 * 2**20); time.sleep(0.5); del block")
    assert 64 * MEBIBYTE < meter.peak_pss_bytes < 128 * MEBIBYTE
    assert 64 * MEBIBYTE < meter.peak_rss_bytes < 128 * MEBIBYTE


def test_a_peak_before_the_block_does_not_count(worker):
    process, run = worker
    run("block = bytearray(64 * 2**20); del block")
    assert peak_rss_bytes(process) > 64 * MEBIBYTE
    with Meter(lambda: [process]) as meter:
        run("pass")
    assert meter.peak_rss_bytes < 64 * MEBIBYTE


def test_counts_work_and_not_waiting(worker):
    process, run = worker
    with Meter(lambda: [process]) as waiting:
        run("import time; time.sleep(0.5)")
    with Meter(lambda: [process]) as working:
        run("import time; end = time.process_time() + 0.5; all(iter(lambda: time.process_time() < end, False))")
    assert waiting.cpu_s <= 0.1 < waiting.wall_s
    assert working.cpu_s == pytest.approx(0.5, abs=0.1)


def test_a_process_that_is_gone_costs_nothing(worker):
    process, _ = worker
    with Meter(lambda: [process]) as meter:
        process.kill()
        process.wait(timeout=10)
    assert meter.cpu_s == 0


def test_a_file_linked_twice_counts_once(tmp_path):
    (tmp_path / "one").write_bytes(b"x" * 5000)
    once = folder_bytes(tmp_path)
    (tmp_path / "two").hardlink_to(tmp_path / "one")
    assert folder_bytes(tmp_path) == once == 5000
