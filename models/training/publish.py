"""A recognizer with its facts, where the service or `make models` finds them.

    python -m models.training.publish recognizer-int8.onnx --models models --out my_model [--metrics metrics.json]
    python -m models.training.publish recognizer-int8.onnx --ship --metrics metrics.json

--out: a whole models folder, with everything but the recognizer taken from one that `make models` prepared. --ship: the
files that stand in git, models/crnn.onnx, models/crnn.json (its entry in the manifest) and models/charset.txt, which
models/prepare.py puts into the manifest. --metrics is what `evaluate --json` wrote for this very file.
"""

import argparse
import hashlib
import json
import shutil
import sys
from datetime import date
from pathlib import Path

from ziyan.charset import BLANK

from models.prepare import LINES

from .evaluate import own_charset, own_squeeze
from .export import OPSET

MODELS = Path(__file__).resolve().parents[1]
FAST = 0.85  # width of the profile `fast`, as a share of the other one's
LICENCE = "Apache-2.0"
QUANTIZATION = "stored: matrices and LSTM as INT8 with a scale per output, convolutions as float16 or INT8"
ORIGIN = {
    "upstream": "Ziyan, models/training; weights grown out of PP-OCRv6 tiny, taught by PP-OCRv6 small (PaddleOCR)",
    "recipe": "models/training/README.md",
}


def entry(recognizer: Path, charset: Path, *, metrics: dict) -> dict:
    """The manifest's entry for an exported recognizer; writes its charset to `charset`.

    ValueError where the metrics are of another file.
    """
    known, squeeze = own_charset(recognizer), own_squeeze(recognizer)
    charset.write_bytes(known.dump())
    facts = _file(recognizer)
    if metrics and metrics["sha256"] != facts["sha256"]:
        raise ValueError(f"the metrics are of a file with sha256 {metrics['sha256'][:12]}…, not of {recognizer.name}")
    return {
        "name": "crnn",
        **facts,
        "input": LINES | {"squeeze": squeeze, "fast_squeeze": round(FAST * squeeze, 3)},
        "output": {"shape": ["lines", "width / 8", known.classes], "kind": "probabilities", "blank": BLANK},
        "classes": known.classes,
        "opset": OPSET,
        "charset": {**_file(charset), "characters": len(known)},
        "quantization": QUANTIZATION,
        "source": ORIGIN,
        "licence": LICENCE,
        "metrics": metrics,
    }


def publish(recognizer: Path, models: Path, out: Path, *, version: str, metrics: dict) -> None:
    """Writes the models folder `out`, its manifest last; what is not the recognizer comes from the folder `models`."""
    facts = json.loads((models / "manifest.json").read_text(encoding="utf-8"))
    out.mkdir(parents=True, exist_ok=True)
    for name in sorted(_named(facts) - _named(facts["recognizer"])):
        shutil.copyfile(models / name, out / name)
    shutil.copyfile(recognizer, out / "recognizer.onnx")
    facts["version"] = version
    calibration = facts["recognizer"].get("calibration", {})
    facts["recognizer"] = entry(out / "recognizer.onnx", out / "charset.txt", metrics=metrics)
    facts["recognizer"] |= {"calibration": calibration} if calibration else {}
    _write(facts, out / "manifest.json")


def ship(recognizer: Path, *, metrics: dict, folder: Path = MODELS) -> None:
    """Writes the files of --ship into `folder`."""
    shutil.copyfile(recognizer, folder / "crnn.onnx")
    _write(entry(folder / "crnn.onnx", folder / "charset.txt", metrics=metrics), folder / "crnn.json")


def _named(facts: dict) -> set[str]:
    """The files that a part of a manifest names, its own parts included."""
    inner = [_named(part) for part in facts.values() if isinstance(part, dict)]
    return set().union({facts["file"]} if "file" in facts else (), *inner)


def _write(facts: dict, path: Path) -> None:
    """Whole or not at all."""
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(facts, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(path)


def _file(path: Path) -> dict:
    data = path.read_bytes()
    return {"file": path.name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def main() -> None:
    """Publishes the file named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recognizer", type=Path)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=Path, help="models folder to write")
    where.add_argument("--ship", action="store_true", help="into models/, to be committed")
    parser.add_argument("--models", type=Path, default=MODELS, help="folder that `make models` prepared, for --out")
    parser.add_argument("--metrics", type=Path, help="JSON of evaluate")
    parser.add_argument("--version", default=f"crnn-{date.today():%Y%m%d}")
    given = parser.parse_args()
    metrics = json.loads(given.metrics.read_text(encoding="utf-8")) if given.metrics else {}
    if given.ship:
        ship(given.recognizer, metrics=metrics)
        print(f"{MODELS.name}/crnn.onnx, crnn.json, charset.txt: now run make models")
    else:
        publish(given.recognizer, given.models, given.out, version=given.version, metrics=metrics)
        print(f"{given.version}: {given.out}")


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(str(error))
