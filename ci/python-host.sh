#!/usr/bin/env bash
# Runs a Python program with ONNX Runtime 1.23.2: Debian's Python and its onnxruntime, unpacked into a
# cached folder with all that they need, libc included. Nothing is installed, and nobody need be root.
#
#   ci/python-host.sh PROGRAM [ARGUMENT]...
#
# The JVM that Warmgate starts in it is a JDK of this machine (WARMGATE_JAVA_HOME).
set -euo pipefail

root=$("$(dirname "$(readlink -f "$0")")/debian.sh" --closed sid "$(dpkg --print-architecture)" python3-onnxruntime)
libraries=$(echo "$root"/usr/lib/*-linux-gnu)
loader=$(echo "$root"/lib*/ld-linux-*.so.*)
export PYTHONHOME=$root/usr PYTHONPATH=$root/usr/lib/python3/dist-packages PYTHONDONTWRITEBYTECODE=1
exec "${loader%% *}" --library-path "$libraries:$libraries/blas:$libraries/lapack" \
  --argv0 "$root/usr/bin/python3" "$root/usr/bin/python3" "$@"
