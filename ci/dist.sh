#!/usr/bin/env bash
# Makes the archive and tries it: `mvn -Pdist package`, unpacked into target/dist/warmgate, whose demo runs
# in an empty folder with nothing but a JDK.
#
#   ci/dist.sh           builds once
#   ci/dist.sh --twice   builds a second time from nothing, in a copy, and compares the bytes
set -euo pipefail
cd "$(dirname "$0")/.."

build() {
  (cd "$1" && mvn -B -q -ntp -Pquick,dist -DskipTests package < /dev/null)
}

echo "== archive"
build .
archive=$(echo dist/target/warmgate-*.tar.gz)
rm -rf target/dist
mkdir -p target/dist/empty
tar -xzf "$archive" -C target/dist
mv target/dist/warmgate-* target/dist/warmgate
home=$PWD/target/dist/warmgate

echo "== what is in it"
for file in warmgate LICENSE NOTICE sbom.json lib linux-x86_64/libwarmgate.so linux-arm64/libwarmgate.so \
  linux-x86_64/backends/warmgate/libtriton_warmgate.so licences/onnxruntime-* \
  linux-arm64/backends/warmgate/libtriton_warmgate.so examples/model/warmgate-{babel,kjv}/model.onnx; do
  # shellcheck disable=SC2086 # a pattern
  ls -d "$home"/$file > /dev/null
done
for platform in x86_64 arm64; do
  unzip -l "$home"/lib/warmgate-kernels-*.jar | grep "linux-$platform/libwarmgate_kernels-.*so" > /dev/null
done
python3 - "$home" <<'PY'
import json
import pathlib
import sys

home = pathlib.Path(sys.argv[1])
components = {c["name"] + "-" + c["version"]: c for c in json.loads((home / "sbom.json").read_text())["components"]}
jars = {jar.stem for jar in (home / "lib").glob("*.jar")}
unknown = sorted(jars - components.keys())
unlicensed = sorted(n for n in jars & components.keys() if not n.startswith("warmgate-") and not components[n].get("licenses"))
if unknown or unlicensed:
    sys.exit(f"the SBOM lacks {unknown}, and the licences of {unlicensed}")
print(f"{len(jars)} jars, all in the SBOM with their licences")
PY

echo "== demo, in an empty folder"
(
  cd target/dist/empty
  env -i PATH=/usr/bin:/bin HOME="$PWD" ${WARMGATE_JAVA_HOME:+WARMGATE_JAVA_HOME="$WARMGATE_JAVA_HOME"} \
    "$home/warmgate" demo --warm-up 50 --max-tokens 16
  env -i PATH=/usr/bin:/bin HOME="$PWD" ${WARMGATE_JAVA_HOME:+WARMGATE_JAVA_HOME="$WARMGATE_JAVA_HOME"} \
    "$home/warmgate" check "$home/examples/model/warmgate-kjv" --expert-memory 25%
)

if [[ ${1:-} == --twice ]]; then
  echo "== the same again"
  again=$(mktemp -d)
  trap 'rm -rf "$again"' EXIT
  git ls-files -z --cached --others --exclude-standard | tar -cf - --null -T - | tar -xf - -C "$again"
  build "$again"
  if ! cmp "$archive" "$again/$archive"; then
    mkdir "$again/one" "$again/two"
    tar -xzf "$archive" -C "$again/one"
    tar -xzf "$again/$archive" -C "$again/two"
    diff -rq "$again/one" "$again/two"
    exit 1
  fi
  echo "ok: two builds give equal bytes, $(sha256sum < "$archive")"
fi
