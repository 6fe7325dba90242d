"""How hanzi follow each other, counted and cut to what helps: the table with which the service decides doubts.

    python -m models.training.context             after `fetch --context`; writes models/context.npz and context.json

Open-gram's trigram of words (Debian's sunpinyin-data, the language model of an input method) and jieba's words with
their counts give the probability of every two and three hanzi in a row. Kept are those that change most what is
expected: probability times |log ratio - what backing off would say| (Seymore and Rosenfeld 1996, "Scalable Backoff
Language Models"). ziyan.context has the format and reads it.
"""

import argparse
import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from ziyan.context import FIRST, LAST, SCALE, UNSEEN

from . import work

MODELS = Path(__file__).resolve().parents[1]
BIGRAMS, TRIGRAMS = 100_000, 150_000
# Open-gram's probabilities count as so many hanzi of text; jieba's words are 100 million.
OPEN_GRAM = 30_000_000
MOST = 8.0  # nats: no ratio is larger, either way
LEAST_NEWS = 0.3  # nats: a trigram that says less beyond its bigram is left out
LICENCE = "CC-BY-SA-3.0 (open-gram), MIT (jieba)"


@dataclass
class Counts:
    """How often every one, two and three hanzi in a row are expected."""

    single: Counter[str] = field(default_factory=Counter)
    double: Counter[str] = field(default_factory=Counter)
    triple: Counter[str] = field(default_factory=Counter)
    total: float = 0.0  # hanzi

    def add_word(self, word: str, count: float) -> None:
        """All that stands in a word."""
        self.total += len(word) * count
        for length, counter in ((1, self.single), (2, self.double), (3, self.triple)):
            for start in range(len(word) - length + 1):
                counter[word[start : start + length]] += count

    def add_border(self, left: str, right: str, count: float) -> None:
        """What reaches from one word into the next; three words in a row are left out."""
        self.double[left[-1] + right[0]] += count
        if len(left) > 1:
            self.triple[left[-2:] + right[0]] += count
        if len(right) > 1:
            self.triple[left[-1] + right[:2]] += count

    def ratio(self, text: str) -> float:
        """log P(last hanzi | those before) / P(last hanzi), within MOST."""
        before = (self.single if len(text) == 2 else self.double)[text[:-1]]
        joint = (self.double if len(text) == 2 else self.triple)[text]
        return max(-MOST, min(MOST, math.log(min(1.0, joint / before) * self.total / self.single[text[-1]])))


class OpenGram:
    """SunPinyin's threaded back-off model (slm_tslm.h) and its dictionary, as far as they are needed here."""

    def __init__(self, folder: Path) -> None:
        self.words = list(_dictionary(next(folder.rglob("pydict_sc.bin")).read_bytes()))
        data = next(folder.rglob("lm_sc.t3g")).read_bytes()
        sizes = np.frombuffer(data, "<u4", 4, offset=8)  # of the levels, each with one node more at its end
        self._probabilities = np.frombuffer(data, "<f4", 1 << 16, offset=24)
        at = 24 + 4 * ((1 << 16) + (1 << 14)) + 12 * int(sizes[0])
        self._singles = np.frombuffer(data, "<u4", 3 * sizes[1], offset=at).reshape(-1, 3)
        self._pairs = np.frombuffer(data, "<u4", 3 * sizes[2], offset=at + self._singles.nbytes).reshape(-1, 3)

    def unigrams(self) -> Iterator[tuple[str, float]]:
        """Every word that is hanzi alone, and its probability."""
        for word, p in zip(*self._read(self._singles), strict=True):
            if is_hanzi(self.words[word]):
                yield self.words[word], p

    def bigrams(self) -> Iterator[tuple[str, str, float]]:
        """Every two such words that the model knows in a row, and the probability of both."""
        following, given = self._read(self._pairs)
        starts = (self._singles[:, 1] >> 16 | self._singles[:, 2] >> 25 << 16).tolist()
        for index, (word, p) in enumerate(zip(*self._read(self._singles), strict=True)):
            if is_hanzi(self.words[word]):
                for pair in range(starts[index], starts[index + 1]):
                    if is_hanzi(self.words[following[pair]]):
                        yield self.words[word], self.words[following[pair]], p * given[pair]

    def _read(self, nodes: np.ndarray) -> tuple[list[int], list[float]]:
        """Word number and probability of each but the last."""
        kept = nodes[:-1]
        return (kept[:, 0] & 0x3FFFF).tolist(), self._probabilities[kept[:, 1] & 0xFFFF].tolist()


def _dictionary(data: bytes) -> Iterator[str]:
    """The words by number: UTF-32, each with a 0 behind it, from the third field of the header on."""
    start = int(np.frombuffer(data, "<u4", 3)[2])
    letters = np.frombuffer(data, "<u4", offset=start)
    for word in np.split(letters, np.flatnonzero(letters == 0) + 1)[:-1]:
        yield "".join(map(chr, word[:-1]))


def is_hanzi(word: str) -> bool:
    """Whether there is something, and nothing but hanzi that the table may speak of."""
    return bool(word) and all(FIRST <= ord(character) <= LAST for character in word)


def counted(packages: Path) -> Counts:
    """What `packages` say of hanzi in a row."""
    counts, opengram = Counts(), OpenGram(packages / "grams" / "sunpinyin-data")
    for word, p in opengram.unigrams():
        counts.add_word(word, p * OPEN_GRAM)
    for left, right, p in opengram.bigrams():
        counts.add_border(left, right, p * OPEN_GRAM)
    with next((packages / "words" / "jieba").rglob("dict.txt")).open(encoding="utf-8") as rows:
        for row in rows:
            word, count, *_ = row.split()
            if is_hanzi(word):
                counts.add_word(word, float(count))
    return counts


def pruned(counts: Counts, *, bigrams: int, trigrams: int) -> tuple[dict[str, float], dict[str, float]]:
    """The log ratios of the so many bigrams and trigrams that matter most, and of the bigrams that trigrams end in."""
    ratios = {text: counts.ratio(text) for text in counts.double if text[1] in counts.single}
    pairs = _foremost(((counts.double[text] * abs(ratio - UNSEEN), text) for text, ratio in ratios.items()), bigrams)
    kept, news = set(pairs), []
    for text in counts.triple:
        ratio = counts.ratio(text)
        beyond = abs(ratio - UNSEEN - (ratios[text[1:]] if text[1:] in kept else UNSEEN))
        if beyond >= LEAST_NEWS:
            news.append((counts.triple[text] * beyond, text))
    triples = _foremost(news, trigrams)
    kept |= {text[1:] for text in triples}
    return {text: ratios[text] for text in kept}, {text: counts.ratio(text) for text in triples}


def _foremost(weighted: Iterable[tuple[float, str]], number: int) -> list[str]:
    return [text for _, text in sorted(weighted, reverse=True)[:number]]


def write(bigrams: dict[str, float], trigrams: dict[str, float], path: Path) -> None:
    """The file that ziyan.context.Context reads; every trigram's last two hanzi must be one of the bigrams."""
    pairs = sorted(bigrams)
    triples = sorted(trigrams, key=lambda text: text[1:] + text[0])
    before = Counter(text[1:] for text in triples)
    if before.keys() - bigrams.keys():
        raise ValueError("a trigram's last two hanzi are no bigram of the table")
    arrays = {
        "starts": np.searchsorted([ord(text[0]) for text in pairs], np.arange(FIRST, LAST + 2)).astype(np.uint32),
        "second": np.array([ord(text[1]) for text in pairs], np.uint16),
        "worth": np.array([round(SCALE * bigrams[text]) for text in pairs], np.int8),
        "before_count": np.array([before[text] for text in pairs], np.uint16),
        "before": np.array([ord(text[0]) for text in triples], np.uint16),
        "before_worth": np.array([round(SCALE * trigrams[text]) for text in triples], np.int8),
    }
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def entry(path: Path, bigrams: int, trigrams: int) -> dict:
    """The table's entry in the manifest."""
    data = path.read_bytes()
    return {
        "file": path.name,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "bigrams": bigrams,
        "trigrams": trigrams,
        "source": {"upstream": "open-gram by way of sunpinyin-data, jieba", "recipe": "models/training/context.py"},
        "licence": LICENCE,
    }


def main() -> None:
    """Writes table and entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    work.option(parser)
    parser.add_argument("--out", type=Path, default=MODELS, help="folder to write to (default: models)")
    parser.add_argument("--bigrams", type=int, default=BIGRAMS)
    parser.add_argument("--trigrams", type=int, default=TRIGRAMS)
    given = parser.parse_args()
    counts = counted(work.Folders(given.work).packages)
    bigrams, trigrams = pruned(counts, bigrams=given.bigrams, trigrams=given.trigrams)
    path = given.out / "context.npz"
    write(bigrams, trigrams, path)
    facts = entry(path, len(bigrams), len(trigrams))
    path.with_suffix(".json").write_text(json.dumps(facts, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(f"{len(bigrams)} bigrams, {len(trigrams)} trigrams, {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
