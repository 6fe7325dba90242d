"""Ours beside its parent and its teacher on the same lines in the same run: CER, exact lines, CPU time, size.

    python -m models.training.evaluate ours.onnx ours-int8.onnx --evalset FOLDER --realtext FOLDER [--json FILE]

Prints a Markdown table: CER % / exact % by category; `blurred` are the development crops out of focus. The text of
held-out hand, mixed and photo lines is the teacher's own reading, so the teacher scores too well there. --peers adds
two older nets, --context every net of ours once more, its doubts decided as the service decides them. Multiply-adds are
those of a line of 48×320 pixels, as each net wants it. Times are CPU milliseconds per line of one thread, each line
alone, all nets taking turns. --json keeps the numbers of the last model, for `publish`.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
import onnx
from ziyan import context, ctc
from ziyan.charset import Charset

from . import crops, macs, parent, work
from .net import LINE_HEIGHT
from .readers import OnnxReader
from .score import score, space_f1


def own_charset(path: Path) -> Charset:
    """The charset in an exported file's metadata. ValueError where it has none."""
    properties = _properties(path)
    if "charset" not in properties:
        raise ValueError(f"{path.name} carries no charset: make it with models.training.export")
    return Charset(properties["charset"].removesuffix("\n").split("\n"))


def own_squeeze(path: Path) -> float:
    """How narrow an exported file wants its lines, 1 where it does not say."""
    return json.loads(_properties(path).get("preprocessing", "{}")).get("squeeze", 1.0)


def _properties(path: Path) -> dict[str, str]:
    return {prop.key: prop.value for prop in onnx.load(path).metadata_props}


def categories(measured: Sequence[crops.Crop], texts: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """(truth, reading) pairs by category, over all `development` crops, all `held-out` lines, and the `long` of both.

    Blurred lines are a second look: they count nowhere else.
    """
    groups: dict[str, list[tuple[str, str]]] = {}
    for crop, text in zip(measured, texts, strict=True):
        names = [crop.category]
        if crop.category != "blurred":
            names += ["held-out" if crop.category.startswith("held-out") else "development"]
            names += ["long"] * crop.is_long
        for name in names:
            groups.setdefault(name, []).append((crop.text, text))
    return dict(sorted(groups.items()))


def scores(measured: Sequence[crops.Crop], texts: Sequence[str]) -> dict[str, dict[str, float]]:
    """Lines, CER and exact share (0 to 1) of every category."""
    results = {name: score(pairs) for name, pairs in categories(measured, texts).items()}
    return {
        name: {"lines": r.lines, "cer": round(r.error_rate, 5), "exact": round(r.exact_rate, 4)}
        for name, r in results.items()
    }


def evaluate(
    nets: dict[str, parent.Parent],
    measured: Sequence[crops.Crop],
    decoders: Mapping[str, ctc.Decoder] = MappingProxyType({}),
) -> dict[str, dict]:
    """The numbers of each ONNX file, by name. All read a line before the next one, so that their times compare.

    Nets read by the best path, or by the one of `decoders` under their name.
    """
    readers = {
        name: OnnxReader(
            net.model,
            net.charset,
            height=net.height,
            least_width=net.least_width,
            decoder=decoders.get(name, ctc.best_path),
        )
        for name, net in nets.items()
    }
    for reader in readers.values():
        reader([crop.pixels for crop in measured[:3]])  # warm
    texts: dict[str, list[str]] = {name: [] for name in nets}
    seconds = dict.fromkeys(nets, 0.0)
    for crop in measured:
        for name, reader in readers.items():
            started = time.process_time()
            texts[name] += reader([crop.pixels])
            seconds[name] += time.process_time() - started
    line = np.zeros((LINE_HEIGHT, 320, 3), np.uint8)
    return {
        name: _numbers(net.model, measured, texts[name], seconds[name])
        | {"multiply_adds": macs.multiply_adds(net.model, readers[name].batch(line))}
        for name, net in nets.items()
    }


def _numbers(path: Path, measured: Sequence[crops.Crop], texts: Sequence[str], seconds: float) -> dict:
    groups = categories(measured, texts)
    sharp = groups.get("development", []) + groups.get("held-out", [])
    return {
        "scores": scores(measured, texts),
        "space_f1": round(space_f1(sharp), 4),
        "line_cpu_ms": round(1000 * seconds / len(measured), 1),
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def table(results: dict[str, dict]) -> str:
    """A Markdown table with one column per recognizer."""
    names = list(results)
    lines = ["| CER % / exact % | " + " | ".join(names) + " |", "|-" * (len(names) + 1) + "|"]
    for category, first in results[names[0]]["scores"].items():
        cells = [results[name]["scores"][category] for name in names]
        numbers = " | ".join(f"{100 * cell['cer']:.2f} / {100 * cell['exact']:.1f}" for cell in cells)
        lines.append(f"| {category} ({first['lines']}) | {numbers} |")
    costs = (
        ("word spaces F1 %", "space_f1", 100, ".1f"),
        ("million multiply-adds, 48×320", "multiply_adds", 1e-6, ".0f"),
        ("CPU ms a line", "line_cpu_ms", 1, ".1f"),
        ("MB", "bytes", 1e-6, ".2f"),
    )
    for title, key, scale, form in costs:
        lines.append(f"| {title} | " + " | ".join(f"{scale * results[name][key]:{form}}" for name in names) + " |")
    return "\n".join(lines)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    work.option(parser).add_argument("models", type=Path, nargs="*")
    parser.add_argument("--evalset", type=Path, help="folder of the development crops")
    parser.add_argument("--realtext", type=Path, help="folder of real lines, for the held-out ones")
    parser.add_argument("--peers", action="store_true", help="PP-OCRv4 and PP-OCRv2's CRNN as well")
    parser.add_argument("--context", type=Path, help="the table of the stage `context`, to decide doubts with")
    parser.add_argument("--json", type=Path, help="where to keep the numbers of the last model")
    given = parser.parse_args()
    measured = crops.development(given.evalset) if given.evalset else []
    measured += crops.blurred(measured)
    measured += crops.held_out(given.realtext) if given.realtext else []
    if not measured:
        parser.error("name --evalset, --realtext, or both")
    packages = work.Folders(given.work).packages
    nets = parent.peers(packages) if given.peers else {}
    nets |= {"PP-OCRv6 tiny": parent.tiny(packages), "PP-OCRv6 small": parent.small(packages)}
    own = {path.name: parent.Parent(path, own_charset(path)) for path in given.models}
    aided = {f"{name}, {given.context.name}": net for name, net in own.items()} if given.context else {}
    results = evaluate(nets | aided | own, measured, dict.fromkeys(aided, context.decoder(given.context)))
    print(table(results))
    if given.json:
        given.json.write_text(json.dumps(list(results.values())[-1], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
