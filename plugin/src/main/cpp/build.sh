#!/usr/bin/env bash
# Builds libwarmgate of one platform into OUT/PLATFORM, unless it is there already.
#
#   PLATFORM=linux-x86_64|linux-arm64 [PLATFORM_COMPILER=g++] bash build.sh OUT
#
# JavaCPP's Maven plugin sets both variables, and PLATFORM_INCLUDEPATH to the folders of jni.h. The
# library's name carries a hash of all that goes into it: JavaCPP caches unpacked libraries by name,
# and an old one must not come back.
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
  -Wl,-z,relro -Wl,-z,defs "-Wl,--version-script=$here/exports.map" -ldl -pthread -s)

hash=$({
  "$compiler" --version | head -n 1
  echo "${flags[*]} ${link[*]##*/}"
  cat "$here"/*.cpp "$here"/exports.map
} | sha256sum | cut -c 1-12)

folder=$out/$platform
library=libwarmgate-$hash.so
if [[ -f $folder/$library && -f $folder/library.properties ]]; then
  exit 0
fi
mkdir -p "$folder"
work=$(mktemp -d "$folder/build.XXXXXX")
trap 'rm -rf "$work"' EXIT
"$compiler" "${flags[@]}" "${includes[@]}" "$here/warmgate.cpp" -o "$work/$library" "${link[@]}"
rm -f "$folder"/libwarmgate-*.so
mv "$work/$library" "$folder/$library"
echo "library=$library" > "$folder/library.properties"
echo "libwarmgate: built $platform/$library with $("$compiler" --version | head -n 1)"
