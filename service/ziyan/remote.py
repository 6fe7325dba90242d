"""A box seen from another machine: pictures and documents sent to it, and what it answers. Needs nothing but Python."""

import http.client
import json
import secrets
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from ziyan import embed, outputs
from ziyan.errors import RequestRejected, ZiyanError
from ziyan.kinds import HEAD_BYTES, kind

_CHUNK = 1 << 16
_TIMEOUT_S = 330  # a page may wait for others; the box gives up before this
_LONGEST_WAIT_S = 60
_TRIES = 30
_POLL_S = 1.0


class Refused(ZiyanError):
    """The box refused; code and words are its own."""


class Box:
    """The box at `url`, asked with `token` where it wants one. `told` is called with what keeps the caller waiting."""

    def __init__(self, url: str, token: str | None = None, told: Callable[[str], None] = lambda words: None) -> None:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RequestRejected(
                "url_invalid",
                f"地址 {url!r} 无效；例如 http://raspberrypi.local:5000。",
                f"The address {url!r} is none. It looks like http://raspberrypi.local:5000.",
            )
        self._parts, self._told = parts, told
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def render(self, path: Path, form: str, asked: Mapping[str, str], *, force: bool) -> Iterator[bytes]:
        """The file of the format `form` for the picture or document at `path`, in pieces."""
        with path.open("rb") as file:
            single = kind(file.read(HEAD_BYTES)) == "picture"
            if single and form == "pdf":
                single = _embeddable(file)
        if not single:
            return self._result(path, form, asked | ({"force": "true"} if force else {}))
        page = self._sent("/api/ocr", "image", path, asked, needed={"lines", "width", "height"})
        return outputs.render([page], form, pictures=[lambda: (path.open("rb"), None)])

    def _result(self, path: Path, form: str, asked: Mapping[str, str]) -> Iterator[bytes]:
        job = self._sent("/api/jobs", "file", path, asked, needed={"url", "result_url"})
        try:
            self._wait(job["url"])
            with self._answer("GET", f"{job['result_url']}?{urlencode({'format': form})}") as response:
                while chunk := response.read(_CHUNK):
                    yield chunk
        finally:  # its results are here, or nobody waits for them any more
            with suppress(ZiyanError):
                self._end(job["url"])

    def _wait(self, url: str) -> None:
        before = ""
        while (state := self._asked(url))["state"] in ("queued", "running"):
            now = f"{state['pages_done']}/{state['pages'] or '?'}"
            if now != before:
                self._told(now)
            before = now
            time.sleep(_POLL_S)
        if state["state"] != "done":
            error = state["error"] or {"code": f"job_{state['state']}", "message": state["state"]}
            raise Refused(error["code"], error["message"], "")

    def _end(self, url: str) -> None:
        with self._answer("DELETE", url):
            pass

    def _asked(self, target: str) -> dict[str, Any]:
        with self._answer("GET", target) as response:
            return _told(response, {"state", "error", "pages", "pages_done"})

    def _sent(
        self, target: str, field: str, path: Path, asked: Mapping[str, str], *, needed: set[str]
    ) -> dict[str, Any]:
        body = _Multipart(field, path)
        with self._answer("POST", f"{target}?{urlencode(asked)}", body) as response:
            return _told(response, needed)

    @contextmanager
    def _answer(self, method: str, target: str, body: "_Multipart | None" = None) -> Iterator[http.client.HTTPResponse]:
        """The answer to a request; one that the box cannot take now is sent again when it says so."""
        for left in reversed(range(_TRIES)):
            connection = self._connection()
            try:
                response = self._exchanged(connection, method, target, body)
                if response.status < 400:
                    yield response
                    return
                error, wait_s = _refusal(response)
                if wait_s is None or not left:
                    raise error
            except (OSError, http.client.HTTPException) as error:
                raise _unreachable(self._parts.netloc, error) from error
            finally:
                connection.close()
            self._told(f"{error.code}, {wait_s} s")
            time.sleep(wait_s)

    def _connection(self) -> http.client.HTTPConnection:
        if self._parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self._parts.netloc, timeout=_TIMEOUT_S, context=context)
        return http.client.HTTPConnection(self._parts.netloc, timeout=_TIMEOUT_S)

    def _exchanged(
        self, connection: http.client.HTTPConnection, method: str, target: str, body: "_Multipart | None"
    ) -> http.client.HTTPResponse:
        path = urljoin(f"{self._parts.path.rstrip('/')}/", target.lstrip("/"))
        headers = self._headers | (body.headers if body else {})
        # Refused before it was sent as a whole? The answer says why.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, path, body, headers)
        return connection.getresponse()


class _Multipart:
    """One file as multipart/form-data (RFC 7578), read while it is sent, as often as it is sent."""

    def __init__(self, field: str, path: Path) -> None:
        mark = secrets.token_hex(16)
        name = "".join(character if character.isprintable() and character != '"' else "_" for character in path.name)
        disposition = f'form-data; name="{field}"; filename="{name}"'
        kind_of = "Content-Type: application/octet-stream"
        self._head = f"--{mark}\r\nContent-Disposition: {disposition}\r\n{kind_of}\r\n\r\n".encode()
        self._tail = f"\r\n--{mark}--\r\n".encode()
        self._path = path
        self.headers = {
            "Content-Type": f"multipart/form-data; boundary={mark}",
            "Content-Length": str(len(self._head) + path.stat().st_size + len(self._tail)),
        }

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        with self._path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
        yield self._tail


def _told(response: http.client.HTTPResponse, needed: set[str]) -> dict[str, Any]:
    try:
        told = json.load(response)
    except ValueError as error:
        raise _no_box() from error
    if not isinstance(told, dict) or not needed <= told.keys():
        raise _no_box()
    return told


def _no_box(status: str = "") -> Refused:
    return Refused(
        "unknown_answer",
        f"此地址的回答不像字眼的设备 {status}；请检查地址。",
        f"What answers there is no box of ours {status}. Check the address.",
    )


def _refusal(response: http.client.HTTPResponse) -> tuple[Refused, int | None]:
    """What the box says, and after how many seconds to try again, or None for never."""
    try:
        told = json.load(response)["error"]
        error = Refused(told["code"], told["message"], "")
    except (ValueError, KeyError, TypeError):
        error = _no_box(f"(HTTP {response.status})")
    wait = response.getheader("Retry-After", "")
    again = response.status in (429, 503) and wait.isdecimal()
    return error, max(1, min(_LONGEST_WAIT_S, int(wait))) if again else None


def _unreachable(place: str, error: Exception) -> ZiyanError:
    return ZiyanError(
        "box_unreachable",
        f"无法连接 {place}（{error}）；请检查地址与网络。",
        f"{place} cannot be reached ({error}). Check the address and the network.",
    )


def _embeddable(file: Any) -> bool:
    try:
        embed.look(file)
    except ZiyanError:
        return False
    return True
