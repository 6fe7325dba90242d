"""Fine-tuning: a user's lines, new characters, and a folder that the service loads."""

import argparse
import copy
import itertools
import random
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: the training recipe is not tested [not in CI]")

import cv2
import numpy as np
import torch
from line_drawing import drawn
from ziyan import manifest
from ziyan.charset import Charset
from ziyan.normalize import line_tensor

from models.training import charset, export, finetune, parent, synth, train, wordlines, work
from models.training.ink import Face
from models.training.net import Recognizer, Shape
from models.training.readers import OnnxReader
from models.training.teacher import LEAST_WIDTH

pytestmark = pytest.mark.filterwarnings("ignore")  # torch's exporter warns of its own age and of LSTM batches


def lines(folder, *texts: str):
    folder.mkdir()
    rows = ["file\ttext"]
    for number, text in enumerate(texts):
        cv2.imwrite(str(folder / f"{number}.png"), drawn(text))
        rows.append(f"{number}.png\t{text}")
    (folder / "labels.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def asked(tmp_path, models, chars: str = "") -> argparse.Namespace:
    path = None
    if chars:
        path = tmp_path / "chars.txt"
        path.write_text("\n".join(chars) + "\n", encoding="utf-8")
    return argparse.Namespace(chars=path, steps=2, rehearsal=0, models=models, evalset=None)


def test_new_characters_stand_before_the_space_and_old_classes_stay():
    old = Charset("ab ")
    new = finetune.with_characters(old, "bжaжд")
    assert new.characters == ("a", "b", "ж", "д", " ")
    assert [new.encode(character) for character in "ab"] == [old.encode(character) for character in "ab"]


def test_a_label_with_an_unknown_character_is_told_with_the_way_out(tmp_path):
    data = lines(tmp_path / "mine", "one", "two ж")
    with pytest.raises(ValueError, match=r"1 characters that the model lacks: ж\n.*--chars"):
        finetune.check_labels(data, Charset("onetw "))


def test_a_folder_without_lines_is_told(tmp_path):
    with pytest.raises(ValueError, match="names no lines"):
        finetune.check_labels(lines(tmp_path / "mine"), Charset("a "))


def test_a_character_file_holds_one_a_line(tmp_path):
    path = tmp_path / "chars.txt"
    path.write_text("ж\nдом\n", encoding="utf-8")
    with pytest.raises(ValueError, match="дом"):
        finetune.read_characters(path)


def test_tunes_twice_into_a_folder_that_the_service_loads(packages, prepared, tmp_path):
    data = lines(tmp_path / "mine", *(f"no {number}" for number in range(12)))
    out, folders = tmp_path / "out", work.Folders(tmp_path / "work")  # the real one may be tuning just now
    folders.root.mkdir()
    folders.packages.symlink_to(packages)
    table = finetune.finetune(data, out, folders, asked(tmp_path, prepared, "жд"))
    first = manifest.load(out)
    assert "before | after" in table
    assert len(first.recognizer.charset) == len(charset.load()) + 2
    assert first.recognizer.squeeze == train.averaged(finetune.SHIPPED)[0].shape.squeeze
    finetune.finetune(data, out, folders, asked(tmp_path, prepared, "ж€й"))
    assert manifest.load(out).recognizer.charset.characters[-4:] == ("ж", "д", "й", " ")


def test_rehearsal_is_read_by_the_net_as_it_was_and_own_lines_by_the_teacher(packages, tmp_path, monkeypatch):
    net, known = train.averaged(finetune.SHIPPED)
    itself = parent.Parent(tmp_path / "itself.onnx", known)
    export.export(net, known, itself.model)
    lines_again = itertools.repeat((drawn("old"), "old", "english"))
    monkeypatch.setattr(synth, "synthetic_lines", lambda *_, **__: lines_again)
    data = lines(tmp_path / "mine", *(f"no {number}" for number in range(12)))
    grown = finetune.with_characters(known, "ж")
    filled = finetune.fill_pool(tmp_path / "pool", data, work.Folders(packages.parent), grown, 2, itself)
    rehearsed = filled[filled.kinds.index("english")]
    line = line_tensor(rehearsed.pixels)
    batch = np.pad(line, ((0, 0), (0, 0), (0, LEAST_WIDTH - line.shape[2])))[None]
    steps = OnnxReader(itself.model, known).probabilities(batch)[0].argmax(-1)
    assert filled.kinds.count("english") == 2
    assert rehearsed.classes[:, 0].tolist() == steps[: len(rehearsed.classes)].tolist()


def test_what_is_delivered_lies_between_before_and_tuned_but_for_new_characters():
    before, tuned = (Recognizer(Shape(8, lstm_hidden=4)) for _ in range(2))
    start, end = copy.deepcopy(before).head.weight, tuned.head.weight
    mixed = finetune.drawn_back(before, tuned, fresh=2, share=0.25)
    assert torch.equal(mixed.head.weight[5:7], end[5:7])
    for rows in (slice(0, 5), slice(7, 8)):
        assert torch.allclose(mixed.head.weight[rows], (0.75 * start + 0.25 * end)[rows])
    assert torch.equal(mixed.head.bias[5:7], tuned.head.bias[5:7])


def test_half_of_a_batch_are_own_lines():
    assert sum(finetune.REHEARSAL.values()) == pytest.approx(finetune.SHARES["own"])
    assert set(finetune.REHEARSAL) == set(synth.KINDS)


def test_draws_lines_of_words_that_the_font_has(tmp_path):
    faces = [Face([path]) for path in sorted(Path("/usr/share/fonts").rglob("DejaVuSans.ttf"))]
    if not faces:
        pytest.skip("fonts-dejavu-core is not installed [not in CI]")
    wordlines.write(wordlines.drawn_lines(["дім", "книга"], faces, random.Random(1)), tmp_path / "mine", 3)
    rows = (tmp_path / "mine" / "labels.tsv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 4
    assert set(rows[1].split("\t")[1].lower().split()) <= {"дім", "книга"}
    with pytest.raises(ValueError, match="no font here"):
        next(wordlines.drawn_lines(["\ue000"], faces, random.Random(1)))
