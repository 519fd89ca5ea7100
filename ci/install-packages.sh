#!/usr/bin/env bash
# Installs what the build needs and the machine lacks (Debian and Ubuntu).
set -euo pipefail

missing=()
command -v g++ > /dev/null || missing+=(g++)
command -v mvn > /dev/null || missing+=(maven)
command -v aarch64-linux-gnu-g++ > /dev/null || missing+=(g++-aarch64-linux-gnu)
command -v shellcheck > /dev/null || missing+=(shellcheck)
command -v python3 > /dev/null || missing+=(python3)
if ! grep -qsE '^JAVA_VERSION="(2[5-9]|[3-9][0-9])' /usr/lib/jvm/*/release "${JAVA_HOME:-}/release"; then
  missing+=(openjdk-25-jdk-headless)
fi
if [[ ${#missing[@]} -gt 0 ]]; then
  echo "installing: ${missing[*]}"
  sudo=()
  [[ $(id -u) -eq 0 ]] || sudo=(sudo)
  "${sudo[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" > /dev/null
fi
