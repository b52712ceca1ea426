#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lay out what the preset aarch64 cross-compiles with, build it and run the CPU tests under emulation.
# shellcheck source=scripts/lib.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

usage() {
  cat <<'TEXT'
usage: scripts/aarch64.sh [--yes] [--quick] [--real-cublas] [--layout-only]

On Debian for x86-64: cross-compiles everything, CUDA included, for Arm servers (Grace Hopper, Grace
Blackwell, DGX Spark), and runs the tests that need no GPU under qemu-user, on pages of 4 KiB and of
64 KiB. build/aarch64-root holds the headers and libraries for Arm: Debian's, and NVIDIA's from PyPI by
pinned hashes.

  --quick        what .ci/run does: for Grace Hopper alone, with -O1, the program and the tests of what
                 differs between machines (CPU kernels, threads, memory, what the kernel tells)
  --real-cublas  link with NVIDIA's cuBLASLt (543 MB), not with a stand-in that has its symbols
  --layout-only  stop before building: for cmake --preset aarch64 by hand
TEXT
}

# Tests that fail for the emulator's sake: the first starts itself again, for which the kernel would have to
# know the emulator; the others take time for granted.
not_emulated="HostWorkersDeathTest.*:HostWorkers.WhoIsAwayBetweenTasksHoldsUpNobody"
not_emulated+=":LoopOnTheCpu.TakesTheMeanOfASamplesPasses"
# On large pages it opens no pseudo-terminal, and counts memory in the pages of the machine below.
not_on_large_pages="ProgressTest.*:HostAllocators.MallocTakesWhatIsAskedAndGivesItBack"

preset=aarch64
tests=offload_tests
targets=()
real_cublas=false
layout_only=false
for argument in "$@"; do
  case $argument in
    --yes) assume_yes=true ;;
    --quick)
      preset=aarch64-quick
      tests=offload_machine_tests
      targets=(offload_bench "$tests")
      # What knows nothing of pages and takes long.
      not_on_large_pages+=":Gemm.*:Experts.*:ExpertGather.*:MakeChain.*:FillRandom.*:Reference*"
      ;;
    --real-cublas) real_cublas=true ;;
    --layout-only) layout_only=true ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) die "unknown argument: $argument; see --help" ;;
  esac
done

recipe=$root/cmake/aarch64
arm=${OFFLOAD_AARCH64:-$root/build/aarch64-root}
target=$arm/toolkit/targets/aarch64-linux

# wheels REQUIREMENTS DIRECTORY PLATFORM...: verifies every hash; nothing is installed on this machine.
wheels() {
  local requirements=$1 directory=$2
  shift 2
  python3 -m pip install --quiet --root-user-action=ignore --no-deps --only-binary=:all: \
    --require-hashes --no-compile "${@/#/--platform=}" --target "$directory" --requirement "$requirements"
}

# Packages of arm64, unpacked beside this machine's own: dpkg knows nothing of them.
lay_out_sysroot() {
  local apt=$arm/apt
  mkdir -p "$apt"/{lists/partial,archives/partial}
  : >"$apt/status"
  local options=(-qq -o APT::Architecture=arm64 -o APT::Architectures=arm64
    -o Dir::State::status="$apt/status" -o Dir::State::lists="$apt/lists"
    -o Dir::Cache::archives="$apt/archives" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
    -o APT::Sandbox::User= -o Debug::NoLocking=1)
  apt-get "${options[@]}" update ||
    die "apt finds no packages of arm64 (Ubuntu keeps them elsewhere): run this in a debian:12 container"
  apt-get "${options[@]}" install -y --no-install-recommends --download-only libc6 libstdc++6 \
    libbenchmark-dev libcli11-dev nlohmann-json3-dev libhwy-dev libgtest-dev
  local package
  for package in "$apt"/archives/*.deb; do
    dpkg-deb --extract "$package" "$arm/sysroot"
  done
  [[ -e $arm/sysroot/lib ]] || ln -s usr/lib "$arm/sysroot/lib"
  rm -r "$apt"
}

# nvcc looks for headers and libraries beside its own folder: ../targets/<what it compiles for>.
lay_out_toolkit() {
  local host=$arm/host
  local nvcc
  nvcc=$(command -v nvcc || command -v /usr/local/cuda/bin/nvcc || true)
  if [[ -n $nvcc && $("$nvcc" --version) == *"release 13.0,"* ]]; then
    # Asked, because the nvcc on PATH may be a script or a link that starts the one of the toolkit.
    host=$(readlink -f "$("$nvcc" --dryrun -x cu /dev/null 2>&1 | sed -n 's/^#\$ TOP=//p')")
  else
    wheels "$recipe/requirements-nvcc.txt" "$host.wheels" manylinux2014_x86_64 manylinux2010_x86_64
    mv "$host.wheels/nvidia/cu13" "$host"
    rm -r "$host.wheels"
  fi
  mkdir -p "$arm/toolkit/bin" "$arm/toolkit/targets"
  ln -sf "$host"/bin/* "$arm/toolkit/bin/"
  ln -sfn "$host/nvvm" "$arm/toolkit/nvvm"

  local packages=("$recipe/requirements-cuda.txt")
  $real_cublas && packages+=("$recipe/requirements-cublas.txt")
  cat "${packages[@]}" >"$arm/requirements.txt"
  wheels "$arm/requirements.txt" "$arm/wheels" manylinux_2_27_aarch64 manylinux_2_25_aarch64 \
    manylinux2014_aarch64
  mv "$arm/wheels/nvidia/cu13" "$target"
  rm -r "$arm/wheels"
  ln -sf "$host/include/fatbinary_section.h" "$target/include/"
  # Only the toolkit has them. Without them the GPU part is built without cuBLASLt.
  $real_cublas || cp "$host"/include/cublas{,_v2,_api,Lt}.h "$target/include/" 2>/dev/null ||
    say "no headers of cuBLAS in $host: built without it; --real-cublas fetches both"
  # Wheels have no libX.so.
  local library
  for library in "$target"/lib/lib*.so.*; do
    ln -sf "$(basename "$library")" "${library%.so.*}.so"
  done
}

# As Neoverse V2, the CPU of Grace: vectors of 128 bits.
emulate() {
  QEMU_LD_PREFIX=$arm/sysroot QEMU_CPU=max,sve-default-vector-length=16 "$@"
}

# run_tests PAGE_BYTES EXCLUDED
run_tests() {
  local shards=8
  say "Tests on pages of $1 bytes"
  seq 0 $((shards - 1)) | GTEST_TOTAL_SHARDS=$shards QEMU_PAGESIZE=$1 emulate \
    xargs -P "$(nproc)" -I '{}' env GTEST_SHARD_INDEX='{}' \
    "$qemu" "$build/tests/$tests" --gtest_brief=1 --gtest_filter="-$2"
}

# Nothing of what follows would notice an emulator of another CPU, or a program that does not start.
check_program() {
  local listed
  emulate "$qemu" "$build/offload_bench" --version
  listed=$(emulate "$qemu" "$build/offload_bench" list)
  [[ $listed == *host_compute* ]] || die "offload_bench list, emulated, does not name host_compute"
  listed=$(emulate "$qemu" "$build/tests/$tests" --gtest_list_tests)
  [[ $listed == *SVE2_128* ]] || die "the emulated CPU has no SVE2 of 128 bits, as Grace has"
}

need_for_build
need_command aarch64-linux-gnu-g++ g++-aarch64-linux-gnu
command -v qemu-aarch64-static >/dev/null || need_command qemu-aarch64 qemu-user
python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
install_missing

# Made anew whenever the recipe changes.
stamp=$arm/made-by
made_by="$real_cublas $(cat "${BASH_SOURCE[0]}" "$recipe"/* | sha256sum)"
if [[ ! -f $stamp || $(<"$stamp") != "$made_by" ]]; then
  rm -rf "$arm"
  mkdir -p "$arm"
  lay_out_sysroot
  lay_out_toolkit
  echo "$made_by" >"$stamp"
fi
# Every time: the sources may have come to name another of its functions.
if [[ $real_cublas == false && -f $target/include/cublasLt.h ]]; then
  stand_in_for_cublaslt aarch64-linux-gnu-g++ "$target/lib/libcublasLt.so.13"
  ln -sf libcublasLt.so.13 "$target/lib/libcublasLt.so"
fi
$layout_only && exit

export OFFLOAD_AARCH64=$arm
build "$preset" "${targets[@]}"

build=$root/build/$preset
qemu=$(command -v qemu-aarch64 || command -v qemu-aarch64-static)
check_program
status=0
run_tests 4096 "$not_emulated" || status=1
run_tests 65536 "$not_emulated:$not_on_large_pages" || status=1
exit $status
