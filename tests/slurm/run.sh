#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Submits scripts/slurm/ranks.sbatch to a real Slurm, of two nodes that are both this machine, and checks
# what it leaves: once as it should be, once with a rank that is killed. Needs Debian's slurmctld, slurmd,
# slurm-client and munge; nothing of an installed Slurm is used or changed, and no root.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
program=$(readlink -f "${1:?usage: tests/slurm/run.sh PROGRAM}")
here=$(mktemp -d "${TMPDIR:-/tmp}/offload-slurm-XXXXXX")
chmod 711 "$here"  # munged wants its socket to be reachable by all
export SLURM_CONF=$here/slurm.conf PATH=$PATH:/usr/sbin
user=$(id -un)
nodes=2 ranks_per_node=2

die() {
  printf 'error: %s\n' "$*" >&2
  tail -n 20 "$here"/*.log "$here"/jobs/*.log >&2 2>/dev/null || true
  exit 1
}

# Set by `start`; those that were started are ended, and no others: Slurm first, in the order of starting backwards,
# and only when no step is left that waits for an answer.
started=()
stop() {
  local i
  scancel --user="$user" 2>/dev/null || true
  for ((i = 0; i < 50; ++i)); do
    [[ -n $(squeue --noheader 2>/dev/null) ]] || break
    sleep 0.1
  done
  for ((i = ${#started[@]} - 1; i >= 0; --i)); do
    end "${started[i]}"
  done
  rm -rf "$here"
}

# end PID: asked to, and after five seconds made to.
end() {
  local i
  kill "$1" 2>/dev/null || true
  for ((i = 0; i < 50; ++i)); do
    kill -0 "$1" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL "$1" 2>/dev/null || true
}
trap stop EXIT

# start COMMAND...: in the foreground of a job of this shell, so that it ends with it.
start() {
  "$@" >>"$here/${1##*/}.log" 2>&1 &
  started+=($!)
}

# until_it SECONDS WHAT COMMAND...
until_it() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || die "$what"
    sleep 0.1
  done
}

free_ports() {
  python3 - "$1" <<'PYTHON'
import socket, sys
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*[one.getsockname()[1] for one in sockets])
PYTHON
}

start_munge() {
  mkdir -m 755 "$here/munge"
  head -c 128 /dev/urandom >"$here/munge/key"
  chmod 600 "$here/munge/key"
  # It wants no folder above its files that others may write to, which /tmp is: hence --force.
  start munged --foreground --force --key-file="$here/munge/key" --socket="$here/munge/socket" \
    --pid-file="$here/munge/pid" --log-file="$here/munge/log" --seed-file="$here/munge/seed"
  until_it 10 "munged does not answer" munge --no-input --socket="$here/munge/socket"
}

# No cgroups, no binding, and devices of another kind for GPUs: Slurm hands them out and opens none.
configure() {
  local ports node
  read -r -a ports < <(free_ports $((nodes + 1)))
  mkdir "$here/state" "$here/spool" "$here/jobs"
  cat >"$SLURM_CONF" <<TEXT
ClusterName=loopback
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$here/munge/socket
CredType=cred/munge
StateSaveLocation=$here/state
SlurmdSpoolDir=$here/spool/%n
SlurmctldPidFile=$here/slurmctld.pid
SlurmdPidFile=$here/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
KillWait=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
GresTypes=gpu
PartitionName=all Nodes=ALL Default=YES
TEXT
  for node in $(seq $nodes); do
    echo "NodeName=node$node NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=${ports[node]} CPUs=4 Gres=gpu:2"
  done >>"$SLURM_CONF"
  printf 'Name=gpu File=%s\n' /dev/null /dev/zero >"$here/gres.conf"
}

start_slurm() {
  local node
  start slurmctld -D
  for node in $(seq $nodes); do
    start slurmd -D -N "node$node"
  done
  until_it 30 "the nodes do not come up" all_idle
}

all_idle() { [[ $(sinfo --noheader --states=idle --format=%D) == "$nodes" ]]; }

# submit NAME PROGRAM ARGUMENT...: as a user does, for two ranks on each of both nodes. It runs in a folder that has
# what the script wants of the repository; its status is whether the job's is 0. (sbatch --wait looks every ten seconds.)
submit() {
  local name=$1 job
  shift
  job=$(cd "$here/tree" && OFFLOAD_BENCH=$1 sbatch --parsable --nodes=$nodes \
    --ntasks-per-node=$ranks_per_node --output="$here/jobs/$name.log" scripts/slurm/ranks.sbatch "$name" "${@:2}")
  until_it 120 "job $job does not end" has_ended "$job"
  [[ $(scontrol show job "$job") == *' ExitCode=0:0'* ]]
}

has_ended() { [[ -z $(squeue --noheader --jobs="$1") ]]; }

# files_are NAME INDEX...: these ranks' files are there, each of another rank of the four, each with its case passed.
files_are() {
  python3 - "$here/tree/build/results/$1" $((nodes * ranks_per_node)) "${@:2}" <<'PYTHON'
import json, pathlib, sys

folder, size, wanted = pathlib.Path(sys.argv[1]), int(sys.argv[2]), [int(word) for word in sys.argv[3:]]
assert sorted(path.name for path in folder.glob("rank-*.json")) == [f"rank-{index:04}.json" for index in wanted], list(folder.iterdir())
for index in wanted:
    run = json.loads((folder / f"rank-{index:04}.json").read_text())["offload_bench"]
    rank = run["rank"]
    assert (rank["index"], rank["size"], rank["launcher"]) == (index, size, "slurm"), rank
    assert run["complete"] and [(case["complete"], case["failure"]) for case in run["cases"]] == [(True, None)], run["cases"]
merged = json.loads((folder / "ranks.json").read_text())["offload_bench"]
assert [source["file"] for source in merged["sources"]] == [f"rank-{index:04}.json" for index in wanted], merged["sources"]
PYTHON
}

measured=(--workloads gemv --policies host_compute --tensor w:1024x1024:bf16)

a_job_leaves_a_file_of_each_rank() {
  submit whole "$program" "${measured[@]}" || die "the job failed"
  files_are whole 0 1 2 3 || die "the files of the job are not those of its four ranks"
}

# Long before it has measured anything; itself alone: to Slurm the tasks of a node are one group of processes.
a_killed_rank_takes_no_other_with_it() {
  cat >"$here/killed" <<TEXT
#!/usr/bin/env bash
((SLURM_PROCID != 2)) || exec timeout --foreground --signal=KILL 0.1 "$program" "\$@"
exec "$program" "\$@"
TEXT
  chmod +x "$here/killed"
  ! submit killed "$here/killed" "${measured[@]}" || die "the job does not say that a rank was killed"
  grep -q '^error: not all of 4 ranks were measured' "$here/jobs/killed.log" || die "its last line does not, either"
  files_are killed 0 1 3 || die "the files of the job are not those of the three ranks that were left"
}

start_munge
configure
start_slurm
mkdir -p "$here/tree/build"
ln -s "$root/scripts" "$here/tree/scripts"
a_job_leaves_a_file_of_each_rank
a_killed_rank_takes_no_other_with_it
echo "Slurm $(sinfo --version | tr -cd '0-9.'): $((nodes * ranks_per_node)) ranks on $nodes nodes, and one killed of them: as it should be"
