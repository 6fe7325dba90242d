#!/bin/sh
# Removes from an environment what its programs never load, to spare the SD card: the packages' own tests, type stubs and C
# headers, ONNX Runtime's conversion tools, OpenCV's face cascades, and Pillow's AVIF codec (no format of ours).
#   service/trim.sh ENVIRONMENT
set -eu
cd "$1"/lib/python3*/site-packages
find . -type d \( -name tests -o -path './numpy/*/include' -o -path './cv2/data' \) -prune -exec rm -rf {} +
find . -type f \( -name '*.pyi' -o -name '*.a' -o -name 'libavif-*' -path './pillow.libs/*' -o -name '_avif.*' -path './PIL/*' \) -delete
rm -rf onnxruntime/transformers onnxruntime/tools onnxruntime/quantization onnxruntime/datasets numpy/f2py numpy/distutils
