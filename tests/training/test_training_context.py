"""Counting how hanzi follow each other: the language model's files read, counts, and what is kept of them."""

import json
import math

import numpy as np
import pytest
from ziyan.context import UNSEEN, Context

from models.training import context
from models.training.context import Counts, OpenGram, counted, pruned

WORDS = ["", "天", "天地", "人A", "大地人"]
PROBABILITIES = [0.5, 0.25, 0.125, 0.0625]


def node(word, probability, child=0):
    """A threaded node of 12 bytes, child numbers above 16 bits included."""
    return [word, PROBABILITIES.index(probability) | (child & 0xFFFF) << 16, child >> 16 << 25]


@pytest.fixture
def packages(tmp_path):
    """A model of four words and three pairs, 70,000 pairs of no word before them, and a dictionary of two words."""
    folder = tmp_path / "grams" / "sunpinyin-data" / "data"
    folder.mkdir(parents=True)
    idle = 70_000
    singles = [node(0, 0.5, 0), node(1, 0.25, idle), node(2, 0.125, idle + 2), node(3, 0.125, idle + 3)]
    singles += [node(4, 0.0625, idle + 3), node(0, 0.5, idle + 3)]
    pairs = [node(3, 0.5)] * idle + [node(2, 0.5), node(3, 0.25), node(4, 0.25), node(0, 0.5)]
    table = np.zeros((1 << 16) + (1 << 14), "<f4")
    table[: len(PROBABILITIES)] = PROBABILITIES
    header = np.array([3, 0, 2, len(singles), len(pairs), 1], "<u4")
    nodes = np.array([[0, 0, 0]] * 2 + singles + pairs, "<u4")
    (folder / "lm_sc.t3g").write_bytes(header.tobytes() + table.tobytes() + nodes.tobytes() + bytes(8))
    letters = b"".join(word.encode("utf-32-le") + bytes(4) for word in WORDS)
    (folder / "pydict_sc.bin").write_bytes(np.array([5, 0, 12], "<u4").tobytes() + letters)
    jieba = tmp_path / "words" / "jieba"
    jieba.mkdir(parents=True)
    (jieba / "dict.txt").write_text("天人 3 n\nT恤 9 n\n", encoding="utf-8")
    return tmp_path


def test_the_language_model_s_words_and_pairs_are_read(packages):
    model = OpenGram(packages / "grams")
    assert model.words == WORDS
    assert list(model.unigrams()) == [("天", 0.25), ("天地", 0.125), ("大地人", 0.0625)]
    assert list(model.bigrams()) == [("天", "天地", 0.25 * 0.5), ("天地", "大地人", 0.125 * 0.25)]


def test_words_and_their_borders_are_counted(packages):
    counts = counted(packages)
    unit = context.OPEN_GRAM
    assert counts.single == {"天": 0.375 * unit + 3, "地": 0.1875 * unit, "大": 0.0625 * unit, "人": 0.0625 * unit + 3}
    assert counts.total == sum(counts.single.values())
    assert counts.double["天地"] == 0.125 * unit
    assert counts.double["天天"] == 0.125 * unit  # 天|天地
    assert counts.double["天人"] == 3
    assert counts.triple == {
        "大地人": 0.0625 * unit, "天天地": 0.125 * unit, "天地大": 0.03125 * unit, "地大地": 0.03125 * unit,
    }  # fmt: skip


def test_a_ratio_tells_how_much_likelier_than_anywhere():
    counts = Counts()
    counts.add_word("天地", 8)
    counts.add_word("天人", 2)
    counts.add_word("大", 20)
    assert counts.ratio("天地") == pytest.approx(math.log(0.8 / (8 / 40)))
    counts.double["天地"] = 1e-9
    assert counts.ratio("天地") == -context.MOST


def test_what_tells_most_is_kept_and_what_backing_off_says_is_not():
    counts = Counts()
    for word, count in (("天地人", 100), ("天地", 5), ("地人", 100), ("大太", 1), ("人", 1000)):
        counts.add_word(word, count)
    counts.triple["天地人"] = 0.4 * counts.double["天地"] * counts.double["地人"] / counts.single["地"]
    bigrams, trigrams = pruned(counts, bigrams=2, trigrams=5)
    assert set(bigrams) == {"天地", "地人"}
    assert not trigrams
    counts.triple["天地人"] /= 8
    bigrams, trigrams = pruned(counts, bigrams=1, trigrams=5)
    assert set(trigrams) == {"天地人"}
    assert "地人" in bigrams


def test_a_tiny_run_writes_what_the_service_reads(packages, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["context", "--work", str(tmp_path), "--out", str(tmp_path)])
    (tmp_path / "packages").symlink_to(packages)
    context.main()
    facts = json.loads((tmp_path / "context.json").read_text(encoding="utf-8"))
    table = Context(tmp_path / facts["file"])
    assert len(table) == facts["bigrams"] + facts["trigrams"] > 4
    assert table.worth(0, ord("天"), ord("人")) < UNSEEN < table.worth(0, ord("大"), ord("地"))
