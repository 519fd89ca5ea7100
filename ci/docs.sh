#!/usr/bin/env bash
# Runs the commands of the host pages (docs/hosts), as a reader would: each page's sh blocks, in a folder that
# has only the unpacked archive of ci/dist.sh, called warmgate. python3 is Debian's with ONNX Runtime 1.23,
# and $ORT the ONNX Runtime of this build with 1.23's headers.
set -euo pipefail
cd "$(dirname "$0")/.."

repository=$PWD
[[ -d target/dist/warmgate ]] || {
  echo "docs.sh: run ci/dist.sh first" >&2
  exit 1
}
java=$(ci/jdk.sh)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/bin" "$work/ort"
ln -s "$repository/ci/python-host.sh" "$work/bin/python3"
ln -s "$(ci/debian.sh sid "$(dpkg --print-architecture)" libonnxruntime-dev)/usr/include/onnxruntime" "$work/ort/include"
ci/ort-native.sh target/dist/warmgate/lib/onnxruntime-*.jar "$work/ort/lib"
for page in docs/hosts/*.md; do
  name=$(basename "$page" .md)
  # The pages name x86_64.
  # shellcheck disable=SC2016 # a fence, not a command
  sed -n '/^```sh$/,/^```$/p' "$page" | sed '/^```/d' | sed "s/linux-x86_64/linux-$(uname -m | sed 's/aarch64/arm64/')/" \
    > "$work/$name.sh"
  [[ -s $work/$name.sh ]] || continue
  echo "== $page"
  mkdir "$work/$name"
  ln -s "$repository/target/dist/warmgate" "$work/$name/warmgate"
  (cd "$work/$name" && JAVA_HOME=$java ORT=$work/ort PATH=$work/bin:$java/bin:$PATH XDG_STATE_HOME=$work/state \
    bash -euo pipefail "$work/$name.sh")
done
