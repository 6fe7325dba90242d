"""An exported recognizer made small: weights stored as INT8 with a scale per output, computed in float or in INT8.

    python -m models.training.quantize recognizer.onnx recognizer-int8.onnx [--convolutions int8]
    python -m models.training.quantize recognizer.onnx recognizer-static.onnx --arithmetic int8 --realtext FOLDER

Matrices and LSTM as INT8, convolutions in half precision: 2.1 MB instead of 5.8, and no CER lost that shows. With
`--convolutions int8` 1.6 MB, for 0.03 to 0.1 points of CER; `train --int8 1` lets a net learn with weights so rounded.

`--arithmetic int8` is static quantization: real lines are read to find the range of each layer's input, then pointwise
convolutions and matrices multiply in INT8. What such nets cannot bear stays in float, see SENSITIVE. The LSTM stays in
float too, its weights stored as INT8: a dynamic one takes one range for a whole batch, so that a line would read
otherwise beside other lines. A Pi 4 has no dot product to gain from it. README.md has what each costs.
"""

import argparse
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

from . import realtext
from .evaluate import own_squeeze
from .readers import line_batch

AXES = {"Conv": {1: 0}, "MatMul": {1: 1}, "LSTM": {1: 1, 2: 1}}  # operator -> index of a weight -> axis of its outputs
SMALLEST_BYTES = 8192  # of a float32 weight in INT8; depthwise layers and gates, 60 KB in all, hurt most by rounding
# Layers that compute in float, found by quantizing one at a time and comparing probabilities: depthwise, the stem, the
# first two blocks, one narrow layer and the neck hurt most; gates are small.
SENSITIVE = re.compile(r"/(stem|depthwise|gate|neck|blocks\.[01]|blocks\.5/narrow)/")
LINES_A_KIND = 14  # of real lines to find ranges with; with 60 the widest outlier set them, and it read no better
WIDEST = 720  # columns of such a line


def quantize(model: Path, out: Path, *, convolutions: str = "half", lines: Sequence[np.ndarray] = ()) -> None:
    """Writes `model` to `out` with its weights stored small; metadata and interface stay.

    `convolutions`: "half" for float16, or "int8" for all but the small ones. `lines`: batches (1, 3, 48, W) to find the
    ranges of activations with; where there are any, `out` computes in INT8 what is not SENSITIVE.
    """
    if lines:
        compute_in_int8(model, out, lines)
    whole = onnx.load(out if lines else model)
    axes = {
        node.input[index]: (node.op_type, axis)
        for node in whole.graph.node
        for index, axis in AXES.get(node.op_type, {}).items()
    }
    undo = []
    for tensor in list(whole.graph.initializer):
        kind, axis = axes.get(tensor.name, ("", 0))
        if kind == "Conv" and (convolutions == "half" or numpy_helper.to_array(tensor).nbytes < SMALLEST_BYTES):
            undo.append(_store_in_half(tensor))
        elif kind:
            undo.append(_store_as_int8(whole.graph, tensor, axis))
    for node in undo:
        whole.graph.node.insert(0, node)
    onnx.checker.check_model(whole)
    onnx.save(whole, out)


class Lines(CalibrationDataReader):
    """Batches, one by one, as onnxruntime wants them."""

    def __init__(self, name: str, batches: Sequence[np.ndarray]):
        self._inputs = iter([{name: batch} for batch in batches])

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next one; None after the last."""
        return next(self._inputs, None)


def compute_in_int8(model: Path, out: Path, lines: Sequence[np.ndarray]) -> None:
    """Writes `model` to `out` with static INT8 arithmetic: QDQ, weights per output in -127..127, min-max ranges."""
    whole = onnx.load(model)
    quantize_static(
        whole,
        out,
        Lines(whole.graph.input[0].name, lines),
        op_types_to_quantize=["Conv", "MatMul"],
        nodes_to_exclude=[node.name for node in whole.graph.node if SENSITIVE.search(node.name)],
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )


def calibration_lines(folder: Path, *, squeeze: float) -> Iterator[np.ndarray]:
    """Up to LINES_A_KIND real lines of each kind as batches of one: open ones, none of them held out."""
    kinds: dict[str, list[realtext.Line]] = {}
    for line in realtext.read(folder):
        if not line.held_out:
            kinds.setdefault(line.kind, []).append(line)
    for kind, lines in sorted(kinds.items()):
        for line in random.Random(kind).sample(lines, min(LINES_A_KIND, len(lines))):
            yield line_batch(cv2.imread(str(folder / line.file)), squeeze)[..., :WIDEST]


def _store_as_int8(graph: onnx.GraphProto, tensor: onnx.TensorProto, axis: int) -> onnx.NodeProto:
    """Makes `tensor` INT8 within -127..127 with a scale per index of `axis`; returns the node that undoes it."""
    name, weight = tensor.name, numpy_helper.to_array(tensor)
    others = tuple(i for i in range(weight.ndim) if i != axis)
    scale = np.maximum(np.abs(weight).max(axis=others), 1e-8) / 127
    shape = [-1 if i == axis else 1 for i in range(weight.ndim)]
    small = np.rint(weight / scale.reshape(shape)).astype(np.int8)
    tensor.CopyFrom(numpy_helper.from_array(small, f"{name}_int8"))
    graph.initializer.append(numpy_helper.from_array(scale.astype(np.float32), f"{name}_scale"))
    return helper.make_node("DequantizeLinear", [f"{name}_int8", f"{name}_scale"], [name], axis=axis)


def _store_in_half(tensor: onnx.TensorProto) -> onnx.NodeProto:
    """Makes `tensor` float16; returns the node that widens it again."""
    name = tensor.name
    tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{name}_half"))
    return helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT)


def main() -> None:
    """Quantizes the file named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--convolutions", choices=("half", "int8"), default="half")
    parser.add_argument("--arithmetic", choices=("float", "int8"), default="float")
    parser.add_argument("--realtext", type=Path, help="folder of real lines, for --arithmetic int8")
    given = parser.parse_args()
    lines = []
    if given.arithmetic == "int8":
        if not given.realtext:
            parser.error("--arithmetic int8 finds its ranges with real lines: name --realtext")
        lines = list(calibration_lines(given.realtext, squeeze=own_squeeze(given.model)))
    quantize(given.model, given.out, convolutions=given.convolutions, lines=lines)
    print(f"{given.out.name}: {given.out.stat().st_size / 1e6:.2f} MB, {given.model.stat().st_size / 1e6:.2f} before")


if __name__ == "__main__":
    main()
