"""Counting how hanzi follow each other, and what is kept of it."""

import json
import math

import pytest
from ziyan.context import UNSEEN, Context

from models.training import context, work
from models.training.context import TEXT, Counts, counted, pruned


@pytest.fixture
def folders(tmp_path):
    """Three words of jieba and two sentences."""
    folders = work.Folders(tmp_path)
    jieba = folders.packages / "words" / "jieba" / "jieba"
    jieba.mkdir(parents=True)
    (jieba / "dict.txt").write_text("天地 8 n\n天人 2 n\nT恤 9 n\n", encoding="utf-8")
    folders.texts.mkdir()
    (folders.texts / "chinese.txt").write_text("大天地，A人。\n天\n", encoding="utf-8")
    return folders


def test_words_count_as_often_as_they_say_and_texts_by_their_weight(folders):
    counts = counted(folders)
    assert counts.single == {"天": 10 + 2 * TEXT, "地": 8 + TEXT, "人": 2 + TEXT, "大": TEXT}
    assert counts.double == {"天地": 8 + TEXT, "天人": 2, "大天": TEXT}
    assert counts.triple == {"大天地": TEXT}
    assert counts.total == sum(counts.single.values())


def test_a_ratio_tells_how_much_likelier_than_anywhere():
    counts = Counts()
    counts.add("天地", 8)
    counts.add("天人", 2)
    counts.add("大", 20)
    assert counts.ratio("天地") == pytest.approx(math.log(0.8 / (8 / 40)))
    counts.double["天地"] = 1e-9
    assert counts.ratio("天地") == -context.MOST


def test_what_tells_most_is_kept_and_what_backing_off_says_is_not():
    counts = Counts()
    for word, count in (("天地人", 100), ("天地", 5), ("地人", 100), ("大太", 1), ("人", 1000)):
        counts.add(word, count)
    counts.triple["天地人"] = 0.4 * counts.double["天地"] * counts.double["地人"] / counts.single["地"]
    bigrams, trigrams = pruned(counts, bigrams=2, trigrams=5)
    assert set(bigrams) == {"天地", "地人"}
    assert not trigrams
    counts.triple["天地人"] /= 8
    bigrams, trigrams = pruned(counts, bigrams=1, trigrams=5)
    assert set(trigrams) == {"天地人"}
    assert "地人" in bigrams


def test_a_tiny_run_writes_what_the_service_reads(folders, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["context", "--work", str(folders.root), "--out", str(tmp_path)])
    context.main()
    facts = json.loads((tmp_path / "context.json").read_text(encoding="utf-8"))
    table = Context(tmp_path / facts["file"])
    assert len(table) == facts["bigrams"] + facts["trigrams"] > 3
    assert table.worth(0, ord("天"), ord("人")) < table.worth(0, ord("天"), ord("地"))
    assert table.worth(0, ord("人"), ord("地")) == UNSEEN
