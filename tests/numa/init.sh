#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# The first process on the machine of scripts/numa_vm.sh: it runs the checks, tells of each, and switches
# the machine off.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
cd /tmp || poweroff -f

# One row: what is printed must match every expression.
check() {
  code=$1 command=$2 expressions=$3
  timeout 120 sh -o pipefail -c "$command" >printed 2>&1
  got=$?
  wrong=
  [ "$got" = "$code" ] || wrong="exit code $got, not $code"
  while [ -n "$expressions" ]; do
    expression=${expressions%% :: *}
    expressions=${expressions#"$expression"}
    expressions=${expressions# :: }
    grep -qE -e "$expression" printed || wrong="$wrong; not printed: $expression"
  done
  if [ -z "$wrong" ]; then
    echo "passed: $command"
  else
    echo "FAILED: $command: ${wrong#; }"
    cat printed
    failed=$((failed + 1))
  fi
}

failed=0 run=0
while IFS= read -r row; do
  case $row in '' | '#'*) continue ;; esac
  rest=${row#* :: }
  check "${row%% :: *}" "${rest%% :: *}" "${rest#* :: }" </dev/null
  run=$((run + 1))
done </checks.txt
echo "checks: $run run, $failed failed"
poweroff -f
