#!/usr/bin/env bash
# Prints the home of a JDK 25 or newer: WARMGATE_JAVA_HOME, JAVA_HOME, or what is installed.
set -euo pipefail

for home in "${WARMGATE_JAVA_HOME:-}" "${JAVA_HOME:-}" /usr/lib/jvm/*; do
  if [[ -n $home && -x $home/bin/javac ]] &&
    grep -qsE '^JAVA_VERSION="(2[5-9]|[3-9][0-9])' "$home/release"; then
    echo "$home"
    exit 0
  fi
done
echo "no JDK 25 or newer; set WARMGATE_JAVA_HOME" >&2
exit 1
