"""The manifest is believed only after every file has been checked against it."""

import copy
import hashlib
import json

import pytest
from ziyan import manifest
from ziyan.charset import Charset
from ziyan.errors import ModelRejected

FILES = {
    "detector.onnx": b"a detector",
    "recognizer.onnx": b"a recognizer",
    "charset.txt": Charset("字眼 ").dump(),
    "second-recognizer.onnx": b"a larger one",
    "second-charset.txt": Charset("字眼讀 ").dump(),
    "context.npz": b"a table",
}


def entry(name):
    return {"file": name, "sha256": hashlib.sha256(FILES[name]).hexdigest(), "bytes": len(FILES[name])}


FACTS = {
    "schema": 1,
    "version": "test-1",
    "detector": {
        "name": "finder",
        **entry("detector.onnx"),
        "input": {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6], "multiple": 32, "pixels": 600_000},
        "output": {"threshold": 0.2, "box_threshold": 0.4, "unclip_ratio": 1.4},
    },
    "recognizer": {
        "name": "reader",
        **entry("recognizer.onnx"),
        "input": {"height": 48, "max_width": 3200, "width_multiple": 8, "squeeze": 0.9, "fast_squeeze": 0.7},
        "classes": 4,
        "charset": entry("charset.txt"),
        "calibration": {"scale": 1.1, "offset": -0.5},
    },
    "second_recognizer": {
        "name": "second",
        **entry("second-recognizer.onnx"),
        "input": {"height": 48, "max_width": 3200, "width_multiple": 8},
        "classes": 5,
        "charset": entry("second-charset.txt"),
        "calibration": {"scale": 0.9, "offset": 0.5},
    },
    "context": entry("context.npz"),
}
# A manifest without these is whole: no second reader, and a score that is the characters' mean probability.
OPTIONAL = {"second_recognizer", "calibration", "scale", "offset", "squeeze", "fast_squeeze", "context"}


@pytest.fixture
def folder(tmp_path):
    """A folder of files whose manifest is true. The manifest only hashes models; to load them is session's work."""
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    write(tmp_path, FACTS)
    return tmp_path


def write(folder, facts):
    (folder / "manifest.json").write_text(json.dumps(facts))


def test_gives_all_facts_of_a_true_manifest(folder):
    found = manifest.load(folder)
    assert found.version == "test-1"
    assert found.size_bytes == sum(map(len, FILES.values())) == 10 + 12 + 10 + 12 + 14 + 7
    assert found.detector == manifest.Detector(
        name="finder",
        path=folder / "detector.onnx",
        mean=(0.1, 0.2, 0.3),
        std=(0.4, 0.5, 0.6),
        multiple=32,
        pixels=600_000,
        threshold=0.2,
        box_threshold=0.4,
        unclip_ratio=1.4,
    )
    recognizer = found.recognizer
    assert (recognizer.name, recognizer.path) == ("reader", folder / "recognizer.onnx")
    assert (recognizer.height, recognizer.max_width, recognizer.width_multiple) == (48, 3200, 8)
    assert (recognizer.squeeze, recognizer.fast_squeeze) == (0.9, 0.7)
    assert found.second_recognizer.squeeze == 1.0
    assert recognizer.charset.characters == ("字", "眼", " ")
    assert recognizer.calibration == manifest.Calibration(scale=1.1, offset=-0.5)
    assert (found.second_recognizer.name, found.second_recognizer.path) == ("second", folder / "second-recognizer.onnx")
    assert found.second_recognizer.charset.characters == ("字", "眼", "讀", " ")
    assert found.context == folder / "context.npz"


def test_a_manifest_without_second_recognizer_calibration_and_context_is_whole(folder):
    facts = copy.deepcopy(FACTS)
    del facts["second_recognizer"], facts["recognizer"]["calibration"], facts["context"]
    write(folder, facts)
    found = manifest.load(folder)
    assert found.second_recognizer is found.context is None
    assert found.recognizer.calibration == manifest.Calibration(scale=1, offset=0)
    assert found.size_bytes == 10 + 12 + 10


def test_names_every_file_of_a_manifest():
    assert [entry["file"] for entry in manifest.files(FACTS)] == [
        "detector.onnx", "recognizer.onnx", "second-recognizer.onnx", "charset.txt", "second-charset.txt",
        "context.npz",
    ]  # fmt: skip


def test_the_prepared_models_are_what_their_manifest_says(models):
    found = manifest.load(models)
    assert found.recognizer.charset.classes == 9819
    assert found.size_bytes == sum((models / name).stat().st_size for name in FILES) < 10_000_000


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(name, folder, refuses):
    (folder / name).unlink()
    with refuses(ModelRejected, "model_missing") as caught:
        manifest.load(folder)
    assert name in caught.value.zh
    assert name in caught.value.en


@pytest.mark.parametrize("name", FILES)
def test_one_changed_byte_is_found(name, folder, refuses):
    data = bytearray(FILES[name])
    data[-2] ^= 1
    (folder / name).write_bytes(data)
    with refuses(ModelRejected, "checksum_mismatch") as caught:
        manifest.load(folder)
    assert f"{name} has sha256 {hashlib.sha256(data).hexdigest()[:12]}…" in caught.value.en
    assert hashlib.sha256(FILES[name]).hexdigest()[:12] in caught.value.en


@pytest.mark.parametrize("classes", [3, 5])
def test_a_charset_of_another_size_than_the_recognizer_is_refused(classes, folder, refuses):
    write(folder, FACTS | {"recognizer": FACTS["recognizer"] | {"classes": classes}})
    with refuses(ModelRejected, "charset_mismatch") as caught:
        manifest.load(folder)
    assert f"The charset has 3 characters, the recognizer {classes} classes" in caught.value.en


@pytest.mark.parametrize("schema", [0, 2, "1", None])
def test_another_schema_is_refused(schema, folder, refuses):
    write(folder, FACTS | {"schema": schema})
    with refuses(ModelRejected, "manifest_schema") as caught:
        manifest.load(folder)
    assert f"schema {schema}, this program knows 1" in caught.value.en


@pytest.mark.parametrize("content", [None, "", "{", "[]", "{}", '"text"', b"\xff\xfe"], ids=repr)
def test_a_folder_without_a_readable_manifest_is_refused_and_told_what_to_do(content, tmp_path, refuses):
    if content is not None:
        (tmp_path / "manifest.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    with refuses(ModelRejected, "manifest_missing") as caught:
        manifest.load(tmp_path)
    assert str(tmp_path) in caught.value.en
    assert "make models" in caught.value.en


def paths(facts, above=()):
    """The path of every field that must be there, but for the schema, whose absence is another error."""
    for key, value in facts.items():
        if key not in OPTIONAL | {"schema"}:
            yield (*above, key)
        if isinstance(value, dict):
            yield from paths(value, (*above, key))


@pytest.mark.parametrize("path", list(paths(FACTS)), ids=".".join)
def test_a_missing_field_is_named(path, folder, refuses):
    facts = copy.deepcopy(FACTS)
    holder = facts
    for key in path[:-1]:
        holder = holder[key]
    del holder[path[-1]]
    write(folder, facts)
    with refuses(ModelRejected, "manifest_invalid") as caught:
        manifest.load(folder)
    assert f"'{path[-1]}'" in caught.value.en


def test_a_calibration_of_another_shape_is_refused(folder, refuses):
    write(folder, FACTS | {"recognizer": FACTS["recognizer"] | {"calibration": {"slope": 1}}})
    with refuses(ModelRejected, "manifest_invalid") as caught:
        manifest.load(folder)
    assert "slope" in caught.value.en


@pytest.mark.parametrize("value", [None, 7, "text", []])
def test_a_field_of_another_type_is_refused(value, folder, refuses):
    for key in ("detector", "recognizer"):
        write(folder, FACTS | {key: value})
        with refuses(ModelRejected, "manifest_invalid"):
            manifest.load(folder)
