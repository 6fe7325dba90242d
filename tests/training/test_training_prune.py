"""Pruning: the channels that matter least go, and the net reads on."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: the training recipe is not tested [not in CI]")

from line_drawing import drawn  # noqa: E402

from models.training.net import Recognizer, Shape, multiply_adds  # noqa: E402
from models.training.prune import LEAST, pruned  # noqa: E402

LINES = [drawn("prune 12"), drawn("Lines")]


@pytest.fixture
def net() -> Recognizer:
    torch.manual_seed(5)
    return Recognizer(Shape(12, lstm_hidden=8)).eval()


def test_channels_that_say_nothing_go_first_and_change_nothing(net):
    with torch.no_grad():
        for block in net.blocks:
            block.narrow.weight[:, ::4] = 0  # a quarter of the hidden channels
    small = pruned(net, LINES, 0.25)
    assert small.shape.hidden == tuple(block.widen.out_channels * 3 // 4 for block in net.blocks)
    line = torch.randn(1, 3, 48, 96)
    with torch.no_grad():
        assert torch.allclose(small(line), net(line), atol=1e-5)


def test_a_channel_that_never_changes_lives_on_in_the_bias(net):
    with torch.no_grad():
        block = net.blocks[3]
        block.widen.weight[:24], block.widen.bias[:24] = 0, 1.0
        block.narrow.weight[:, :24] *= 3
    small = pruned(net, LINES, 24 / sum(b.widen.out_channels for b in net.blocks))
    line = torch.randn(1, 3, 48, 96)
    with torch.no_grad():
        assert small.shape.hidden[3] == block.widen.out_channels - 24
        assert torch.allclose(small(line), net(line), atol=1e-4)


def test_every_block_keeps_its_least_share(net):
    with torch.no_grad():
        net.blocks[8].narrow.weight.zero_()
    small = pruned(net, LINES, 0.3)
    assert small.shape.hidden[8] == int(LEAST * net.blocks[8].widen.out_channels)
    assert sum(multiply_adds(small).values()) < 0.85 * sum(multiply_adds(net).values())
    assert np.isfinite(small(torch.randn(1, 3, 48, 64)).detach().numpy()).all()
