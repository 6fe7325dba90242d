"""The manifest: all facts about the models that run, verified before anything is loaded.

`models/manifest.json` is written by `models/prepare.py` (third-party weights) or by training's publish step (ours) and
by nobody else. A model is replaced by replacing the folder: no code names a model.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ziyan.charset import Charset
from ziyan.errors import ModelRejected

SCHEMA = 1


@dataclass(frozen=True)
class Detector:
    """A text detector that gives one probability of text per pixel (Liao et al. 2020, "DBNet")."""

    name: str
    path: Path
    mean: tuple[float, float, float]  # BGR, of values 0 to 1
    std: tuple[float, float, float]
    multiple: int  # both sides of the input are a multiple of this
    pixels: int  # the input area that thresholds and budgets were measured at
    threshold: float  # a pixel at least this probable is text
    box_threshold: float  # a box is kept when the mean over its pixels is at least this
    unclip_ratio: float  # growth of the shrunk text kernels: distance = area * ratio / perimeter


@dataclass(frozen=True)
class Calibration:
    """How a score is made of the mean probability p of a line's characters: sigmoid(scale * logit(p) + offset).

    Platt 1999, "Probabilistic Outputs for Support Vector Machines". A score of 0.9 then means that 90 % of the
    characters of such lines are right. The default leaves p as it is.
    """

    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class Recognizer:
    """A line recognizer with a CTC head: (N, 3, height, W) float32 in, (N, T, classes) probabilities out."""

    name: str
    path: Path
    height: int
    max_width: int
    width_multiple: int
    charset: Charset
    calibration: Calibration = Calibration()
    squeeze: float = 1.0  # width of a line as a share of its own at `height`, as it was in training
    fast_squeeze: float = 1.0  # the same where speed counts more


@dataclass(frozen=True)
class Manifest:
    """The models of one folder, with their version."""

    version: str
    detector: Detector
    recognizer: Recognizer
    size_bytes: int
    second_recognizer: Recognizer | None = None  # larger; reads again what the first one read with doubt
    context: Path | None = None  # how hanzi follow each other (context.Context)


def load(folder: Path) -> Manifest:
    """The verified manifest of `folder`.

    ModelRejected when it is absent or of another schema, when a file is missing or has another sha256, or when the
    charset's length is not the recognizer's number of classes.
    """
    facts = _facts(folder)
    try:
        detector, recognizer = facts["detector"], _recognizer(folder, facts["recognizer"])
        second, context = facts.get("second_recognizer"), facts.get("context")
        return Manifest(
            version=facts["version"],
            detector=Detector(
                name=detector["name"],
                path=_verified(folder, detector),
                mean=tuple(detector["input"]["mean"]),
                std=tuple(detector["input"]["std"]),
                multiple=detector["input"]["multiple"],
                pixels=detector["input"]["pixels"],
                threshold=detector["output"]["threshold"],
                box_threshold=detector["output"]["box_threshold"],
                unclip_ratio=detector["output"]["unclip_ratio"],
            ),
            recognizer=recognizer,
            size_bytes=sum(entry["bytes"] for entry in files(facts)),
            second_recognizer=None if second is None else _recognizer(folder, second),
            context=None if context is None else _verified(folder, context),
        )
    except (KeyError, TypeError) as error:
        raise ModelRejected(
            "manifest_invalid",
            f"模型清单缺少或写错了字段 {error}。请重新运行 make models。",
            f"The manifest lacks or garbles the field {error}. Run make models again.",
        ) from error


def files(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries of all files that a manifest names; each has `file`, `sha256` and `bytes`."""
    recognizers = [facts[name] for name in ("recognizer", "second_recognizer") if facts.get(name) is not None]
    context = [facts["context"]] if facts.get("context") is not None else []
    return [facts["detector"], *recognizers, *(recognizer["charset"] for recognizer in recognizers), *context]


def _recognizer(folder: Path, facts: dict[str, Any]) -> Recognizer:
    charset = Charset.load(_verified(folder, facts["charset"]))
    if charset.classes != facts["classes"]:
        raise ModelRejected(
            "charset_mismatch",
            f"字符表有 {len(charset)} 个字符，而识别模型有 {facts['classes']} 个类别（应多 1）。"
            "请重新运行 make models。",
            f"The charset has {len(charset)} characters, the recognizer {facts['classes']} classes "
            "(one more is right). Run make models again.",
        )
    return Recognizer(
        name=facts["name"],
        path=_verified(folder, facts),
        height=facts["input"]["height"],
        max_width=facts["input"]["max_width"],
        width_multiple=facts["input"]["width_multiple"],
        charset=charset,
        calibration=Calibration(**facts.get("calibration", {})),
        squeeze=facts["input"].get("squeeze", 1.0),
        fast_squeeze=facts["input"].get("fast_squeeze", 1.0),
    )


def _facts(folder: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    try:
        facts = json.loads(path.read_bytes())
        schema = facts["schema"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelRejected(
            "manifest_missing",
            f"{folder} 中没有可读的模型清单 manifest.json。请先运行 make models。",
            f"{folder} has no readable manifest.json ({type(error).__name__}). Run make models first.",
        ) from error
    if schema != SCHEMA:
        raise ModelRejected(
            "manifest_schema",
            f"模型清单的格式版本是 {schema}，本程序只认识 {SCHEMA}。请重新运行 make models。",
            f"The manifest has schema {schema}, this program knows {SCHEMA}. Run make models again.",
        )
    return facts


def _verified(folder: Path, entry: dict[str, Any]) -> Path:
    path = folder / entry["file"]
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelRejected(
            "model_missing",
            f"缺少模型文件 {path.name}。请重新运行 make models。",
            f"The model file {path.name} is missing. Run make models again.",
        ) from error
    if digest != entry["sha256"]:
        raise ModelRejected(
            "checksum_mismatch",
            f"模型文件 {path.name} 的 sha256 与清单不符。请重新运行 make models。",
            f"The model file {path.name} has sha256 {digest[:12]}…, the manifest says {entry['sha256'][:12]}…. "
            "Run make models again.",
        )
    return path
