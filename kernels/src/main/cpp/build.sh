#!/usr/bin/env bash
# Builds the kernel library of one platform into OUT/PLATFORM, unless it is there already.
#
#   PLATFORM=linux-x86_64|linux-arm64 [PLATFORM_COMPILER=g++] bash build.sh OUT
#
# JavaCPP's Maven plugin sets both variables. The library's name carries a hash of all that goes into
# it: JavaCPP caches unpacked libraries by name, and an old one must not come back.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: PLATFORM=linux-x86_64 build.sh OUT}
platform=${PLATFORM:?set PLATFORM to linux-x86_64 or linux-arm64}

fail() {
  echo "kernels: $*" >&2
  exit 1
}

common="-std=c++17 -O3 -fno-exceptions -fno-rtti -fvisibility=hidden -fPIC -ffp-contract=off
  -fno-math-errno -Wall -Wextra -Werror"

# One entry a file: the file, and the instruction sets that the compiler may use in it. caps.cpp asks
# the machine for each of them.
declare -A arch
case $platform in
  linux-x86_64)
    machine=x86_64
    cross=x86_64-linux-gnu-g++
    avx2="-march=x86-64 -mtune=generic -mavx2 -mfma -mf16c -mbmi -mbmi2 -mlzcnt -mpopcnt"
    arch[caps.cpp]="-march=x86-64 -mtune=generic"
    arch[avx2/kernels.cpp]="$avx2"
    arch[avx2/vnni.cpp]="$avx2 -mavxvnni"
    # GCC 12 calls its own AVX-512 header's deliberately undefined registers uninitialised.
    avx512="$avx2 -mavx512f -mavx512bw -mavx512dq -mavx512vl -Wno-uninitialized
      -Wno-maybe-uninitialized"
    arch[avx512/kernels.cpp]="$avx512"
    arch[avx512/vnni.cpp]="$avx512 -mavx512vnni"
    ;;
  linux-arm64)
    machine=aarch64
    cross=aarch64-linux-gnu-g++
    arch[caps.cpp]="-march=armv8-a"
    arch[neon/kernels.cpp]="-march=armv8-a"
    arch[neon/dotprod.cpp]="-march=armv8.2-a+dotprod"
    ;;
  *) fail "no kernels for platform $platform (there are linux-x86_64 and linux-arm64)" ;;
esac
files=$(printf '%s\n' "${!arch[@]}" | LC_ALL=C sort)

compiler=${PLATFORM_COMPILER:-g++}
package=g++
if [[ $compiler == g++ && $(uname -m) != "$machine" ]]; then
  compiler=$cross
  package=${cross%%-*}
  package="g++-${package/x86_64/x86-64}-linux-gnu"
fi
command -v "$compiler" > /dev/null ||
  fail "the compiler $compiler is missing; install it (Debian: apt-get install $package)"
# Beside the compiler: aarch64-linux-gnu-g++ has aarch64-linux-gnu-nm.
nm=${compiler%g++*}nm
command -v "$nm" > /dev/null || nm=nm

hash=$({
  "$compiler" --version | head -n 1
  echo "$common"
  for file in $files; do echo "$file ${arch[$file]}"; done
  cd "$here"
  find . -type f | LC_ALL=C sort | while read -r file; do echo "$file" && cat "$file"; done
} | sha256sum | cut -c 1-12)

folder=$out/$platform
library=libwarmgate_kernels-$hash.so
index=$folder/warmgate_kernels.properties
if [[ -f $folder/$library && -f $index ]]; then
  exit 0
fi

mkdir -p "$folder"
work=$(mktemp -d "$folder/build.XXXXXX")
trap 'rm -rf "$work"' EXIT

# All files at once: there are few, and each takes long.
objects=()
jobs=()
for file in $files; do
  object=$work/${file//\//-}.o
  # shellcheck disable=SC2086 # flags are words
  "$compiler" $common ${arch[$file]} -c "$here/$file" -o "$object" &
  jobs+=($!)
  objects+=("$object")
done
for job in "${jobs[@]}"; do
  wait "$job" || fail "compiling failed, see above"
done

# A weak symbol is one that the linker may take from another file, compiled for another processor.
weak=$("$nm" "${objects[@]}" | awk 'NF > 1 && $(NF-1) ~ /^[WVu]$/ { print $NF }')
[[ -z $weak ]] || fail "symbols that the tiers would share: $weak"

"$compiler" -shared -static-libgcc -Wl,--as-needed -Wl,-z,noexecstack -Wl,-z,relro -Wl,-z,defs \
  -Wl,--version-script="$here/exports.map" -s -o "$work/$library" "${objects[@]}"

# What is exported is what the header declares for this platform's tiers, and no more.
expected=$({
  echo wg_abi
  echo wg_kernel_caps
  for file in $files; do
    tier=${file%%/*} variant=$(basename "$file" .cpp)
    case $variant in
      caps) ;;
      kernels)
        printf "wg_${tier}_%s\n" topk gate_weights route route_extras decay widen narrow \
          ffn_up ffn_down ffn_combine
        ;;
      *) printf "wg_${tier}_${variant}_%s\n" ffn_up ffn_down ;;
    esac
  done
} | LC_ALL=C sort)
exported=$("$nm" -D --defined-only "$work/$library" | awk '{ print $NF }' | LC_ALL=C sort)
[[ $exported == "$expected" ]] ||
  fail "exports differ from the list: $(diff <(echo "$expected") <(echo "$exported") | tr '\n' ' ')"

rm -f "$folder"/libwarmgate_kernels-*.so
mv "$work/$library" "$folder/$library"
echo "library=$library" > "$index"
echo "kernels: built $platform/$library with $("$compiler" --version | head -n 1)"
