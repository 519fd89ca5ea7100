#!/usr/bin/env bash
# Puts the example model into the repository beside this script, as its version 1.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
version=$here/repository/warmgate-kjv/1
mkdir -p "$version"
ln -sf "$here"/../model/warmgate-kjv/* "$version/"
