"""The emulated board: two lines that its processor reads as this one does."""

import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: the training recipe is not tested [not in CI]")

from ziyan.charset import Charset  # noqa: E402

from models.training import crops, emulated, export, work  # noqa: E402
from models.training.net import Recognizer, Shape  # noqa: E402

KNOWN = Charset("abcdefghij ")
pytestmark = pytest.mark.filterwarnings("ignore")  # torch's exporter warns of its own age and of LSTM batches


@pytest.fixture
def board() -> emulated.Board:
    folder = work.Folders(work.DEFAULT).root / "arm64"
    if not shutil.which(emulated.QEMU[0]) or not folder.exists():
        pytest.skip("the emulated board is not here: run models.training.emulated once [not in CI]")
    return emulated.board(folder)


def test_a_model_that_is_not_there_is_told_before_anything_is_fetched(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("sys.argv", ["emulated", "crnn.onnx", "--evalset", str(tmp_path)])
    with pytest.raises(SystemExit, match="2"):
        emulated.main()
    assert "crnn.onnx is not there" in capsys.readouterr().err


def test_a_cortex_a72_reads_as_this_machine_does(board, tmp_path):
    torch.manual_seed(1)
    model = tmp_path / "recognizer.onnx"
    export.export(Recognizer(Shape(KNOWN.classes, lstm_hidden=16)), KNOWN, model)
    draw = np.random.default_rng(1)
    lines = [crops.Crop(draw.integers(0, 255, (48, width, 3), np.uint8), "abc", "drawn") for width in (60, 100)]
    name, here, there, differ, largest = emulated.compared(model, KNOWN, lines, board).strip("| ").split(" | ")
    assert (name, here, differ) == ("recognizer.onnx", there, "0 of 2")
    assert 0 < float(largest) < 1e-4
