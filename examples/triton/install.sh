#!/usr/bin/env bash
# Puts the backend together from what `mvn package` built:
#
#   install.sh FOLDER     FOLDER/warmgate becomes what Triton wants below --backend-directory
set -euo pipefail

folder=${1:?usage: install.sh FOLDER}/warmgate
home=$(cd "$(dirname "$0")/../.." && pwd)
library=$home/plugin/target/classes/dev/warmgate/host/triton/linux-$(uname -m | sed 's/aarch64/arm64/')/libtriton_warmgate.so
jars=$home/examples/target

for needed in "$library" "$jars/warmgate-examples.jar" "$jars/lib"; do
  [[ -e $needed ]] || {
    echo "install: $needed is missing; run mvn -Pquick -pl examples -am -DskipTests package" >&2
    exit 1
  }
done
rm -rf "$folder"
mkdir -p "$folder/lib"
cp "$library" "$folder/"
cp "$jars"/lib/*.jar "$folder/lib/"
mv "$folder"/lib/warmgate-plugin-*.jar "$folder/warmgate.jar"
# The tokenizer that generation needs.
cp "$jars/warmgate-examples.jar" "$folder/lib/"
