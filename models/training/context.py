"""How hanzi follow each other, counted and cut to what helps: the table with which the service decides doubts.

    python -m models.training.context             after `fetch` and `texts`; writes models/context.npz and context.json

Jieba's words with their counts, and the recipe's Chinese texts, give the probability of every two and three hanzi in a
row. Kept are those that change most what is expected: count times |log ratio - what backing off would say| (Seymore and
Rosenfeld 1996, "Scalable Backoff Language Models"). ziyan.context has the format and reads it.
"""

import argparse
import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from ziyan.context import FIRST, LAST, SCALE, UNSEEN

from . import work

MODELS = Path(__file__).resolve().parents[1]
BIGRAMS, TRIGRAMS = 100_000, 150_000
# A text counts so many times beside jieba's words, which are 100 million hanzi; all texts are two.
TEXT = 3
MOST = 8.0  # nats: no ratio is larger, either way
LEAST_NEWS = 0.3  # nats: a trigram that says less beyond its bigram is left out
HANZI = re.compile(f"[{chr(FIRST)}-{chr(LAST)}]+")


@dataclass
class Counts:
    """How often every one, two and three hanzi stand in a row."""

    single: Counter[str] = field(default_factory=Counter)
    double: Counter[str] = field(default_factory=Counter)
    triple: Counter[str] = field(default_factory=Counter)
    total: float = 0.0  # hanzi

    def add(self, hanzi: str, count: float) -> None:
        """All that stands in a row of hanzi that occurs so many times."""
        self.total += len(hanzi) * count
        for length, counter in ((1, self.single), (2, self.double), (3, self.triple)):
            for start in range(len(hanzi) - length + 1):
                counter[hanzi[start : start + length]] += count

    def ratio(self, text: str) -> float:
        """log P(last hanzi | those before) / P(last hanzi), within MOST."""
        before = (self.single if len(text) == 2 else self.double)[text[:-1]]
        joint = (self.double if len(text) == 2 else self.triple)[text]
        return max(-MOST, min(MOST, math.log(min(1.0, joint / before) * self.total / self.single[text[-1]])))


def counted(folders: work.Folders) -> Counts:
    """What jieba's words and the texts say of hanzi in a row."""
    counts = Counts()
    with next((folders.packages / "words" / "jieba").rglob("dict.txt")).open(encoding="utf-8") as rows:
        for row in rows:
            word, count, *_ = row.split()
            if HANZI.fullmatch(word):
                counts.add(word, float(count))
    with (folders.texts / "chinese.txt").open(encoding="utf-8") as sentences:
        for sentence in sentences:
            for hanzi in HANZI.findall(sentence):
                counts.add(hanzi, TEXT)
    return counts


def pruned(counts: Counts, *, bigrams: int, trigrams: int) -> tuple[dict[str, float], dict[str, float]]:
    """The log ratios of the so many bigrams and trigrams that matter most, and of the bigrams that trigrams end in."""
    ratios = {text: counts.ratio(text) for text in counts.double}
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
        "source": {"upstream": "jieba's words; sources.toml's Chinese texts", "recipe": "models/training/context.py"},
        "licence": "Apache-2.0",
    }


def main() -> None:
    """Writes table and entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    work.option(parser)
    parser.add_argument("--out", type=Path, default=MODELS, help="folder to write to (default: models)")
    parser.add_argument("--bigrams", type=int, default=BIGRAMS)
    parser.add_argument("--trigrams", type=int, default=TRIGRAMS)
    given = parser.parse_args()
    counts = counted(work.Folders(given.work))
    bigrams, trigrams = pruned(counts, bigrams=given.bigrams, trigrams=given.trigrams)
    path = given.out / "context.npz"
    write(bigrams, trigrams, path)
    facts = entry(path, len(bigrams), len(trigrams))
    path.with_suffix(".json").write_text(json.dumps(facts, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(f"{len(bigrams)} bigrams, {len(trigrams)} trigrams, {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
