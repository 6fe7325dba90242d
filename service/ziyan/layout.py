"""Reading order: which line comes first."""

import numpy as np

# Two boxes whose vertical extents share at least this part of the lower one's height stand in one row.
ROW_OVERLAP = 0.5


def reading_order(quads: list[np.ndarray]) -> list[int]:
    """Indices of `quads` row by row from the top, each row from the left."""
    if not quads:
        return []
    boxes = np.array([[*quad.min(axis=0), *quad.max(axis=0)] for quad in quads])
    left, top, bottom = boxes[:, 0], boxes[:, 1], boxes[:, 3]
    rows: list[list[int]] = []
    for i in np.argsort((top + bottom) / 2, kind="stable").tolist():
        if rows and _shares_row(i, rows[-1][-1], top, bottom):
            rows[-1].append(i)
        else:
            rows.append([i])
    return [i for row in rows for i in sorted(row, key=left.__getitem__)]


def _shares_row(i: int, j: int, top: np.ndarray, bottom: np.ndarray) -> bool:
    overlap = min(bottom[i], bottom[j]) - max(top[i], top[j])
    return overlap >= ROW_OVERLAP * max(1e-6, min(bottom[i] - top[i], bottom[j] - top[j]))
