#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Install what is missing (Debian, Ubuntu), build the program, run the quick suite, print its summary.
# shellcheck source=scripts/lib.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

usage() {
  cat <<'TEXT'
usage: scripts/bench.sh [--yes] [offload_bench arguments...]

Installs what is missing (asks before it uses sudo; --yes or CI=true: does not ask), builds
build/release/offload_bench and runs it. Without arguments that is the quick suite. Results go to
build/results/ unless --output says otherwise; the last line is the command that makes a page for a
browser of them. All arguments but --yes are offload_bench's:
  scripts/bench.sh list
  scripts/bench.sh --suite full --output full.json
TEXT
}

program=$root/build/release/offload_bench

# up_to_date: the program is there, and nothing that it is made of is newer.
up_to_date() {
  [[ -x $program ]] || return 1
  [[ -z $(cd "$root" && find CMakeLists.txt CMakePresets.json cmake include kernels bench \
    -newer "$program" -print -quit) ]]
}

# How long the first build will take, in words: a source file takes that many seconds of one CPU, one of
# CUDA for every architecture.
build_time() {
  local cxx=2 cuda=12 commands seconds
  [[ ! -x $program && -f $root/build/release/build.ninja ]] || return 0
  commands=$(ninja -C "$root/build/release" -t commands offload_bench)
  seconds=$(($(grep -cE ' -c [^ ]*[.](cpp|cc)$' <<<"$commands") * cxx +
    $(grep -cE ' -c [^ ]*[.]cu ' <<<"$commands") * cuda))
  printf ' (about %d min)' $(((seconds / $(nproc) + 59) / 60))
}

# near PATH: as short as it can be said from here.
near() { printf '%s' "${1#"$PWD"/}"; }

arguments=()
measures=true  # a run that writes results
only_shows=false
output=  # "" until --output says so
while (($#)); do
  case $1 in
    --yes) assume_yes=true ;;
    *) arguments+=("$1") ;;
  esac
  case $1 in
    --output) output=${2:--} ;;
    --output=*) output=${1#--output=} ;;
    -h | --help) only_shows=help ;;
    list | platform | --version) only_shows=true ;;
    plan) measures=false ;;
  esac
  shift
done

if [[ $only_shows == help && ${#arguments[@]} == 1 ]]; then
  usage
fi
if [[ $only_shows != false ]]; then
  measures=false
  if up_to_date; then
    exec "$program" "${arguments[@]}"
  elif [[ $only_shows == help ]]; then
    say "offload_bench's own help comes with the program, which is not built yet."
    exit 0
  fi
fi

check_versions
need_for_build
say "1/3 install: ${missing[*]:-nothing missing}"
install_missing
check_versions
configure release
say "2/3 build$(build_time)"
compile release offload_bench
if [[ $measures == true && -z $output ]]; then
  mkdir -p "$root/build/results"
  output=$root/build/results/$(date -u +%Y%m%dT%H%M%SZ).json
  arguments+=(--output "$output")
fi
if [[ $measures == true ]]; then
  say "3/3 measure; results go to $(near "$output")"
else
  say "3/3 ${arguments[0]}"
fi
status=0
"$program" "${arguments[@]}" || status=$?
# Usage errors (2) and runs of nothing (3) have written no results.
if [[ $measures == true && -f $output && $status != [23] ]]; then
  say "As one page for a browser:"
  say "  $(printf 'python3 %q report %q' "$(near "$root/scripts/offload-results")" "$(near "$output")")" \
    "--output report.html"
fi
exit $status
