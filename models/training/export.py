"""A checkpoint's averaged weights as ONNX: opset 17, any number of lines of any width, facts in the metadata.

    python -m models.training.export RUN/best.pt recognizer.onnx [--without-lstm]
    python -m models.training.export RUN/best.pt --checkpoint crnn.pt      only the weights, in half precision, to keep

The exported file is read with onnxruntime and compared with torch before it is kept. `--without-lstm` leaves the
recurrence out of the graph: the ablation that tells what it adds.
"""

import argparse
import copy
import hashlib
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn
from ziyan.charset import Charset

from .net import LINE_HEIGHT, STEP_PIXELS, Recognizer
from .readers import OnnxReader
from .train import averaged

OPSET = 17
# Of a probability, between torch and onnxruntime, on noise: rounding gives 0.2e-4 to 1.4e-4, a wrong graph a hundredth.
TOLERANCE = 5e-4
PREPROCESSING = {"channels": "BGR", "height": LINE_HEIGHT, "mean": 0.5, "std": 0.5, "width_multiple": STEP_PIXELS}


class Probabilities(nn.Module):
    """The net with the softmax that the service expects at its end."""

    def __init__(self, net: Recognizer):
        super().__init__()
        self.net = net

    def forward(self, lines: torch.Tensor) -> torch.Tensor:
        """(N, 3, 48, W) -> (N, W / 8, classes), each row summing to 1."""
        return self.net(lines).softmax(-1)


def without_lstm(net: Recognizer) -> Recognizer:
    """The same weights without the recurrence."""
    bare = Recognizer(replace(net.shape, lstm_hidden=0))
    bare.load_state_dict({name: value for name, value in net.state_dict().items() if name in bare.state_dict()})
    return bare.eval()


def export(net: Recognizer, known: Charset, path: Path) -> None:
    """Writes `net` to `path`, whole or not at all. ValueError where onnxruntime does not give what torch gives."""
    unfinished = path.with_suffix(".part")
    torch.onnx.export(
        Probabilities(net.eval()),
        (torch.zeros(2, 3, LINE_HEIGHT, 320),),
        str(unfinished),
        input_names=["lines"],
        output_names=["probabilities"],
        dynamic_axes={"lines": {0: "lines", 3: "width"}, "probabilities": {0: "lines", 1: "steps"}},
        opset_version=OPSET,
        dynamo=False,
    )
    graph = onnx.load(unfinished)
    onnx.helper.set_model_props(graph, metadata(known, squeeze=net.shape.squeeze))
    onnx.checker.check_model(graph)
    onnx.save(graph, unfinished)
    if (difference := parity(net, unfinished, known)) > TOLERANCE:
        raise ValueError(f"{path.name}: onnxruntime differs from torch by {difference:.1e}, {TOLERANCE:.0e} is allowed")
    unfinished.replace(path)


def metadata(known: Charset, *, squeeze: float = 1.0) -> dict[str, str]:
    """What a reader of the file needs to know; the service checks the charset's hash."""
    dump = known.dump()
    digest = hashlib.sha256(dump).hexdigest()
    preprocessing = json.dumps(PREPROCESSING | {"squeeze": squeeze})
    return {"charset": dump.decode(), "charset_sha256": digest, "preprocessing": preprocessing}


@torch.no_grad()
def parity(net: Recognizer, path: Path, known: Charset) -> float:
    """The largest difference of a probability from torch's in double precision, over several batch sizes and widths.

    Double, since torch's own float convolutions are up to 2e-4 off on noise where onnxruntime's are 3e-5 off.
    """
    reader, generator = OnnxReader(path, known), np.random.default_rng(0)
    exact = copy.deepcopy(net).double()
    largest = 0.0
    for lines, width in ((1, 8 * STEP_PIXELS), (2, 320), (3, 504)):
        batch = generator.uniform(-1, 1, (lines, 3, LINE_HEIGHT, width)).astype(np.float32)
        expected = exact(torch.from_numpy(batch).double()).softmax(-1).numpy()
        largest = max(largest, float(np.abs(reader.probabilities(batch) - expected).max()))
    return largest


def write_checkpoint(net: Recognizer, known: Charset, path: Path) -> None:
    """The weights alone, in half precision (2.9 MB): what fine-tuning starts from, `train --start`."""
    weights = {name: value.half() for name, value in net.state_dict().items()}
    torch.save({"shape": asdict(net.shape), "characters": known.characters, "average": weights}, path)


def main() -> None:
    """Exports the checkpoint named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, metavar="RUN/best.pt")
    parser.add_argument("out", type=Path, nargs="?", metavar="OUT.onnx")
    parser.add_argument("--without-lstm", action="store_true")
    parser.add_argument("--checkpoint", type=Path, metavar="OUT.pt")
    given = parser.parse_args()
    if not (given.out or given.checkpoint):
        parser.error("name an ONNX file, --checkpoint, or both")
    net, known = averaged(given.weights)
    if given.without_lstm:
        net = without_lstm(net)
    if given.checkpoint:
        write_checkpoint(net, known, given.checkpoint)
    if given.out:
        export(net, known, given.out)
    for path in filter(None, (given.out, given.checkpoint)):
        print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(str(error))
