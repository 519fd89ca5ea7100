#!/usr/bin/env bash
# Runs the kernels' tests once for each tier that this machine has, forced: a tier that should be there
# and isn't fails. What is there is read from the processor's flags, not asked of Warmgate.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=ci/processor.sh
source ci/processor.sh
tiers=(scalar)
case $(uname -m) in
  aarch64)
    tiers+=(neon)
    if has asimddp; then tiers+=(neon-dotprod); fi
    ;;
  x86_64)
    if has avx2 fma f16c bmi1 bmi2; then tiers+=(avx2); fi
    if has avx2 fma avx_vnni; then tiers+=(avx2-vnni); fi
    if has avx2 fma avx512f avx512bw avx512dq avx512vl; then tiers+=(avx512); fi
    if has avx512f avx512bw avx512dq avx512vl avx512_vnni; then tiers+=(avx512-vnni); fi
    ;;
esac
for tier in "${tiers[@]}"; do
  echo "== $tier"
  mvn -B -ntp -q -Pquick -pl kernels test "-Dwarmgate.test.args=-Dwarmgate.test.tiers=$tier" \
    < /dev/null
done
echo "ok: ${tiers[*]}"
