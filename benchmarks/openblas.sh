#!/usr/bin/env bash
# Would a BLAS compute several tokens faster than our tiles? An expert's products in fp32 by OpenBLAS and by
# Warmgate's kernels, in turns, with one thread.
#
#   benchmarks/openblas.sh        after a build (`mvn -Pquick -DskipTests package`)
#
# OpenBLAS comes out of Debian sid, unpacked into a cached folder (ci/debian.sh); nothing is installed.
set -euo pipefail

# shellcheck source=benchmarks/second-opinion.sh
source "$(dirname "$(readlink -f "$0")")/second-opinion.sh"
kernels=$(echo "$here"/../kernels/target/classes/dev/warmgate/kernels/linux-x86_64/libwarmgate_kernels-*.so)
[[ -r $kernels ]] || skip "the kernels aren't built"
root=$("$here/../ci/debian.sh" --closed sid amd64 libopenblas0-serial libstdc++6) || skip "Debian's OpenBLAS can't be had"
libraries=$root/usr/lib/x86_64-linux-gnu
blas=$(echo "$libraries"/openblas-serial/libopenblas.so.*)
loader=$(echo "$root"/lib64/ld-linux-*.so.*)

tier=avx2
if has avx2 fma avx512f avx512bw avx512dq avx512vl; then tier=avx512; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
g++ -std=c++17 -O2 -Wall -Wextra -Werror -I "$here/../kernels/src/main/cpp" "$here/openblas.cpp" -ldl -o "$work/openblas"
echo "OpenBLAS $(sed -n 's/^libopenblas0-serial_\(.*\)_.*/\1/p' "$root/.packages"), kernels $tier:"
"$loader" --library-path "$libraries:$libraries/openblas-serial" "$work/openblas" "$blas" "$kernels" "$tier"
