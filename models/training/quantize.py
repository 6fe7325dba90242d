"""An exported recognizer made small: every weight stored as INT8 with a scale per output, all computed in float.

    python -m models.training.quantize recognizer.onnx recognizer-int8.onnx

So 5.8 MB become 1.6 and CER rises by 0.1 points at most; `train --int8 1` lets a net learn with weights so rounded.
Computing in INT8 would gain nothing on a Pi 4, whose processor has no dot product for it, and costs accuracy: min-max
ranges of activations ruin depthwise nets (+1.9 points of CER), and dynamic ones are shared by a batch, so that a line
would read otherwise beside other lines.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

WEIGHTS = {  # operator -> index of an INT8 input -> axis of its outputs
    "Conv": {1: 0},
    "MatMul": {1: 1},
    "LSTM": {1: 1, 2: 1},
}


def quantize(model: Path, out: Path) -> None:
    """Writes `model` to `out` with its weights stored small; metadata and interface stay."""
    whole = onnx.load(model)
    axes = {
        node.input[index]: axis for node in whole.graph.node for index, axis in WEIGHTS.get(node.op_type, {}).items()
    }
    stored = [tensor for tensor in whole.graph.initializer if tensor.name in axes]
    for node in [_store_as_int8(whole.graph, tensor, axes[tensor.name]) for tensor in stored]:
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
