"""PP-OCRv6 small reads a line once; what it saw is kept as its four likeliest classes at each time step."""

from pathlib import Path

import numpy as np
import onnxruntime
from ziyan.charset import Charset

from .charset import class_map
from .net import LINE_HEIGHT, STEP_PIXELS
from .parent import Parent

TOP = 4
LEAST_WIDTH = 320  # the nets were trained on lines padded to at least this many columns


class Teacher:
    """Reads lines with the teacher's ONNX file and speaks in the student's classes."""

    def __init__(self, teacher: Parent, charset: Charset):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(Path(teacher.model), options, providers=["CPUExecutionProvider"])
        self.classes = class_map(teacher.charset, charset)
        self.knows = frozenset(teacher.charset.characters)

    def say_nothing(self, line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Arrays as `read` gives them, for a line that the teacher cannot know: all probabilities 0."""
        shape = (-(-line.shape[2] // STEP_PIXELS) + 1, TOP)
        return np.zeros(shape, np.int16), np.zeros(shape, np.float16)

    def read(self, line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Classes int16 (T, 4) and probabilities float16 (T, 4) of a line tensor (3, 48, W), likeliest first.

        T is W / 8 rounded up and one more. A class that the student lacks is given as the blank with probability 0.
        """
        width = line.shape[2]
        padded = np.zeros((1, 3, LINE_HEIGHT, max(LEAST_WIDTH, -width % STEP_PIXELS + width)), np.float32)
        padded[0, :, :, :width] = line
        steps = self.session.run(None, {self.session.get_inputs()[0].name: padded})[0][0]
        steps = steps[: -(-width // STEP_PIXELS) + 1]
        best = np.argpartition(-steps, TOP, axis=1)[:, :TOP]
        best = np.take_along_axis(best, np.argsort(-np.take_along_axis(steps, best, 1), 1), 1)
        probabilities = np.take_along_axis(steps, best, 1)
        classes = self.classes[best]
        return np.maximum(classes, 0).astype(np.int16), np.where(classes < 0, 0, probabilities).astype(np.float16)
