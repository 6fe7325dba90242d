"""The characters that a recognizer knows, and their classes."""

from collections.abc import Iterable
from pathlib import Path

from ziyan.errors import ModelRejected

BLANK = 0


class Charset:
    """An ordered set of characters: class 0 is the CTC blank, class i the i-th character (from 1).

    The file is UTF-8, one character a line, each line ended by LF; the space is a line that holds one space.
    """

    def __init__(self, characters: Iterable[str]) -> None:
        self.characters = tuple(characters)
        self._classes = {character: i for i, character in enumerate(self.characters, start=1)}
        if len(self._classes) != len(self.characters):
            raise ModelRejected("charset_invalid", "字符表中有重复字符。", "The charset names a character twice.")

    @classmethod
    def load(cls, path: Path) -> "Charset":
        """The charset in the file `path`. ModelRejected where it is missing, not UTF-8, or holds an empty line."""
        try:
            lines = path.read_bytes().decode("utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ModelRejected(
                "charset_invalid", f"无法读取字符表 {path.name}。", f"The charset {path.name} cannot be read: {error}."
            ) from error
        if lines.pop() or "" in lines:
            raise ModelRejected(
                "charset_invalid",
                f"字符表 {path.name} 有空行或末尾缺少换行。",
                f"The charset {path.name} has an empty line or no line feed at its end.",
            )
        return cls(lines)

    def dump(self) -> bytes:
        """The bytes of the file that `load` reads."""
        return "".join(f"{character}\n" for character in self.characters).encode()

    def __len__(self) -> int:
        return len(self.characters)

    def __contains__(self, character: str) -> bool:
        return character in self._classes

    @property
    def classes(self) -> int:
        """How many classes a recognizer with this charset has: its characters and the blank."""
        return len(self.characters) + 1

    def decode(self, classes: Iterable[int]) -> str:
        """The text of a sequence of classes, none of them blank."""
        return "".join(self.characters[i - 1] for i in classes)

    def encode(self, text: str) -> list[int]:
        """The classes of `text`. KeyError names a character that the charset lacks."""
        return [self._classes[character] for character in text]
