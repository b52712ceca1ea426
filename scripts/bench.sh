#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Install what is missing (Debian, Ubuntu), build, run the quick suite and print its summary.
# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
  cat <<'TEXT'
usage: scripts/bench.sh [--yes] [offload_bench options...]

Installs what is missing (asks before it uses sudo; --yes or CI=true: does not ask), builds
build/release/offload_bench and runs it. Without options that is the quick suite. Results go to
build/results/ unless --output says otherwise; the last line tells the command that makes a page for
a browser of them. All options but --yes are offload_bench's:
  scripts/bench.sh --list
  scripts/bench.sh --suite full --output full.json
TEXT
}

# near PATH: as short as it can be said from here.
near() { printf '%s' "${1#"$PWD"/}"; }

arguments=()
wants_output=true
output=  # "" until --output says so
while (($#)); do
  case $1 in
    --yes) assume_yes=true ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) arguments+=("$1") ;;
  esac
  case $1 in
    --output) output=${2:--} ;;
    --output=*) output=${1#--output=} ;;
    --list | --dry-run | --print-platform | --version) wants_output=false ;;
  esac
  shift
done

need_for_build
install_missing
build release
if [[ $wants_output == true && -z $output ]]; then
  mkdir -p "$root/build/results"
  output=$root/build/results/$(date -u +%Y%m%dT%H%M%SZ).json
  arguments+=(--output "$output")
  say "Results: $output"
fi
status=0
"$root/build/release/offload_bench" "${arguments[@]}" || status=$?
# Usage errors (2) and runs of nothing (3) have written no results.
if [[ $wants_output == true && $output != - && -f $output && $status != [23] ]]; then
  say "As one page for a browser:"
  say "  $(printf 'python3 %q %q' "$(near "$root/scripts/report.py")" "$(near "$output")")" \
    "--output report.html"
fi
exit $status
