#!/bin/sh
# Makes the example model anew: text, tokenizer, training, export. Options go to recipe/train.py, as in
#   examples/model/train.sh --steps 300
# A full run takes an hour and a half on one core. Fetched packages and intermediate files go to examples/model/target.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$here/target
recipe=$here/recipe
model=$here/warmgate-babel
python=/usr/bin/python3
packages="libopenblas0-pthread npm python3-numpy python3-onnx python3-regex python3-torch"

missing=
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
command -v npm > /dev/null && missing=$(echo "$missing" | sed 's/ npm//')
if [ -n "$missing" ]; then
    echo "train.sh: on Debian, install first: apt-get install --no-install-recommends$missing" >&2
    exit 2
fi

export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
# Tensors come and go: memory that the allocator keeps is not zeroed again, which is half of the speed.
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=268435456
[ -d "$work/packages" ] || "$recipe/fetch.sh" "$work"
cd "$recipe"
"$python" text.py --packages "$work/packages" --out "$work"
"$python" bpe.py --text "$work" --out "$work"
"$python" train.py --text "$work" --tokenizer "$work/tokenizer.json" --out "$work" "$@"
"$python" export.py --checkpoint "$work/checkpoint.pt" --tokenizer "$work/tokenizer.json" --out "$model"
if "$python" -c 'import onnxruntime' 2>/dev/null; then
    "$python" verify.py --checkpoint "$work/checkpoint.pt" --model "$model" --text "$work/heldout/prose.txt"
else
    echo "train.sh: no onnxruntime module for $python: the export was not compared with the trained model"
fi
rm -rf "$here/heldout"
cp -r "$work/heldout" "$here/heldout"
cp "$work/training.log" "$here/training.log"
cd "$here"
sha256sum heldout/* warmgate-babel/* warmgate-kjv/* > SHA256SUMS
