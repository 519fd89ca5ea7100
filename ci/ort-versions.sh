#!/usr/bin/env bash
# Tries the archive that ci/dist.sh made with other versions of ONNX Runtime: the newest of each minor
# version since 1.23 (1.25 and 1.27 have no Java archive). In Java, `check` compares Warmgate with the same
# ONNX Runtime alone, and an adapted model runs with custom ops; in C++ the example host runs. All must print
# one result. 1.23 runs the adapted model only: its Java API has no plugin providers, and its Java archive lacks
# what they need in C++ (ci/hosts.sh tries 1.23 in Python).
#
#   ci/ort-versions.sh [MINOR]...   some of them, for instance 24 29
set -euo pipefail
cd "$(dirname "$0")/.."

home=$PWD/target/dist/warmgate
out=$PWD/target/ort-versions
[[ -d $home ]] || {
  echo "ort-versions.sh: run ci/dist.sh first" >&2
  exit 1
}
minors=("$@")
[[ $# -gt 0 ]] || minors=(23 24 26 28 29)
WARMGATE_JAVA_HOME=$(ci/jdk.sh)
export WARMGATE_JAVA_HOME XDG_STATE_HOME=$out/state
model=$home/examples/model/warmgate-kjv
library=$home/linux-$(uname -m | sed 's/aarch64/arm64/')/libwarmgate.so
include=$(ci/debian.sh sid "$(dpkg --print-architecture)" libonnxruntime-dev)/usr/include/onnxruntime
others=
for jar in "$home"/lib/*.jar; do
  [[ $jar == */onnxruntime-* ]] || others+=:$jar
done

# The newest ONNX Runtime 1.MINOR of the repository that Maven is set up for, into FOLDER/lib.
fetch() {
  local minor=$1 folder=$2
  rm -rf "$folder"
  mkdir -p "$folder"
  cat > "$folder/pom.xml" << POM
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>dev.warmgate</groupId>
  <artifactId>ort-version</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>com.microsoft.onnxruntime</groupId>
      <artifactId>onnxruntime</artifactId>
      <version>[1.$minor,1.$((minor + 1)))</version>
    </dependency>
  </dependencies>
</project>
POM
  mvn -B -q -ntp -f "$folder/pom.xml" dependency:copy-dependencies -DoutputDirectory="$folder/lib" \
    < /dev/null
}

"$home/warmgate" adapt "$model" --out "$out/adapted" --force
failed=0
expected=
# The first result is that of all.
same() {
  expected=${expected:-$1}
  [[ $1 == "$expected" ]] || failed=1
}
for minor in "${minors[@]}"; do
  folder=$out/$minor
  fetch "$minor" "$folder"
  jar=$(echo "$folder"/lib/onnxruntime-*.jar)
  version=$(basename "$jar" .jar)
  java=("$WARMGATE_JAVA_HOME/bin/java" -Xmx512m --enable-native-access=ALL-UNNAMED
    --sun-misc-unsafe-memory-access=allow -cp "$jar$others")
  adapted=$("${java[@]}" ci/AdaptedHost.java "$out/adapted/model.onnx" 25% 2>&1 | tail -n 1) || failed=1
  same "$adapted"
  if [[ $minor -eq 23 ]]; then
    echo "${version#onnxruntime-}: adapted: $adapted"
    continue
  fi
  check="check passes"
  if ! "${java[@]}" dev.warmgate.cli.Main check "$model" --expert-memory 25% > "$folder/java" 2>&1; then
    check="check fails: $(tail -n 1 "$folder/java")"
    failed=1
  fi
  ci/ort-native.sh "$jar" "$folder"
  g++ -std=c++20 -isystem "$include" examples/hosts/host.cpp -L "$folder" -lonnxruntime \
    "-Wl,-rpath,$folder" -o "$folder/host"
  cpp=$("$folder/host" "$library" "$model/model.onnx" 25% 2>&1) || failed=1
  same "$cpp"
  echo "${version#onnxruntime-}: Java: $check; C++: $cpp; adapted: $adapted"
done
exit $failed
