#!/usr/bin/env bash
# Builds for linux-arm64 on any x86_64 Debian and runs the tests there, under an emulator.
#
#   ci/aarch64.sh                 the tests of kernels and detection, a part of the plugin's, then `check` on the
#                                 example model: under four minutes once all is built
#   ci/aarch64.sh --all           with all tests of the plugin that aren't tagged slow: some twenty minutes
#   ci/aarch64.sh --wrong-kernel  a NEON kernel with a sign turned round: ends well if the tests see it
#
# The emulated processor has dot products (neoverse-n1) for the whole run and lacks them (cortex-a72) for
# the kernels' tests. NEON is forced: a machine without it fails. Java runs without its optimising
# compiler and the random cases of the longest tests are thinned: an emulated instruction costs some
# twenty. What this can't show is speed, and memory order, in which x86_64 is stricter: arm64 runners do.
#
# The emulator, an arm64 libc and a JDK are Debian's, cached by ci/debian.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
renice -n 10 $$ > /dev/null

wrong_kernel=false
all=false
case ${1:-} in
  '') ;;
  --all) all=true ;;
  --wrong-kernel) wrong_kernel=true ;;
  *)
    echo "usage: ci/aarch64.sh [--all | --wrong-kernel]" >&2
    exit 2
    ;;
esac

out=$PWD/target/aarch64
classes=$out/classes
rm -rf "$out/tmp" "$out/state" "$out/wrong"
mkdir -p "$classes" "$out/tmp"

echo "== emulator, libc and JDK"
emulator=$(ci/debian.sh sid "$(dpkg --print-architecture)" qemu-user)/usr/bin/qemu-aarch64
system=$(ci/debian.sh trixie arm64 libc6 libgcc-s1 libstdc++6 zlib1g openjdk-25-jre-headless)
java_home=$system/usr/lib/jvm/java-25-openjdk-arm64

echo "== classes"
mvn -B -q -ntp -Pquick -pl examples -am -DskipTests package < /dev/null
junit=$(sed -n 's/.*<junit.version>5\.\(.*\)<.*/1.\1/p' pom.xml)
archunit=$(sed -n 's/.*<archunit.version>\(.*\)<.*/\1/p' pom.xml)
fetched=$out/lib
for artifact in "org.junit.platform:junit-platform-console-standalone:$junit" \
  "com.tngtech.archunit:archunit:$archunit"; do
  [[ -f $fetched/$(cut -d : -f 2,3 <<< "$artifact" | tr : -).jar ]] ||
    mvn -B -q -ntp -N -Pquick dependency:copy "-Dartifact=$artifact" "-DoutputDirectory=$fetched" \
      < /dev/null
done

echo "== natives"
kernels=kernels/src/main/cpp
if $wrong_kernel; then
  classes=$out/wrong-classes
  kernels=$out/wrong
  cp -r kernels/src/main/cpp "$kernels"
  # The first fused multiply-add becomes a multiply-subtract.
  sed -i '0,/vfmaq_f32/s//vfmsq_f32/' "$kernels/neon/vector.h"
  if diff -r kernels/src/main/cpp "$kernels"; then
    echo "nothing to turn round in $kernels/neon/vector.h" >&2
    exit 1
  fi
fi
PLATFORM=linux-arm64 bash "$kernels/build.sh" "$classes/dev/warmgate/kernels"
PLATFORM=linux-arm64 bash plugin/src/main/cpp/build.sh "$classes/dev/warmgate/host"

path=$classes
for module in kernels hwdetect onnx-proto plugin examples; do
  path+=:$PWD/$module/target/classes:$PWD/$module/target/test-classes
done
for jar in examples/target/lib/*.jar; do
  [[ $jar == */warmgate-* ]] || path+=:$PWD/$jar
done
path+=":$fetched/*"

# Runs Java on an emulated processor, in a module's folder.
emulated() {
  local processor=$1 folder=$2
  shift 2
  (
    cd "$folder"
    XDG_STATE_HOME=$out/state QEMU_CPU=$processor "$emulator" -L "$system" "$java_home/bin/java" \
      -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx1g -Xshare:auto \
      -Djdk.lang.Process.launchMechanism=FORK "-Djava.io.tmpdir=$out/tmp" \
      "-Dorg.bytedeco.javacpp.cachedir=$out/cache" "-Dwarmgate.home=$OLDPWD" \
      "-Dwarmgate.test.tiers=${tiers:-neon}" -Dwarmgate.test.one_in=20 \
      --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow -cp "$path" "$@"
  )
}

# Runs JUnit's console on an emulated processor; all that follows the folder chooses tests.
tests() {
  local processor=$1 module=$2
  shift 2
  echo "== $module on $processor"
  emulated "$processor" "$module" org.junit.platform.console.ConsoleLauncher execute \
    --disable-banner --disable-ansi-colors --fail-if-no-tests --exclude-tag slow \
    --details=summary "$@"
}

if $wrong_kernel; then
  if tests neoverse-n1 kernels -c dev.warmgate.kernels.FfnTest > "$out/wrong.log" 2>&1; then
    echo "the tests don't see that a kernel is wrong" >&2
    exit 1
  fi
  grep -E 'tests (successful|failed)|=>' "$out/wrong.log" | head -n 5
  grep -qE '[1-9][0-9]* tests failed' "$out/wrong.log"
  echo "ok: the tests see that a kernel is wrong"
  exit 0
fi

plugin_packages() {
  local chosen=() package
  for package in "$@"; do chosen+=(-p "dev.warmgate.$package"); done
  tests neoverse-n1 plugin "${chosen[@]}"
}

# Two at a time, a line of tests on each core; a log is shown when its line has ended.
first_line() {
  # What allocates is up to the optimising compiler.
  tests neoverse-n1 kernels --scan-class-path=target/test-classes '--exclude-classname=.*AllocationTest' &&
    tiers=neon-dotprod tests neoverse-n1 kernels -c dev.warmgate.kernels.WeightFormatTest &&
    if $all; then
      plugin_packages generate host residency routing
    else
      tests neoverse-n1 plugin -c dev.warmgate.routing.PolicyRouterTest
    fi
}
second_line() {
  local routing=dev.warmgate.routing
  tests neoverse-n1 hwdetect --scan-class-path=target/test-classes &&
    tests cortex-a72 kernels -c dev.warmgate.kernels.FfnTest -c dev.warmgate.kernels.WeightFormatTest &&
    if $all; then
      plugin_packages architecture cli config expert metrics onnx repack simulate
    else
      tests neoverse-n1 plugin -c dev.warmgate.host.ort.SessionTest \
        -c dev.warmgate.host.ort.StockComparisonTest -c $routing.AdaptiveLambdaTest -c $routing.AffinityTest \
        -c $routing.GivenWeightsTest -c $routing.PagingAdvisorTest -c $routing.SelectionTest \
        -c $routing.dispatch.PhaseRouterTest -c $routing.dispatch.ResidencyCapacityTest
    fi &&
    echo "== check on neoverse-n1" &&
    emulated neoverse-n1 . dev.warmgate.cli.Main check examples/model/warmgate-kjv \
      --expert-memory 25% --tokens 16 --option tier=neon
}
first_line > "$out/first.log" 2>&1 &
line=$!
status=0
second_line > "$out/second.log" 2>&1 || status=1
wait "$line" || status=1
grep -hE '^==|tests (successful|failed)|=>|equal within|rror' "$out/first.log" "$out/second.log" || true
[[ $status -eq 0 ]] || cat "$out/first.log" "$out/second.log"
exit $status
