#!/usr/bin/env bash
# Unpacks Debian packages of another suite or architecture into a cached folder, and prints the folder.
# Nothing is installed and nobody need be root.
#
#   ci/debian.sh SUITE ARCHITECTURE PACKAGE...         these packages
#   ci/debian.sh --closed SUITE ARCHITECTURE PACKAGE...  with all that they depend on
#
# apt does it, with lists and a package state of its own: it checks the archive's signature and each
# package's SHA-256 of the suite's index. The archive is the one that apt is configured for on this
# machine, or WARMGATE_DEBIAN_ARCHIVE. All is kept in warmgate's folder under XDG_CACHE_HOME (or
# ~/.cache), and taken from there the next time; WARMGATE_REFRESH=1 looks for newer packages.
set -euo pipefail

fail() {
  echo "debian.sh: $*" >&2
  exit 1
}

closed=false
if [[ ${1:-} == --closed ]]; then
  closed=true
  shift
fi
[[ $# -ge 3 ]] || fail "usage: ci/debian.sh [--closed] SUITE ARCHITECTURE PACKAGE..."
suite=$1 architecture=$2
shift 2

cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/warmgate
name=$suite-$architecture-$(echo "$closed $*" | sha256sum | cut -c 1-12)
folder=$cache/$name
if [[ -d $folder && -z ${WARMGATE_REFRESH:-} ]]; then
  echo "$folder"
  exit 0
fi
mkdir -p "$cache"
exec 9> "$cache/$name.lock"
flock 9
if [[ -d $folder && -z ${WARMGATE_REFRESH:-} ]]; then
  echo "$folder"
  exit 0
fi

archive=${WARMGATE_DEBIAN_ARCHIVE:-}
if [[ -z $archive ]]; then
  # shellcheck disable=SC2016 # apt's own variable
  archive=$(apt-get indextargets --no-release-info --format '$(REPO_URI)' 2> /dev/null |
    grep -E '/debian/?$' | sort -u | head -n 1) || true
fi
[[ -n $archive ]] ||
  fail "apt is configured for no Debian archive; run this on Debian, or set WARMGATE_DEBIAN_ARCHIVE"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[[ -r $keyring ]] || keyring=/usr/share/keyrings/debian-archive-keyring.pgp
[[ -r $keyring ]] || fail "the archive's keys are missing; install debian-archive-keyring"

work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{lists/partial,archives/partial,empty,unpacked}
: > "$work/status"
echo "deb [signed-by=$keyring] $archive $suite main" > "$work/sources.list"
# An old index is no reason to stop: the packages have the sums that it names.
options=(-qq -y -o Debug::NoLocking=true -o APT::Architecture="$architecture"
  -o APT::Architectures::="$architecture" -o APT::Install-Recommends=false
  -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none -o Acquire::Check-Valid-Until=false
  -o Dir::State="$work" -o Dir::State::status="$work/status" -o Dir::State::lists="$work/lists"
  -o Dir::Cache="$work" -o Dir::Cache::archives="$work/archives"
  -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts="$work/empty"
  -o Dir::Etc::preferencesparts="$work/empty")
apt-get "${options[@]}" update >&2
if $closed; then
  apt-get "${options[@]}" --download-only install "$@" >&2
else
  (cd "$work/archives" && apt-get "${options[@]}" download "$@" >&2)
fi
# The links of a merged /usr, which an installed system gets otherwise.
for merged in bin sbin lib lib64; do
  mkdir -p "$work/unpacked/usr/$merged"
  ln -s "usr/$merged" "$work/unpacked/$merged"
done
for package in "$work"/archives/*.deb; do
  dpkg-deb -x "$package" "$work/unpacked"
done
(cd "$work/archives" && ls -- *.deb) > "$work/unpacked/.packages"
# Links mean what is in this folder, also to those who don't see it as their root.
find "$work/unpacked" -type l -lname '/*' -printf '%p\t%l\n' | while IFS=$'\t' read -r link target; do
  ln -sfnr "$work/unpacked$target" "$link"
done
rm -rf "$folder"
mv "$work/unpacked" "$folder"
echo "$folder"
