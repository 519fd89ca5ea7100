#!/usr/bin/env bash
# Makes what libtritonserver.so wants of CUDA and NVIDIA's data centre manager, for machines without
# them: every function that it imports from there, answering that there is no device. Scaffolding for
# tests; a real server has the real ones.
#
#   stand-ins.sh FOLDER    the folder with libtritonserver.so, which looks beside itself
set -euo pipefail

folder=${1:?usage: stand-ins.sh FOLDER}
core=$folder/libtritonserver.so
[[ -f $core ]] || {
  echo "stand-ins: $core is missing" >&2
  exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# stand_in SONAME ANSWER VERSION_NODE FUNCTION...
stand_in() {
  local soname=$1 answer=$2 node=$3
  shift 3
  {
    for name in "$@"; do
      case $name in
        errorString | *ErrorString) echo "const char* $name(void) { return \"no device\"; }" ;;
        *) echo "int $name(void) { return $answer; }" ;;
      esac
    done
  } > "$work/$soname.c"
  echo "$node { global: *; };" > "$work/$soname.map"
  gcc -shared -fPIC -O1 -w -o "$folder/$soname" "$work/$soname.c" "-Wl,-soname,$soname" \
    "-Wl,--version-script=$work/$soname.map"
}

imports=$(nm -D --undefined-only "$core" | awk '{ print $NF }')
mapfile -t cuda < <(sed -n 's/^\(cuda[A-Za-z0-9_]*\)@.*/\1/p' <<< "$imports")
mapfile -t dcgm < <(grep -E '^(dcgm[A-Za-z]+|errorString)$' <<< "$imports")
if [[ ${#cuda[@]} -gt 0 ]]; then
  stand_in libcudart.so.12 100 libcudart.so.12 "${cuda[@]}"
fi
if [[ ${#dcgm[@]} -gt 0 ]]; then
  stand_in libdcgm.so.3 -3 "" "${dcgm[@]}"
fi
