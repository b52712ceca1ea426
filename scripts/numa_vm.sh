#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Run the program on an emulated machine of several NUMA nodes: a real kernel, no privileges.
# shellcheck source=scripts/lib.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

usage() {
  cat <<'TEXT'
usage: scripts/numa_vm.sh [--yes] [--program FILE] [--kernel FILE]

Boots Debian's kernel under qemu-system-x86_64, without KVM, on a machine of four NUMA nodes: two with
CPUs and memory, one of memory alone, one of a CPU alone. There it runs every line of
tests/numa/checks.txt. Exit code 0: each came to what the line says.

  --program FILE  the program (default build/release/offload_bench)
  --kernel FILE   a kernel for x86-64 with NUMA (default Debian's linux-image-cloud-amd64)
TEXT
}

program=$root/build/release/offload_bench
kernel=
while (($#)); do
  case $1 in
    --yes) assume_yes=true ;;
    --program)
      program=${2:?--program needs a file}
      shift
      ;;
    --kernel)
      kernel=${2:?--kernel needs a file}
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) die "unknown argument: $1; see --help" ;;
  esac
  shift
done

machine=$root/build/numa-vm
files=$machine/files

# Unpacked, not installed: this machine keeps the kernel it has.
fetch_kernel() {
  local package
  package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: //p')
  kernel=$machine/${package:?apt knows no package linux-image-cloud-amd64: use --kernel}
  [[ -f $kernel ]] && return
  rm -rf "$machine/kernel"
  mkdir -p "$machine/kernel"
  (cd "$machine/kernel" && apt-get download -qq -o APT::Sandbox::User= "$package")
  dpkg-deb --extract "$machine"/kernel/*.deb "$machine/kernel"
  mv "$machine"/kernel/boot/vmlinuz-* "$kernel"
  rm -r "$machine/kernel"
}

# The program and its libraries, where it looks for them. cuBLASLt is large, and nothing calls it where
# there is no GPU.
lay_out_program() {
  mkdir -p "$files"/{bin,proc,sys,dev,tmp}
  cp "$(command -v busybox)" "$program" "$files/bin/"
  local library
  ldd "$program" | grep -oE '/[^ ]+' | while read -r library; do
    mkdir -p "$files/$(dirname "$library")"
    if [[ $library == */libcublasLt.so* ]]; then
      stand_in_for_cublaslt g++ "$files/$library"
    else
      cp -L "$library" "$files/$library"
    fi
  done
}

boot() {
  timeout 600 qemu-system-x86_64 -accel tcg,thread=multi -machine q35 -cpu max -smp 4 -m 1792M \
    -nodefaults -display none -no-reboot -serial stdio \
    -object memory-backend-ram,id=m0,size=768M -numa node,nodeid=0,cpus=0-1,memdev=m0 \
    -object memory-backend-ram,id=m1,size=512M -numa node,nodeid=1,cpus=2,memdev=m1 \
    -numa node,nodeid=2,cpus=3 \
    -object memory-backend-ram,id=m3,size=512M -numa node,nodeid=3,memdev=m3 \
    -numa dist,src=0,dst=1,val=40 -numa dist,src=0,dst=2,val=20 -numa dist,src=0,dst=3,val=80 \
    -numa dist,src=1,dst=2,val=40 -numa dist,src=1,dst=3,val=120 -numa dist,src=2,dst=3,val=80 \
    -kernel "$kernel" -initrd "$machine/files.cpio" -append "console=ttyS0 panic=-1 quiet" </dev/null
}

need_command g++ g++
need_command busybox busybox-static
need_command qemu-system-x86_64 qemu-system-x86
install_missing
[[ -x $program ]] || die "no program $program: build it, or use --program"

rm -rf "$files"
mkdir -p "$files"
[[ -n $kernel ]] || fetch_kernel
lay_out_program
cp "$root/tests/numa/checks.txt" "$files/"
cp "$root/tests/numa/init.sh" "$files/init"
(cd "$files" && find . | busybox cpio -o -H newc 2>/dev/null) >"$machine/files.cpio"
boot | tr -d '\r' | tee "$machine/console.log" || true  # the last line tells
grep -qE '^checks: [1-9][0-9]* run, 0 failed$' "$machine/console.log" ||
  die "not every check of tests/numa/checks.txt passed; the machine's console is $machine/console.log"
