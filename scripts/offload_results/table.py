# SPDX-License-Identifier: Apache-2.0
"""Print a table for the documentation from committed results, in Markdown, or put the tables of
documents up to date.

usage: offload-results table RESULTS.json... WHAT
       offload-results table results/platforms platforms
       offload-results table tests/data/models/oracle oracle
       offload-results table --update DOCUMENT...

WHAT  machine              what the run was made on, in one line
      LABEL                what reading weights costs by policy: gemv, gemm/tokens:512
      gemm[:POLICY,...]    milliseconds by policy and tokens; only these policies
      models[:LABEL,...]   tokens/s by policy and what the machine allows, a column per label and model of
                           all files; of what an engine cannot stay in, the time of the first pass
      answer               three sentences; of a run with gemv
      answer:POLICY,...    gemv of the first file, and one token of the model in the second
      engines              the flags of engines that select a policy
      limits               the distance to the limits
      predictions          by policy, how far cases of all files lie from what was predicted of them
      vllm                 what scripts/vllm_offload.py printed, the first file, beside the cases of the others
      onednn               what scripts/cpu_library.py printed, likewise
      accuracy[:models]    of what scripts/prediction_accuracy.py wrote: errors by policy; by model
      winners              of the same: how often the least predicted time is that of the fastest
      evidence:LABEL[,WEIGHTS]   what driver and hardware did, by policy
      rates:WORKLOAD[,WEIGHTS]   GB/s by policy, a column per parameter (chunk, skew) or weights
      series:LABEL[,WEIGHTS]     time of the n-th consecutive pass, and what it moved
      gpus:WORKLOAD              what policies give on each GPU alone, and on several together
      simulated-gpus:1,2,4,8[,WORKLOAD]   what so many GPUs of one host would give, computed from each alone
      beside:WORKLOAD            what cases and other traffic on the GPU do to each other
      ranks:WORKLOAD             GB/s by rank of a job, of all of them, and which was the slowest
      setup:LABEL                set-up and read apart
      memory_costs               what each allocator took, tensor by tensor
      loading_costs              what getting a file to its reader took
      threads:LABEL[,WEIGHTS]    time that each of the driver's threads runs in a pass
      platforms[:ranges|:sources|:unknown]   what others published of machines, from profiles or a folder
                           of them; the least and the most of what bears on the link; every figure with its
                           source; how often each rate is known
      machines             the machines of a folder of results
      times                what was typed for each of the files, and how long it took
      oracle[:counts|:quantised|:vllm]   the architectures whose files are read, from a folder; how many
                           they are; the quantised forms that are read; what becomes of vLLM's

Of a merged file the figures are those of the middle run, and ranges go from the fastest to the slowest.

--update rewrites everything between `<!-- offload-results table RESULTS.json... WHAT -->` and
`<!-- end -->`; paths in there start at the root of the repository.
"""
import pathlib
import re
import sys

from . import command
from .figures import caption
from .results import BadInput, load as load_results, read_text, version_of
from .tables import answer, beside, evidence, gpus, machines, onednn, oracle, platforms, predictions, ranks, vllm, workloads
from .tables.cells import over_runs

BLOCK = re.compile(r"(<!-- offload-results table ([^\n]+) -->\n)(.*?)(\n?<!-- end -->)", re.DOTALL)


def load(path):
    whole = load_results(path, empty_allowed=True)  # allocators are measured without cases
    results = whole.run
    if not results["complete"]:
        raise BadInput(f"{path}: an incomplete run: {results['incomplete_reason']}")
    if "sources" in results:
        machines = {caption.machine_of(run) for run in whole.runs}
        if len(machines) > 1:
            raise BadInput(f"{path}: runs of several machines: a table is of one")
        return {**results, "cases": [over_runs(runs) for runs in whole.by_key().values()]}
    return results


def answer_table(files, policies):
    product = workloads.one_token(files[0], "gemv")
    if not policies:
        return answer.sentences(product, files[0])
    if len(files) != 2:
        raise BadInput("answer:POLICY,... is made from two files: gemv and decode")
    return answer.table(product, workloads.one_token(files[1], "decode"), policies)


# What another program's code takes, beside the same done here.
BESIDE = {"vllm": vllm, "onednn": onednn}
# What is made of other files than results, by the part after the colon.
OF_OTHERS = {"platforms": platforms.render, "accuracy": predictions.accuracy,
             "winners": predictions.winners, "oracle": oracle.render,
             "machines": machines.render_machines, "times": machines.render_times}


def only_one(paths, what):
    if len(paths) != 1:
        raise BadInput(f"{what} is made from one file")
    return paths[0]


def render(paths, what):
    """The text that stands for `what` in a document; raises BadInput."""
    if what in BESIDE:
        return BESIDE[what].render(paths[0], [load(path) for path in paths[1:]])
    name, _, names = what.partition(":")
    if name == "ranks":
        return ranks.ranks_table(load_results(only_one(paths, what)), names)
    if name in OF_OTHERS:
        return OF_OTHERS[name](paths, names)
    files = [load(path) for path in paths]
    chosen = names.split(",") if names else []
    if name == "models":
        return workloads.models_table(files, chosen)
    if name == "answer":
        return answer_table(files, chosen)
    if name == "predictions":
        return predictions.render(files)
    only_one(paths, what)
    of_one = {"machine": workloads.machine, "gemm": workloads.gemm_table, "limits": workloads.limits_table,
              "engines": answer.engines, **beside.tables, **evidence.tables, **gpus.tables}
    try:
        if name in of_one:
            return of_one[name](files[0], chosen)
        return workloads.workload_table(files[0], what)
    except BadInput as error:
        raise BadInput(f"{paths[0]}: {error}") from None
    except (KeyError, TypeError):
        if version_of(files[0]) >= (2, 0):
            raise
        raise BadInput(f"{paths[0]}: lacks what {what} is made from: it is of schema version "
                       f"{files[0]['schema_version']}") from None


def blocks(text):
    """(arguments, what is shown) of every marked place."""
    return [(match[2].split(), match[3]) for match in BLOCK.finditer(text)]


def update(text, root):
    def replace(match):
        *paths, what = match[2].split()
        return f"{match[1]}{render([root / path for path in paths], what)}\n<!-- end -->"

    return BLOCK.sub(replace, text)


def main():
    arguments = sys.argv[1:]
    if {"-h", "--help"}.intersection(arguments):
        print(__doc__.strip())
        return 0
    if len(arguments) < 2:
        raise BadInput("needs RESULTS.json... WHAT, or --update DOCUMENT...; --help says what there is")
    if arguments[0] != "--update":
        print(render(arguments[:-1], arguments[-1]))
        return 0
    for document in map(pathlib.Path, arguments[1:]):
        command.write_whole(document, update(read_text(document), root_of(document)))
    return 0


def root_of(document):
    """The repository that the document is of."""
    for folder in document.resolve().parents:
        if (folder / "CMakeLists.txt").is_file() and (folder / "results").is_dir():
            return folder
    raise BadInput(f"{document}: is not in a clone of offload-bench, where its tables' files are")
