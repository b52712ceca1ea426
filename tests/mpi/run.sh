#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs four ranks under a real mpirun (Open MPI's), on CPU policies, and checks what they leave: that they
# begin together, that what the first shows of all is what merge makes of their files, that a rank whose
# case fails holds nobody up, and that one that is killed is named and the others' results are kept.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
program=$(readlink -f "${1:?usage: tests/mpi/run.sh PROGRAM (offload_bench_mpi)}")
here=$(mktemp -d "${TMPDIR:-/tmp}/offload-mpi-XXXXXX")
trap 'rm -rf "$here"' EXIT
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
python=python3
if [[ -x /usr/bin/python3 ]]; then
  python=/usr/bin/python3  # Debian's own: the one that sees Debian's packages
fi
ranks=4
measured=(--workloads gemv --policies host_compute --threads 1)

die() {
  printf 'error: %s\n' "$*" >&2
  tail -n 40 "$here"/*.log >&2
  exit 1
}

# job NAME PROGRAM ARGUMENT...: into NAME, its output into NAME.log and NAME.out. More ranks than CPUs must yield
# while they wait.
job() {
  local name=$1
  shift
  timeout 120 mpirun -n $ranks --oversubscribe --mca mpi_yield_when_idle 1 "$@" --output "$here/$name" \
    >"$here/$name.out" 2>"$here/$name.log"
}

results() { (cd "$here" && "$python" "$root/scripts/offload-results" "$@"); }

all_begin_together() {
  job whole "$program" "${measured[@]}" --samples 5 --format md --tensor w:2048x2048:bf16,v:1024x1024:bf16 || die "the job failed"
  results merge whole --output whole.json >>"$here/whole.log" 2>&1 || die "its ranks do not make a job"
  results table whole.json ranks:gemv >"$here/whole.table" || die "there is no table of it"
  python3 - "$here" $ranks <<'PYTHON' || die "the first rank shows something else than the files have"
import json, pathlib, re, sys

here, ranks = pathlib.Path(sys.argv[1]), int(sys.argv[2])
runs = [json.loads((here / f"whole/rank-{rank:04}.json").read_text())["offload_bench"] for rank in range(ranks)]
for rank, run in enumerate(runs):
    assert run["complete"] and run["rank"]["synchronised"] and run["rank"]["launcher"] == "open-mpi", run["rank"]
    assert [(case["failure"], len(case["samples_s"])) for case in run["cases"]] == [(None, 5)] * 2, run["cases"]
shown = (here / "whole.out").read_text().split("at the same time", 1)[1]
assert shown.count("at the same time") == 0, "more ranks than the first are heard"
for at, case in enumerate(runs[0]["cases"]):
    medians = [run["cases"][at]["summary"]["median_s"] for run in runs]
    rate = sum(run["cases"][at]["bytes"]["requested"] for run in runs) / max(medians) / 1e9
    row = next(line for line in shown.splitlines() if case["name"] in line)
    told, slowest = re.fullmatch(r"\| .* \| ([0-9.]+) \| rank ([0-9]) \|", row).groups()
    assert abs(float(told) / rate - 1) < 0.01 and medians[int(slowest)] == max(medians), (row, rate, medians)
    table = next(line for line in (here / "whole.table").read_text().splitlines() if f"of {case['weights']['name']} " in line)
    assert table.endswith(f"rank {slowest} |"), (table, slowest)
PYTHON
}

# It may not write files as large as its weights: the others do not wait for it.
a_failed_case_holds_nobody_up() {
  cat >"$here/failing" <<TEXT
#!/usr/bin/env bash
((OMPI_COMM_WORLD_RANK != 2)) || ulimit -f 20480  # KiB
exec "$program" "\$@"
TEXT
  chmod +x "$here/failing"
  job failed "$here/failing" --workloads gemv --policies file_host_compute,host_compute --start warm --threads 1 \
    --samples 5 --tensor w:4096x4096:bf16 && die "a failed case of one rank fails nothing"
  python3 - "$here/failed" $ranks <<'PYTHON' || die "a rank whose case fails takes more with it than the case"
import json, pathlib, sys

folder, ranks = pathlib.Path(sys.argv[1]), int(sys.argv[2])
for rank in range(ranks):
    run = json.loads((folder / f"rank-{rank:04}.json").read_text())["offload_bench"]
    told = {case["policy"]: case["failure"] for case in run["cases"]}
    assert told["host_compute"] is None, told
    assert told["file_host_compute"], told
    assert ("given up, because another" in told["file_host_compute"]) == (rank != 2), (rank, told)
PYTHON
}

# It ends before it meets the others, who are ended then.
a_rank_without_a_case_holds_nobody_up() {
  cat >"$here/idle-one" <<TEXT
#!/usr/bin/env bash
((OMPI_COMM_WORLD_RANK != 2)) || export CUDA_VISIBLE_DEVICES=
((OMPI_COMM_WORLD_RANK != 2)) || set -- "\${@/host_compute/device_resident}"
exec "$program" "\$@"
TEXT
  chmod +x "$here/idle-one"
  local started=$SECONDS
  job idle "$here/idle-one" "${measured[@]}" --samples 5 --tensor w:1024x1024:bf16 && die "a rank without a case ends the job well"
  ((SECONDS - started < 60)) || die "the others wait for a rank that has nothing to measure"
  grep -q "rank 2: nothing to measure" "$here/idle.log" || die "it is not said which rank has nothing to measure"
}

# Killed once it has measured a case; mpirun then ends the others, which keep what they have.
a_killed_rank_is_named() {
  cat >"$here/killed-one" <<TEXT
#!/usr/bin/env bash
((OMPI_COMM_WORLD_RANK == 2)) || exec "$program" "\$@"
"$program" "\$@" &
until grep -qs '^{"name"' "$here/killed/rank-0002.json.journal"; do sleep 0.05; done
kill -KILL \$!
wait \$!
TEXT
  chmod +x "$here/killed-one"
  job killed "$here/killed-one" "${measured[@]}" --tensor w:1024x1024:bf16,v:4096x8192:bf16 --samples 30 \
    && die "mpirun does not say that a rank was killed"
  results merge killed --output killed.json >"$here/killed.merged.log" 2>&1 || die "its ranks cannot be merged"
  grep -q "rank 2 of $ranks is missing: rank-0002.json.journal has what it had finished" "$here/killed.merged.log" ||
    die "the rank that was killed is not named"
  python3 - "$here/killed.json" <<'PYTHON' || die "what the others had measured is not kept"
import json, sys

merged = json.load(open(sys.argv[1]))["offload_bench"]
finished = {case["source"] for case in merged["cases"] if case["complete"] and case["weights"]["name"] == "w"}
assert finished == {0, 1, 2}, merged["cases"]
PYTHON
}

all_begin_together
a_failed_case_holds_nobody_up
a_rank_without_a_case_holds_nobody_up
a_killed_rank_is_named
echo "$(mpirun --version | head -n 1): $ranks ranks together, one of them failing, and one killed: as it should be"
