# shellcheck shell=bash
# Sourced by the scripts that time somebody else's kernels: where they can't, they say so and end well.
skip() {
  echo "skipped: $*"
  exit 0
}

[[ $(uname -m) == x86_64 ]] || skip "only written for x86_64"
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=ci/processor.sh
source "$here/../ci/processor.sh"
