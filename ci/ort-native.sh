#!/usr/bin/env bash
# Unpacks ONNX Runtime's C library for this machine from its Java archive: ort-native.sh JAR FOLDER
set -euo pipefail

jar=$1 folder=$2
mkdir -p "$folder"
unzip -qoj "$jar" "ai/onnxruntime/native/linux-$(uname -m | sed 's/x86_64/x64/')/libonnxruntime.so" -d "$folder"
# The name that programs linked with it look for.
ln -sf libonnxruntime.so "$folder/libonnxruntime.so.1"
