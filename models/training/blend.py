"""A trained net drawn back towards what it was tuned from: each weight between the two.

    python -m models.training.blend RUN/best.pt --share 0.5 blended.pt                     towards the parent
    python -m models.training.blend RUN/best.pt --share 0.5 --first crnn.pt blended.pt     towards another checkpoint

Wortsman et al. 2022, "Robust fine-tuning of zero-shot models": between a net and what was tuned from it lie nets that
keep what tuning forgot and most of what it won. The parent has no LSTM: with it as the first the LSTM stays as trained,
and its projection is scaled.
"""

import argparse
from pathlib import Path

import torch

from . import work
from .export import write_checkpoint
from .net import Recognizer
from .train import Plan, averaged, first_net


@torch.no_grad()
def blended(first: Recognizer, trained: Recognizer, share: float, *, recurrent: bool = False) -> Recognizer:
    """`first`, which is changed, with every weight `share` (0 to 1) of the way to `trained`; both of one shape.

    `recurrent`: `first` has a trained LSTM too; else it takes that of `trained`.
    """
    wanted = trained.state_dict()
    for name, value in first.state_dict().items():
        value.lerp_(wanted[name], share if recurrent or not name.startswith("lstm.") else 1)
    first.shape = trained.shape
    return first


def main() -> None:
    """Blends the checkpoint named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    work.option(parser).add_argument("weights", type=Path, metavar="RUN/best.pt")
    parser.add_argument("out", type=Path, metavar="OUT.pt")
    parser.add_argument("--share", type=float, default=0.5, help="0 is the first net, 1 the trained one")
    parser.add_argument("--first", type=Path, help="checkpoint to draw it to instead of the parent")
    given = parser.parse_args()
    trained, known = averaged(given.weights)
    plan = Plan(lstm_hidden=trained.shape.lstm_hidden, lstm_layers=trained.shape.lstm_layers)
    first = averaged(given.first)[0] if given.first else first_net(work.Folders(given.work), plan)
    mixed = blended(first, trained, given.share, recurrent=given.first is not None)
    write_checkpoint(mixed, known, given.out)


if __name__ == "__main__":
    main()
