#!/usr/bin/env bash
# Checks what no build sees: the workflow is YAML and names only scripts that exist and can be run, the
# scripts are clean, and links within the documents lead somewhere.
set -euo pipefail
cd "$(dirname "$0")/.."

python3 - <<'PY'
import os
import pathlib
import re
import sys

try:
    import yaml
except ImportError:
    yaml = None

errors = []
for workflow in sorted(pathlib.Path(".github/workflows").glob("*.yml")):
    text = workflow.read_text()
    if yaml:
        jobs = yaml.safe_load(text)["jobs"]
        lines = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
        actions = [step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step]
    else:
        print("python3-yaml is missing: the workflow's text is searched, not parsed")
        lines, actions = re.findall(r"run: (.*)", text), re.findall(r"uses: (.*)", text)
    for line in lines:
        for script in re.findall(r"\.?ci/[\w./-]+", line):
            if not os.path.isfile(script):
                errors.append(f"{workflow} runs {script}, which is missing")
            elif not line.startswith("bash ") and not os.access(script, os.X_OK):
                errors.append(f"{workflow} runs {script}, which is not executable")
    for action in actions:
        if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+", action):
            errors.append(f"{workflow}: {action} is not pinned to a major version")
    if not lines:
        errors.append(f"{workflow} runs nothing")

links = 0
for page in [*pathlib.Path(".").glob("*.md"), *pathlib.Path("docs").rglob("*.md"), *pathlib.Path("examples").glob("*/*.md")]:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if "://" not in target and not target.startswith("mailto:"):
            links += 1
            if not (page.parent / target).exists():
                errors.append(f"{page}: nothing at {target}")
if errors:
    sys.exit("\n".join(errors))
print(f"ok: workflows and {links} links")
PY
if command -v shellcheck > /dev/null; then
  # nm=nm is no slip.
  shellcheck -e SC2209 ci/*.sh .ci/run warmgate kernels/src/main/cpp/build.sh plugin/src/main/cpp/build.sh \
    dist/src/main/assembly/*.sh
  echo "ok: scripts"
fi
