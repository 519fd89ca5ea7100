#!/usr/bin/env bash
# Runs the backend in a real Triton core, in-process: fetches the core with Maven, makes stand-ins for
# what it wants of CUDA, and tests from Java and C++. Under two minutes once the build is there.
#
#   ci/triton.sh             the tests
#   ci/triton.sh -Dtest=X    those of class X
#   ci/triton.sh bench       overhead and generation speed; see docs/benchmarks.md
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ $(uname -m) != x86_64 ]]; then
  echo "triton: the core is for x86_64 only; nothing to do on $(uname -m)"
  exit 0
fi
for tool in nm gcc; do
  command -v "$tool" > /dev/null || {
    echo "triton: needs $tool (Debian: apt-get install g++)" >&2
    exit 2
  }
done
tests=(-Dtest='dev.warmgate.triton.*Test')
case ${1:-} in
  bench) tests=(-Dtest='dev.warmgate.triton.*Speed') ;;
  "") ;;
  *) tests=("$@") ;;
esac
# The formatter has its own step; the filter keeps the other modules' tests out.
mvn -B -ntp -Pquick,triton -pl ci/triton -am verify "${tests[@]}" \
  -Dsurefire.failIfNoSpecifiedTests=false
