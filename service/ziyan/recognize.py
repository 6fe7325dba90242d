"""What the lines say: cut upright, in batches of like width, through the network and CTC."""

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ziyan import ctc, manifest, pieces
from ziyan.errors import ModelRejected
from ziyan.geometry import crop, crop_size
from ziyan.normalize import line_tensor, line_width
from ziyan.session import Session
from ziyan.spaces import Spaces

# A batch holds at most this many columns: three lines of 320 px. One thread gains nothing from more, memory grows.
BATCH_COLUMNS = 960
# Neutral columns, at least, behind every line: the network was trained on padded lines and reads the last character
# better with them. On 1,306 real lines CER fell in all four sets, by 0.02 to 0.23 points, for 4 % more time.
MARGIN = 32


@dataclass(frozen=True)
class Reading:
    """The text of one crop, and which share of its characters is expected to be right (0 where there are none)."""

    text: str
    score: float


class Recognizer:
    """A loaded line recognizer with its charset; `compact` as with Session."""

    def __init__(self, facts: manifest.Recognizer, *, threads: int, compact: bool = False) -> None:
        self._facts = facts
        self._spaces = Spaces(facts.charset)
        self._session = Session(facts.path, threads=threads, compact=compact)
        written = self._session.metadata.get("charset_sha256")
        if written != hashlib.sha256(facts.charset.dump()).hexdigest():
            raise ModelRejected(
                "charset_mismatch",
                f"{facts.path.name} 是用另一份字符表制作的。请重新运行 make models。",
                f"{facts.path.name} was made with another charset. Run make models again.",
            )

    def read(
        self,
        image: np.ndarray,
        quads: Sequence[np.ndarray],
        *,
        decoder: ctc.Decoder = ctc.best_path,
        progress: Callable[[int], None] = lambda done: None,
    ) -> list[Reading]:
        """One reading per quad (4, 2) of `image` (H, W, 3) uint8 BGR, in the same order; `decoder` finds their texts.

        `progress` is told how many lines are read, before the first and after each batch.
        """
        lines = [list(pieces.cut(image, quad)) for quad in quads]
        short = [piece for line in lines for piece, _ in line]

        def tell(done: int) -> None:
            progress(done * len(lines) // max(1, len(short)))

        found = iter(self._read_short(image, short, decoder=decoder, progress=tell))
        return [_joined([next(found) for _ in line], [gap for _, gap in line]) for line in lines]

    def _read_short(
        self,
        image: np.ndarray,
        quads: Sequence[np.ndarray],
        *,
        decoder: ctc.Decoder,
        progress: Callable[[int], None],
    ) -> list[Reading]:
        """What `read` gives. Lines are cut out batch by batch: 200 of them would be 300 MB of tensors at once."""
        facts, decode = self._facts, decoder(self._facts.charset)
        size = {"height": facts.height, "max_width": facts.max_width, "squeeze": facts.squeeze}
        widths = [self._padded(line_width(*crop_size(quad), **size)) for quad in quads]
        batches = list(_batches(widths))
        readings: list[Reading | None] = [None] * len(quads)
        done = 0
        progress(done)
        for batch in batches:
            crops = (crop(image, quads[i]) for i in batch)
            tensors = [line_tensor(line, **size) for line in crops]
            for i, probabilities in zip(batch, self._run(tensors, last=batch is batches[-1]), strict=True):
                readings[i] = self._reading(probabilities, decode)
            done += len(batch)
            progress(done)
        return readings

    def _padded(self, width: int) -> int:
        multiple = self._facts.width_multiple
        return -(-(width + MARGIN) // multiple) * multiple

    def _run(self, tensors: Sequence[np.ndarray], *, last: bool) -> Iterator[np.ndarray]:
        """Probabilities (T, C) of each tensor, shown spaces in them; steps that see only padding are cut off."""
        padded = self._padded(tensors[0].shape[2])
        batch = np.zeros((len(tensors), 3, self._facts.height, padded), np.float32)
        for row, tensor in zip(batch, tensors, strict=True):
            row[:, :, : tensor.shape[2]] = tensor
        for tensor, probabilities in zip(tensors, self._session.run(batch, empty_arena=last), strict=True):
            yield self._spaces.shown(probabilities[: -(-tensor.shape[2] * len(probabilities) // padded)])

    def _reading(self, probabilities: np.ndarray, decode: ctc.Decode) -> Reading:
        classes, confidences = decode(probabilities)
        text = self._facts.charset.decode(classes.tolist())
        return Reading(text, score(float(confidences.mean()), self._facts.calibration) if text else 0.0)


def _joined(readings: Sequence[Reading], gaps: Sequence[float]) -> Reading:
    if len(readings) == 1:
        return readings[0]
    text = pieces.joined([reading.text for reading in readings], gaps)
    certain = sum(reading.score * len(reading.text) for reading in readings)
    return Reading(text, certain / max(1, sum(len(reading.text) for reading in readings)))


def score(probability: float, calibration: manifest.Calibration) -> float:
    """The share of characters expected to be right, 0 to 1, in a line whose characters' mean probability is given."""
    certain = min(max(probability, 1e-7), 1 - 1e-7)
    logit = math.log(certain / (1 - certain))
    return 1 / (1 + math.exp(-calibration.scale * logit - calibration.offset))


def _batches(widths: Sequence[int]) -> Iterator[list[int]]:
    """Indices of lines of one padded width, each group within BATCH_COLUMNS, the widest first.

    Equal widths, so that a line reads the same whoever stands beside it.
    """
    batch: list[int] = []
    for i in sorted(range(len(widths)), key=widths.__getitem__, reverse=True):
        if batch and (widths[i] != widths[batch[0]] or (len(batch) + 1) * widths[i] > BATCH_COLUMNS):
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch
