"""The characters the recognizer knows: the parent's 6,905, and what a reader of Chinese misses in them.

    python -m models.training.charset            writes models/charset.txt

The parent's dictionary lacks 1,315 of GB2312's 6,763 hanzi, many of its signs, and 1,563 of Big5's 5,401 frequent
hanzi, 說, 從 and 沒 among them: every eleventh hanzi of traditional text. They are appended after the parent's
characters, and the space stays last, so that class i of the parent is class i here for every character but the space.
The head's new rows come out of the teacher's head (`extend_head`), since no line with a rare character was seen yet.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn
from ziyan.charset import BLANK, Charset

from . import parent, work
from .net import Recognizer

FILE = Path(__file__).resolve().parents[1] / "charset.txt"

ASCII = "".join(map(chr, range(0x21, 0x7F)))
FULL_WIDTH = "".join(map(chr, range(0xFF01, 0xFF5F))) + "￥￠￡"
PUNCTUATION = "、。·…—–‘’“”〈〉《》「」『』【】〔〕〖〗々〇※→←↑↓√∞≈≠≤≥±×÷°′″‰§•●○★☆■□▲△◆◇"
UNITS = "¥€£¢℃℉㎡㎥㎏㎎㎜㎝㎞№℡™©®Ωμ½¼¾"
NUMBERED = "".join(map(chr, [*range(0x2460, 0x2474), *range(0x2160, 0x216C), *range(0x3220, 0x322A)]))  # ① Ⅰ ㈠


def gb2312_hanzi() -> str:
    """GB2312's 6,763 hanzi in code order, level 1 before level 2."""
    codes = (bytes([row, cell]) for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF))
    return "".join(code.decode("gb2312", errors="ignore") for code in codes)


def big5_hanzi() -> str:
    """The 5,401 frequent hanzi of Big5, its level 1: traditional Chinese."""
    codes = (bytes([row, cell]) for row in range(0xA4, 0xC7) for cell in (*range(0x40, 0x7F), *range(0xA1, 0xFF)))
    return "".join(code.decode("big5", errors="ignore") for code in codes if code <= b"\xc6\x7e")


def extended(parent_charset: Charset) -> Charset:
    """The parent's characters, then the missing ones in the order of the lists above, then the space."""
    wanted = gb2312_hanzi() + ASCII + FULL_WIDTH + PUNCTUATION + UNITS + NUMBERED + big5_hanzi()
    missing = dict.fromkeys(c for c in wanted if c not in parent_charset)
    return Charset([*parent_charset.characters[:-1], *missing, " "])


def load() -> Charset:
    """The recipe's charset."""
    return Charset.load(FILE)


def class_map(source: Charset, target: Charset) -> np.ndarray:
    """int64 (source.classes,): class of `source` -> class of `target`, -1 where the target lacks the character."""
    classes = [target.encode(character)[0] if character in target else -1 for character in source.characters]
    return np.array([BLANK, *classes], dtype=np.int64)


def extend_head(net: Recognizer, old: Charset, new: Charset, teacher: parent.Parent) -> Recognizer:
    """`net` with a head for the characters `new` instead of `old`; known characters keep their rows exactly.

    A row that is missing is the teacher's row for that character, mapped by least squares fitted on the characters
    both heads know (nearest row right for 96.7 % of left-out ones). What the teacher lacks too gets the mean row.
    """
    rows, teacher_rows = _rows(net.head), _teacher_rows(teacher)
    to_old, to_teacher = class_map(new, old), class_map(new, teacher.charset)
    shared = (to_old > 0) & (to_teacher > 0)
    x, y = teacher_rows[to_teacher[shared]], rows[to_old[shared]]
    ridge = 1e-2 * np.eye(x.shape[1])
    mapping = np.linalg.solve(x.T @ x + ridge, x.T @ y)
    fallback = np.where((to_teacher > 0)[:, None], teacher_rows[to_teacher] @ mapping, y.mean(0))
    return _with_head(net, np.where((to_old >= 0)[:, None], rows[to_old], fallback))


def _rows(head: nn.Linear) -> np.ndarray:
    """float64 (classes, inputs + 1): weights with the bias as the last column."""
    return np.c_[head.weight.detach().numpy(), head.bias.detach().numpy()].astype(np.float64)


def _teacher_rows(teacher: parent.Parent) -> np.ndarray:
    """float64 (classes, inputs + 2): the teacher's head, its bias, and a constant for the map's offset."""
    graph = onnx.load(teacher.model).graph
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    product = [node for node in graph.node if node.op_type == "MatMul"][-1]
    added = next(node for node in graph.node if node.op_type == "Add" and product.output[0] in node.input)
    bias = weights[next(name for name in added.input if name in weights)]
    return np.c_[weights[product.input[1]].T, bias, np.ones_like(bias)].astype(np.float64)


def _with_head(net: Recognizer, rows: np.ndarray) -> Recognizer:
    grown = Recognizer(replace(net.shape, classes=len(rows)))
    state = dict(net.state_dict())
    state["head.weight"] = torch.tensor(rows[:, :-1], dtype=torch.float32)
    state["head.bias"] = torch.tensor(rows[:, -1], dtype=torch.float32)
    grown.load_state_dict(state)
    return grown.train(net.training)


def main() -> None:
    """Writes models/charset.txt."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    folders = work.folders(arguments)
    old = parent.tiny(folders.packages).charset
    charset = extended(old)
    FILE.write_bytes(charset.dump())
    print(f"{FILE.name}: {len(charset)} characters, {len(charset) - len(old)} more than the parent")


if __name__ == "__main__":
    main()
