"""Nets that read crops, one line at a time as the service pads them: a torch Recognizer or any ONNX file."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from ziyan import ctc
from ziyan.charset import Charset
from ziyan.normalize import line_tensor

from .net import LINE_HEIGHT, STEP_PIXELS, Recognizer


def padded(line: np.ndarray) -> np.ndarray:
    """(1, 3, 48, W) of a line tensor (3, 48, w): W is w rounded up to whole steps, filled with 0."""
    return np.pad(line, ((0, 0), (0, 0), (0, -line.shape[2] % STEP_PIXELS)))[None]


def line_batch(crop: np.ndarray, squeeze: float) -> np.ndarray:
    """(1, 3, 48, W) of a crop (h, w, 3) uint8 BGR, as a net that reads lines so narrow wants it."""
    return padded(line_tensor(crop, squeeze=squeeze))


def text_of(probabilities: np.ndarray, charset: Charset, decode: ctc.Decode = ctc.greedy) -> str:
    """The text of (T, C), by default the best path's."""
    return charset.decode(decode(probabilities)[0].tolist())


class TorchReader:
    """Reads with a Recognizer, which is put in eval mode."""

    def __init__(self, net: Recognizer, charset: Charset):
        self.net, self.charset = net.eval(), charset
        self.device = next(net.parameters()).device

    @torch.inference_mode()
    def __call__(self, crops: Sequence[np.ndarray]) -> list[str]:
        """The text of each crop (h, w, 3) uint8 BGR."""
        lines = (torch.from_numpy(line_batch(crop, self.net.shape.squeeze)) for crop in crops)
        return [text_of(self.net(line.to(self.device))[0].cpu().numpy(), self.charset) for line in lines]


class OnnxReader:
    """Reads with an ONNX file whose first output is (N, T, classes)."""

    def __init__(
        self,
        path: Path,
        charset: Charset,
        *,
        height: int = LINE_HEIGHT,
        least_width: int = 0,
        decoder: ctc.Decoder = ctc.best_path,
    ):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.charset = charset
        written = self.session.get_modelmeta().custom_metadata_map.get("preprocessing", "{}")
        self.squeeze = json.loads(written).get("squeeze", 1.0)
        self.height, self.least_width = height, least_width
        self._decode = decoder(charset)

    def probabilities(self, batch: np.ndarray) -> np.ndarray:
        """(N, T, classes) of a batch of line tensors (N, 3, 48, W)."""
        return self.session.run(None, {self.session.get_inputs()[0].name: batch})[0]

    def __call__(self, crops: Sequence[np.ndarray]) -> list[str]:
        """The text of each crop (h, w, 3) uint8 BGR."""
        return [text_of(self.probabilities(self.batch(crop))[0], self.charset, self._decode) for crop in crops]

    def batch(self, crop: np.ndarray) -> np.ndarray:
        """(1, 3, height, W) of a crop (h, w, 3) uint8 BGR, as this net wants it."""
        line = padded(line_tensor(crop, height=self.height, squeeze=self.squeeze))
        return np.pad(line, ((0, 0), (0, 0), (0, 0), (0, max(0, self.least_width - line.shape[3]))))
