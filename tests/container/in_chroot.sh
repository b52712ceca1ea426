#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Does what Containerfile says, without a registry: its COPY and RUN lines, in two Debian 12 roots in place of
# NVIDIA's images, the first with this machine's CUDA Toolkit. As root; needs debootstrap.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
here=${1:?usage: tests/container/in_chroot.sh NEW_FOLDER [SUITE]}
suite=${2:-bookworm}
[[ ! -e $here ]] || { echo "$here is there already" >&2; exit 2; }
mkdir -p "$here"
here=$(cd "$here" && pwd)
trap 'for stage in build run; do umount -q "$here/$stage/usr/local/cuda" "$here/$stage/proc" 2>/dev/null || true; done' EXIT

new_root() {
  debootstrap --variant=minbase "$suite" "$here/$1" >"$here/$1.log"
  mount --bind /proc "$here/$1/proc"
}

in_root() {
  chroot "$here/$1" /usr/bin/env -i PATH=/usr/local/cuda/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/root COMMIT="$(git -C "$root" rev-parse HEAD)" sh -ec "$2"
}

# copy STAGE SOURCE... TARGET, of the clone or with --from=build of the first root
copy() {
  local stage=$1 from=$root
  shift
  [[ $1 != --from=build ]] || { from=$here/build; shift; }
  local target=$here/$stage${*: -1}
  mkdir -p "$target"
  local source
  for source in "${@:1:$#-1}"; do
    tar -C "$from/$source" --exclude=./build --exclude=./.git --create --file=- . | tar -C "$target" --extract --file=-
  done
}

stage=
while read -r word rest; do
  case $word in
    FROM)
      stage=$([[ -z $stage ]] && echo build || echo run)
      new_root "$stage"
      if [[ $stage == build ]]; then
        mkdir -p "$here/build/usr/local/cuda"
        mount --bind "$(readlink -f /usr/local/cuda)" "$here/build/usr/local/cuda"
      fi
      ;;
    RUN)
      echo "== $stage: $rest"
      in_root "$stage" "$rest"
      ;;
    COPY)
      # shellcheck disable=SC2086 # words of a line without quotes
      copy "$stage" $rest
      ;;
    ENTRYPOINT) ;;
    WORKDIR) mkdir -p "$here/$stage$rest" ;;
    ARG | '#'* | '') ;;
    *) echo "unknown: $word $rest" >&2; exit 2 ;;
  esac
done < <(sed -e ':more' -e '/\\$/{N;s/\\\n *//;bmore' -e '}' "$root/Containerfile" | grep -v '^#')

in_root run "offload_bench --version && offload_bench list | head -3 && offload-results validate /opt/offload-bench/clone/results/h200-sxm-pcie5/quick.json"
