"""How ocr-web speaks to the reader: HTTP over a Unix socket."""

import http.client
import json
import socket
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode

from ziyan import errors
from ziyan.options import Options

RESTART_S = 5  # what a restart of the reader takes, loading included; told to callers as Retry-After


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("reader", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class ReaderClient:
    """The reader behind the socket `path`. Every call opens a connection of its own, so any thread may call."""

    def __init__(self, path: Path, *, page_timeout_s: float) -> None:
        self._path = path
        self._page_timeout_s = page_timeout_s

    def read(self, picture: BinaryIO, size_bytes: int, asked: Options, *, name: str) -> dict[str, Any]:
        """The page in `picture` as JSON types; `progress` knows it by `name`.

        Raises what the reader raised, or ReaderLost.
        """
        target = f"/page/{name}?{urlencode(asked.as_query())}"
        return self._call("POST", target, picture, size_bytes, self._page_timeout_s)

    def progress(self, name: str, *, timeout_s: float) -> dict[str, Any] | None:
        """How far the page `name` is, or None where there is none. ReaderLost where it does not answer in time."""
        return self._call("GET", f"/progress/{quote(name, safe='')}", None, 0, timeout_s)["progress"]

    def state(self, *, timeout_s: float) -> dict[str, Any]:
        """The reader's state. ReaderLost where it does not answer in time."""
        return self._call("GET", "/state", None, 0, timeout_s)

    def _call(
        self, method: str, target: str, body: BinaryIO | None, size_bytes: int, timeout_s: float
    ) -> dict[str, Any]:
        connection = _UnixConnection(self._path, timeout_s)
        try:
            headers = {"Content-Length": str(size_bytes)} if body else {}
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _lost() from error
        finally:
            connection.close()
        if response.status == 200:
            return answer
        if "kind" in answer:
            kind: type[errors.ZiyanError] = getattr(errors, answer["kind"])
            raise kind(answer["code"], answer["zh"], answer["en"])
        raise errors.ZiyanError(
            "reading_failed",
            "识别此图片时出错，详情见日志。请换一张图片，或附上 request_id 报告问题。",
            "Reading this picture failed; the log has the details. Try another one, or report it with the request_id.",
        )


def _lost() -> errors.ReaderLost:
    return errors.ReaderLost(
        "reader_unavailable",
        f"识别程序正在启动或重启，这张图片没有读完；请在 {RESTART_S} 秒后重试。",
        f"The reader is starting or restarting and did not finish this picture. Try again in {RESTART_S} seconds.",
        retry_after_s=RESTART_S,
    )
