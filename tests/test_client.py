"""`ziyan client`: pictures and documents sent to a real box, and a box that is busy, guarded, or none at all."""

import http.server
import json
import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "tests" / "data" / "pages"


@pytest.fixture(scope="module")
def client():
    def run(*arguments, **environment):
        command = [ROOT / ".venv" / "bin" / "ziyan", "client", *arguments]
        variables = {**os.environ, **environment}
        return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=120, check=False)

    return run


def test_prints_the_text_that_the_box_read(service, client):
    ended = client(service.url, PAGES / "sign.jpg")
    assert ended.returncode == 0, ended.stderr
    assert "人民公园" in ended.stdout


@pytest.mark.parametrize("form", ["txt", "json", "csv", "hocr", "pdf"])
def test_writes_every_format_beside_the_picture(service, client, tmp_path, form):
    shutil.copy(PAGES / "sign.jpg", tmp_path / "街 道.jpg")
    ended = client(service.url, "--format", form, tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["街 道.jpg", f"街 道.jpg.{form}"]
    data = (tmp_path / f"街 道.jpg.{form}").read_bytes()
    assert data.startswith(b"%PDF") if form == "pdf" else "人民公园" in data.decode()


@pytest.mark.parametrize("form", ["txt", "pdf"])
def test_sends_a_document_as_a_job_and_takes_it_off_the_box(service, client, tmp_path, form):
    with Image.open(PAGES / "sign.jpg") as first, Image.open(PAGES / "receipt.jpg") as second:
        first.save(tmp_path / "two.tiff", save_all=True, append_images=[second.convert("RGB")])
    ended = client(service.url, "--format", form, "--out", tmp_path / "results", tmp_path / "two.tiff")
    assert ended.returncode == 0, ended.stderr
    data = (tmp_path / "results" / f"two.tiff.{form}").read_bytes()
    assert data.count(b"/Type /Page ") == 2 if form == "pdf" else "人民公园" in data.decode().split("\f")[0]


def test_a_client_that_is_stopped_stops_its_job(service, tmp_path):
    with Image.open(PAGES / "receipt.jpg") as page:
        page.save(tmp_path / "many.tiff", save_all=True, append_images=[page] * 30)
    command = [ROOT / ".venv" / "bin" / "ziyan", "client", service.url, "--format", "txt", tmp_path / "many.tiff"]
    jobs = service.folder / "jobs"
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as client:
        assert client.stderr.readline().startswith("…"), "it waits for its job"
        (job,) = [path.parent for path in jobs.glob("*/job.json") if not (path.parent / "end.json").exists()]
        client.send_signal(signal.SIGINT)
        client.communicate(timeout=60)
        assert client.returncode == 1
    assert json.loads((job / "end.json").read_text())["state"] == "cancelled"
    assert not (tmp_path / "many.tiff.txt").exists()


def test_says_what_the_box_says_and_goes_on(service, client, tmp_path):
    (tmp_path / "a.jpg").write_text("no picture")
    ended = client(service.url, tmp_path / "a.jpg", PAGES / "sign.jpg")
    assert ended.returncode == 1
    assert "a.jpg" in ended.stderr
    assert "1 / 2" in ended.stderr
    assert "人民公园" in ended.stdout


def test_refuses_an_option_that_the_box_would_refuse_before_sending(client):
    ended = client("http://127.0.0.1:1", "--min-score", "2", PAGES / "sign.jpg")
    assert ended.returncode == 1
    assert "min_score" in ended.stderr


@pytest.mark.parametrize("url", ["ftp://box", "http://", "file:///etc/passwd"])
def test_refuses_what_is_no_address(client, url):
    ended = client(url, PAGES / "sign.jpg")
    assert (ended.returncode, "Traceback" in ended.stderr) == (1, False)
    assert "http://raspberrypi.local:5000" in ended.stderr


def test_says_when_nobody_answers(client):
    ended = client("http://127.0.0.1:1", PAGES / "sign.jpg")
    assert (ended.returncode, "Traceback" in ended.stderr) == (1, False)
    assert "127.0.0.1:1" in ended.stderr


# --- a box that answers as we say -------------------------------------------------------------------------------------

PAGE = {
    "text": ["字"],
    "lines": [{"text": "字", "score": 1, "box": [[0, 0], [9, 0], [9, 9], [0, 9]]}],
    "width": 9,
    "height": 9,
}


@pytest.fixture
def answering():
    """`answering((status, headers, body), …)` gives the URL of a server that answers so, one after the other."""
    servers = []

    def start(*answers):
        left, heard = list(answers), []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                heard.append((self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
                status, headers, body = left.pop(0)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}", heard

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


BUSY = json.dumps({"error": {"code": "busy", "message": "正在识别 busy", "request_id": "0"}}).encode()
GOOD = json.dumps(PAGE).encode()


def test_sends_again_what_a_busy_box_refused(client, answering):
    url, heard = answering((503, {"Retry-After": "1"}, BUSY), (429, {"Retry-After": "1"}, BUSY), (200, {}, GOOD))
    ended = client(url, PAGES / "sign.jpg")
    assert (ended.returncode, ended.stdout) == (0, "字\n"), ended.stderr
    assert "busy" in ended.stderr, "it says why it waits"
    bodies = [body.split(b"\r\n\r\n", 1)[1] for _, _, body in heard]
    assert len(bodies) == 3
    assert all((PAGES / "sign.jpg").read_bytes() in body for body in bodies)


def test_does_not_send_again_what_will_be_refused_again(client, answering):
    url, heard = answering((401, {}, BUSY))
    ended = client(url, PAGES / "sign.jpg")
    assert (ended.returncode, len(heard)) == (1, 1)
    assert "busy" in ended.stderr


def test_sends_the_token_and_the_options(client, answering):
    url, heard = answering((200, {}, GOOD), (200, {}, GOOD))
    assert client(url, "--token", "zy_1", "--min-score", "0.9", PAGES / "sign.jpg").returncode == 0
    assert client(f"{url}/below/", PAGES / "sign.jpg", ZIYAN_TOKEN="zy_2").returncode == 0
    (path, headers, _), (below, others, _) = heard
    assert (path, headers["Authorization"]) == ("/api/ocr?min_score=0.9", "Bearer zy_1")
    assert (below.rstrip("?"), others["Authorization"]) == ("/below/api/ocr", "Bearer zy_2")


@pytest.mark.parametrize("body", [b"<html>", b"[]"])
def test_says_when_what_answers_is_no_box(client, answering, body):
    url, _ = answering((200, {}, body))
    ended = client(url, PAGES / "sign.jpg")
    assert (ended.returncode, "Traceback" in ended.stderr) == (1, False), ended.stderr
