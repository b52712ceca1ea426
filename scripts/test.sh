#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Install what is missing (Debian, Ubuntu), build and run all tests.
# shellcheck source=scripts/lib.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

usage() {
  cat <<'TEXT'
usage: scripts/test.sh [--yes] [--preset NAME] [ctest options...]

Installs what is missing (asks before it uses sudo; --yes or CI=true: does not ask), builds a preset
(release: what scripts/bench.sh has built of it is not built again) and runs every test. Tests of the
GPU are skipped, visibly, where there is none.
TEXT
}

arguments=()
preset=release
while (($#)); do
  case $1 in
    --yes) assume_yes=true ;;
    --preset)
      preset=${2:?--preset needs a name}
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) arguments+=("$1") ;;
  esac
  shift
done

shopt -s nullglob
python_tests=("$root"/tests/scripts/*_test.py)
check_versions
need_for_build
if ((${#python_tests[@]})); then
  need_packages python3-pytest python3-pytest-xdist python3-jsonschema python3-matplotlib \
    python3-numpy python3-scipy python3-jinja2
  want_packages chromium chromium-driver python3-selenium  # the report, in a browser
  want_packages mandoc zsh fish  # the manual page, and completions by their own shells
fi
install_missing
check_versions
build "$preset"

status=0
run_ctest "$preset" "${arguments[@]}" || status=1
if ((${#python_tests[@]})); then
  # Debian's own interpreter: the one that sees Debian's packages.
  python=python3
  if [[ -x /usr/bin/python3 ]]; then
    python=/usr/bin/python3
  fi
  side_by_side=()
  if "$python" -c 'import xdist' 2>/dev/null; then
    side_by_side=(-n auto --dist loadfile)
  fi
  OFFLOAD_BENCH=$root/build/$preset/offload_bench PYTHONDONTWRITEBYTECODE=1 \
    "$python" -m pytest -q -p no:cacheprovider "${side_by_side[@]}" "${python_tests[@]}" || status=1
fi
exit $status
