"""The pool: lines read once by the teacher, in the student's classes."""

import itertools

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: the training recipe is not tested [not in CI]")

from line_drawing import drawn
from ziyan.charset import Charset
from ziyan.normalize import line_tensor

from models.training import charset, parent, pool
from models.training.readers import text_of
from models.training.teacher import Teacher


@pytest.fixture(scope="module")
def teacher(packages) -> Teacher:
    return Teacher(parent.small(packages), charset.load())


def test_the_teacher_speaks_in_the_students_classes(teacher):
    classes, probabilities = teacher.read(line_tensor(drawn("Teacher 2026")))
    known = charset.load()
    steps = np.zeros((len(classes), known.classes), np.float32)
    np.put_along_axis(steps, classes.astype(np.int64), probabilities.astype(np.float32), 1)
    assert text_of(steps, known) == "Teacher 2026"
    assert len(classes) == -(-drawn("Teacher 2026").shape[1] // 8) + 1
    assert (np.diff(probabilities.astype(np.float32), axis=1) <= 0).all()


def test_the_teacher_is_silent_where_it_lacks_a_character(teacher):
    known = frozenset(charset.load().characters)
    lines = [(drawn("abc"), "abc", "photo"), (drawn("5 m2"), "5㎡", "figures")]
    plain, unknown = pool.taught(iter(lines), teacher, known)
    assert plain.probabilities.max() > 0.5
    assert unknown.probabilities.max() == 0


def test_leaves_out_what_the_student_cannot_learn(teacher):
    known = frozenset(charset.load().characters)
    wide = np.full((20, 900, 3), 255, np.uint8)
    lines = [(drawn("x"), "\U0001f600", "photo"), (wide, "", "photo")]
    assert list(pool.taught(iter(lines), teacher, known)) == []


def test_fills_numbered_shards(teacher, tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "SHARD", 2)
    item = next(pool.taught(iter([(drawn("ab"), "ab", "photo")]), teacher, frozenset("ab")))
    pool.fill(tmp_path, "synthetic1", itertools.repeat(item), lines=5)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"synthetic1-00{n}.npz" for n in range(3)]
    whole = pool.Pool(tmp_path)
    whole.refresh()
    assert whole.texts == ["ab"] * 5


def test_a_users_folder_gives_crops_that_are_not_held_out(tmp_path):
    rows = ["file\ttext\tkind\tsource\tconfidence\tcase\tcased\tgroup\tlicence"]
    for number in range(40):
        cv2.imwrite(str(tmp_path / f"{number}.png"), drawn(f"no {number}"))
        rows.append(f"{number}.png\tno {number}\tlabelled\tme\t1.0\t\t\tg{number}\topen")
    (tmp_path / "labels.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    looks = list(pool.real_lines(tmp_path, seed=1))
    assert {kind for _, _, kind in looks} == {"own"}
    texts = [text for _, text, _ in looks]
    assert 30 <= len(set(texts)) < 40
    assert len(looks) == 2 * len(set(texts))
    widths = [{picture.shape[1] for picture, text, _ in looks if text == wanted} for wanted in set(texts)]
    assert sum(len(both) == 2 for both in widths) > 0.9 * len(widths)


def said(*read: int) -> tuple[np.ndarray, np.ndarray]:
    """The steps of a teacher that is sure of these classes, a blank between any two."""
    classes = np.zeros((2 * len(read) + 1, 4), np.int16)
    classes[1::2, 0] = read
    return classes, np.full(classes.shape, 0.25, np.float16)


@pytest.mark.parametrize(("text", "is_heard"), [("ab", True), ("a b", True), ("", True), ("ac", False), ("abb", False)])
def test_the_teacher_is_heard_where_it_read_the_label(text, is_heard):
    line = pool.Item(drawn("ab"), text, "number", *said(1, 2))
    heard = pool.heeded(line, Charset("abc "))
    assert (heard is line) == is_heard
    assert (heard.probabilities.max() > 0) == is_heard
    assert heard.text == text
