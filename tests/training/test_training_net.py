"""The net: shapes, its silent LSTM, and that it is its parent exactly."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: the training recipe is not tested [not in CI]")

from models.training import parent  # noqa: E402
from models.training.net import Recognizer, Shape, load_parent, multiply_adds  # noqa: E402
from models.training.readers import OnnxReader  # noqa: E402


@pytest.mark.parametrize(("width", "steps"), [(8, 1), (320, 40), (504, 63)])
def test_gives_one_step_per_eight_columns(width, steps):
    net = Recognizer(Shape(classes=11)).eval()
    with torch.no_grad():
        assert net(torch.zeros(2, 3, 48, width)).shape == (2, steps, 11)


def test_a_new_lstm_says_nothing():
    torch.manual_seed(0)
    net = Recognizer(Shape(classes=11)).eval()
    line = torch.randn(1, 3, 48, 64)
    with torch.no_grad():
        before = net(line)
        net.project.weight += 0.1
        changed = net(line)
        net.project.weight -= 0.1
        net.lstm = net.project = None
        bare = net(line)
    assert torch.equal(before, bare)
    assert not torch.allclose(changed, bare)


def test_has_no_normalization_statistics_that_training_could_spoil():
    kinds = {type(module).__name__ for module in Recognizer(Shape(classes=3)).modules()}
    assert not any("Norm" in kind for kind in kinds)


@pytest.mark.parametrize(("lines", "width"), [(1, 320), (2, 480)])
def test_step_zero_reads_as_its_parent(packages, lines, width):
    tiny = parent.tiny(packages)
    batch = np.random.default_rng(0).uniform(-1, 1, (lines, 3, 48, width)).astype(np.float32)
    expected = OnnxReader(tiny.model, tiny.charset).probabilities(batch)
    with torch.no_grad():
        ours = load_parent(tiny.model)(torch.from_numpy(batch)).softmax(-1).numpy()
    assert np.abs(ours - expected).max() < 1e-4


def test_refuses_a_graph_that_is_not_the_parent(packages):
    with pytest.raises(ValueError, match="not PP-OCRv6 tiny"):
        load_parent(parent.small(packages).model)


def test_counts_multiply_adds_of_the_parent(packages):
    macs = multiply_adds(load_parent(parent.tiny(packages).model, lstm_hidden=0), width=320)
    assert sum(macs.values()) == pytest.approx(185e6, rel=0.01)  # EVIDENCE: 185 M, counted on the ONNX graph
