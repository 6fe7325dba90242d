"""Multiply-adds of an ONNX graph, counted by running it once: convolutions, matrix products and LSTMs."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import helper

COUNTED = frozenset({"Conv", "ConvInteger", "Gemm", "LSTM", "MatMul", "MatMulInteger"})


def multiply_adds(path: Path, batch: np.ndarray) -> int:
    """What `batch`, the graph's only input, costs; activations and gates are left out."""
    model = onnx.load(path)
    nodes = [node for node in model.graph.node if node.op_type in COUNTED]
    written = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    computed = {name for node in model.graph.node for name in node.output}
    wanted = {name for node in nodes for name in (*node.input[:3], node.output[0]) if name in computed}
    del model.graph.output[:]
    model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in sorted(wanted))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    found = zip(sorted(wanted), session.run(sorted(wanted), {name: batch}), strict=True)
    shapes = written | {name: batch.shape} | {name: value.shape for name, value in found}
    return sum(_cost(node, shapes) for node in nodes)


def _cost(node: onnx.NodeProto, shapes: dict[str, tuple[int, ...]]) -> int:
    first, second = (shapes[name] for name in node.input[:2])
    if node.op_type == "LSTM":  # (steps, lines, …); (directions, 4 hidden, …)
        return int(np.prod(first[:2]) * (np.prod(second[1:]) + np.prod(shapes[node.input[2]][1:])) * second[0])
    output = int(np.prod(shapes[node.output[0]]))
    if node.op_type.startswith("Conv"):
        return output * int(np.prod(second[1:]))
    across = next((helper.get_attribute_value(a) for a in node.attribute if a.name == "transA"), 0)
    return output * first[0 if across else -1]
