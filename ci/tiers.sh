#!/usr/bin/env bash
# Runs the kernels' tests once for each tier that this machine has, forced: a tier that should be there
# and isn't fails. What is there is read from the processor's flags, not asked of Warmgate.
set -euo pipefail
cd "$(dirname "$0")/.."

tiers=(scalar)
case $(uname -m) in
  aarch64) tiers+=(neon) ;;
  x86_64)
    flags=" $(grep -m 1 '^flags' /proc/cpuinfo) "
    has() {
      local flag
      for flag in "$@"; do [[ $flags == *" $flag "* ]] || return 1; done
    }
    if has avx2 fma f16c bmi1 bmi2; then tiers+=(avx2); fi
    if has avx2 fma avx512f avx512bw avx512dq avx512vl; then tiers+=(avx512); fi
    ;;
esac
for tier in "${tiers[@]}"; do
  echo "== $tier"
  mvn -B -ntp -q -Pquick -pl kernels test "-Dwarmgate.test.args=-Dwarmgate.test.tiers=$tier" \
    < /dev/null
done
echo "ok: ${tiers[*]}"
