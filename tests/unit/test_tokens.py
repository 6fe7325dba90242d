"""The file of tokens: what is in it, who gets in, and what happens while it changes."""

import os

import pytest
from ziyan import tokens
from ziyan.errors import RequestRejected, SettingRejected


@pytest.fixture
def path(tmp_path):
    return tmp_path / "tokens"


def test_a_token_that_was_made_is_known_by_its_name_and_no_other_is(path):
    token, line = tokens.make("laptop")
    path.write_text(f"# ours\n\n{line}\n")
    known = tokens.Tokens(path)
    assert known.name(token) == "laptop"
    assert [known.name(other) for other in ("", token[:-1], token + "x", tokens.make("laptop")[0])] == [None] * 4


def test_the_file_does_not_hold_the_token(path):
    token, line = tokens.make("laptop")
    assert token not in line
    assert token.removeprefix("zy_") not in line


@pytest.mark.parametrize("name", ["", "two words", "a:b", "x" * 65, "a\nb"])
def test_refuses_a_name_that_the_file_could_not_hold(name, refuses):
    with refuses(RequestRejected, "name_invalid"):
        tokens.make(name)


def test_a_token_that_is_added_or_removed_counts_at_once(path):
    (first, one), (second, two) = tokens.make("first"), tokens.make("second")
    path.write_text(one)
    known = tokens.Tokens(path)
    assert known.name(second) is None
    path.write_text(f"{two}\n")
    assert (known.name(first), known.name(second)) == (None, "second")


def test_while_the_file_is_broken_the_tokens_of_before_hold(path):
    token, line = tokens.make("laptop")
    path.write_text(line)
    known = tokens.Tokens(path)
    path.write_text("not a line of ours")
    assert known.name(token) == "laptop"
    path.unlink()
    assert known.name(token) == "laptop"


def test_does_not_start_with_a_file_that_it_cannot_use(path, refuses):
    with refuses(SettingRejected, "setting_invalid"):
        tokens.Tokens(path)
    path.write_text("laptop:abc\n")
    with refuses(SettingRejected, "setting_invalid") as caught:
        tokens.Tokens(path)
    assert "line 1" in caught.value.en
    path.write_bytes(os.urandom(8) + b"\xff\xfe")
    with refuses(SettingRejected, "setting_invalid"):
        tokens.Tokens(path)
