"""Characters and their classes."""

import pytest
from ziyan.charset import BLANK, Charset
from ziyan.errors import ModelRejected


def test_the_first_character_is_class_1_since_0_is_the_blank():
    charset = Charset("字眼 ")
    assert BLANK == 0
    assert charset.encode("眼字 ") == [2, 1, 3]
    assert charset.decode([2, 1, 3]) == "眼字 "


def test_counts_its_characters_and_with_the_blank_its_classes():
    charset = Charset("abc")
    assert (len(charset), charset.classes) == (3, 4)
    assert "b" in charset
    assert "d" not in charset


def test_an_unknown_character_is_named():
    with pytest.raises(KeyError, match="喵"):
        Charset("字眼").encode("字喵")


def test_refuses_a_character_twice(refuses):
    with refuses(ModelRejected, "charset_invalid"):
        Charset("aba")


def test_what_is_dumped_is_loaded_again(tmp_path):
    path = tmp_path / "charset.txt"
    path.write_bytes(Charset("字a😀\u3000 ").dump())
    assert path.read_bytes() == "字\na\n😀\n\u3000\n \n".encode()
    assert Charset.load(path).characters == ("字", "a", "😀", "\u3000", " ")


def test_only_line_feeds_end_a_line(tmp_path):
    # str.splitlines would also end one at these three, which are characters that a recognizer may know.
    path = tmp_path / "charset.txt"
    path.write_bytes("\u2028\n\x85\n\x0c\n".encode())
    assert Charset.load(path).characters == ("\u2028", "\x85", "\x0c")


@pytest.mark.parametrize(
    "content",
    [b"a\n\nb\n", b"a\nb", b"\xff\xfe\n", b"a\nb\na\n"],
    ids=["an empty line", "no line feed at the end", "not UTF-8", "a character twice"],
)
def test_refuses_a_file_with(content, tmp_path, refuses):
    path = tmp_path / "charset.txt"
    path.write_bytes(content)
    with refuses(ModelRejected, "charset_invalid"):
        Charset.load(path)


def test_refuses_a_missing_file_by_name(tmp_path, refuses):
    with refuses(ModelRejected, "charset_invalid") as caught:
        Charset.load(tmp_path / "letters.txt")
    assert "letters.txt" in caught.value.en


def test_the_prepared_charset_holds_9818_characters_and_the_space_last(models):
    charset = Charset.load(models / "charset.txt")
    assert (len(charset), charset.characters[-1]) == (9818, " ")
    assert all(len(character) == 1 for character in charset.characters)
    for text in ("树莓派 Raspberry Pi 4B", "從來沒說過"):
        assert charset.decode(charset.encode(text)) == text
