# SPDX-License-Identifier: Apache-2.0
"""Results of any number of cases, to see how long a script takes for them. By itself it writes
files of 100,000 cases (1.6 GB in a temporary folder), compares each with itself and says how long
that took: `python3 tests/scripts/large_results.py`, or `taskset -c 0,1 python3 ...` to leave it two CPUs."""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import textwrap
import time

import results_builder as build

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MEASURED = ROOT / "results/h200-sxm-pcie5/quick.json"
BARE = ('{"workload":"gemv","label":"gemv","policy":"pinned_copy",'
        '"weights":{"name":"w%d","bytes":64},"start":"steady","path":"link",'
        '"bytes":{"requested":64},"tokens":1,"samples_s":%s,"summary":{"median_s":0.001},"failure":null,"complete":true}')


def bare(path, count, shift=0):
    """Cases of no more than what is compared; `shift` tells files of them apart."""
    return written(path, build.run([]), cases=(BARE % (index, json.dumps(
        [1e-3 + 1e-7 * ((index * 7 + sample * 3 + shift) % 11) for sample in range(10)]))
        for index in range(count)))


def with_evidence(path, count):
    """Cases as they are measured, with all that is not compared."""
    return written(path, build.run([]), cases=cases_of(measured(), count, json.dumps))


def with_rows(path, count):
    """The same with Google Benchmark's rows, and as much white space as --output writes."""
    document = measured()
    cases, rows = document["offload_bench"]["cases"], document["benchmarks"]
    each = len(rows) // len(cases)
    of_case = [",\n".join(indented(row, 4) for row in rows[index * each:][:each])
               for index in range(len(cases))]
    return written(path, {**document, "benchmarks": [],
                          "offload_bench": {**document["offload_bench"], "cases": []}}, indent=2,
                   benchmarks=(of_case[index % len(of_case)] for index in range(count)),
                   cases=cases_of(document, count, indented))


def measured():
    return json.loads(MEASURED.read_text())


def cases_of(document, count, as_text):
    """Of a few cases many, told apart by the names of their weights."""
    texts = [as_text({**case, "weights": {**case["weights"], "name": "?"}})
             for case in document["offload_bench"]["cases"]]
    return (texts[index % len(texts)].replace('"?"', f'"w{index}"') for index in range(count))


def indented(item, spaces=6):
    return textwrap.indent(json.dumps(item, indent=2), " " * spaces)


def written(path, document, indent=None, **lists):
    """`document` with the texts of `lists` in the lists of these names, which are empty in it."""
    rest, comma = json.dumps(document, indent=indent), ",\n" if indent else ", "
    with path.open("w") as file:
        for name, texts in lists.items():
            before, rest = rest.split(f'"{name}": []')
            file.write(f'{before}"{name}": [')
            for index, text in enumerate(texts):
                file.write(comma * bool(index) + text)
            file.write("]")
        file.write(rest)
    return path


def seconds_to_compare(path):
    begin = time.perf_counter()
    subprocess.run([sys.executable, ROOT / "scripts/compare.py", path, path], check=True,
                   stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cases", type=int, default=100_000)
    options.add_argument("--repetitions", type=int, default=5)
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for write in (bare, with_evidence, with_rows):
            path = write(pathlib.Path(folder) / f"{write.__name__}.json", options.cases)
            times = sorted(seconds_to_compare(path) for _ in range(options.repetitions))
            print(f"{write.__name__}: two files of {path.stat().st_size / 1e6:.0f} MB, "
                  f"{times[0]:.1f} to {times[-1]:.1f} s", flush=True)


if __name__ == "__main__":
    main()
