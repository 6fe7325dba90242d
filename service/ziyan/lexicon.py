r"""Reading with a lexicon: words and patterns that are likely here, looked for inside CTC.

Prefix beam search (Hannun et al. 2014, "First-Pass Large Vocabulary Continuous Speech Recognition using Bi-Directional
Recurrent DNNs") over a trie: a hypothesis that spells a word of the lexicon earns a bonus. Three rules keep it from
writing what is not there:

- A character is written only where the network itself gives it FLOOR or more. What the picture shows clearly stays.
- The text differs from the greedy one only inside words of the lexicon, and only inside those that were finished.
- A character earns by how much it tells: STRENGTH * ln(classes / characters that could stand there), so a digit of
  `\d` less than the only hanzi that goes on. The first one earns nothing: a short word needs a better picture.

Most lines cost nothing: where no step is in doubt, or no doubt concerns a character of the lexicon, greedy it is.
"""

import hashlib
import math
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from pathlib import Path

import numpy as np

from ziyan import alphabets, words
from ziyan.charset import BLANK, Charset
from ziyan.ctc import Decode, Decoder, Step, best_path, best_steps, collapsed, doubtful_steps, greedy, masked
from ziyan.errors import RequestRejected, SettingRejected
from ziyan.settings import Settings
from ziyan.words import Entry, Pattern

# Of the operator's file: 20,000 words of 15 characters, and then some.
MOST_BYTES = 1 << 20

# Chosen on drawn lines (docs/accuracy.md), where a higher bonus gained no more names.
STRENGTH = 0.2
# A class less probable than this at a step is not on the picture. At 0.02 one name in a hundred more was right, and so
# were two in a hundred fewer of the English words that only resemble one.
FLOOR = 0.03
# The most that a word earns: it may be e^6 times less probable than what else is read there, however long it is.
MOST = 6.0
# Hypotheses kept at each step; one whose log probability with its bonus is this far below the best is given up.
BEAM, MARGIN = 12, 12.0
# Words that one hypothesis may be inside of: patterns that all fit alike would otherwise multiply.
MOST_OPEN = 32
ROOT = 0
_NOWHERE = 1 << 30  # an index behind every text


class Lexicon:
    """Words and patterns over one charset, as one automaton; `unknown` are the entries that the charset cannot spell.

    Edges are sorted arrays of 12 bytes an edge: 20,000 words of six characters take 1.5 MB.
    """

    def __init__(self, entries: Iterable[Entry], charset: Charset) -> None:
        self._classes = charset.classes
        self._ends = bytearray(1)
        self.unknown: list[Entry] = []
        edges = array("q"), array("q")
        words, patterns = [], []
        for entry in entries:
            if isinstance(entry, Pattern):
                patterns.append(entry)
            elif all(character in charset for character in entry):
                words.append(entry)
            else:
                self.unknown.append(entry)
        self._add_words(sorted(words), charset, *edges)
        for pattern in patterns:
            self._add_pattern(pattern, charset, *edges)
        self._pack(*edges)
        self.latin = _latin(charset)

    def _add_words(self, words: Sequence[str], charset: Charset, keys: array, targets: array) -> None:
        """A trie of sorted words: each shares the states of the beginning that it has in common with the one before."""
        path, before = [ROOT], []
        for word in map(charset.encode, words):
            shared = next((i for i, (a, b) in enumerate(zip(word, before, strict=False)) if a != b), len(before))
            del path[shared + 1 :]
            for character in word[shared:]:
                keys.append(path[-1] * self._classes + character)
                targets.append(self._state())
                path.append(targets[-1])
            self._ends[path[-1]] = True
            before = word

    def _add_pattern(self, pattern: Pattern, charset: Charset, keys: array, targets: array) -> None:
        classes = [[charset.encode(c)[0] for c in sorted(known) if c in charset] for known in pattern.characters]
        states = [self._state() for _ in classes]
        for position in pattern.last:
            self._ends[states[position]] = True
        for source, following in ((ROOT, pattern.first), *zip(states, pattern.follow, strict=True)):
            for position in sorted(following):
                keys.extend(source * self._classes + character for character in classes[position])
                targets.extend([states[position]] * len(classes[position]))

    def _state(self) -> int:
        self._ends.append(False)
        return len(self._ends) - 1

    def _pack(self, keys: array, targets: array) -> None:
        sorting = np.argsort(keys, kind="stable")
        ordered = np.asarray(keys, np.int64)[sorting]
        self._keys = array("q", ordered.tobytes())
        self._targets = array("i", np.asarray(targets, np.int32)[sorting].tobytes())
        sources, characters = np.divmod(np.unique(ordered), self._classes)
        ways = np.bincount(sources, minlength=len(self._ends))
        worth = STRENGTH * np.log(self._classes / np.maximum(ways, 1))
        worth[ROOT] = 0
        self._worth = array("f", worth.astype(np.float32).tobytes())
        self.alphabet = np.zeros(self._classes, bool)
        self.alphabet[characters] = True

    def follow(self, state: int, character: int) -> Iterator[int]:
        """The states that a character's class leads to from `state`."""
        key = state * self._classes + character
        i = bisect_left(self._keys, key)
        while i < len(self._keys) and self._keys[i] == key:
            yield self._targets[i]
            i += 1

    def is_end(self, state: int) -> bool:
        """Whether a word may end at `state`."""
        return bool(self._ends[state])

    def worth(self, state: int) -> float:
        """What a character earns that leads on from `state`."""
        return self._worth[state]


@lru_cache(maxsize=4)
def _latin(charset: Charset) -> np.ndarray:
    """Which classes (C,) are of words with borders: a Latin letter or digit beside one would be part of its word."""
    return np.array([False, *(c.isalnum() and ord(c) < 0x250 for c in charset.characters)])


class Wording:
    """What may be written: the operator's words, and for each request its own words and its allow-list."""

    def __init__(self, entries: Sequence[Entry] = ()) -> None:
        self._entries = tuple(entries)
        self._kept: dict[Charset, Lexicon] = {}

    def facts(self, charset: Charset) -> dict[str, object]:
        """What /health says of the operator's words: how many, how many can never be read, which list."""
        unknown = self._operators(charset).unknown if self._entries else []
        named = [entry if isinstance(entry, str) else entry.source for entry in self._entries]
        version = hashlib.sha256("\n".join(named).encode()).hexdigest()[:12]
        return {"words": len(self._entries), "unknown": len(unknown), "version": version}

    def decoder(self, asked: str = "", allow: str = "", *, plain: Decoder = best_path) -> Decoder:
        """How to decode for a request with the options `lexicon` and `allow`: as `plain` does where no word is found.

        Called with a charset it may raise RequestRejected: `lexicon_invalid` where that cannot spell a word asked for.
        """
        if not (self._entries and asked != words.OFF) and asked in ("", words.OFF) and not allow:
            return plain
        entries = () if asked == words.OFF else words.parse(asked)
        alphabet, checked = alphabets.parse(allow), set()

        def for_charset(charset: Charset) -> Decode:
            lexicons = [self._operators(charset)] if self._entries and asked != words.OFF else []
            if entries:
                lexicons.append(Lexicon(entries, charset))
                if not checked:  # a second reader with another charset reads what it can spell
                    _refuse_unknown(lexicons[-1], charset)
                checked.add(charset)
            decode = with_words(lexicons, plain(charset)) if lexicons else plain(charset)
            if not allow:
                return decode
            allowed = np.array([True, *(character in alphabet for character in charset.characters)])
            return lambda probabilities: decode(masked(probabilities, allowed))

        return for_charset

    def _operators(self, charset: Charset) -> Lexicon:
        if charset not in self._kept:
            self._kept[charset] = Lexicon(self._entries, charset)
        return self._kept[charset]


def _refuse_unknown(lexicon: Lexicon, charset: Charset) -> None:
    if lexicon.unknown:
        word = lexicon.unknown[0]
        strange = next(character for character in word if character not in charset)
        raise RequestRejected(
            "lexicon_invalid",
            f"识别模型不认识词 {word!r} 中的字符 {strange!r}，这个词不可能被读出，请去掉。",
            f"The recognizer does not know {strange!r} in the word {word!r}, which can never be read. Leave it out.",
        )


def load(path: Path) -> tuple[Entry, ...]:
    """The operator's words in the file `path`; none where the default file is absent. SettingRejected otherwise."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _unusable(path, f"超过 {MOST_BYTES} 字节", f"it has more than {MOST_BYTES} bytes")
        return words.parse(path.read_bytes().decode("utf-8-sig"), most=words.MOST_KEPT)
    except FileNotFoundError as error:
        if path == Settings.lexicon:
            return ()
        raise _unusable(path, "没有此文件", "there is no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(path, "无法读取，应为 UTF-8 文本", f"it cannot be read as UTF-8 text ({error})") from error
    except RequestRejected as error:
        raise _unusable(path, error.zh.rstrip("。"), error.en.rstrip(".")) from error


def _unusable(path: Path, zh: str, en: str) -> SettingRejected:
    return SettingRejected(
        "setting_invalid",
        f"环境变量 OCR_LEXICON={str(path)!r} 的词表不可用：{zh}。",
        f"OCR_LEXICON={str(path)!r} is no usable lexicon: {en}.",
    )


def with_words(lexicons: Sequence[Lexicon], plain: Decode = greedy) -> Decode:
    """Greedy with the words of `lexicons` where the picture leaves them room; as `plain` where that changes nothing."""
    alphabet = np.logical_or.reduce([lexicon.alphabet for lexicon in lexicons])

    def decode(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        best, certain = best_steps(probabilities)
        doubted = np.flatnonzero(certain < 1 - FLOOR)
        possible = probabilities[doubted] >= FLOOR
        possible[np.arange(len(doubted)), best[doubted]] = False
        if not (possible.any(axis=0) & alphabet).any():
            return plain(probabilities)
        found = _search(lexicons, list(doubtful_steps(best, certain, doubted, possible, probabilities)))
        if found is None or np.array_equal(found[0], collapsed(best, certain)[0]):
            return plain(probabilities)
        return found

    return decode


class _Prefix:
    """A text under way and how it stands with the lexicons. Several paths lead to it, it exists once.

    `open` holds (lexicon, state, bonus, most, start) of every word that it may be inside of: `most` is the highest that
    its bonus may become, `start` the index of its first character. `settled` is the bonus of the words behind it;
    `ripe` is (bonus, start) of a word that is one if no Latin letter follows. `closes` is where the word began that the
    last character finished, `closes_before` where the one began that was seen to be finished before it.
    """

    __slots__ = (
        "_children", "_parent", "closes", "closes_before", "length", "open", "peak", "ripe", "settled", "symbol",
    )  # fmt: skip

    def __init__(self, parent: "_Prefix | None", symbol: int, lexicons: Sequence[Lexicon]) -> None:
        self._parent, self.symbol, self._children = parent, symbol, {}
        self.length = parent.length + 1 if parent else 0
        self.peak = 0.0
        self.open: tuple[tuple[Lexicon, int, float, float, int], ...] = ()
        self.settled, self.ripe, self.closes, self.closes_before = 0.0, None, _NOWHERE, _NOWHERE
        if parent:
            self._read_on(parent, lexicons)

    def _read_on(self, parent: "_Prefix", lexicons: Sequence[Lexicon]) -> None:
        latin = bool(lexicons[0].latin[self.symbol])
        self.settled = parent.settled
        if parent.ripe and not latin and parent.ripe[0] > self.settled:
            self.settled, self.closes_before = parent.ripe
        within = list(parent.open)
        if not (latin and parent.symbol and lexicons[0].latin[parent.symbol]):
            most = self.settled + MOST
            within += [(lexicon, ROOT, self.settled, most, parent.length) for lexicon in lexicons]
        inside = [
            (lexicon, state, min(bonus + lexicon.worth(source), most), most, start)
            for lexicon, source, bonus, most, start in within
            for state in lexicon.follow(source, self.symbol)
        ]
        if len(inside) > MOST_OPEN:
            inside = sorted(inside, key=itemgetter(2), reverse=True)[:MOST_OPEN]
        self.open = tuple(inside)
        for lexicon, state, bonus, _, start in self.open:
            if lexicon.is_end(state):
                if latin and (self.ripe is None or bonus > self.ripe[0]):
                    self.ripe = (bonus, start)
                elif not latin and bonus > self.settled:
                    self.settled, self.closes = bonus, start

    def extended(self, symbol: int, lexicons: Sequence[Lexicon]) -> "_Prefix":
        """This text and one more character."""
        child = self._children.get(symbol)
        if child is None:
            child = self._children[symbol] = _Prefix(self, symbol, lexicons)
        return child

    def may_cover(self, index: int) -> bool:
        """Whether a word that is under way may still cover the character at `index`."""
        return any(start <= index for *_, start in self.open) or bool(self.ripe and self.ripe[1] <= index)

    @property
    def future(self) -> tuple:
        """What decides how the text may go on: of two prefixes alike in it, only the better one can win."""
        return self.symbol, bool(self.ripe), *((id(lexicon), state) for lexicon, state, *_ in self.open)

    @property
    def hope(self) -> float:
        """The bonus if all that is under way is finished."""
        return max(self.final()[0], *(bonus for _, _, bonus, *_ in self.open), 0.0)

    def final(self) -> tuple[float, int]:
        """The bonus if the text ends here, and from where on its last word covers it."""
        if self.ripe and self.ripe[0] > self.settled:
            return self.ripe
        return self.settled, _NOWHERE

    def written(self) -> tuple[np.ndarray, np.ndarray]:
        """The classes and the highest probability of each."""
        classes, peaks, at = [], [], self
        while at._parent:
            classes.append(at.symbol)
            peaks.append(at.peak)
            at = at._parent
        return np.array(classes[::-1], np.int64), np.array(peaks[::-1], np.float32)


@dataclass
class _Paths:
    """Probability of all paths to a prefix that end in a blank, and of those that end in its last character.

    `owed` is the index of the first character that differs from the best path and is in no finished word.
    """

    blank: float = 0.0
    character: float = 0.0
    owed: int = -1

    def add(self, *, blank: float = 0.0, character: float = 0.0, owed: int) -> None:
        self.blank += blank
        self.character += character
        self.owed = max(self.owed, owed)  # of two ways to one text, the better excuse


def _search(lexicons: Sequence[Lexicon], steps: Sequence[Step]) -> tuple[np.ndarray, np.ndarray] | None:
    """Classes and probabilities of the likeliest text, bonus included; None where no word was finished in it."""
    beam = {_Prefix(None, BLANK, lexicons): _Paths(blank=1.0, owed=_NOWHERE)}
    for step in steps:
        grown: dict[_Prefix, _Paths] = defaultdict(_Paths)
        for prefix, paths in beam.items():
            _advance(prefix, paths, step, grown, lexicons)
        beam = _pruned(grown)
    scored = []
    for prefix, paths in beam.items():
        bonus, covered = prefix.final()
        if bonus and (paths.owed == _NOWHERE or covered <= paths.owed):
            scored.append((math.log(paths.blank + paths.character) + bonus, prefix))
        elif paths.owed == _NOWHERE:
            scored.append((math.log(paths.blank + paths.character), prefix))
    return max(scored, key=itemgetter(0))[1].written() if scored else None


def _advance(
    prefix: _Prefix, paths: _Paths, step: Step, grown: dict[_Prefix, _Paths], lexicons: Sequence[Lexicon]
) -> None:
    """Takes one hypothesis one step further in every way that may still become a text."""
    both = paths.blank + paths.character
    # No new character where the best path has one is a difference too, and allowed inside of a word only.
    left_out = step.begins != BLANK
    may_stay = not (left_out and prefix.ripe)
    for symbol, p in step.choices:
        if symbol == BLANK:
            if may_stay:
                owed = min(paths.owed, prefix.length - 1) if left_out else paths.owed
                grown[prefix].add(blank=both * p, owed=owed)
            continue
        if symbol == prefix.symbol and may_stay:
            prefix.peak = max(prefix.peak, p)
            owed = _covered(min(paths.owed, prefix.length - 1), prefix.closes) if left_out else paths.owed
            grown[prefix].add(character=paths.character * p, owed=owed)
        reaching = paths.blank if symbol == prefix.symbol else both
        if not reaching:
            continue
        longer = prefix.extended(symbol, lexicons)
        owed = _covered(paths.owed, longer.closes_before)
        if symbol != step.begins:
            owed = min(owed, prefix.length)
        owed = _covered(owed, longer.closes)
        if owed == _NOWHERE or longer.may_cover(owed):
            longer.peak = max(longer.peak, p)
            grown[longer].add(character=reaching * p, owed=owed)


def _covered(owed: int, start: int) -> int:
    """What is owed once a word from `start` on is finished."""
    return _NOWHERE if start <= owed else owed


def _pruned(grown: dict[_Prefix, _Paths]) -> dict[_Prefix, _Paths]:
    """The best hypotheses, one for each future that they may have, and always the best one that owes nothing."""
    scored = [
        (math.log(total) + prefix.hope, i, prefix, paths)
        for i, (prefix, paths) in enumerate(grown.items())
        if (total := paths.blank + paths.character) > 0
    ]
    scored.sort(reverse=True)
    bound, scale = scored[0][0] - MARGIN, 1 / max(paths.blank + paths.character for *_, paths in scored)
    kept: dict[_Prefix, _Paths] = {}
    futures, free = set(), False
    for score, _, prefix, paths in scored:
        owes_nothing = paths.owed == _NOWHERE
        future = (prefix.future, owes_nothing)
        if (score >= bound and len(kept) < BEAM and future not in futures) or (owes_nothing and not free):
            futures.add(future)
            free |= owes_nothing
            paths.blank *= scale
            paths.character *= scale
            kept[prefix] = paths
    return kept
