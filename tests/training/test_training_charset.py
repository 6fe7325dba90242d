"""The charset file: complete, without doubles, and an extension of the parent's."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: the training recipe is not tested [not in CI]")

from models.training import charset, parent  # noqa: E402
from models.training.net import load_parent  # noqa: E402


def test_gb2312_has_its_6763_hanzi():
    hanzi = charset.gb2312_hanzi()
    assert len(hanzi) == len(set(hanzi)) == 6763
    assert (hanzi[0], hanzi[3754], hanzi[3755], hanzi[-1]) == ("啊", "座", "亍", "齄")


def test_big5_has_its_5401_frequent_hanzi():
    hanzi = charset.big5_hanzi()
    assert len(hanzi) == len(set(hanzi)) == 5401
    assert (hanzi[0], hanzi[-1]) == ("一", "籲")


@pytest.mark.parametrize("wanted", ["GB2312", "BIG5", "ASCII", "FULL_WIDTH", "PUNCTUATION", "UNITS", "NUMBERED"])
def test_knows_every_character_that_was_wanted(wanted):
    known = charset.load()
    hanzi = {"GB2312": charset.gb2312_hanzi, "BIG5": charset.big5_hanzi}
    characters = hanzi[wanted]() if wanted in hanzi else getattr(charset, wanted)
    assert [c for c in characters if c not in known] == []


def test_ends_with_the_space():
    assert charset.load().characters[-1] == " "


def test_the_file_is_what_the_rule_gives(packages):
    assert charset.load().characters == charset.extended(parent.tiny(packages).charset).characters


def test_the_parents_classes_keep_their_numbers(packages):
    old = parent.tiny(packages).charset
    mapped = charset.class_map(old, charset.load())
    assert mapped[:-1].tolist() == list(range(old.classes - 1))
    assert mapped[-1] == len(charset.load())


def test_a_grown_head_keeps_known_rows_and_fills_new_ones(packages):
    tiny, known = parent.tiny(packages), charset.load()
    net = load_parent(tiny.model)
    grown = charset.extend_head(net, tiny.charset, known, parent.small(packages))
    assert grown.head.out_features == known.classes
    old, new = tiny.charset.encode("字")[0], known.encode("字")[0]
    assert torch.allclose(grown.head.weight[new], net.head.weight[old])
    assert torch.allclose(grown.head.bias[-1], net.head.bias[-1])
    rare = grown.head.weight[known.encode("鼯")[0]]
    assert "鼯" not in tiny.charset
    assert rare.norm() > 0.5 * net.head.weight[1:].norm(dim=1).mean()
