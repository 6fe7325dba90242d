"""Lines for the tests of the training recipe, drawn with OpenCV's own strokes."""

import cv2
import numpy as np


def drawn(text: str, *, height: int = 48) -> np.ndarray:
    """A black line of ASCII text on white, uint8 (height, w, 3)."""
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 1, 2)
    picture = np.full((height, width + 12, 3), 255, np.uint8)
    cv2.putText(picture, text, (6, height - 16), cv2.FONT_HERSHEY_SIMPLEX, 1, (0, 0, 0), 2, cv2.LINE_AA)
    return picture
