#!/bin/sh
# What each part is worth: equal short runs from the parent, one without the LSTM, one without the teacher, one without
# real lines. The pool must be there. STEPS=1500 takes about 11 minutes of one core a run.
set -eu
cd "$(dirname "$0")/../.."
: "${PYTHON:=.venv-training/bin/python}" "${WORK:=.cache/training}" "${STEPS:=1500}"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONPATH="service:."

learn() {
    name=$1
    shift
    "$PYTHON" -m models.training.train --work "$WORK" --run "ablation-$name" --steps "$STEPS" --alone $((STEPS / 6)) \
        --validate "$STEPS" --squeeze 0.925 --realtext "$REALTEXT" --evalset "$EVALSET" "$@"
}

learn whole
learn without-lstm --lstm-hidden 0
learn without-teacher --teacher 0
learn without-real --only synthetic
