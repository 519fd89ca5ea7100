#!/usr/bin/env bash
# Sums up the modules' test reports; fails if there are none, or a test failed.
set -euo pipefail
cd "$(dirname "$0")/.."

python3 - <<'PY'
import glob
import sys
import xml.etree.ElementTree as ElementTree

total = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
reports = glob.glob("*/target/surefire-reports/TEST-*.xml") + glob.glob("ci/*/target/surefire-reports/TEST-*.xml")
for report in reports:
    suite = ElementTree.parse(report).getroot()
    for key in total:
        total[key] += int(suite.get(key, 0))
failed = total["failures"] + total["errors"]
passed = total["tests"] - failed - total["skipped"]
print(f"{passed} passed, {failed} failed, {total['skipped']} skipped")
sys.exit(0 if passed and not failed else 1)
PY
