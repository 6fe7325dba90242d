"""Ours beside its parent and its teacher on the same lines in the same run: CER, exact lines, CPU time, size.

    python -m models.training.evaluate ours.onnx ours-int8.onnx --evalset FOLDER --realtext FOLDER

Prints a Markdown table: CER % / exact % by category. The text of held-out hand, mixed and photo lines is the teacher's
own reading, so the teacher scores too well there. Times are CPU milliseconds per line of one thread, each line alone.
"""

import argparse
import time
from pathlib import Path

import onnx
from ziyan.charset import Charset

from . import crops, parent, work
from .readers import OnnxReader
from .score import score, space_f1


def own_charset(path: Path) -> Charset:
    """The charset in an exported file's metadata. ValueError where it has none."""
    properties = {prop.key: prop.value for prop in onnx.load(path).metadata_props}
    if "charset" not in properties:
        raise ValueError(f"{path.name} carries no charset: make it with models.training.export")
    return Charset(properties["charset"].removesuffix("\n").split("\n"))


def evaluate(reader: OnnxReader, measured: list[crops.Crop]) -> dict[str, str]:
    """The cells of one row: `CER % / exact %` per category and over both sets, and the time."""
    reader([crop.pixels for crop in measured[:3]])  # warm
    started = time.process_time()
    texts = reader([crop.pixels for crop in measured])
    milliseconds = 1000 * (time.process_time() - started) / len(measured)
    groups: dict[str, list[tuple[str, str]]] = {}
    for crop, text in zip(measured, texts, strict=True):
        whole = "**held-out**" if crop.category.startswith("held-out") else "**development**"
        for name in (whole, crop.category):
            groups.setdefault(name, []).append((crop.text, text))
    cells = {}
    for name, pairs in sorted(groups.items()):
        result = score(pairs)
        cells[f"{name} ({result.lines})"] = f"{100 * result.error_rate:.2f} / {100 * result.exact_rate:.1f}"
    spaces = space_f1((crop.text, text) for crop, text in zip(measured, texts, strict=True))
    return {**cells, "spaces F1 %": f"{100 * spaces:.1f}", "ms": f"{milliseconds:.1f}"}


def table(rows: dict[str, dict[str, str]]) -> str:
    """A Markdown table of named rows with the same cells."""
    columns = list(next(iter(rows.values())))
    lines = ["| recognizer | " + " | ".join(columns) + " |", "|-" * (len(columns) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(cells[column] for column in columns) + " |" for name, cells in rows.items()]
    return "\n".join(lines)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    work.option(parser).add_argument("models", type=Path, nargs="*")
    parser.add_argument("--evalset", type=Path, help="folder of the development crops")
    parser.add_argument("--realtext", type=Path, help="folder of real lines, for the held-out ones")
    given = parser.parse_args()
    measured = crops.development(given.evalset) if given.evalset else []
    measured += crops.held_out(given.realtext) if given.realtext else []
    if not measured:
        parser.error("name --evalset, --realtext, or both")
    packages = work.Folders(given.work).packages
    parents = {"PP-OCRv6 tiny": parent.tiny(packages), "PP-OCRv6 small": parent.small(packages)}
    files = {name: (net.model, net.charset) for name, net in parents.items()}
    files |= {path.name: (path, own_charset(path)) for path in given.models}
    rows = {}
    for name, (path, known) in files.items():
        size = {"MB": f"{path.stat().st_size / 1e6:.2f}"}
        rows[name] = evaluate(OnnxReader(path, known), measured) | size
    print(table(rows))


if __name__ == "__main__":
    main()
