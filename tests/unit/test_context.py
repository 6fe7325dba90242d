"""Hanzi in doubt, decided by their neighbours: on probabilities written by hand and with the shipped table."""

import math

import numpy as np
import pytest
from training.context import write
from ziyan import context, ctc, manifest
from ziyan.charset import BLANK, Charset
from ziyan.context import SCALE, UNSEEN, Context
from ziyan.errors import ModelRejected

CHARSET = Charset("天地人大太一-A1 ")
PAIRS = {"天地": 5.0, "地人": 3.0, "天大": -2.0}
TRIPLES = {"天地人": 6.0, "人天地": 1.0}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("context") / "context.npz"
    write(PAIRS, TRIPLES, path)
    return Context(path)


def worth(table, text):
    before, last, following = (0 if c == "_" else ord(c) for c in text)
    return table.worth(before, last, following)


def steps(charset, *steps):
    """A row each: a certain character, or the probabilities of several; "" is the blank, and one stands between all."""
    rows = []
    for step in steps:
        for choices in (step if isinstance(step, dict) else {step: 0.99}), {"": 1.0}:
            row = np.zeros(charset.classes, np.float32)
            for character, p in choices.items():
                row[charset.encode(character)[0] if character else BLANK] = p
            rows.append(row)
    return np.array(rows)


def read(table, *line, charset=CHARSET):
    return charset.decode(table.decoder(charset)(steps(charset, *line))[0].tolist())


def test_a_trigram_is_found_before_its_bigram(table):
    assert worth(table, "天地人") == 6.0
    assert worth(table, "人天地") == 1.0


def test_it_backs_off_to_the_bigram_and_to_nothing(table):
    assert worth(table, "大地人") == UNSEEN + 3.0
    assert worth(table, "_地人") == 3.0
    assert worth(table, "大人一") == 2 * UNSEEN
    assert worth(table, "_人一") == UNSEEN


def test_nothing_is_known_beside_what_is_no_hanzi(table):
    assert worth(table, "天_人") == worth(table, "天地_") == worth(table, "__人") == 0.0


def test_every_hanzi_can_be_looked_up(table):
    for code in (context.FIRST, context.LAST):
        assert table.worth(code, code, code) == 2 * UNSEEN


def test_a_doubt_is_decided_by_what_stands_before(table):
    assert read(table, "天", {"大": 0.6, "地": 0.3}) == "天地"
    assert read(table, "A", {"大": 0.6, "地": 0.3}) == "A大"


def test_a_doubt_is_decided_by_what_stands_behind(table):
    assert read(table, {"大": 0.6, "天": 0.35}, "地", "人") == "天地人"


def test_two_doubts_are_decided_together(table):
    assert read(table, {"大": 0.6, "天": 0.35}, {"大": 0.6, "地": 0.35}) == "天地"


def test_what_the_picture_shows_clearly_stands(table):
    assert read(table, "天", {"大": 0.99 - context.FLOOR, "地": context.FLOOR * 0.99}) == "天大"
    assert read(table, "天", {"大": 0.95, "地": 0.03}) == "天大"


def test_a_hanzi_that_the_best_path_left_out_is_found_and_a_false_one_dropped(table):
    assert read(table, "天", {"": 0.6, "地": 0.35}, "人") == "天地人"
    assert read(table, "天", {"大": 0.5, "": 0.45}, "地") == "天地"


def test_a_hanzi_that_the_table_does_not_know_stands_and_is_not_chosen(table):
    assert read(table, "天", {"太": 0.4, "地": 0.35}, "人") == "天太人"
    assert read(table, "天", {"大": 0.6, "太": 0.35}, "人") == "天大人"


def test_a_line_with_a_hanzi_that_the_table_does_not_know_stands_whole(table):
    assert read(table, "天", {"大": 0.6, "地": 0.3}, "人", "A", {"太": 0.4}) == "天地人A太"
    assert read(table, "天", {"大": 0.6, "地": 0.3}, "人", "A", {"太": 0.5}) == "天大人A太"


def test_only_hanzi_are_chosen(table):
    assert read(table, "天", {"A": 0.6, "地": 0.35}, "人") == "天A人"
    assert read(table, "一", {"一": 0.5, "-": 0.45}) == "一一"
    assert read(table, "天", {"": 0.6, "-": 0.35}, "人") == "天人"


def test_reads_as_the_best_path_where_there_are_no_hanzi(table):
    charset, random = Charset("ABC12 "), np.random.default_rng(5)
    for _ in range(200):
        probabilities = random.dirichlet(np.full(charset.classes, 0.2), 12).astype(np.float32)
        expected = ctc.greedy(probabilities)
        for found, wanted in zip(table.decoder(charset)(probabilities), expected, strict=True):
            assert found.tolist() == wanted.tolist()


def test_letters_digits_and_signs_are_always_those_of_the_best_path(table):
    random, changed = np.random.default_rng(6), 0
    for _ in range(300):
        probabilities = random.dirichlet(np.full(CHARSET.classes, 0.2), 15).astype(np.float32)
        best = CHARSET.decode(ctc.greedy(probabilities)[0].tolist())
        found = CHARSET.decode(table.decoder(CHARSET)(probabilities)[0].tolist())
        assert [c for c in found if c in "-A1 "] == [c for c in best if c in "-A1 "]
        changed += found != best
    assert changed > 30


def test_the_confidence_of_a_character_is_the_picture_s(table):
    line = steps(CHARSET, "天", {"大": 0.6, "地": 0.3}, {"大": 0.5, "地": 0.4})
    line = np.delete(line, 3, axis=0)  # no blank between: one character
    classes, confidences = table.decoder(CHARSET)(line)
    assert CHARSET.decode(classes.tolist()) == "天地"
    assert confidences.tolist() == pytest.approx([0.99, 0.4])


def test_a_line_without_text_has_none(table):
    blank = np.eye(CHARSET.classes, dtype=np.float32)[[BLANK] * 4]
    for line in (blank, blank[:0]):
        assert [part.tolist() for part in table.decoder(CHARSET)(line)] == [[], []]


def test_a_trigram_needs_its_bigram(tmp_path):
    with pytest.raises(ValueError, match="no bigram"):
        write({"天地": 1.0}, {"天地人": 1.0}, tmp_path / "context.npz")


def test_values_are_kept_to_an_eighth_of_a_nat(tmp_path):
    write({"天地": math.pi}, {}, tmp_path / "context.npz")
    kept = worth(Context(tmp_path / "context.npz"), "_天地")
    assert kept == pytest.approx(math.pi, abs=0.5 / SCALE)
    assert kept != math.pi


def test_another_file_is_refused(tmp_path, refuses):
    path = tmp_path / "context.npz"
    for content in (b"", b"PK\x03\x04", b"no table"):
        path.write_bytes(content)
        with refuses(ModelRejected, "context_invalid") as caught:
            Context(path)
        assert path.name in caught.value.zh
    np.savez(path, starts=np.zeros(3, np.uint32))
    with refuses(ModelRejected, "context_invalid"):
        Context(path)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (("祝", "您", "旅", "途", {"榆": 0.6, "愉": 0.35}, "快"), "祝您旅途愉快"),
        (("马", "克", "思", {"生": 0.7, "主": 0.25}, "义"), "马克思主义"),
        (("支", "付", "现", {"全": 0.6, "金": 0.35}), "支付现金"),
        ((*"编号", {"全": 0.6, "金": 0.35}), "编号全"),
        ((*"共计", {"-": 0.6, "一": 0.35}, "元"), "共计-元"),
        (("支", "付", "现", {"全": 0.6, "金": 0.35}, "會"), "支付现全會"),
    ],
)
def test_the_shipped_table_knows_what_is_usual(line, text, models):
    table = Context(manifest.load(models).context)
    assert read(table, *line, charset=Charset(sorted({*"祝您旅途榆愉快马克思生主义支付现全金编号共计一元-會"}))) == text
