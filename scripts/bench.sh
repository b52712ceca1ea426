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
build/results/ unless --output says otherwise. All options but --yes are offload_bench's:
  scripts/bench.sh --list
  scripts/bench.sh --suite full --output full.json
TEXT
}

arguments=()
wants_output=true
for argument in "$@"; do
  case $argument in
    --yes) assume_yes=true ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      arguments+=("$argument")
      case $argument in
        --output | --output=* | --list | --dry-run | --print-platform | --version) wants_output=false ;;
      esac
      ;;
  esac
done

need_for_build
install_missing
build release
if [[ $wants_output == true ]]; then
  mkdir -p "$root/build/results"
  output=$root/build/results/$(date -u +%Y%m%dT%H%M%SZ).json
  arguments+=(--output "$output")
  say "Results: $output"
fi
exec "$root/build/release/offload_bench" "${arguments[@]}"
