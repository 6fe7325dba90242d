"""A Redis of its own for tests: on a Unix socket, with nothing on the disk."""

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path


def available() -> bool:
    """Whether Redis is installed."""
    return shutil.which("redis-server") is not None


def wait_until_it_listens(path: Path) -> None:
    """Returns when somebody takes connections at the socket `path`; TimeoutError after 10 s."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            return
        time.sleep(0.02)
    raise TimeoutError("redis-server did not start")


@contextlib.contextmanager
def running() -> Iterator[str]:
    """The URL of an empty Redis, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="ziyan-redis-") as folder:
        path = Path(folder) / "redis.sock"
        command = ["redis-server", "--port", "0", "--unixsocket", str(path), "--save", "", "--appendonly", "no"]
        with (Path(folder) / "redis.log").open("wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        try:
            wait_until_it_listens(path)
            yield f"unix://{path}"
        finally:
            server.terminate()
            server.wait(10)
