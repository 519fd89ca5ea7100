#!/usr/bin/env bash
# Builds the entry points for native hosts, of one platform: libwarmgate (ONNX Runtime) into
# OUT/ort/PLATFORM, libtriton_warmgate (Triton) into OUT/triton/PLATFORM, unless they are there.
#
#   PLATFORM=linux-x86_64|linux-arm64 [PLATFORM_COMPILER=g++] bash build.sh OUT
#
# JavaCPP's Maven plugin sets both variables, and PLATFORM_INCLUDEPATH to the folders of jni.h.
# libwarmgate's name carries a hash of all that goes into it: JavaCPP caches unpacked libraries by
# name, and an old one must not come back. Triton prescribes the other's name.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: PLATFORM=linux-x86_64 build.sh OUT}
platform=${PLATFORM:?set PLATFORM to linux-x86_64 or linux-arm64}

fail() {
  echo "libwarmgate: $*" >&2
  exit 1
}

case $platform in
  linux-x86_64) machine=x86_64 cross=x86_64-linux-gnu-g++ package=g++-x86-64-linux-gnu ;;
  linux-arm64) machine=aarch64 cross=aarch64-linux-gnu-g++ package=g++-aarch64-linux-gnu ;;
  *) fail "unknown platform $platform (there are linux-x86_64 and linux-arm64)" ;;
esac
compiler=${PLATFORM_COMPILER:-g++}
if [[ $compiler == g++ && $(uname -m) != "$machine" ]]; then
  compiler=$cross
else
  package=g++
fi
command -v "$compiler" > /dev/null ||
  fail "the compiler $compiler is missing; install it (Debian: apt-get install $package)"

# JNI's header is the same on both platforms, and in every JDK since 10.
includes=()
IFS=: read -ra folders <<< "${PLATFORM_INCLUDEPATH:-}"
for folder in "${folders[@]}" "${JAVA_HOME:-}/include" /usr/lib/jvm/*/include; do
  if [[ -f $folder/jni.h && -d $folder/linux ]]; then
    includes=("-isystem" "$folder" "-isystem" "$folder/linux")
    break
  fi
done
[[ ${#includes[@]} -gt 0 ]] || fail "jni.h is missing; install a JDK, not only a JRE"

flags=(-std=c++17 -O2 -fPIC -fno-exceptions -fno-rtti -fvisibility=hidden -Wall -Wextra -Werror)
# Java calls back for as long as the process lives: dlclose must not unload the code.
# shellcheck disable=SC2054 # the commas are the linker options' own
link=(-shared -static-libgcc -static-libstdc++ -Wl,--as-needed -Wl,-z,nodelete -Wl,-z,noexecstack
  -Wl,-z,relro -Wl,-z,defs -ldl -pthread -s)

hash=$({
  "$compiler" --version | head -n 1
  echo "${flags[*]} ${link[*]}"
  cat "$here"/*.cpp "$here"/*.h "$here"/*.map
} | sha256sum | cut -c 1-12)

ort=$out/ort/$platform
triton=$out/triton/$platform
library=libwarmgate-$hash.so
backend=libtriton_warmgate.so
stamp="library=$library"
if [[ -f $ort/$library && -f $triton/$backend ]] &&
  grep -qsx "$stamp" "$ort/library.properties"; then
  exit 0
fi
mkdir -p "$ort" "$triton"
work=$(mktemp -d "$out/build.XXXXXX")
trap 'rm -rf "$work"' EXIT

# compile LIBRARY EXPORTS SOURCE: into the work folder.
compile() {
  "$compiler" "${flags[@]}" "${includes[@]}" "$here/$3" "$here/jvm.cpp" -o "$work/$1" \
    "-Wl,--version-script=$here/$2" "${link[@]}"
}
compile "$library" exports.map warmgate.cpp
compile "$backend" triton_exports.map triton_warmgate.cpp
rm -f "$ort"/libwarmgate-*.so
mv "$work/$library" "$ort/$library"
mv "$work/$backend" "$triton/$backend"
echo "$stamp" > "$ort/library.properties"
echo "libwarmgate: built $platform/$library and $backend with $("$compiler" --version | head -n 1)"
