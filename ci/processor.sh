# shellcheck shell=bash
# Sourced: whether this processor has all of some features, by the names that Linux has for them.
processor_features=" $(grep -m 1 -E '^(flags|Features)' /proc/cpuinfo) "
has() {
  local feature
  for feature in "$@"; do [[ $processor_features == *" $feature "* ]] || return 1; done
}
