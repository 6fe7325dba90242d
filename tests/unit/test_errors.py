"""The tree of errors, and every sentence that the service says to people."""

import ast
import re
from pathlib import Path

import pytest
from ziyan import errors

SERVICE = Path(errors.__file__).parent
CHINESE = re.compile("[\u4e00-\u9fff]")
KINDS = {name for name, value in vars(errors).items() if isinstance(value, type)}


def test_the_message_is_chinese_then_english():
    error = errors.ImageRejected("image_empty", "图片是空文件。", "The picture is an empty file.")
    assert error.code == "image_empty"
    assert error.message == str(error) == "图片是空文件。 The picture is an empty file."


def test_a_format_or_size_that_is_refused_is_a_refused_picture():
    assert issubclass(errors.UnsupportedFormat, errors.ImageRejected)
    assert issubclass(errors.ImageTooLarge, errors.ImageRejected)


def test_a_body_of_another_kind_is_a_refused_request_and_no_refused_picture():
    assert issubclass(errors.UnsupportedBody, errors.RequestRejected)
    assert not issubclass(errors.UnsupportedBody, errors.ImageRejected)


@pytest.mark.parametrize("kind", [errors.Busy, errors.ReaderLost])
def test_who_cannot_read_now_says_when_to_come_back(kind):
    error = kind("busy", "请稍候。", "Wait.", retry_after_s=7)
    assert isinstance(error, errors.Unavailable)
    assert error.retry_after_s == 7


def test_one_root_catches_them_all():
    kinds = [value for value in vars(errors).values() if isinstance(value, type)]
    assert len(kinds) >= 10
    assert all(issubclass(kind, errors.ZiyanError) for kind in kinds)


def _raised(path):
    """(code, Chinese, English) of each error that the module at `path` makes; what f-strings fill in is left out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in KINDS:
            yield tuple(_constant_text(argument) for argument in node.args[:3])


def _constant_text(node):
    return "".join(part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and type(part.value) is str)


def test_every_error_has_a_code_and_speaks_both_languages():
    said = {path.name: list(_raised(path)) for path in SERVICE.rglob("*.py")}
    assert sum(map(len, said.values())) >= 15
    for name, sentences in said.items():
        for code, zh, en in (found for found in sentences if len(found) == 3 and found[0]):
            assert re.fullmatch("[a-z0-9_]+", code), name
            assert CHINESE.search(zh), f"{name}: {code}"
            assert len(en.split()) > 2, f"{name}: {code}"
            assert not CHINESE.search(en), f"{name}: {code}"
