"""Quantization-aware training: a net learns while its numbers are rounded as INT8 will round them.

    python -m models.training.train --run qat --start models/training/checkpoints/crnn.pt --int8 2 --alone 0 …

Rounding is seen forwards and not backwards (the straight-through estimator, Bengio et al. 2013; Jacob et al. 2018,
"Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference"). STORED rounds weights
alone, as `quantize` stores them; COMPUTED rounds the weights, inputs and outputs of the layers that
`quantize --arithmetic int8` computes in INT8, by ranges that follow the batches.
"""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from .net import Recognizer
from .quantize import SENSITIVE

STORED, COMPUTED = 1, 2
# Of a range that is kept when a batch moves it.
KEPT = 0.99


@dataclass
class Range:
    """What a layer's input or output has lain between; 0 always lies within."""

    low: float = 0.0
    high: float = 0.0

    def follow(self, values: torch.Tensor) -> None:
        """Moves towards the batch's own range, the first time all the way."""
        low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
        keep = KEPT if self.high > self.low else 0.0
        self.low, self.high = keep * self.low + (1 - keep) * low, keep * self.high + (1 - keep) * high

    def rounded(self, values: torch.Tensor) -> torch.Tensor:
        """`values` as the 256 steps of the range tell them."""
        scale = max(self.high - self.low, 1e-6) / 255
        zero = round(-self.low / scale)
        return torch.fake_quantize_per_tensor_affine(values.float(), scale, zero, 0, 255).to(values.dtype)


def computed_layers(net: Recognizer) -> dict[str, nn.Module]:
    """The layers that `quantize --arithmetic int8` computes in INT8, by name."""
    return {
        name: module
        for name, module in net.named_modules()
        if isinstance(module, nn.Conv2d | nn.Conv1d | nn.Linear) and not SENSITIVE.search(_as_exported(name))
    }


def _as_exported(name: str) -> str:
    """Where the exported graph has it: stem.0 at /stem/stem.0/, blocks.5.narrow at /blocks/blocks.5/narrow/."""
    return "/{}/{}/".format(name.partition(".")[0], re.sub(r"\.(?!\d)", "/", name))


@contextlib.contextmanager
def quantized(net: Recognizer, how: int, ranges: dict[str, Range]) -> Iterator[None]:
    """Inside, `net` computes as the INT8 of `how` (0: as it is) would; its gradients are the exact weights'.

    `ranges` are kept from step to step by the caller, and moved. The head is given no hook: training computes only some
    of its classes, past the module.
    """
    with contextlib.ExitStack() as undo:
        if how == STORED:
            undo.enter_context(_rounded([weight for weight in net.parameters() if weight.dim() > 1]))
        elif how == COMPUTED:
            layers = computed_layers(net)
            stored = [] if net.lstm is None else [weight for weight in net.lstm.parameters() if weight.dim() > 1]
            undo.enter_context(_rounded([module.weight for module in layers.values()] + stored))
            for name, module in layers.items():
                given, made = (ranges.setdefault(f"{name} {side}", Range()) for side in ("in", "out"))
                undo.callback(module.register_forward_pre_hook(_input_hook(given)).remove)
                undo.callback(module.register_forward_hook(_output_hook(made)).remove)
        yield


def _input_hook(seen: Range):
    def hook(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        seen.follow(inputs[0].detach())
        return (seen.rounded(inputs[0]),)

    return hook


def _output_hook(seen: Range):
    def hook(_: nn.Module, __: tuple, output: torch.Tensor) -> torch.Tensor:
        seen.follow(output.detach())
        return seen.rounded(output)

    return hook


@contextlib.contextmanager
def _rounded(weights: list[nn.Parameter]) -> Iterator[None]:
    """Inside, `weights` have 255 values per output."""
    exact = [(weight, weight.data) for weight in weights]
    for weight, values in exact:
        scale = values.abs().amax(tuple(range(1, values.dim())), keepdim=True).clamp_min(1e-8) / 127
        weight.data = (values / scale).round() * scale
    try:
        yield
    finally:
        for weight, values in exact:
            weight.data = values
