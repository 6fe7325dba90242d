"""API tokens: a file of names and hashes. A token is random, so its plain SHA-256 gives nothing away."""

import contextlib
import hashlib
import os
import re
import secrets
from pathlib import Path

from ziyan.errors import RequestRejected, SettingRejected

_PREFIX = "zy_"  # by which a token that leaked can be told from other words
_LINE = re.compile(r"([^\s:]{1,64}):([0-9a-f]{64})")


def make(name: str) -> tuple[str, str]:
    """A new token, and the line of the file that lets it in. RequestRejected for a name that no line can hold."""
    token = _PREFIX + secrets.token_urlsafe(32)
    line = f"{name}:{_digest(token)}"
    if not _LINE.fullmatch(line):
        raise RequestRejected(
            "name_invalid",
            f"令牌名称 {name!r} 无效；应为 1 到 64 个字符，不含空格和冒号。",
            f"A token cannot be named {name!r}. A name has 1 to 64 characters, and no spaces or colons.",
        )
    return token, line


def add(path: Path, line: str) -> None:
    """Puts a line at the end of the file; a new file can be read by its owner and group alone."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    with open(handle, "a", encoding="utf-8") as file:  # noqa: PTH123 (Path.open takes no mode for a new file)
        file.write(f"{line}\n")


class Tokens:
    """The tokens that `path` lets in; a change of the file counts from the next request on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at: tuple[int, int, int] | None = None
        self._names: dict[str, str] = {}
        self._read()

    def name(self, token: str) -> str | None:
        """Whose token it is, or None."""
        with contextlib.suppress(SettingRejected):  # while the file is being changed, those of before hold
            self._read()
        # A dictionary's look-up leaks time about the hash at most, and from a hash leads no way to the token.
        return self._names.get(_digest(token))

    def _read(self) -> None:
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp == self._read_at:
                return
            text = self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "UTF-8"
            raise _rejected(f"无法读取（{reason}）", f"cannot be read ({reason})", self._path) from error
        names = {}
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            found = _LINE.fullmatch(line.strip())
            if not found:
                raise _rejected(f"第 {number} 行无效", f"has a bad line {number}", self._path)
            names[found[2]] = found[1]
        self._names, self._read_at = names, stamp


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _rejected(zh: str, en: str, path: Path) -> SettingRejected:
    return SettingRejected(
        "setting_invalid",
        f"环境变量 OCR_TOKENS 指定的文件 {path} {zh}；用 ziyan token 名称 生成。",
        f"The file {path} of OCR_TOKENS {en}. `ziyan token NAME` makes its lines.",
    )
