"""An exported recognizer made small: matrices stored as INT8, convolutions in half precision, all computed in float.

    python -m models.training.quantize recognizer.onnx recognizer-int8.onnx

A matrix keeps one scale per output (as models/prepare.py does for the parent), so nothing depends on what else stands
in the batch, as it does with dynamic quantization, whose activations share a range. Computing the convolutions in INT8
needs quantization-aware training, which is not written yet: min-max ranges ruin depthwise nets (+1.9 points of CER).
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

WEIGHTS = {"MatMul": {1: 1}, "LSTM": {1: 1, 2: 1}}  # operator -> index of an INT8 input -> axis of its outputs


def quantize(model: Path, out: Path) -> None:
    """Writes `model` to `out` with its weights stored small; metadata and interface stay."""
    whole = onnx.load(model)
    axes = {
        node.input[index]: axis
        for node in whole.graph.node
        for index, axis in WEIGHTS.get(node.op_type, {}).items()
    }
    convolutions = {node.input[1] for node in whole.graph.node if node.op_type == "Conv"}
    undo = []
    for tensor in list(whole.graph.initializer):
        if tensor.name in axes:
            undo.append(_store_as_int8(whole.graph, tensor, axes[tensor.name]))
        elif tensor.name in convolutions:
            undo.append(_store_in_half(tensor))
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
    given = parser.parse_args()
    quantize(given.model, given.out)
    print(f"{given.out.name}: {given.out.stat().st_size / 1e6:.2f} MB, {given.model.stat().st_size / 1e6:.2f} before")


if __name__ == "__main__":
    main()
