#!/usr/bin/env bash
# A second opinion on int4 experts: what llama.cpp's kernels make of a comparable product, with one
# thread and with two. The product is ggml's MUL_MAT_ID: 8 of 128 matrices in q4_0 (blocks of 32 with an
# fp16 scale, 18 bytes a block) times rounded activations, so comparable with `fast`.
#
#   benchmarks/llama-cpp.sh [TOKENS]...      tokens of the batches, 1 and 512 by default
#
# llama.cpp comes out of Debian sid, unpacked into a cached folder (ci/debian.sh); nothing is installed.
# The shapes are those that its test-backend-ops measures: of ours the first matrix of H=2048, I=768.
set -euo pipefail

# shellcheck source=benchmarks/second-opinion.sh
source "$(dirname "$(readlink -f "$0")")/second-opinion.sh"
root=$("$here/../ci/debian.sh" --closed sid amd64 llama.cpp) || skip "Debian's llama.cpp can't be had"
libraries=$root/usr/lib/x86_64-linux-gnu
tool=$root/usr/libexec/x86_64-linux-gnu/ggml/test-backend-ops
loader=$(echo "$root"/lib64/ld-linux-*.so.*)
[[ -x $tool ]] || skip "llama.cpp's packages hold no test-backend-ops"

backend=x64
if has avx2 fma f16c bmi2; then backend=haswell; fi
if has avx2 fma f16c bmi2 avx_vnni; then backend=alderlake; fi
if has avx512f avx512bw avx512dq avx512vl; then backend=skylakex; fi
if has avx512f avx512bw avx512dq avx512vl avx512vbmi avx512_vnni; then backend=icelake; fi
if has avx512f avx512bw avx512dq avx512vl avx512vbmi avx512_vnni avx512_bf16; then backend=zen4; fi
library=$libraries/ggml/backends0/libggml-cpu-$backend.so
[[ -r $library ]] || skip "llama.cpp's packages hold no kernels named $backend"

tokens=${*:-1 512}
mapfile -t cpus < <(taskset -cp $$ | sed 's/.*: //' | tr ',' '\n' |
  while IFS=- read -r first last; do seq "$first" "${last:-$first}"; done)
echo "llama.cpp $(sed -n 's/^libggml0_\(.*\)_.*/ggml \1/p' "$root/.packages"), kernels for $backend:"
for threads in 1 2; do
  ((threads <= ${#cpus[@]})) || continue
  # It takes as many threads as it may use processors.
  chosen=$(IFS=,; echo "${cpus[*]:0:threads}")
  GGML_BACKEND_PATH=$library taskset -c "$chosen" "$loader" \
    --library-path "$libraries:$libraries/blas:$libraries/lapack" "$tool" perf -o MUL_MAT_ID -b CPU \
    -p "type_a=q4_0,.*n_mats=128,n_used=8,.*n=(${tokens// /|}),k=" 2> /dev/null |
    sed -n 's/.*n_used=\([0-9]*\),.*m=\([0-9]*\),n=\([0-9]*\),k=\([0-9]*\),.* \([0-9.]*\) us\/run.*/\1 \2 \3 \4 \5/p' |
    while read -r used m n k time; do
      awk -v threads="$threads" -v used="$used" -v m="$m" -v n="$n" -v k="$k" -v us="$time" 'BEGIN {
        printf "%d thread%s, %3d tokens, %d of 128 matrices of %d x %d: %9.0f us, %6.1f GFLOP/s", threads,
          (threads > 1 ? "s" : " "), n, used, m, k, us, 2 * used * n * m * k / us / 1e3
        if (n == 1) printf ", %5.1f GB/s of weights and scales", used * m * k / 32 * 18 / us / 1e3
        print ""
      }'
    done
done
