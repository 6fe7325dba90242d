"""Measures what the box promises beside reading: `make bench-limits`.

/health while the reader is saturated, how fast wrong requests are refused, and how soon a killed reader is back.
"""

import io
import os
import queue
import signal
import statistics
import threading
import time

import numpy as np
import requests
import stack
from PIL import Image

from bench.report import table

SATURATED_S = 20
CLIENTS = 8
PICTURES = 400
RETRY_S = 0.1
PROBE_INTERVAL_S = 0.05
KILLS = 5


def main() -> None:
    """Prints the three tables."""
    with stack.running() as service:
        print(table(["GET /health", "ms"], health_while_saturated(service)))
        print()
        print(table(["refusal", "status", "median ms", "max ms"], refusals(service)))
        print()
        print(table(["kill -9 of the reader", "s"], recoveries(service)))


def picture(seed: int, size: tuple[int, int] = (1280, 960)) -> bytes:
    """A PNG of coarse noise that no cache has seen: (height, width) grey, uint8."""
    coarse = np.random.default_rng(seed).integers(0, 256, (48, 64), np.uint8)
    data = io.BytesIO()
    Image.fromarray(coarse).resize(size).save(data, "PNG")
    return data.getvalue()


def health_while_saturated(service: stack.Stack) -> list[list[str]]:
    """Quantiles of /health's wall time while CLIENTS post without pause, more than the queue admits."""
    done = threading.Event()
    statuses: list[int] = []
    # Made beforehand: what the clients compute would delay the probe, which shares their interpreter.
    pictures = queue.SimpleQueue()
    for seed in range(PICTURES):
        pictures.put(picture(seed))

    def post() -> None:
        while not done.is_set() and not pictures.empty():
            body = pictures.get()
            answer = requests.post(f"{service.url}/api/ocr", files={"image": body}, timeout=60)
            statuses.append(answer.status_code)
            if answer.status_code == 503:
                pictures.put(body)
                time.sleep(RETRY_S)

    clients = [threading.Thread(target=post) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    walls, deadline = [], time.monotonic() + SATURATED_S
    while time.monotonic() < deadline:
        walls.append(timed(lambda: requests.get(f"{service.url}/health", timeout=10))[0])
        time.sleep(PROBE_INTERVAL_S)
    done.set()
    for client in clients:
        client.join()
    p50, p99 = np.percentile(walls, [50, 99])
    rows = [["median", p50], ["p99", p99], ["max", max(walls)]]
    counts = f"{statuses.count(200)} read, {statuses.count(503)} told to come back, {len(walls)} probes"
    return [*[[name, f"{1000 * wall:.0f}"] for name, wall in rows], ["(meanwhile)", counts]]


def refusals(service: stack.Stack) -> list[list[str]]:
    """Wall time of wrong requests on an idle box, ten of each."""
    jpeg = io.BytesIO()
    Image.open(io.BytesIO(picture(0))).save(jpeg, "JPEG")
    wrong = {
        "empty body": {},
        "text as .jpg": {"files": {"image": ("a.jpg", b"hello")}},
        "truncated JPEG": {"files": {"image": jpeg.getvalue()[:-9000]}},
        "21 MiB": {"files": {"image": bytes(21 << 20)}},
        "bad base64": {"json": {"image": "!"}},
        "unknown option": {"files": {"image": b"x"}, "params": {"colour": "1"}},
    }
    rows = []
    for name, request in wrong.items():
        timings = [timed(lambda r=request: requests.post(f"{service.url}/api/ocr", timeout=10, **r)) for _ in range(10)]
        walls = [1000 * wall for wall, _ in timings]
        rows.append([name, str(timings[0][1].status_code), f"{statistics.median(walls):.0f}", f"{max(walls):.0f}"])
    return rows


def recoveries(service: stack.Stack) -> list[list[str]]:
    """Seconds from the kill until a picture is read again, KILLS times."""
    walls = []
    for kill in range(KILLS):
        stack.wait_until_ready(service)
        os.kill(service.pids["ocr-reader"], signal.SIGKILL)
        start = time.monotonic()
        body = picture(10_000 + kill, (64, 64))
        while requests.post(f"{service.url}/api/ocr", files={"image": body}, timeout=60).status_code != 200:
            time.sleep(0.05)
        walls.append(time.monotonic() - start)
    return [["median", f"{statistics.median(walls):.1f}"], ["max", f"{max(walls):.1f}"]]


def timed(call) -> tuple[float, requests.Response]:
    """Wall seconds of `call`, and what it gave."""
    start = time.perf_counter()
    answer = call()
    return time.perf_counter() - start, answer


if __name__ == "__main__":
    main()
