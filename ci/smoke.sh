#!/usr/bin/env bash
# A short run of what a user types first; fails if a command does.
set -euo pipefail
cd "$(dirname "$0")/.."

text=examples/model/heldout/prose.txt
model=$(dirname "$(find examples/model -name genai_config.json -not -path '*/target/*' | sort | head -n 1)")
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# Runs the launcher with --json and checks that a Python expression over its answer holds.
expect() {
  local condition=$1
  shift
  ./warmgate "$@" --json > "$out/answer.json"
  python3 -c '
import json, sys
answer = json.load(open(sys.argv[1]))
if not eval(sys.argv[2]):
    sys.exit("not so: " + sys.argv[2] + "\n" + json.dumps(answer)[:2000])
' "$out/answer.json" "$condition"
  echo "ok: warmgate $*"
}

# Runs the launcher on bad input: exit code 2 and one line.
refuse() {
  local status=0
  ./warmgate "$@" > "$out/out" 2> "$out/err" || status=$?
  if [[ $status -ne 2 || $(wc -l < "$out/err") -ne 1 ]]; then
    echo "warmgate $*: exit $status" >&2
    cat "$out/err" >&2
    return 1
  fi
  echo "ok, refused: $(cat "$out/err")"
}

expect 'answer["plan"]["tier"] in ("scalar", "neon", "avx2", "avx512", "neon-dotprod", "avx2-vnni", "avx512-vnni")' doctor
expect 'len(answer["layers"]) >= 1 and not answer["unsupported"]' inspect "$model/model.onnx"
expect 'answer["pass"]' check "$model" --expert-memory 25% --tokens 16
expect 'len(answer["token_ids"]) == 8' run "$model" --prompt "In the beginning" --max-tokens 8 \
  --expert-memory 25%
expect 'len(answer["rows"]) == 3 and answer["rows"][1]["bits_per_byte"] > 0.5' evaluate "$model" --text "$text" \
  --max-tokens 50 --expert-memory 25% --routing lossless,cache-prior --lambda 0.2 --plot "$out/cost.svg"
grep -q "<svg" "$out/cost.svg"
expect 'answer["equal"] and answer["runs"][3]["routing"]["mass_kept"] > 0.5' demo --warm-up 100
expect 'answer["layers"] == 4 and answer["experts"] == 128' adapt "$model" --out "$out/adapted"
refuse adapt "$model" --out "$out/adapted"
refuse check "$out/adapted"
refuse check "$out/none.onnx"
refuse evaluate "$model" --text "$text" --plot "$out/cost.txt"
refuse evaluate "$model" --text "$text" --plot "$out/none/cost.svg"
# What was measured isn't lost with a picture that can't be drawn.
mkdir "$out/taken.svg"
status=0
./warmgate evaluate "$model" --text "$text" --max-tokens 20 --routing lossless --plot "$out/taken.svg" \
  > "$out/out" 2> "$out/err" || status=$?
[[ $status -ne 0 && $(wc -l < "$out/err") -eq 1 ]] && grep -q '^lossless' "$out/out"
echo "ok: $(cat "$out/err")"
refuse check "$model" --expert-memory 1k
refuse run "$model" --prompt x --option nonsense=1
# More than ONNX Runtime's telemetry can take on a command line, and than the model can.
refuse run "$model" --prompt "$(printf 'a%.0s' {1..20000})"
# A result that is lost is no success.
status=0
./warmgate inspect "$model" > /dev/full 2> "$out/err" || status=$?
[[ $status -eq 1 && $(wc -l < "$out/err") -eq 1 ]]
echo "ok: $(cat "$out/err")"
