#!/bin/sh
# Makes the example model anew: text, tokenizer, training, export. Options go to recipe/train.py, as in
#   examples/model/train.sh --steps 300
# A full run takes about half an hour on one core. Intermediate files go to examples/model/target.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$here/target
recipe=$here/recipe
model=$here/warmgate-kjv
python=/usr/bin/python3
packages="bible-kjv bible-kjv-text libopenblas0-pthread python3-numpy python3-onnx python3-torch"

missing=
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
    echo "train.sh: on Debian, install first: apt-get install --no-install-recommends$missing" >&2
    exit 2
fi

export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
cd "$recipe"
"$python" text.py --out "$work" --sample "$here/heldout-sample.txt"
"$python" bpe.py --text "$work/train.txt" --out "$work"
"$python" train.py --text "$work" --tokenizer "$work/tokenizer.json" --out "$work" "$@"
"$python" export.py --checkpoint "$work/checkpoint.pt" --tokenizer "$work/tokenizer.json" --out "$model"
if "$python" -c 'import onnxruntime' 2>/dev/null; then
    "$python" verify.py --checkpoint "$work/checkpoint.pt" --model "$model" --text "$work/heldout.txt"
else
    echo "train.sh: no onnxruntime module for $python: the export was not compared with the trained model"
fi
cp "$work/training.log" "$here/training.log"
cd "$here"
sha256sum heldout-sample.txt warmgate-kjv/* > SHA256SUMS
