"""A net with fewer channels between its blocks' pointwise layers, where three quarters of its multiply-adds are.

    python -m models.training.prune RUN/best.pt pruned.pt --share 0.1 [--lines 256]

A hidden channel matters by what it adds to its block's output: the spread of its activation over real lines times the
length of its column in the layer behind (Molchanov et al. 2017 rank by like products). The least of all blocks go; what
they gave on average is kept in the bias. `train --start pruned.pt` then heals the net.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from . import work
from .export import write_checkpoint
from .net import Recognizer, multiply_adds
from .pool import Pool
from .readers import line_batch
from .train import averaged

LEAST = 0.4  # share of its hidden channels that every block keeps


@torch.no_grad()
def activations(net: Recognizer, lines: list[np.ndarray]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """(mean, standard deviation) of each block's hidden channels over `lines`, each (48, W, 3) uint8 BGR."""
    sums = [torch.zeros(3, block.widen.out_channels, dtype=torch.float64) for block in net.blocks]

    def hook(number: int):
        def add(_module, _inputs, output: torch.Tensor) -> None:
            values = functional.gelu(output).double()
            ones = torch.full((values.shape[1],), float(values[0, 0].numel() * len(values)))
            sums[number] += torch.stack([values.sum((0, 2, 3)), values.square().sum((0, 2, 3)), ones])

        return add

    hooks = [block.widen.register_forward_hook(hook(number)) for number, block in enumerate(net.blocks)]
    for line in lines:
        net(torch.from_numpy(line_batch(line, net.shape.squeeze)))
    for handle in hooks:
        handle.remove()
    means = [total / count for total, _, count in sums]
    return [(m, (squares / n - m**2).clamp_min(0).sqrt()) for m, (_, squares, n) in zip(means, sums, strict=True)]


@torch.no_grad()
def pruned(net: Recognizer, lines: list[np.ndarray], share: float) -> Recognizer:
    """A smaller net without the `share` (0 to 1) of all hidden channels that matter least on `lines`."""
    measured = activations(net, lines)
    worth = [
        spread * block.narrow.weight[:, :, 0, 0].double().norm(dim=0)
        for block, (_, spread) in zip(net.blocks, measured, strict=True)
    ]
    floor = torch.cat(worth).sort().values[int(share * sum(map(len, worth)))]
    kept = [_kept(values, floor) for values in worth]
    small = Recognizer(replace(net.shape, hidden=tuple(map(len, kept))))
    state = net.state_dict()
    for number, (rows, (means, _)) in enumerate(zip(kept, measured, strict=True)):
        name = f"blocks.{number}"
        columns = state[f"{name}.narrow.weight"][:, :, 0, 0]
        gone = means.float().clone()
        gone[rows] = 0
        state[f"{name}.narrow.bias"] = state[f"{name}.narrow.bias"] + columns @ gone
        state[f"{name}.narrow.weight"] = state[f"{name}.narrow.weight"][:, rows]
        for part in ("weight", "bias"):
            state[f"{name}.widen.{part}"] = state[f"{name}.widen.{part}"][rows]
    small.load_state_dict(state)
    return small.eval()


def _kept(worth: torch.Tensor, floor: torch.Tensor) -> torch.Tensor:
    """The channels worth at least `floor`, in order; never less than LEAST of them."""
    least = int(LEAST * len(worth))
    count = max(least, int((worth >= floor).sum()))
    return worth.topk(count).indices.sort().values


def main() -> None:
    """Prunes the checkpoint named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    work.option(parser).add_argument("weights", type=Path, metavar="RUN/best.pt")
    parser.add_argument("out", type=Path, metavar="OUT.pt")
    parser.add_argument("--share", type=float, default=0.1, help="of the hidden channels that go")
    parser.add_argument("--lines", type=int, default=256, help="lines of the pool to measure with")
    given = parser.parse_args()
    net, known = averaged(given.weights)
    pool = Pool(work.Folders(given.work).pool)
    pool.refresh()
    picks = np.random.default_rng(0).permutation(len(pool))[: given.lines]
    small = pruned(net, [pool[index].pixels for index in picks], given.share)
    write_checkpoint(small, known, given.out)
    before, after = (sum(multiply_adds(each).values()) / 1e6 for each in (net, small))
    print(f"{given.out.name}: {after:.0f} M multiply-adds for 48x320, {before:.0f} before; hidden {small.shape.hidden}")


if __name__ == "__main__":
    main()
