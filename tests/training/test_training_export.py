"""The exported file: what torch says, for any batch, with what the service needs to know about it."""

import hashlib
import json

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: the training recipe is not tested [not in CI]")

from line_drawing import drawn  # noqa: E402
from ziyan import manifest  # noqa: E402
from ziyan.charset import Charset  # noqa: E402

from models.training import blend, crops, evaluate, export, macs, parent, publish, quantize, train  # noqa: E402
from models.training.net import LINE_HEIGHT, STEP_PIXELS, Recognizer, Shape, multiply_adds  # noqa: E402
from models.training.readers import OnnxReader  # noqa: E402

KNOWN = Charset("abcdefghij ")
pytestmark = pytest.mark.filterwarnings("ignore")  # torch's exporter warns of its own age and of LSTM batches


@pytest.fixture(scope="module")
def net() -> Recognizer:
    torch.manual_seed(1)
    net = Recognizer(Shape(KNOWN.classes, lstm_hidden=16)).eval()
    torch.nn.init.normal_(net.project.weight, std=0.5)  # an LSTM that is heard
    return net


@pytest.fixture(scope="module")
def exported(net, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "recognizer.onnx"
    export.export(net, KNOWN, path)
    return path


def test_gives_the_same_probabilities_for_any_batch(net, exported):
    assert export.parity(net, exported, KNOWN) < 1e-4


def test_each_net_is_evaluated_by_its_own_decoder(exported):
    def always_ab(known):
        return lambda probabilities: (np.array(known.encode("ab")), np.ones(2, np.float32))

    nets = dict.fromkeys(("plain", "deaf"), parent.Parent(exported, KNOWN))
    found = evaluate.evaluate(nets, [crops.Crop(drawn("feed"), "ab", "drawn")], {"deaf": always_ab})
    assert [found[name]["scores"]["drawn"]["exact"] for name in nets] == [0.0, 1.0]


@pytest.mark.parametrize("width", [320, 72])
def test_a_graph_costs_what_torch_counts(net, exported, width):
    batch = np.zeros((1, 3, LINE_HEIGHT, width), np.float32)
    assert macs.multiply_adds(exported, batch) == sum(multiply_adds(net, width=width).values())


def test_rows_are_probabilities(exported):
    rows = OnnxReader(exported, KNOWN).probabilities(np.zeros((3, 3, 48, 72), np.float32))
    assert rows.shape == (3, 9, KNOWN.classes)
    assert np.allclose(rows.sum(-1), 1, atol=1e-5)


def test_refuses_a_file_that_reads_otherwise(net, exported, monkeypatch, tmp_path):
    monkeypatch.setattr(export, "parity", lambda *_: 0.01)
    with pytest.raises(ValueError, match="differs from torch"):
        export.export(net, KNOWN, tmp_path / "other.onnx")
    assert not (tmp_path / "other.onnx").exists()


def test_carries_its_charset_and_preprocessing(exported):
    properties = {prop.key: prop.value for prop in onnx.load(exported).metadata_props}
    assert properties["charset_sha256"] == hashlib.sha256(KNOWN.dump()).hexdigest()
    assert '"height": 48' in properties["preprocessing"]
    assert evaluate.own_charset(exported).characters == KNOWN.characters
    assert {entry.version for entry in onnx.load(exported).opset_import if not entry.domain} == {17}


def test_the_ablation_leaves_the_recurrence_out(net, tmp_path):
    bare = export.without_lstm(net)
    line = torch.randn(1, 3, 48, 64)
    with torch.no_grad():
        assert not torch.allclose(bare(line), net(line))
    export.export(bare, KNOWN, tmp_path / "bare.onnx")
    assert "LSTM" not in {node.op_type for node in onnx.load(tmp_path / "bare.onnx").graph.node}


def test_a_blend_lies_between_parent_and_child(net):
    torch.manual_seed(2)
    first = Recognizer(Shape(KNOWN.classes, lstm_hidden=16))
    before = first.head.weight.clone()
    mixed = blend.blended(first, net, 0.25)
    assert torch.allclose(mixed.head.weight, 0.75 * before + 0.25 * net.head.weight)
    assert torch.allclose(mixed.project.weight, 0.25 * net.project.weight)
    assert torch.equal(mixed.lstm.weight_hh_l0, net.lstm.weight_hh_l0)
    mixed = blend.blended(Recognizer(net.shape), net, 0.25, recurrent=True)
    assert not torch.equal(mixed.lstm.weight_hh_l0, net.lstm.weight_hh_l0)


def test_a_kept_checkpoint_reads_nearly_alike(net, tmp_path):
    export.write_checkpoint(net, KNOWN, tmp_path / "crnn.pt")
    again, known = train.averaged(tmp_path / "crnn.pt")
    assert known.characters == KNOWN.characters
    line = torch.randn(1, 3, 48, 64)
    with torch.no_grad():
        assert torch.allclose(again(line).softmax(-1), net(line).softmax(-1), atol=5e-3)


@pytest.mark.parametrize(("convolutions", "share", "int8"), [("half", 0.5, 5), ("int8", 0.4, 29)])
def test_int8_stays_near_float_and_keeps_the_facts(exported, tmp_path, convolutions, share, int8):
    small = tmp_path / "int8.onnx"
    quantize.quantize(exported, small, convolutions=convolutions)
    batch = np.random.default_rng(0).uniform(-1, 1, (2, 3, 48, 160)).astype(np.float32)
    whole, quantized = (OnnxReader(path, KNOWN).probabilities(batch) for path in (exported, small))
    assert np.abs(whole - quantized).max() < 0.05
    assert small.stat().st_size < share * exported.stat().st_size
    stored = [tensor.data_type for tensor in onnx.load(small).graph.initializer]
    assert stored.count(onnx.TensorProto.INT8) == int8  # squeeze, project, head, the LSTM's two, large convolutions
    assert evaluate.own_charset(small).characters == KNOWN.characters


@pytest.fixture(scope="module")
def static(exported, tmp_path_factory):
    path = tmp_path_factory.mktemp("static") / "int8.onnx"
    draw = np.random.default_rng(1)
    lines = [draw.uniform(-1, 1, (1, 3, 48, width)).astype(np.float32) for width in (160, 96, 240)]
    quantize.quantize(exported, path, lines=lines)
    return path


def test_int8_arithmetic_stays_near_float_and_keeps_the_facts(exported, static):
    batch = np.random.default_rng(0).uniform(-1, 1, (2, 3, 48, 160)).astype(np.float32)
    whole, quantized = (OnnxReader(path, KNOWN).probabilities(batch) for path in (exported, static))
    assert 0 < np.abs(whole - quantized).max() < 0.05
    assert evaluate.own_charset(static).characters == KNOWN.characters


def test_int8_arithmetic_leaves_sensitive_layers_and_the_lstm_in_float(static):
    graph = onnx.load(static).graph
    quantized = {node.output[0] for node in graph.node if node.op_type == "DequantizeLinear"}
    exact = {node.name for node in graph.node if node.op_type == "Conv" and node.input[1] not in quantized}
    assert {name for name in exact if not quantize.SENSITIVE.search(name)} == set()
    assert not any(node.op_type == "DynamicQuantizeLSTM" for node in graph.node)
    assert len(exact) == 24  # stem 2, depthwise 9, gates 6, two blocks 4, one narrow, neck 2


def test_int8_weights_are_never_minus_128(static):
    tensors = [tensor for tensor in onnx.load(static).graph.initializer if tensor.data_type == onnx.TensorProto.INT8]
    weights = [onnx.numpy_helper.to_array(tensor) for tensor in tensors]
    assert min(weight.min() for weight in weights) == -127


def test_a_line_reads_the_same_beside_other_lines_in_int8(static):
    batch = np.random.default_rng(0).uniform(-1, 1, (2, 3, 48, 160)).astype(np.float32)
    reader = OnnxReader(static, KNOWN)
    alone, beside = reader.probabilities(batch[:1]), reader.probabilities(np.stack([batch[0], 9 * batch[1]]))
    assert np.abs(alone[0] - beside[0]).max() < 1e-4


def test_the_service_accepts_what_is_published(exported, prepared, tmp_path):
    metrics = {"sha256": hashlib.sha256(exported.read_bytes()).hexdigest(), "scores": {}}
    publish.publish(exported, prepared, tmp_path / "out", version="crnn-1", metrics=metrics)
    loaded = manifest.load(tmp_path / "out")
    assert (loaded.version, loaded.recognizer.name) == ("crnn-1", "crnn")
    assert loaded.recognizer.charset.characters == KNOWN.characters
    assert loaded.recognizer.calibration.scale == 1.1
    given = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))["recognizer"]["input"]
    assert given["shape"] == ["lines", 3, LINE_HEIGHT, "width"]
    assert given["width_multiple"] % STEP_PIXELS == 0
    assert all(set(given[key]) == {export.PREPROCESSING[key]} for key in ("mean", "std"))
    assert all(given[key] == export.PREPROCESSING[key] for key in ("channels", "height"))
    assert not (tmp_path / "out" / "parent.onnx").exists()


def test_what_is_shipped_is_a_file_with_its_entry_and_charset(exported, tmp_path):
    publish.ship(exported, metrics={}, folder=tmp_path)
    facts = json.loads((tmp_path / "crnn.json").read_text(encoding="utf-8"))
    assert facts["sha256"] == hashlib.sha256((tmp_path / "crnn.onnx").read_bytes()).hexdigest()
    assert facts["input"]["fast_squeeze"] < facts["input"]["squeeze"] == 1.0
    assert Charset.load(tmp_path / "charset.txt").classes == facts["classes"]


def test_refuses_the_metrics_of_another_file(exported, prepared, tmp_path):
    with pytest.raises(ValueError, match="metrics"):
        publish.publish(exported, prepared, tmp_path / "out", version="crnn-1", metrics={"sha256": "0" * 64})
    assert not (tmp_path / "out" / "manifest.json").exists()
