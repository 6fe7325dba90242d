"""An exported recognizer made small: weights stored as INT8 with a scale per output, all computed in float.

    python -m models.training.quantize recognizer.onnx recognizer-int8.onnx [--convolutions int8]

Matrices and LSTM as INT8, convolutions in half precision: 2.1 MB instead of 5.8, and no CER lost that shows. With
`--convolutions int8` 1.6 MB, for 0.03 to 0.1 points of CER; `train --int8 1` lets a net learn with weights so rounded.
Computing in INT8 would gain nothing on a Pi 4, whose processor has no dot product for it, and costs accuracy: min-max
ranges of activations ruin depthwise nets (+1.9 points of CER), and dynamic ones are shared by a batch, so that a line
would read otherwise beside other lines.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

AXES = {"Conv": {1: 0}, "MatMul": {1: 1}, "LSTM": {1: 1, 2: 1}}  # operator -> index of a weight -> axis of its outputs
SMALLEST_BYTES = 8192  # of a float32 weight in INT8; depthwise layers and gates, 60 KB in all, hurt most by rounding


def quantize(model: Path, out: Path, *, convolutions: str = "half") -> None:
    """Writes `model` to `out` with its weights stored small; metadata and interface stay.

    `convolutions`: "half" for float16, or "int8" for all but the small ones.
    """
    whole = onnx.load(model)
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
    given = parser.parse_args()
    quantize(given.model, given.out, convolutions=given.convolutions)
    print(f"{given.out.name}: {given.out.stat().st_size / 1e6:.2f} MB, {given.model.stat().st_size / 1e6:.2f} before")


if __name__ == "__main__":
    main()
