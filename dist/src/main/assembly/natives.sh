#!/usr/bin/env bash
# Lays out the libraries that native hosts load: natives.sh BUILT OUT
#
#   OUT/PLATFORM/libwarmgate.so                                    for ONNX Runtime
#   OUT/PLATFORM/backends/warmgate/libtriton_warmgate.so           for Triton
#
# They find the archive's jars, in OUT/lib, from there.
set -euo pipefail

built=$1 out=$2
rm -rf "$out"
for platform in linux-x86_64 linux-arm64; do
  backend=$out/$platform/backends/warmgate
  mkdir -p "$backend"
  cp "$built/ort/$platform"/libwarmgate-*.so "$out/$platform/libwarmgate.so"
  cp "$built/triton/$platform/libtriton_warmgate.so" "$backend"
done
