"""An exported recognizer with INT8 matrices: the head's and the LSTM's weights, quantized dynamically, per channel.

    python -m models.training.quantize recognizer.onnx recognizer-int8.onnx

Dynamic quantization costs no accuracy here. The convolutions stay in float: min-max ranges ruin depthwise nets with
hard-swish (+1.9 points of CER); to close that gap needs quantization-aware training, which is not written yet.
"""

import argparse
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic

QUANTIZED = ("LSTM", "MatMul")


def quantize(model: Path, out: Path) -> None:
    """Writes `model` with INT8 LSTM and MatMul weights to `out`, its metadata kept."""
    quantize_dynamic(
        model, out, op_types_to_quantize=list(QUANTIZED), per_channel=True, weight_type=QuantType.QInt8
    )
    small = onnx.load(out)
    if not small.metadata_props:
        small.metadata_props.extend(onnx.load(model, load_external_data=False).metadata_props)
        onnx.save(small, out)


def main() -> None:
    """Quantizes the file named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    quantize(given.model, given.out)
    print(f"{given.out.name}: {given.out.stat().st_size / 1e6:.2f} MB, {given.model.stat().st_size / 1e6:.2f} before")


if __name__ == "__main__":
    main()
