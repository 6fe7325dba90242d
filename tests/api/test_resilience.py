"""A full queue, a reader that is killed, hung or wrongly equipped: every failure is told, and heals by itself."""

import os
import shutil
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import psutil
import pytest
import requests
import stack
from PIL import Image

ROOT = Path(__file__).parents[2]
ZIYAN = ROOT / ".venv" / "bin" / "ziyan"


def picture(grey):
    """A picture that no other test sends, so that no cache knows it."""
    data = BytesIO()
    Image.new("L", (64, 64), grey).save(data, "PNG")
    return data.getvalue()


def wait_until(holds, limit_s=60):
    deadline = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def post(service, data):
    return requests.post(f"{service.url}/api/ocr", files={"image": data}, timeout=120)


def in_use(service):
    return service.health()["queue"]["in_use"]


def test_admits_one_page_and_four_waiting_and_tells_the_sixth_when_to_come_back(service):
    with ThreadPoolExecutor(5) as clients:
        with stack.frozen(service.pids["ocr-reader"]):
            admitted = [clients.submit(post, service, picture(i)) for i in range(5)]
            wait_until(lambda: in_use(service) == 5)
            sixth = post(service, picture(5))
        answers = [answer.result() for answer in admitted]
    assert (sixth.status_code, sixth.json()["error"]["code"]) == (503, "busy")
    assert int(sixth.headers["Retry-After"]) >= 1
    assert [answer.status_code for answer in answers] == [200] * 5
    wait_until(lambda: in_use(service) == 0)


def test_answers_503_when_the_reader_is_killed_in_the_middle_of_a_page_and_heals(service):
    before = service.pids
    os.kill(before["ocr-reader"], signal.SIGSTOP)
    with ThreadPoolExecutor(1) as client:
        waiting = client.submit(post, service, picture(10))
        wait_until(lambda: in_use(service) == 1)
        os.kill(before["ocr-reader"], signal.SIGKILL)
        answer = waiting.result()
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "reader_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    wait_until(lambda: service.health()["status"] == "ok" and service.pids["ocr-reader"] != before["ocr-reader"])
    assert service.pids["ocr-web"] == before["ocr-web"]
    assert post(service, picture(11)).status_code == 200


def test_says_degraded_while_the_reader_does_not_answer(service):
    pid = service.pids["ocr-reader"]
    with stack.frozen(pid):
        wait_until(lambda: service.health()["status"] == "degraded")
        answer = requests.get(f"{service.url}/health", timeout=5)
        assert (answer.status_code, answer.json()["model"]) == (503, None)
    wait_until(lambda: service.health()["status"] == "ok")


def test_gives_up_a_page_above_its_time_and_restarts(drawn_text):
    with stack.running(settings={"OCR_PAGE_TIMEOUT_S": "1", "OCR_THREADS": "1"}) as service:
        before = service.pids["ocr-reader"]
        answer = post(service, drawn_text(lines=700))
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "reader_unavailable")
        wait_until(lambda: service.pids.get("ocr-reader", before) != before)
        wait_until(lambda: service.health()["status"] == "ok")
        assert '"page_timeout"' in service.logs()


@pytest.fixture
def drawn_text():
    """A page with very many short lines."""
    from PIL import ImageDraw

    def draw(lines):
        page = Image.new("L", (3000, 3000), "white")
        pen = ImageDraw.Draw(page)
        for i in range(lines):
            pen.text((20 + i % 14 * 210, 10 + i // 14 * 58), f"No. {i} Pi{i * 7919 % 997}", font_size=40, fill="black")
        data = BytesIO()
        page.save(data, "PNG")
        return data.getvalue()

    return draw


def test_a_slow_sender_holds_no_place_in_the_queue(service):
    import socket

    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as sender:
        sender.sendall(b"POST /api/ocr HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n--half")
        time.sleep(0.2)
        assert in_use(service) == 0


def test_health_answers_beside_many_half_open_connections(service):
    import socket

    host, port = service.url.removeprefix("http://").split(":")
    senders = [socket.create_connection((host, int(port))) for _ in range(120)]
    try:
        for sender in senders:
            sender.sendall(b"POST /api/ocr HTTP/1.1\r\n")
        assert service.health()["status"] == "ok"
    finally:
        for sender in senders:
            sender.close()


def test_the_reader_speaks_to_nobody_but_ocr_web(service):
    post(service, picture(60))
    reader = psutil.Process(service.pids["ocr-reader"])
    assert reader.net_connections(kind="inet") == [], "ONNX Runtime's telemetry is off, and nothing else calls home"
    assert reader.net_connections(kind="unix")


def run_program(name, **variables):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OCR_")}
    return subprocess.run([ZIYAN, name], env=environment | variables, capture_output=True, text=True, timeout=60)


def test_a_bad_setting_stops_the_program_with_one_line(tmp_path):
    ended = run_program("web", OCR_PORT="70000")
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert all(part in ended.stderr for part in ("OCR_PORT", "70000", "1–65535"))


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda folder: (folder / "recognizer.onnx").write_bytes(b"other"), "checksum_mismatch"),
        (lambda folder: (folder / "detector.onnx").unlink(), "model_missing"),
        (lambda folder: (folder / "charset.txt").write_text("a\nb\n"), "checksum_mismatch"),
        (lambda folder: (folder / "manifest.json").unlink(), "manifest_missing"),
    ],
)
def test_a_wrong_model_stops_the_reader_with_one_line(tmp_path, models, spoil, code):
    for name in ("manifest.json", "charset.txt", "detector.onnx", "recognizer.onnx"):
        shutil.copy(models / name, tmp_path)
    spoil(tmp_path)
    ended = run_program("reader", OCR_MODELS_DIR=str(tmp_path), OCR_SOCKET=str(tmp_path / "reader.sock"))
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert code in ended.stderr
    assert "make models" in ended.stderr


def test_many_threads_at_once_get_their_own_answers(service):
    sizes = [(100 + i, 50) for i in range(12)]
    answers = {}

    def send(size):
        data = BytesIO()
        Image.new("RGB", size, "white").save(data, "PNG")
        while (answer := post(service, data.getvalue())).status_code == 503:
            time.sleep(0.05)
        answers[size] = (answer.json()["width"], answer.json()["height"])

    threads = [threading.Thread(target=send, args=(size,)) for size in sizes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {size: size for size in sizes}
