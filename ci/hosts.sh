#!/usr/bin/env bash
# Hosts that aren't Java, with the archive that ci/dist.sh made: Python and C++ load libwarmgate.so, which
# starts a JVM by itself.
#
#   ci/hosts.sh [FOLDER]   the unpacked archive (target/dist/warmgate)
set -euo pipefail
cd "$(dirname "$0")/.."

home=$(realpath "${1:-target/dist/warmgate}")
if [[ ! -d $home ]]; then
  echo "hosts.sh: $home is missing: run ci/dist.sh first" >&2
  exit 1
fi
case $(uname -m) in
  aarch64) library=$home/linux-arm64/libwarmgate.so ;;
  *) library=$home/linux-x86_64/libwarmgate.so ;;
esac
model=$home/examples/model/warmgate-kjv/model.onnx
out=$PWD/target/hosts
mkdir -p "$out"
WARMGATE_JAVA_HOME=$(ci/jdk.sh)
export WARMGATE_JAVA_HOME XDG_STATE_HOME=$out/state

echo "== a model for hosts without plugin providers"
"$home/warmgate" adapt "$(dirname "$model")" --out "$out/adapted" --force

echo "== Python, ONNX Runtime 1.23"
ci/python-host.sh ci/python_host_test.py "$library" "$model" "$out/adapted/model.onnx"
ci/python-host.sh "$home/examples/hosts/host.py" "$library" "$model" expert_memory=25% | tee "$out/python"

echo "== C++, ONNX Runtime of this build"
include=$(ci/debian.sh sid "$(dpkg --print-architecture)" libonnxruntime-dev)/usr/include/onnxruntime
ci/ort-native.sh "$home"/lib/onnxruntime-*.jar "$out/ort"
g++ -std=c++20 -O1 -Wall -Wextra -Werror -isystem "$include" "$home/examples/hosts/host.cpp" \
  -L "$out/ort" -lonnxruntime "-Wl,-rpath,$out/ort" -o "$out/host"
"$out/host" "$library" "$model" 25% | tee "$out/cpp"
python3 - "$out/python" "$out/cpp" <<'PY'
import sys

python, cpp = (dict(line.split() for line in open(path)) for path in sys.argv[1:])
for name, value in cpp.items():
    difference = abs(float(python[name]) - float(value))
    if difference > 1e-4 * max(1, abs(float(value))):
        sys.exit(f"{name}: Python has {python[name]}, C++ {value}")
print(f"ok: {len(cpp)} outputs agree between Python and C++")
PY
if "$out/host" "$library" "$model" much 2> "$out/refused"; then
  echo "the C++ host was not refused" >&2
  exit 1
fi
grep "'much' is not a memory size" "$out/refused"
