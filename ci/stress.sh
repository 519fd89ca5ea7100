#!/usr/bin/env bash
# Runs the jcstress tests of what threads share without a lock; fails if one sees what it must not.
#
#   ci/stress.sh              all of them, briefly: a few minutes
#   ci/stress.sh -t Mask      those whose names contain Mask
#   ci/stress.sh -m default   all of them at length: some 20 minutes; tough and stress take hours
#
# Arguments are jcstress's own and come after those of the brief run, so that they win. The report is
# in target/stress.
set -euo pipefail
cd "$(dirname "$0")/.."

mvn -B -q -ntp -Pquick,jcstress -pl benchmarks/stress -am -DskipTests package < /dev/null

# The JDK that Maven found for the build.
if [[ -z ${JAVA_HOME:-} || ! -x $JAVA_HOME/bin/java ]] ||
  ! grep -qE '^JAVA_VERSION="(2[5-9]|[3-9][0-9])' "$JAVA_HOME/release"; then
  release=$(grep -lE '^JAVA_VERSION="(2[5-9]|[3-9][0-9])' /usr/lib/jvm/*/release | head -n 1)
  JAVA_HOME=$(dirname "$release")
fi

brief=(-m quick -f 1 -iters 3 -time 100 -sc false)
for argument in "$@"; do
  # A mode brings its own lengths.
  [[ $argument != -m ]] || brief=()
done
mkdir -p target/stress
cd target/stress
exec "$JAVA_HOME/bin/java" -cp '../../benchmarks/stress/target/warmgate-stress.jar:../../benchmarks/stress/target/lib/*' \
  org.openjdk.jcstress.Main "${brief[@]}" -r . \
  -jvmArgsPrepend "--enable-native-access=ALL-UNNAMED" "$@"
