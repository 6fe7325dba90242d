"""Allow-lists of characters as people write them: `digits`, `digits .,¥`, `uppercase digits -`.

Parts are separated by spaces. A part that is a name stands for its set, any other for the characters in it.
"""

import difflib
import string
from collections.abc import Callable
from dataclasses import dataclass

from ziyan.errors import RequestRejected

# CJK ideographs: extension A and the base block, those for compatibility, and the planes of the later extensions.
_HANZI = ((0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
_CHINESE_MARKS = "，。、；：？！“”‘’（）《》〈〉【】…—～·￥"


def _is_hanzi(character: str) -> bool:
    return any(low <= ord(character) <= high for low, high in _HANZI)


SETS: dict[str, Callable[[str], bool]] = {
    "digits": set(string.digits).__contains__,
    "uppercase": set(string.ascii_uppercase).__contains__,
    "lowercase": set(string.ascii_lowercase).__contains__,
    "letters": set(string.ascii_letters).__contains__,
    "hanzi": _is_hanzi,
    "marks": set(string.punctuation + _CHINESE_MARKS).__contains__,
    "space": set(" ").__contains__,
}


@dataclass(frozen=True)
class Alphabet:
    """The characters that one list allows: `character in alphabet`."""

    sets: tuple[Callable[[str], bool], ...]
    characters: frozenset[str]

    def __contains__(self, character: str) -> bool:
        return character in self.characters or any(holds(character) for holds in self.sets)


def parse(text: str) -> Alphabet:
    """The alphabet that `text` names. RequestRejected where a part is nearly the name of a set, but not quite."""
    sets, characters = [], set()
    for part in text.split():
        if part in SETS:
            sets.append(SETS[part])
        elif near := difflib.get_close_matches(part, SETS, n=1, cutoff=0.75):
            raise RequestRejected(
                "option_invalid",
                f"选项 allow 中的 {part!r} 不是字符集名，是否为 {near[0]!r}？可用：{'、'.join(SETS)}；或逐个列出字符。",
                f"{part!r} in the option allow is no set; is it {near[0]!r}? There are {', '.join(SETS)}. "
                "Or list the characters themselves.",
            )
        else:
            characters |= set(part)
    return Alphabet(tuple(sets), frozenset(characters))
