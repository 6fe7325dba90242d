"""Training: it can learn, it goes on where it stopped, and the LSTM goes first."""

import json
import random
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: the training recipe is not tested [not in CI]")

from line_drawing import drawn  # noqa: E402
from ziyan.charset import Charset  # noqa: E402

from models.training import train  # noqa: E402
from models.training.crops import Crop  # noqa: E402
from models.training.net import Recognizer, Shape  # noqa: E402
from models.training.pool import Item, Pool, write_shard  # noqa: E402

KNOWN = Charset("abcdefghij ")
WORDS = ("abc", "ghij", "bed", "feed", "chief", "jade")


def item(text: str) -> Item:
    pixels = drawn(text)
    steps = pixels.shape[1] // 8 + 1
    return Item(pixels, text, "photo", np.zeros((steps, 4), np.int16), np.zeros((steps, 4), np.float16))


@pytest.fixture
def pool(tmp_path) -> Pool:
    folder = tmp_path / "pool"
    folder.mkdir()
    write_shard([item(word) for word in WORDS], folder / "a-000.npz")
    pool = Pool(folder)
    pool.refresh()
    return pool


def small_state() -> train.State:
    torch.manual_seed(3)
    return train.new_state(Recognizer(Shape(KNOWN.classes, lstm_hidden=8)), KNOWN)


def test_can_learn_one_batch_by_heart(monkeypatch):
    monkeypatch.setattr(train, "RATES", dict.fromkeys(train.RATES, 3e-3))
    monkeypatch.setattr(train, "student_view", lambda pixels, draw, damaged: pixels)
    monkeypatch.setattr(train, "narrowed", lambda item, share: item)
    plan, state = train.Plan(steps=10_000, alone=0, frozen=0), small_state()
    items = [item(word) for word in WORDS[:2]]
    losses = [train.learn(state, plan, items, random.Random(0))[0] for _ in range(250)]
    assert losses[0] > 3
    assert min(losses[-50:]) < 0.1


def test_only_the_lstm_learns_at_first():
    plan, state = train.Plan(steps=10, alone=2, frozen=0), small_state()
    before = {name: value.clone() for name, value in state.net.named_parameters()}
    train.learn(state, plan, [item("abc")], random.Random(0))
    train.learn(state, plan, [item("abc")], random.Random(0))
    moved = {name.split(".")[0] for name, value in state.net.named_parameters() if not torch.equal(value, before[name])}
    assert moved == {"lstm", "project"}
    train.learn(state, plan, [item("abc")], random.Random(0))
    moved = {name.split(".")[0] for name, value in state.net.named_parameters() if not torch.equal(value, before[name])}
    assert moved == set(train.RATES)


def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(pool, tmp_path):
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    whole.mkdir()
    halves.mkdir()
    plan = train.Plan(steps=4, alone=1, columns=400, validate=100)
    train.run(small_state(), plan, pool, [], whole)
    state = small_state()
    batches = train.Batches(pool, plan, KNOWN)
    for _ in range(2):
        train.learn(state, plan, *batches.draw(state.step))
    train.save(state, plan, halves / "last.pt")
    train.run(train.resume(halves / "last.pt"), plan, pool, [], halves)
    (expected, _), (found, known) = train.averaged(whole / "last.pt"), train.averaged(halves / "last.pt")
    assert known.characters == KNOWN.characters
    for mine, theirs in zip(expected.parameters(), found.parameters(), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-6)


def test_logs_scores_and_keeps_the_best(pool, tmp_path):
    plan = train.Plan(steps=2, alone=1, columns=400, validate=1)
    train.run(small_state(), plan, pool, [Crop(drawn("abc"), "abc", "printed")], tmp_path)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [entry["step"] for entry in log] == [0, 1, 2]
    assert set(log[0]["scores"]) == {"printed", "development"}
    assert log[2]["lines"] > log[1]["lines"] > 0
    assert train.averaged(tmp_path / "best.pt")[0].shape == Shape(KNOWN.classes, lstm_hidden=8)


def test_real_lines_come_as_often_as_the_plan_says(tmp_path):
    lines = [replace(item("ab"), kind=kind) for kind in ("photo", "sign") for _ in range(20)]
    write_shard(lines, tmp_path / "a-000.npz")
    pool = Pool(tmp_path)
    pool.refresh()

    def real_share(plan: train.Plan) -> float:
        batches = train.Batches(pool, plan, KNOWN)
        kinds = [line.kind for step in range(40) for line in batches.draw(step)[0]]
        return kinds.count("photo") / len(kinds)

    assert real_share(train.Plan(real=0)) == 0
    assert real_share(train.Plan()) < real_share(train.Plan(real=5)) < 1


def test_real_lines_are_spliced_as_often_as_the_plan_says(pool, monkeypatch):
    monkeypatch.setattr(train, "spliced", lambda item, other, known, draw: replace(item, text=other.text + "!"))

    def share(plan: train.Plan) -> float:
        batches = train.Batches(pool, plan, KNOWN)
        texts = [line.text for step in range(60) for line in batches.draw(step)[0]]
        return sum(text.endswith("!") for text in texts) / len(texts)

    assert share(train.Plan(columns=400, spliced=0)) == 0
    assert 0.2 < share(train.Plan(columns=400)) < 0.6


def test_batches_hold_no_more_columns_than_planned(pool):
    plan = train.Plan(columns=400)
    for step in range(20):
        items, _ = train.Batches(pool, plan, KNOWN).draw(step)
        assert len(items) == 1 or len(items) * max(i.pixels.shape[1] for i in items) <= 400 + 8 * len(items)


def test_the_padding_is_taught_as_blank(pool):
    lines, classes, _, steps = train.tensors([item("ab"), item("feed")], random.Random(0))
    assert lines.shape[0] == 2
    assert classes.shape == (2, lines.shape[3] // 8, 4)
    assert (classes[0, steps[0] + 1 :] == 0).all()


def test_the_rates_stay_until_the_last_share_of_the_steps():
    plan, state = train.Plan(steps=1000, alone=0, fall=0.3), small_state()
    rates = []
    for state.step in (500, 700, 850, 1000):
        train.set_rates(state, plan)
        rates.append(state.optimizer.param_groups[0]["lr"] / train.RATES[state.optimizer.param_groups[0]["name"]])
    assert rates == pytest.approx([1, 1, 0.515, 0.03])


def test_a_run_reads_lines_as_narrow_as_planned(pool, tmp_path):
    state = train.new_state(Recognizer(Shape(KNOWN.classes, lstm_hidden=8)), KNOWN, squeeze=0.9)
    train.run(state, train.Plan(steps=1, columns=400), pool, [], tmp_path)
    assert train.averaged(tmp_path / "last.pt")[0].shape.squeeze == 0.9


def test_rows_of_new_characters_learn_faster_than_old_ones():
    head = torch.nn.Linear(3, 6)
    before = head.weight.detach().clone()
    with torch.no_grad(), train.slow_old_rows(head, 2):
        head.weight += 1
    moved = (head.weight - before).mean(1).tolist()
    assert moved == pytest.approx([1 / train.FRESH_RATE] * 3 + [1, 1] + [1 / train.FRESH_RATE], abs=1e-6)


def test_frozen_blocks_stay_as_they_are():
    plan, state = train.Plan(steps=10, alone=0, frozen=2), small_state()
    before = {name: value.clone() for name, value in state.net.named_parameters()}
    for _ in range(2):  # the LSTM is silent at first, and gets no gradient before its projection has moved
        train.learn(state, plan, [item("abc")], random.Random(0))
    same = {name for name, value in state.net.named_parameters() if torch.equal(value, before[name])}
    assert {".".join(name.split(".")[:2]) for name in same} == {"stem.0", "stem.2", "blocks.0", "blocks.1"}
