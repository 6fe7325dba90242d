"""Lists of words as people write them: one a line (or between semicolons), a pattern between slashes.

    # comments and empty lines are skipped
    阿莫西林胶囊
    Ibuprofen
    /[A-Z]{2}-\\d{4}(-[A-Z])?/

A pattern knows characters, `\\d`, sets `[A-F0-9]`, groups `(…|…)`, and the counts `?`, `{n}` and `{m,n}`: all that a
product code needs and nothing that matches without end. Lists are checked here, before anything is built of them: a
list in a request is somebody else's.
"""

import re
from dataclasses import dataclass
from functools import cache

from ziyan.errors import RequestRejected

# A word of one character says nothing about its place. Longer ones than this are sentences.
SHORTEST, LONGEST = 2, 40
# In one request, and in the operator's file: 20,000 words of six characters take 2 MB.
MOST_ASKED, MOST_KEPT = 500, 20_000
# Patterns among them: each is tried at every character. Fifty of the worst kind take 0.4 s on a line all in doubt.
MOST_PATTERNS = 50
# Of one pattern: as it is written, and with its counts written out; each of those is a state of the search.
LONGEST_PATTERN, MOST_POSITIONS = 100, 100
# The request's word for "not even the operator's".
OFF = "off"

Characters = frozenset[str]


@dataclass(frozen=True)
class Pattern:
    """An automaton without empty moves (Glushkov 1961): positions, each of which takes one of its `characters`.

    A match begins at one of `first`, goes on to one of `follow` of where it stands, and may end at one of `last`.
    """

    source: str
    characters: tuple[Characters, ...]
    first: frozenset[int]
    last: frozenset[int]
    follow: tuple[frozenset[int], ...]


Entry = str | Pattern


def parse(text: str, *, most: int = MOST_ASKED) -> tuple[Entry, ...]:
    """The words and patterns of `text`, each once, in its order. RequestRejected names the one that is not taken."""
    entries: dict[str, Entry] = {}
    for piece in _pieces(text):
        if piece in entries:
            continue
        if len(entries) == most:
            raise RequestRejected(
                "lexicon_invalid", f"词表最多 {most} 个词，请缩短。", f"The lexicon may have {most} words. Shorten it."
            )
        entries[piece] = _pattern(piece) if _is_pattern(piece) else _word(piece)
    if sum(isinstance(entry, Pattern) for entry in entries.values()) > MOST_PATTERNS:
        raise RequestRejected(
            "lexicon_invalid",
            f"词表最多 {MOST_PATTERNS} 条规则，请合并，如 /(A|B)\\d{{4}}/。",
            f"The lexicon may have {MOST_PATTERNS} patterns. Join some, as in /(A|B)\\d{{4}}/.",
        )
    return tuple(entries.values())


def _pieces(text: str) -> list[str]:
    """The trimmed entries. A semicolon inside slashes belongs to the pattern."""
    found = []
    for line in text.splitlines():
        if not line.lstrip().startswith("#"):
            found += re.findall(r"\s*(/(?:[^/\\]|\\.)*/|[^;；]+)", line)
    return [piece for piece in map(str.strip, found) if piece]


def _is_pattern(piece: str) -> bool:
    return len(piece) > 2 and piece[0] == piece[-1] == "/"


def _word(piece: str) -> str:
    if not SHORTEST <= len(piece) <= LONGEST or not piece.isprintable():
        shown = piece[:LONGEST]
        raise RequestRejected(
            "lexicon_invalid",
            f"词 {shown!r} 应有 {SHORTEST} 到 {LONGEST} 个可见字符；每行一个词。",
            f"The word {shown!r} must have {SHORTEST} to {LONGEST} visible characters; write one word a line.",
        )
    return piece


def _pattern(piece: str) -> Pattern:
    try:
        return _Compiler(piece[1:-1]).pattern()
    except _SyntaxError as error:
        zh, en = error.args
        raise RequestRejected(
            "lexicon_invalid", f"规则 {piece!r} 有误：{zh}。", f"The pattern {piece!r} is not understood: {en}."
        ) from error


class _SyntaxError(Exception):
    """Why a pattern is refused, in Chinese and in English."""


_SIGN = re.compile(r"\\.|\[(?:[^\]\\]|\\.)+\]|\{\d{1,2}(?:,\d{1,2})?\}|[()|?]|[^\\\[\]{}*+.^$]", re.DOTALL)
_DIGITS = frozenset("0123456789")


class _Compiler:
    """Reads one pattern by recursive descent, straight into positions; a count reads its atom again for each copy."""

    def __init__(self, source: str) -> None:
        if len(source) > LONGEST_PATTERN:
            raise _SyntaxError(f"超过 {LONGEST_PATTERN} 个字符", f"it has more than {LONGEST_PATTERN} characters")
        self._source, self._signs = source, []
        at = 0
        while at < len(source):
            sign = _SIGN.match(source, at)
            if not sign:
                raise _SyntaxError(f"不认识 {source[at]!r}", f"{source[at]!r} is not known here")
            self._signs.append(sign.group())
            at = sign.end()
        self._at = 0
        self._characters: list[Characters] = []
        self._follow: list[set[int]] = []

    def pattern(self) -> Pattern:
        part = self._alternatives()
        if self._at < len(self._signs):
            raise _SyntaxError("括号不成对", "a bracket has no partner")
        if part.shortest < SHORTEST or part.longest > LONGEST:
            raise _SyntaxError(
                f"匹配的长度应为 {SHORTEST} 到 {LONGEST} 个字符",
                f"what it matches must have {SHORTEST} to {LONGEST} characters",
            )
        follow = tuple(frozenset(positions) for positions in self._follow)
        return Pattern(self._source, tuple(self._characters), part.first, part.last, follow)

    def _alternatives(self) -> "_Part":
        parts = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            parts.append(self._sequence())
        return _Part(
            frozenset().union(*(part.first for part in parts)),
            frozenset().union(*(part.last for part in parts)),
            min(part.shortest for part in parts),
            max(part.longest for part in parts),
        )

    def _sequence(self) -> "_Part":
        whole = _NOTHING
        while self._peek() not in (None, "|", ")"):
            whole = self._joined(whole, self._counted())
        return whole

    def _counted(self) -> "_Part":
        start = self._at
        part = self._atom()
        low, high = self._count()
        after = self._at
        if not high:
            raise _SyntaxError("次数应大于 0", "a count must be above 0")
        whole = part if low else part.optional()
        for copy in range(1, high):
            self._at = start
            again = self._atom()
            whole = self._joined(whole, again if copy < low else again.optional())
        self._at = after
        return whole

    def _count(self) -> tuple[int, int]:
        sign = self._peek() or ""
        if sign != "?" and not sign.startswith("{"):
            return 1, 1
        self._at += 1
        if sign == "?":
            return 0, 1
        low, _, high = sign[1:-1].partition(",")
        if high and int(high) < int(low):
            raise _SyntaxError(f"{sign} 前大后小", f"{sign} counts down")
        return int(low), int(high or low)

    def _atom(self) -> "_Part":
        sign = self._peek()
        if sign is None or sign == "?" or sign[0] == "{":
            raise _SyntaxError("次数前缺少字符", "a count has nothing before it")
        self._at += 1
        if sign == "(":
            part = self._alternatives()
            if self._peek() != ")":
                raise _SyntaxError("括号不成对", "a bracket has no partner")
            self._at += 1
            if not part.longest:  # counted again and again, it would cost time and no position
                raise _SyntaxError("括号内为空", "a bracket is empty")
            return part
        return self._position(_characters(sign))

    def _position(self, characters: Characters) -> "_Part":
        if len(self._characters) == MOST_POSITIONS:
            raise _SyntaxError(f"展开后超过 {MOST_POSITIONS} 个字符", f"it is longer than {MOST_POSITIONS} characters")
        self._characters.append(characters)
        self._follow.append(set())
        here = frozenset([len(self._characters) - 1])
        return _Part(here, here, 1, 1)

    def _joined(self, one: "_Part", two: "_Part") -> "_Part":
        for position in one.last:
            self._follow[position] |= two.first
        return _Part(
            one.first | two.first if not one.shortest else one.first,
            one.last | two.last if not two.shortest else two.last,
            one.shortest + two.shortest,
            one.longest + two.longest,
        )

    def _peek(self) -> str | None:
        return self._signs[self._at] if self._at < len(self._signs) else None


@dataclass(frozen=True)
class _Part:
    """A piece of a pattern: where its matches begin and end, and how long they are."""

    first: frozenset[int]
    last: frozenset[int]
    shortest: int
    longest: int

    def optional(self) -> "_Part":
        return _Part(self.first, self.last, 0, self.longest)


_NOTHING = _Part(frozenset(), frozenset(), 0, 0)


@cache
def _characters(sign: str) -> Characters:
    """What one sign that is no bracket and no count stands for."""
    if sign[0] == "\\":
        return _DIGITS if sign == r"\d" else frozenset(sign[1])
    if sign[0] != "[":
        return frozenset(sign)
    if sign[1] == "^":
        raise _SyntaxError(f"不支持 {sign}，请列出允许的字符", f"{sign} is not known: list what is allowed")
    members = re.findall(r"\\.|.", sign[1:-1], re.DOTALL)
    found: set[str] = set()
    while members:
        one = members.pop(0)
        if len(members) > 1 and members[0] == "-":
            low, high = one[-1], members[1][-1]
            del members[:2]
            if not 0 <= ord(high) - ord(low) < 128:
                raise _SyntaxError(f"{sign} 的范围有误", f"{sign} has a range that is empty or too wide")
            found |= set(map(chr, range(ord(low), ord(high) + 1)))
        else:
            found |= _characters(one)
    return frozenset(found)
