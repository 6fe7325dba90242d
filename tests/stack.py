"""Starts the two real programs under the supervisor's own configuration, for tests and benchmarks."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

ROOT = Path(__file__).parents[1]
CONFIGURATION = ROOT / "service" / "supervisor" / "supervisord.conf"
START_LIMIT_S = 60
STOP_LIMIT_S = 30


@dataclass(frozen=True)
class Stack:
    """ocr-web and ocr-reader, ready at `url`."""

    url: str
    supervisor: psutil.Process
    environment: Path
    models: Path
    folder: Path

    def processes(self) -> list[psutil.Process]:
        """Both programs as they are now: a restart by the supervisor changes them."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return self.supervisor.children(recursive=True)
        return []

    @property
    def pids(self) -> dict[str, int]:
        """The process id of each program, by its name in the supervisor's configuration."""
        found = {}
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess, KeyError):
                found[process.environ()["SUPERVISOR_PROCESS_NAME"]] = process.pid
        return found

    def health(self) -> dict:
        """The answer of /health, whatever its status."""
        return requests.get(f"{self.url}/health", timeout=5).json()

    def model_files(self) -> list[Path]:
        """What the service reads of its models folder: the manifest, and all that it names."""
        manifest = self.models / "manifest.json"
        return [manifest, *(self.models / name for name in re.findall(r'"file": "(.+?)"', manifest.read_text()))]

    def logs(self) -> str:
        """Everything that the programs and their supervisor wrote."""
        return "\n".join(f"== {path.name}\n{path.read_text(errors='replace')}" for path in self.folder.rglob("*.log"))


@contextlib.contextmanager
def running(
    *, environment: Path = ROOT / ".venv", models: Path = ROOT / "models", settings: dict[str, str] | None = None
) -> Iterator[Stack]:
    """The programs of `environment` on a free port, with OCR_* `settings`, until the block ends."""
    # Not pytest's tmp_path: a Unix socket's path may have 107 bytes at most.
    with tempfile.TemporaryDirectory(prefix="ziyan-") as folder:
        port = free_port()
        supervisor = start(environment, models, Path(folder), port, settings or {})
        stack = Stack(f"http://127.0.0.1:{port}", supervisor, environment, models, Path(folder))
        try:
            wait_until_ready(stack)
            yield stack
        finally:
            stop(supervisor)


def start(environment: Path, models: Path, folder: Path, port: int, settings: dict[str, str]) -> psutil.Popen:
    """Starts the supervisor; its files and the programs' sockets go to `folder`."""
    variables = {
        "ZIYAN_BIN": str(environment / "bin"),
        "ZIYAN_LOG_DIR": str(folder),
        "ZIYAN_RUN_DIR": str(folder),
        "OCR_HOST": "127.0.0.1",
        "OCR_PORT": str(port),
        "OCR_SOCKET": str(folder / "reader.sock"),
        "OCR_MODELS_DIR": str(models),
        "OCR_JOBS_DIR": str(folder / "jobs"),
    }
    # Settings of the shell that starts a test must not change what is tested.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OCR_")}
    variables = inherited | variables | settings
    command = [environment / "bin" / "supervisord", "--nodaemon", "--configuration", CONFIGURATION]
    with (folder / "supervisord-output.log").open("wb") as log:
        return psutil.Popen(command, env=variables, stdout=log, stderr=subprocess.STDOUT)


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_until_ready(stack: Stack) -> None:
    """Returns when /health says ok; RuntimeError with the logs if that takes longer than START_LIMIT_S."""
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and stack.supervisor.is_running():
        with contextlib.suppress(requests.RequestException, ValueError):
            if stack.health()["status"] == "ok":
                return
        time.sleep(0.1)
    raise RuntimeError(f"the service was not ready within {START_LIMIT_S} s\n{stack.logs()}")


@contextlib.contextmanager
def frozen(pid: int) -> Iterator[None]:
    """The program holds still inside the block, as one that is hard at work on a page does."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):  # a test may have killed it meanwhile
            os.kill(pid, signal.SIGCONT)


def stop(supervisor: psutil.Popen) -> None:
    """Ends the supervisor as Ctrl-C does; programs that stay behind are killed."""
    children = supervisor.children(recursive=True) if supervisor.is_running() else []
    supervisor.terminate()
    try:
        supervisor.wait(STOP_LIMIT_S)
    except psutil.TimeoutExpired:
        supervisor.kill()
    for process in psutil.wait_procs(children, timeout=5)[1]:
        process.kill()
