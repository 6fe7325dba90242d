#!/bin/sh
# The whole recipe of the recognizer, stage by stage: `make train`. Each stage can be run by hand and again; a stopped
# training goes on where it was. REALTEXT: folder of real lines (README.md); without it real lines get worse. EVALSET:
# folder of development crops. A tiny run in two minutes: LINES=40 STEPS=4 WORK=/tmp/tiny models/training/recipe.sh
set -eu
cd "$(dirname "$0")/../.."
: "${PYTHON:=.venv-training/bin/python}" "${WORK:=.cache/training}" "${LINES:=20000}" "${STEPS:=9000}" "${OUT:=$WORK/crnn}"
run="$WORK/runs/whole"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONPATH="service:."

stage() {
    name=$1
    shift
    echo "== $name"
    "$PYTHON" -W ignore -m "models.training.$name" "$@"
}
measured() { # the options that name the sets to measure with, if there are any
    printf '%s' "${REALTEXT:+--realtext $REALTEXT} ${EVALSET:+--evalset $EVALSET}"
}

stage fetch --work "$WORK"
stage texts --work "$WORK"
if [ -z "$(ls "$WORK/pool" 2>/dev/null)" ]; then
    [ -z "${REALTEXT:-}" ] || stage pool --work "$WORK" --real "$REALTEXT"
    stage pool --work "$WORK" --synthetic "$LINES"
fi
# shellcheck disable=SC2046 # the options are words of their own
stage train --work "$WORK" --run whole --steps "$STEPS" --squeeze 0.9 $(measured)
stage blend --work "$WORK" "$run/last.pt" "$run/blended.pt" # half-way back to the parent: README.md, "What was measured"
stage export "$run/blended.pt" "$run/crnn.onnx" --checkpoint "$run/crnn.pt"
stage quantize "$run/crnn.onnx" "$run/crnn-int8.onnx"
if [ -n "${REALTEXT:-}${EVALSET:-}" ]; then
    # shellcheck disable=SC2046
    stage evaluate --work "$WORK" "$run/crnn.onnx" "$run/crnn-int8.onnx" $(measured) --json "$run/metrics.json"
    stage publish "$run/crnn-int8.onnx" --models models --out "$OUT" --metrics "$run/metrics.json"
    stage curve "$run/log.jsonl" "$run/learning-curve.svg"
else
    stage publish "$run/crnn-int8.onnx" --models models --out "$OUT"
fi
