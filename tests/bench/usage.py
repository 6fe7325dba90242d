"""What processes cost: CPU seconds, wall seconds, memory. Linux only (/proc)."""

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

SAMPLES_PER_SECOND = 20
# Work that a program leaves for after its answer (logging, caching, freeing) belongs to the page too.
SETTLE_S = 0.02

Processes = Callable[[], list[psutil.Process]]


def cpu_seconds(process: psutil.Process) -> float:
    """User and system time of `process` and of its ended children, in steps of 10 ms; 0 when it is gone."""
    try:
        return sum(process.cpu_times()[:4])
    except psutil.Error:
        return 0.0


def pss_bytes(process: psutil.Process) -> int:
    """Proportional set size: private memory plus its share of what it shares, so that processes add up; 0 when gone."""
    try:
        return process.memory_full_info().pss
    except psutil.Error:
        return 0


def peak_rss_bytes(process: psutil.Process) -> int:
    """The most resident memory of `process` so far (VmHWM); shared pages count in full. 0 when it is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def folder_bytes(folder: Path) -> int:
    """The size of all files below `folder`; a file that is linked twice counts once."""
    files = {(stat.st_dev, stat.st_ino): stat.st_size for stat in map(Path.lstat, folder.rglob("*"))}
    return sum(files.values())


def reset_peak_rss(process: psutil.Process) -> None:
    """Lets the high-water mark of `process` start again from what is resident now (proc(5), clear_refs)."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{process.pid}/clear_refs").write_text("5")


class Meter:
    """Measures what `processes()` cost while the `with` block runs.

    `cpu_s`, `wall_s`; `peak_pss_bytes`: the memory of all of them together at its highest sample; `peak_rss_bytes`: the
    sum of the kernel's high-water marks, which misses nothing between two samples but counts shared memory repeatedly.

    `processes` is asked anew for every sample, since a supervisor may replace a process in the middle of a page. The
    CPU time of a process that ended meanwhile is lost.
    """

    def __init__(self, processes: Processes):
        self._processes = processes
        self._stop = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self.peak_pss_bytes = self.peak_rss_bytes = 0

    def __enter__(self) -> "Meter":
        processes = self._processes()
        for process in processes:
            reset_peak_rss(process)
        self._before = {process.pid: cpu_seconds(process) for process in processes}
        self._sampler.start()
        self._start = time.perf_counter()
        return self

    def __exit__(self, *_exception) -> None:
        self.wall_s = time.perf_counter() - self._start
        self._stop.set()
        self._sampler.join()
        time.sleep(SETTLE_S)
        spent = (cpu_seconds(process) - self._before.get(process.pid, 0) for process in self._processes())
        self.cpu_s = sum(max(0.0, seconds) for seconds in spent)

    def _sample(self) -> None:
        stopped = False
        while not stopped:
            stopped = self._stop.wait(1 / SAMPLES_PER_SECOND)
            processes = self._processes()
            self.peak_pss_bytes = max(self.peak_pss_bytes, sum(map(pss_bytes, processes)))
            self.peak_rss_bytes = max(self.peak_rss_bytes, sum(map(peak_rss_bytes, processes)))
