"""A Redis of its own for tests: on a Unix socket, with nothing on the disk."""

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path


def available() -> bool:
    """Whether Redis is installed."""
    return shutil.which("redis-server") is not None


@contextlib.contextmanager
def running() -> Iterator[str]:
    """The URL of an empty Redis, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="ziyan-redis-") as folder:
        path = Path(folder) / "redis.sock"
        command = ["redis-server", "--port", "0", "--unixsocket", str(path), "--save", "", "--appendonly", "no"]
        with (Path(folder) / "redis.log").open("wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        try:
            deadline = time.monotonic() + 10
            while not path.exists():
                assert server.poll() is None and time.monotonic() < deadline, "redis-server did not start"  # noqa: PT018
                time.sleep(0.02)
            yield f"unix://{path}"
        finally:
            server.terminate()
            server.wait(10)
