"""A trained net drawn back towards its parent: each weight between the two, the LSTM as trained.

    python -m models.training.blend RUN/best.pt --share 0.5 blended.pt

Wortsman et al. 2022, "Robust fine-tuning of zero-shot models": between a net and what was tuned from it lie nets that
keep what tuning forgot and most of what it won. Here the LSTM's projection is scaled, as the parent's is zero.
"""

import argparse
from pathlib import Path

import torch

from . import work
from .export import write_checkpoint
from .net import Recognizer
from .train import Plan, averaged, first_net


@torch.no_grad()
def blended(first: Recognizer, trained: Recognizer, share: float) -> Recognizer:
    """`first`, which is changed, with every weight `share` (0 to 1) of the way to `trained`; both of one shape."""
    wanted = trained.state_dict()
    for name, value in first.state_dict().items():
        value.lerp_(wanted[name], 1 if name.startswith("lstm.") else share)
    return first


def main() -> None:
    """Blends the checkpoint named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    work.option(parser).add_argument("weights", type=Path, metavar="RUN/best.pt")
    parser.add_argument("out", type=Path, metavar="OUT.pt")
    parser.add_argument("--share", type=float, default=0.5, help="0 is the parent, 1 the trained net")
    given = parser.parse_args()
    trained, known = averaged(given.weights)
    plan = Plan(lstm_hidden=trained.shape.lstm_hidden, lstm_layers=trained.shape.lstm_layers)
    first = first_net(work.Folders(given.work), plan)
    write_checkpoint(blended(first, trained, given.share), known, given.out)


if __name__ == "__main__":
    main()
