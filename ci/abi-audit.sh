#!/usr/bin/env bash
# Compares what Java believes of ONNX Runtime's C structs with the C headers: the numbers of functions
# (OrtAbi.java, SessionAbi.java), the offsets and parameter counts of our callbacks, the sizes of the structs that we
# make, and the enum values (OrtApi.java). Our own kernels' header asserts its offsets itself, and
# AbiTest compares those with Java's.
#
# The headers are those of Debian's libonnxruntime-dev, 1.23, the oldest version that is served: later
# structs only grow at their end. ONNXRUNTIME_INCLUDE names another folder of headers.
set -euo pipefail
cd "$(dirname "$0")/.."

include=${ONNXRUNTIME_INCLUDE:-}
if [[ -z $include ]]; then
  include=$(ci/debian.sh sid "$(dpkg --print-architecture)" libonnxruntime-dev)/usr/include/onnxruntime
fi
mkdir -p target/abi
python3 - "$include" plugin/src/main/java/dev/warmgate/host/ort > target/abi/audit.cpp <<'PY'
import pathlib
import re
import sys

headers, java = map(pathlib.Path, sys.argv[1:])
identifiers = set()
for header in ("onnxruntime_c_api.h", "onnxruntime_ep_c_api.h"):
    identifiers |= set(re.findall(r"\b[A-Z]\w+", (headers / header).read_text()))
by_name = {identifier.replace("_", "").lower(): identifier for identifier in sorted(identifiers)}


def line(assertion, what):
    print(f'static_assert({assertion}, "{what}");')


print("""#include <onnxruntime_c_api.h>
#include <cstddef>
#include <type_traits>
template <typename R, typename... A> constexpr int arity(R (*)(A...)) { return sizeof...(A); }
template <typename R, typename... A> constexpr bool is_void(R (*)(A...)) { return std::is_void_v<R>; }
""")

struct = "OrtApi"
session = java.parent / "session" / "SessionAbi.java"
for text in session.read_text().splitlines() + (java / "OrtAbi.java").read_text().splitlines():
    if "// " in text:
        struct = re.search(r"\b(OrtApi|OrtEpApi|OrtNodeFusionOptions)\b", text)[1]
    constant = re.search(r"static final int (\w+) = (\d+);", text)
    if not constant:
        continue
    name, number = constant.groups()
    if struct == "OrtNodeFusionOptions":
        if name == "FUSION_BYTES":
            line(f"sizeof({struct}) == {number}", f"size of {struct}")
        else:
            member = name.removeprefix("FUSION_").lower()
            line(f"offsetof({struct}, {member}) == {number}", f"{struct}.{member}")
    else:
        plain = name.removeprefix("EP_") if struct == "OrtEpApi" else name
        member = by_name.get(plain.replace("_", "").lower(), f"no_member_is_named_{name}")
        line(f"offsetof({struct}, {member}) == {number} * sizeof(void*)", f"{struct}.{member}")

for file, struct in (("Ep", "OrtEp"), ("EpFactory", "OrtEpFactory"), ("NodeCompute", "OrtNodeComputeInfo"),
                     ("CustomOp", "OrtCustomOp")):
    source = (java / f"{file}.java").read_text()
    size = re.search(r"STRUCT_BYTES = (\d+);", source)[1]
    line(f"sizeof({struct}) <= {size}", f"{struct} doesn't fit into {file}.STRUCT_BYTES")
    callbacks = re.findall(r'callback\((\d+), "(\w+)", (\d+), (true|false)\)', source)
    if not callbacks:
        sys.exit(f"{file}.java has no callbacks")
    for offset, method, parameters, result in callbacks:
        member = method[0].upper() + method[1:]
        line(f"offsetof({struct}, {member}) == {offset}", f"{struct}.{member}")
        pointer = f"decltype({struct}::{member}){{}}"
        line(f"arity({pointer}) == {parameters}", f"parameters of {struct}.{member}")
        line(f"is_void({pointer}) != {result}", f"result of {struct}.{member}")

for file in ("OrtApi", "CustomOp"):
    for name, number, c_name in re.findall(
            r"static final int (\w+) = (\d+); // (\w+)\n", (java / f"{file}.java").read_text()):
        comparison = "<=" if c_name == "ORT_API_VERSION" else "=="
        line(f"{number} {comparison} {c_name}", f"{file}.{name}")
# CallbackStruct and the shim count on these.
for struct in ("OrtEp", "OrtEpFactory", "OrtNodeComputeInfo", "OrtNodeFusionOptions"):
    line(f"offsetof({struct}, ort_version_supported) == 0", f"{struct}.ort_version_supported")
line("offsetof(OrtCustomOp, version) == 0", "OrtCustomOp.version")
line("OrtMemTypeDefault == 0", "CustomOp.getInputMemoryType")
line("offsetof(OrtApiBase, GetApi) == 0", "OrtApiBase.GetApi")
line("OrtHardwareDeviceType_CPU == 0", "OrtApi.isCpu")
PY
g++ -std=c++17 -fsyntax-only -Wall -Wextra -Werror -isystem "$include" \
  target/abi/audit.cpp
echo "ok: $(grep -c static_assert target/abi/audit.cpp) facts of ONNX Runtime's C ABI hold in $include" |
  sed "s|$HOME|~|"
