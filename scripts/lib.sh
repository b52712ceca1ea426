# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Shared by scripts/*.sh and .ci/run: install what is missing, configure, build. Source it.
set -euo pipefail

# Where CDPATH is set, cd may go elsewhere and says where it went.
unset CDPATH
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
assume_yes=false  # set by --yes: install without asking
missing=()        # Debian packages found missing by need_*
wanted=()         # and by want_packages

say() { printf '%s\n' "$*" >&2; }
die() {
  say "error: $*"
  exit 1
}

# need_command COMMAND PACKAGE: a tool counts wherever it was installed from.
need_command() { command -v "$1" >/dev/null || missing+=("$2"); }

# need_packages PACKAGE...: libraries count as their package; without dpkg CMake finds or fetches them.
need_packages() { mapfile -t -O ${#missing[@]} missing < <(not_installed "$@"); }

# want_packages PACKAGE...: likewise, where the distribution has them.
want_packages() { mapfile -t -O ${#wanted[@]} wanted < <(not_installed "$@"); }

not_installed() {
  command -v dpkg-query >/dev/null || return 0
  local package
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) == *' installed' ]] || echo "$package"
  done
}

# at_least NAME FOUND LEAST HOW: dies with one line when version FOUND is older than LEAST. What has no
# version yet is not installed yet, and looked at again once it is.
at_least() {
  [[ -n $2 ]] || return 0
  [[ $(printf '%s\n' "$3" "$2" | sort -V | head -n 1) == "$3" ]] || die "$1 $2 is older than $3: $4"
}

# The first version number in what a command prints; nothing where there is no such command.
version_of() { "$@" 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1 || true; }

# Before anything is installed, and again after it.
check_versions() {
  at_least CMake "$(version_of cmake --version)" 3.25 \
    "python3 -m pip install cmake, or cmake.org/download"
  local compiler=${CXX:-g++}
  if [[ $("$compiler" --version 2>/dev/null) == *'Free Software Foundation'* ]]; then
    at_least "$compiler" "$(version_of "$compiler" -dumpfullversion)" 12 \
      "install g++-12 or newer, then export CXX=g++-12"
  fi
  at_least Python "$(version_of python3 --version)" 3.9 "install a newer python3"
}

need_for_build() {
  need_command g++ g++
  need_command cmake cmake
  need_command ninja ninja-build
  need_command git git
  need_packages ca-certificates libbenchmark-dev libcli11-dev nlohmann-json3-dev libhwy-dev libgtest-dev
}

# Install everything collected in `missing` and `wanted`; ask first when that takes sudo and a person
# is there.
install_missing() {
  ((${#missing[@]} + ${#wanted[@]})) || return 0
  if ! command -v apt-get >/dev/null; then
    say "Not Debian or Ubuntu: please install the likes of ${missing[*]}. Going on without."
    missing=()
    return 0
  fi
  local as_root=(env)
  if ((EUID != 0)); then
    command -v sudo >/dev/null || die "missing packages; as root: apt-get install ${missing[*]}"
    if [[ ${CI:-} != true && $assume_yes != true ]]; then
      [[ -t 0 ]] || die "missing packages; use --yes or: sudo apt-get install ${missing[*]}"
      local answer
      read -r -p "Install with sudo apt-get: ${missing[*]} ${wanted[*]}? [y/N] " answer
      [[ $answer == [yY]* ]] || die "nothing installed; needed: ${missing[*]}"
    fi
    as_root=(sudo env)
  fi
  "${as_root[@]}" apt-get update -qq || say "warning: some package lists could not be updated"
  local package
  for package in "${wanted[@]}"; do
    if [[ -n $(apt-cache show "$package" 2>/dev/null) ]]; then
      missing+=("$package")
    else
      say "No package $package here: tests that need it are skipped."
    fi
  done
  wanted=()
  ((${#missing[@]})) || return 0
  say "Installing ${missing[*]}"
  "${as_root[@]}" DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  missing=()
}

# configure PRESET
configure() {
  local log=$root/build/$1-configure.log
  if [[ -z ${CMAKE_GENERATOR:-} ]] && command -v ninja >/dev/null; then
    export CMAKE_GENERATOR=Ninja
  fi
  mkdir -p "$root/build"
  (cd "$root" && cmake --preset "$1") >"$log" 2>&1 || {
    cat "$log" >&2
    die "configuring failed; the log above is $log"
  }
  grep -- '-- GPU part:' "$log" >&2
}

# build PRESET [TARGET...]: all of it, or these targets.
build() {
  configure "$1"
  compile "$@"
}

compile() {
  local preset=$1
  shift
  (cd "$root" && cmake --build --preset "$preset" --parallel "$(nproc)" ${1:+--target "$@"}) >&2
}

# run_ctest PRESET [CTEST_ARGUMENT...]
run_ctest() {
  local preset=$1
  shift
  (cd "$root" && ctest --preset "$preset" --no-tests=error --parallel "$(nproc)" "$@")
}

# stand_in_for_cublaslt COMPILER FILE: a library with the functions of cuBLASLt that bench/cuda names,
# and their version: what is linked with it is the program that would be linked with NVIDIA's 630 MB,
# and starts with either.
stand_in_for_cublaslt() {
  local name version=libcublasLt.so.13
  grep -ohwE 'cublasLt[A-Z][A-Za-z]+' "$root"/bench/cuda/*.cpp | sort -u | while read -r name; do
    echo "extern \"C\" void $name() { __builtin_trap(); }"
  done | "$1" -shared -fPIC -nostdlib -x c++ - -o "$2" -Wl,-soname,$version \
    -Wl,--version-script,<(echo "$version { global: *; };")
}
