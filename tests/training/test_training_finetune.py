"""Fine-tuning: a user's lines, new characters, and a folder that the service loads."""

import argparse
import random
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: the training recipe is not tested [not in CI]")

import cv2
from line_drawing import drawn
from ziyan import manifest
from ziyan.charset import Charset

from models.training import charset, finetune, train, wordlines, work
from models.training.ink import Face

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
