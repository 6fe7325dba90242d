"""The recognizer: PP-OCRv6 tiny's convolutions, a bidirectional LSTM beside its neck, a CTC head.

    lines (N, 3, 48, W) float32 in [-1, 1], BGR, padded on the right with 0
      stem     3x3 /2 (24), GELU, 3x3 /2 (48)                          -> (N,  48, 12, W/4)
      blocks   48 48 | 96 96 96 | 160 160 160 160, height / 2 at each |  -> (N, 160,  3, W/4)
      pool     average 3x2                                             -> (N, 160, W/8)
      neck     depthwise 5, pointwise 160, both with hard-swish        -> (N, W/8, 160)
      squeeze  160 -> 80, plus 80 from BiLSTM(neck)                    -> (N, W/8, 80)
      head     80 -> classes                                           -> (N, W/8, classes) logits, class 0 is the blank

The LSTM's projection starts at zero, so that an untrained Recognizer reads just as its parent (PaddleOCR, Apache-2.0).
Batch normalization is folded into the convolutions on loading: live statistics made a good net worse at once.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn import functional

LINE_HEIGHT = 48
STEP_PIXELS = 8  # one time step of the output for so many columns of the line


@dataclass(frozen=True)
class Shape:
    """What it takes to build a Recognizer again; kept in every checkpoint."""

    classes: int
    lstm_hidden: int = 96  # 0: no recurrence, the ablation
    lstm_layers: int = 1
    squeeze: float = 1.0  # width of the lines it reads, as a share of their own at height 48
    hidden: tuple[int, ...] = ()  # channels between a block's two pointwise layers; empty: twice what comes in


class SqueezeExcite(nn.Module):
    """Scales each channel by a gate computed from the channels' means over the whole line."""

    def __init__(self, channels: int):
        super().__init__()
        self.reduce = nn.Conv2d(channels, channels // 4, 1)
        self.expand = nn.Conv2d(channels // 4, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) -> the same shape."""
        means = x.mean((2, 3), keepdim=True)
        return x * functional.hardsigmoid(self.expand(functional.relu(self.reduce(means))))


class Block(nn.Module):
    """Depthwise 3x3, optional gate, then two pointwise layers with GELU between; residual where shapes allow."""

    def __init__(self, channels_in: int, channels_out: int, *, hidden: int, halve_height: bool, gated: bool):
        super().__init__()
        stride = (2, 1) if halve_height else (1, 1)
        self.depthwise = nn.Conv2d(channels_in, channels_in, 3, stride, 1, groups=channels_in)
        self.gate = SqueezeExcite(channels_in) if gated else nn.Identity()
        self.widen = nn.Conv2d(channels_in, hidden, 1)
        self.narrow = nn.Conv2d(hidden, channels_out, 1)
        self.residual = not halve_height and channels_in == channels_out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, in, H, W) -> (N, out, H or H/2, W)."""
        x = self.gate(self.depthwise(x))
        y = self.narrow(functional.gelu(self.widen(x)))
        return x + y if self.residual else y


BLOCKS = (  # channels in, channels out, halve the height, squeeze-and-excitation
    (48, 48, False, True),
    (48, 48, False, False),
    (48, 96, True, False),
    (96, 96, False, True),
    (96, 96, False, False),
    (96, 160, True, False),
    (160, 160, False, True),
    (160, 160, False, False),
    (160, 160, False, False),
)


class Recognizer(nn.Module):
    """The CRNN of the module's docstring."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.stem = nn.Sequential(nn.Conv2d(3, 24, 3, 2, 1), nn.GELU(), nn.Conv2d(24, 48, 3, 2, 1))
        hidden = shape.hidden or [2 * channels_in for channels_in, *_ in BLOCKS]
        self.blocks = nn.Sequential(
            *[Block(i, o, hidden=n, halve_height=h, gated=g) for (i, o, h, g), n in zip(BLOCKS, hidden, strict=True)]
        )
        self.neck = nn.Sequential(
            nn.Conv1d(160, 160, 5, 1, 2, groups=160), nn.Hardswish(), nn.Conv1d(160, 160, 1), nn.Hardswish()
        )
        self.squeeze = nn.Linear(160, 80)
        self.head = nn.Linear(80, shape.classes)
        self.lstm = self.project = None
        if shape.lstm_hidden:
            self.lstm = nn.LSTM(160, shape.lstm_hidden, shape.lstm_layers, bidirectional=True, batch_first=True)
            self.project = nn.Linear(2 * shape.lstm_hidden, 80)
            nn.init.zeros_(self.project.weight)
            nn.init.zeros_(self.project.bias)

    def convolve(self, lines: torch.Tensor, *, frozen: int = 0) -> torch.Tensor:
        """(N, 3, 48, W) -> (N, 160, W // 8): everything that looks at pixels.

        `frozen`: the stem and so many blocks get no gradient.
        """
        with torch.set_grad_enabled(torch.is_grad_enabled() and not frozen):
            x = self.blocks[:frozen](self.stem(lines))
        x = self.blocks[frozen:](x)
        return functional.avg_pool2d(x, (3, 2)).squeeze(2)

    def describe(self, columns: torch.Tensor) -> torch.Tensor:
        """(N, 160, T) -> (N, T, 80): neck and recurrence, all but the head."""
        steps = self.neck(columns).transpose(1, 2)
        squeezed = self.squeeze(steps)
        if self.lstm is not None:
            squeezed = squeezed + self.project(self.lstm(steps)[0])
        return squeezed

    def forward(self, lines: torch.Tensor) -> torch.Tensor:
        """(N, 3, 48, W) -> logits (N, W // 8, classes)."""
        return self.head(self.describe(self.convolve(lines)))


def load_parent(path: Path, *, lstm_hidden: int = 96, lstm_layers: int = 1) -> Recognizer:
    """PP-OCRv6 tiny's recognizer as a Recognizer in eval mode that gives the same probabilities (to 1e-4).

    The export names nothing, so weights are matched by their order in the graph; every shape is checked.
    Raises ValueError when the graph is not PP-OCRv6 tiny's.
    """
    graph = onnx.load(path).graph
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    convolutions = _graph_convolutions(graph, weights)
    linears = _graph_linears(graph, weights)
    if len(linears) != 2:
        raise ValueError(f"{path.name}: {len(linears)} linear layers, PP-OCRv6 tiny's recognizer has 2")
    net = Recognizer(Shape(linears[1][0].shape[0], lstm_hidden, lstm_layers))
    _assign(_convolutions_in_graph_order(net), convolutions)
    _assign([net.squeeze, net.head], linears)
    return net.eval()


def _convolutions_in_graph_order(net: Recognizer) -> list[nn.Module]:
    order = [net.stem[0], net.stem[2]]
    for block in net.blocks:
        gate = [block.gate.reduce, block.gate.expand] if isinstance(block.gate, SqueezeExcite) else []
        order += [block.depthwise, *gate, block.widen, block.narrow]
    return [*order, net.neck[0], net.neck[2]]


def _graph_convolutions(graph: onnx.GraphProto, weights: dict) -> list[tuple[np.ndarray, np.ndarray]]:
    """(weight, bias) of every Conv in order; the bias stands in the Add or BatchNormalization that follows."""
    users = {name: node for node in reversed(graph.node) for name in node.input}
    pairs = []
    for node in graph.node:
        if node.op_type != "Conv":
            continue
        weight, after = weights[node.input[1]], users[node.output[0]]
        if after.op_type == "Squeeze":
            after = users[after.output[0]]
        pairs.append(_fold(weight, after, weights))
    return pairs


def _fold(weight: np.ndarray, after: onnx.NodeProto, weights: dict) -> tuple[np.ndarray, np.ndarray]:
    if after.op_type == "Add":
        return weight, weights[next(name for name in after.input if name in weights)].reshape(-1)
    if after.op_type != "BatchNormalization":
        raise ValueError(f"a convolution is followed by {after.op_type}: not PP-OCRv6 tiny's recognizer")
    epsilon = next((a.f for a in after.attribute if a.name == "epsilon"), 1e-5)
    gain, shift, mean, variance = (weights[name].astype(np.float64) for name in after.input[1:5])
    scale = gain / np.sqrt(variance + epsilon)
    return weight * scale.reshape(-1, 1, 1, 1), shift - mean * scale


def _graph_linears(graph: onnx.GraphProto, weights: dict) -> list[tuple[np.ndarray, np.ndarray]]:
    """(weight (out, in), bias (out,)) of every MatMul in order."""
    users = {name: node for node in reversed(graph.node) for name in node.input}
    pairs = []
    for node in graph.node:
        if node.op_type == "MatMul":
            bias = next((name for name in users[node.output[0]].input if name in weights), None)
            if node.input[1] not in weights or bias is None:
                raise ValueError("a matrix product has no weights or no bias: not PP-OCRv6 tiny's recognizer")
            pairs.append((weights[node.input[1]].T, weights[bias]))
    return pairs


def _assign(modules: list[nn.Module], pairs: list[tuple[np.ndarray, np.ndarray]]) -> None:
    if len(modules) != len(pairs):
        raise ValueError(f"the graph has {len(pairs)} layers where PP-OCRv6 tiny's recognizer has {len(modules)}")
    for module, (weight, bias) in zip(modules, pairs, strict=True):
        if weight.size != module.weight.numel() or bias.size != module.bias.numel():
            raise ValueError(f"{module}: the graph's weight has shape {weight.shape}")
        module.weight.data = torch.tensor(weight.reshape(module.weight.shape), dtype=torch.float32)
        module.bias.data = torch.tensor(bias.copy(), dtype=torch.float32)


def multiply_adds(net: Recognizer, *, width: int = 320) -> dict[str, int]:
    """Multiply-adds of one line of `width` pixels by part of the net; gates' and activations' are left out."""
    counts: dict[str, int] = {}

    def count(name: str):
        def hook(module: nn.Module, inputs: tuple, output) -> None:
            if isinstance(module, nn.LSTM):
                per_step = sum(p.numel() for key, p in module.named_parameters() if "weight" in key)
                counts[name] = inputs[0].shape[1] * per_step
            elif isinstance(module, nn.Linear):
                counts[name] = output.numel() * module.in_features
            else:
                counts[name] = output.numel() * module.weight[0].numel()

        return hook

    layers = (nn.Conv1d, nn.Conv2d, nn.Linear, nn.LSTM)
    hooks = [m.register_forward_hook(count(name)) for name, m in net.named_modules() if isinstance(m, layers)]
    with torch.no_grad():
        net(torch.zeros(1, 3, LINE_HEIGHT, width))
    for hook in hooks:
        hook.remove()
    parts: dict[str, int] = {}
    for name, macs in counts.items():
        part = name.split(".")[0]
        parts[part] = parts.get(part, 0) + macs
    return parts
