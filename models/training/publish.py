"""A models folder with our recognizer in the place of its parent's: what the service loads, described by its manifest.

    python -m models.training.publish recognizer-int8.onnx --models models --out crnn --metrics metrics.json

Takes the detector with its facts from a folder that `make models` prepared, and writes detector, recognizer, charset
and, last, manifest.json into --out. `--metrics` is what `evaluate --json` wrote for this very file.
"""

import argparse
import hashlib
import json
import shutil
import sys
from datetime import date
from pathlib import Path

from .evaluate import own_charset, own_squeeze

LICENCE = "Apache-2.0"
QUANTIZATION = "all weights stored as INT8, one scale per output; computed in float32"
ORIGIN = {
    "upstream": "Ziyan, models/training; weights grown out of PP-OCRv6 tiny, taught by PP-OCRv6 small (PaddleOCR)",
    "recipe": "models/training/README.md",
}


def publish(recognizer: Path, models: Path, out: Path, *, version: str, metrics: dict) -> None:
    """Writes the folder `out`. ValueError where the metrics are of another file."""
    manifest = json.loads((models / "manifest.json").read_text(encoding="utf-8"))
    out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(models / manifest["detector"]["file"], out / manifest["detector"]["file"])
    shutil.copyfile(recognizer, out / "recognizer.onnx")
    charset = own_charset(recognizer)
    (out / "charset.txt").write_bytes(charset.dump())
    facts = _file(out / "recognizer.onnx")
    if metrics and metrics["sha256"] != facts["sha256"]:
        raise ValueError(f"the metrics are of a file with sha256 {metrics['sha256'][:12]}…, not of {recognizer.name}")
    manifest["version"] = version
    manifest["recognizer"] |= {
        "name": "crnn",
        **facts,
        "input": manifest["recognizer"]["input"] | {"squeeze": own_squeeze(recognizer)},
        "output": manifest["recognizer"]["output"] | {"shape": ["lines", "width / 8", charset.classes]},
        "classes": charset.classes,
        "charset": {**_file(out / "charset.txt"), "characters": len(charset)},
        "quantization": QUANTIZATION,
        "source": ORIGIN,
        "licence": LICENCE,
        "metrics": metrics,
    }
    unfinished = out / "manifest.part"
    unfinished.write_text(json.dumps(manifest, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(out / "manifest.json")


def _file(path: Path) -> dict:
    data = path.read_bytes()
    return {"file": path.name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def main() -> None:
    """Publishes the file named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recognizer", type=Path)
    parser.add_argument("--models", type=Path, required=True, help="folder that `make models` prepared")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--metrics", type=Path, help="JSON of evaluate")
    parser.add_argument("--version", default=f"crnn-{date.today():%Y%m%d}")
    given = parser.parse_args()
    metrics = json.loads(given.metrics.read_text(encoding="utf-8")) if given.metrics else {}
    publish(given.recognizer, given.models, given.out, version=given.version, metrics=metrics)
    print(f"{given.version}: {given.out}")


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(str(error))
