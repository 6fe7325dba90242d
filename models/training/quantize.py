"""An exported recognizer made small: INT8 matrices, and convolutions whose weights are stored in half precision.

    python -m models.training.quantize recognizer.onnx recognizer-int8.onnx

The head's and the LSTM's weights are quantized dynamically, per channel, at no cost in accuracy. The convolutions still
compute in float: min-max ranges ruin depthwise nets with hard-swish (+1.9 points of CER), and closing that gap needs
quantization-aware training, which is not written yet. Their weights are widened once, when the file is loaded.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

QUANTIZED = ("LSTM", "MatMul")


def quantize(model: Path, out: Path) -> None:
    """Writes `model` to `out` with INT8 LSTM and MatMul weights and half-precision Conv weights, its metadata kept."""
    quantize_dynamic(model, out, op_types_to_quantize=list(QUANTIZED), per_channel=True, weight_type=QuantType.QInt8)
    small = onnx.load(out)
    store_in_half(small.graph)
    facts = {prop.key: prop.value for prop in onnx.load(model).metadata_props}
    helper.set_model_props(small, facts)
    onnx.checker.check_model(small)
    onnx.save(small, out)


def store_in_half(graph: onnx.GraphProto) -> None:
    """Turns the weights of every Conv into float16 constants with a Cast to float32 behind them."""
    weights = {node.input[1] for node in graph.node if node.op_type == "Conv"}
    casts = []
    for tensor in graph.initializer:
        if tensor.name in weights and tensor.data_type == TensorProto.FLOAT:
            half = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{tensor.name}.half")
            casts.append(helper.make_node("Cast", [half.name], [tensor.name], to=TensorProto.FLOAT))
            tensor.CopyFrom(half)
    for cast in reversed(casts):
        graph.node.insert(0, cast)


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
