"""The files that ocr_model copies: all those that a manifest names, of whatever parts it has."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from variable_tables import ROLES

ANSIBLE = Path(sys.executable).parent / "ansible"
FIRST = {
    "version": "test-1",
    "detector": {"file": "detector.onnx"},
    "recognizer": {"file": "recognizer.onnx", "charset": {"file": "charset.txt"}},
}
SECOND = {"file": "second-recognizer.onnx", "charset": {"file": "second-charset.txt"}}


@pytest.mark.parametrize(
    ("manifest", "names"),
    [
        (FIRST, ["detector.onnx", "recognizer.onnx", "charset.txt"]),
        (
            FIRST | {"second_recognizer": SECOND},
            ["detector.onnx", "recognizer.onnx", "second-recognizer.onnx", "charset.txt", "second-charset.txt"],
        ),
        (FIRST | {"context": {"file": "table"}}, ["detector.onnx", "recognizer.onnx", "charset.txt", "table"]),
    ],
    ids=["one recognizer", "two recognizers", "a context"],
)
def test_every_file_of_the_manifest_is_copied(manifest, names, tmp_path):
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    show = ("-m", "ansible.builtin.debug", "-a", "msg={{ _ocr_model_files | map(attribute='file') }}")
    variables = ("-e", f"@{ROLES / 'ocr_model/vars/main.yml'}", "-e", f"ocr_model_source={tmp_path}")
    told = subprocess.run(
        [ANSIBLE, "localhost", *show, *variables], capture_output=True, text=True, check=True, timeout=120
    ).stdout
    assert yaml.safe_load(told.partition("=>")[2])["msg"] == names
