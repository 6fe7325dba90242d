"""Learning with INT8 in mind: what is rounded inside, and that nothing stays rounded outside."""

import onnx
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: the training recipe is not tested [not in CI]")

from ziyan.charset import Charset  # noqa: E402

from models.training import export, quantize  # noqa: E402
from models.training.net import Recognizer, Shape  # noqa: E402
from models.training.qat import COMPUTED, STORED, Range, computed_layers, quantized  # noqa: E402

KNOWN = Charset("abcdefghij ")


@pytest.fixture
def net() -> Recognizer:
    torch.manual_seed(3)
    net = Recognizer(Shape(KNOWN.classes, lstm_hidden=8))
    torch.nn.init.normal_(net.project.weight, std=0.5)
    return net


@pytest.fixture
def lines() -> torch.Tensor:
    torch.manual_seed(4)
    return torch.rand(2, 3, 48, 96) * 2 - 1


def test_learns_with_weights_as_they_will_be_stored(net):
    exact = {name: value.clone() for name, value in net.named_parameters()}
    with quantized(net, STORED, {}):
        matrix = net.head.weight
        assert not torch.equal(matrix, exact["head.weight"])
        assert max(len(row.unique()) for row in net.blocks[0].depthwise.weight.flatten(1)) <= 255
        assert (matrix - exact["head.weight"]).abs().max() <= exact["head.weight"].abs().max() / 127 / 2 + 1e-7
        matrix.square().sum().backward()
        assert torch.allclose(matrix.grad, 2 * matrix)
    assert all(torch.equal(value, exact[name]) for name, value in net.named_parameters())


@pytest.mark.filterwarnings("ignore")
def test_rounds_the_layers_that_static_int8_computes(net, tmp_path):
    export.export(net.eval(), KNOWN, tmp_path / "crnn.onnx")
    nodes = [node for node in onnx.load(tmp_path / "crnn.onnx").graph.node if node.op_type in ("Conv", "MatMul")]
    computed = [node.name for node in nodes if not quantize.SENSITIVE.search(node.name)]
    parts = {name.rpartition("/")[0].split("/", 2)[-1] for name in computed}  # /net/blocks.2/widen/Conv
    assert {name.replace(".", "/") for name in computed_layers(net)} == {part.replace(".", "/") for part in parts}
    assert len(parts) == len(computed) == 16


def test_all_is_as_before_behind_it(net, lines):
    before = net.eval()(lines)
    with quantized(net, COMPUTED, {}):
        inside = net(lines)
    assert torch.equal(net(lines), before)
    assert 0 < (inside - before).abs().mean() < 0.1 * before.abs().mean()


def test_what_inputs_and_outputs_may_be_is_rounded_to_256_values(net, lines):
    ranges: dict[str, Range] = {}
    seen = []
    layer = net.blocks[2].widen
    with quantized(net, COMPUTED, ranges):
        layer.register_forward_hook(lambda _, inputs, output: seen.extend([inputs[0], output]))
        net(lines)
    assert [len(values.unique()) <= 256 for values in seen] == [True, True]
    assert set(ranges) == {f"{name} {side}" for name in computed_layers(net) for side in ("in", "out")}


def test_gradients_pass_through_the_rounding(net, lines):
    with quantized(net, COMPUTED, {}):
        net(lines).square().sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in net.blocks.parameters())


def test_a_range_takes_the_first_batch_whole_and_then_follows():
    seen = Range()
    seen.follow(torch.tensor([1.0, 3.0]))
    assert (seen.low, seen.high) == (0.0, 3.0)
    seen.follow(torch.tensor([-1.0, 5.0]))
    assert (seen.low, seen.high) == pytest.approx((-0.01, 3.02))


def test_nothing_stays_nothing_and_what_lies_outside_is_cut():
    rounded = Range(-1.0, 2.0).rounded(torch.tensor([0.0, 9.0, -9.0, 0.5]))
    assert rounded.tolist() == pytest.approx([0.0, 2.0, -1.0, 0.5], abs=3 / 255 / 2 + 1e-6)
    assert rounded[0] == 0


def test_as_it_is_nothing_is_rounded(net, lines):
    before = net(lines)
    with quantized(net, 0, {}):
        assert torch.equal(net(lines), before)
