# SPDX-License-Identifier: Apache-2.0
"""Get results ready to be sent: each file checked, redacted and under the name that results/ gives it, and the text
of an issue. Nothing is sent."""
import dataclasses
import json
import pathlib
import re
import shlex

from . import command, redact, reference, schema, validate
from .command import BAD_INPUT
from .results import BadInput, passed, read_json, read_text, version_of
from .runs import memory_mode
from .tables import machines
from .text import code, count, escaped, row, seconds

ROOT = pathlib.Path(__file__).resolve().parents[2]
LONGEST_NAME = 60
VENDORS = ("nvidia", "geforce", "amd", "intel", "r", "tm", "cpu", "processor")  # say nothing in a name

# Modules without a profile whose name leaves out what they are: the cards of that GPU have a suffix (H200 NVL).
FORMS = {"NVIDIA H200": "h200-sxm"}


@dataclasses.dataclass(frozen=True)
class Checked:
    """A file, what validate says of it, and why it cannot be published (None if it can)."""

    path: pathlib.Path
    document: dict = None
    verdict: validate.Verdict = None
    refusal: str = None


def collected(paths):
    """The files named, and of the folders named those that hold results, or cannot be read."""
    for path in map(pathlib.Path, paths):
        if not path.is_dir():
            yield path
            continue
        inside = [one for one in sorted(path.glob("*.json")) if may_be_results(one)]
        if not inside:
            raise BadInput(f"{path}: no results in it: give the folder that --output wrote to")
        yield from inside


def may_be_results(path):
    try:
        document = read_json(path)
    except BadInput:
        return True  # it will be said why
    return machines.is_of_the_program(document)


def checked(path):
    try:
        document = read_json(path)
        verdict = validate.examined_document(path, document, with_reference=True)
    except BadInput as error:
        return Checked(path, refusal=str(error))
    return Checked(path, document, verdict, refusal(path, document, verdict))


def refusal(path, document, verdict):
    """Why these cannot be published, in a line; None if they can."""
    if verdict.errors:
        return f"{path}: not valid: {verdict.errors[0]}; offload-results validate lists all"
    run = document["offload_bench"]
    if version_of(run)[0] < 2:
        return f"{path}: of schema {run['schema_version']}: measure again with a program of today"
    if "sources" in run:
        return f"{path}: a merged file: give those it was merged from"
    if not run["complete"]:
        return f"{path}: an incomplete run ({run['incomplete_reason']}): run it again"
    if not any(map(passed, run["cases"])) and not run["memory_costs"] and not run.get("loading_costs"):
        return f"{path}: nothing was measured: no case passed"
    if verdict.findings:
        return (f"{path}: {count(len(verdict.findings), 'finding')}, first {verdict.findings[0]}: these figures "
                "cannot be true; report it as a bug, with the file")
    return build_refusal(path, run["build"])


def build_refusal(path, build):
    if build["git_dirty"]:
        return f"{path}: built from a changed tree, which nobody can build again: commit the change and run it again"
    if not build["git_commit"]:
        return (f"{path}: the build does not know its commit: build in a clone, or with -D OFFLOAD_BENCH_COMMIT=..., "
                "and run it again")
    if build["build_type"] != "Release":
        return f"{path}: a build of type {build['build_type']}: run that of the preset release"
    return None


def words_of(text):
    """["rtx", "4090"]: in lower case, of letters, digits and dots, without vendors."""
    words = re.findall(r"[a-z0-9]+(?:\.[a-z0-9]+)*", text.lower())
    return [re.sub(r"^sxm\d$", "sxm", word) for word in words if word not in VENDORS]


def folder_name(run):
    """The machine's, as results/README.md makes it: h100-sxm-pcie5, gh200-120gb-numa, rtx-4090-pcie4-hmm."""
    platform = run["platform"]
    gpu, link, host = platform["gpu"], platform["link"], platform["host"]
    if gpu is None:
        virtual = "v" if host["settings"]["virtual_machine"] else ""
        words = [*words_of(host["cpu"]), f"{host['logical_cpus']}{virtual}cpu"]
    else:
        words = [profile_of(gpu["name"]) or FORMS.get(gpu["name"]) or "-".join(words_of(gpu["name"]))]
        if link and link["kind"] == "pcie":
            words.append(f"pcie{link['generation'] or ''}")
        if memory_mode(gpu) not in ("separate", "one_memory"):
            words.append(memory_mode(gpu))
    return "-".join(words)[:LONGEST_NAME].strip("-.") or "machine"


def profile_of(name):
    """What the one platform profile of GPUs of this name is called; None if there is none, or several."""
    profiles = [read_json(path)["offload_bench_platform"] for path in reference.PROFILES.glob("*.json")]
    slugs = [profile["slug"] for profile in profiles if name in profile["gpu"]["names"]]
    return slugs[0] if len(slugs) == 1 else None


def file_name(run):
    """What was measured: quick, decode-llama3.1-8b, gemm, memory-cost. Not what the file is called, which may
    name the machine or a person."""
    options = run["options"]
    if options["action"] != "run":
        what = [options["action"]]
    else:
        what = options["workloads"] or [options["suite"]]
    words = [*what, *map(redact.last_component, options["models"]), *["graph"] * options["graph"]]
    return "-".join(word for text in words for word in words_of(text))[:LONGEST_NAME].strip("-.") or "run"


def named(files):
    """{name in results/: file}; of two of one name the plainer command line comes first, the other is NAME-2."""
    found = {}
    for one in sorted(files, key=lambda one: len(one.document["offload_bench"]["argv"])):
        name = stem = file_name(one.document["offload_bench"])
        number = 1
        while f"{name}.json" in found:
            number += 1
            name = f"{stem}-{number}"
        found[f"{name}.json"] = one
    return found


def issue(folder, files):
    """The text, under the headings of .github/ISSUE_TEMPLATE/results.md."""
    runs = {name: one.document["offload_bench"] for name, one in files.items()}
    sections = {"Machine": [*machines.TITLE, machines.line(folder, list(runs.values()))],
                "Runs": runs_table(runs),
                "What the runs say of themselves": told(runs),
                "To look at": to_look_at(files),
                "Remarks": ["<!-- Whose machine it is, if that may be told; what `offload_bench doctor` found and you "
                            "left as it is; what surprised you. -->"]}
    return "\n\n".join(f"## {title}\n\n" + "\n".join(lines) for title, lines in sections.items()) + "\n"


def runs_table(runs):
    lines = [row(["file", "command", "cases", "it took", "commit"]), "|---|---|---:|---:|---|"]
    for name, run in runs.items():
        lines.append(row([code(name), code(shlex.join(run["argv"])), str(len(run["cases"])),
                          seconds(run["wall_time"]["total_s"]), escaped(run["build"]["git_commit"][:12])]))
    return lines


def told(runs):
    lines = [f"- {code(name)}: {escaped(finding['text'])}" for name, run in runs.items()
             for finding in run.get("findings", [])]
    return lines or ["Nothing."]


def to_look_at(files):
    """Cases that failed, and figures beyond what others published of such machines."""
    lines = []
    for name, one in files.items():
        failed = [case for case in one.document["offload_bench"]["cases"] if case["failure"] is not None]
        lines += [f"- {code(name)}: {code(case['name'])} failed: {escaped(case['failure'])}" for case in failed]
        lines += [f"- {code(name)}: {escaped(str(comparison))}" for comparison in one.verdict.outside]
    return lines or ["Nothing failed, and no figure is outside the range that others published."]


def homepage(cmake_lists):
    """The project's address, which stands in project() of CMakeLists.txt and nowhere else; None without one."""
    found = re.search(r'^project\([^)]*\bHOMEPAGE_URL\s+"?([^\s")]+)', cmake_lists, re.MULTILINE)
    return found and found[1]


def where_to_send():
    try:
        url = homepage(read_text(ROOT / "CMakeLists.txt"))
    except BadInput:  # installed without it
        url = None
    return f"{url.rstrip('/')}/issues/new?template=results.md" if url else "the project's page: New issue, Results"


def redacted(one):
    """Raises BadInput where a name stands in what was measured, which no rule may change."""
    clean = redact.redacted(one.document)
    place = next(redact.named_in(clean), None)
    if place is not None:
        raise BadInput(f"{one.path}: {schema.path_text(place)} names a device or a home directory, and is part of "
                       "what was measured: run it again under another name")
    return dataclasses.replace(one, document=clean)


def refuse_twice(files):
    """One run under two names, redacted or not."""
    seen = {}
    for one in files:
        run = one.document["offload_bench"]
        identity = (run["started_at"], *sorted(run["wall_time"].items()))
        if identity in seen:
            raise BadInput(f"{one.path}: the same run as in {seen[identity]}: give each once")
        seen[identity] = one.path


def write(output, files, text):
    """`output` with the files, and beside it the issue's text; nothing that is there is replaced."""
    beside = output.with_name(f"{output.name}.md")
    for path in (output, beside):
        if path.exists() or path.is_symlink():
            raise BadInput(f"{path}: is there already: remove it, or choose another --output")
    try:
        output.mkdir(parents=True)
    except OSError as error:
        raise BadInput(f"{output}: cannot be made: {error.strerror.lower()}") from None
    for name, one in files.items():
        command.write_whole(output / name, json.dumps(one.document, ensure_ascii=False, separators=(",", ":")) + "\n")
    command.write_whole(beside, text)
    return beside


def folder(text):
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", text):
        raise BadInput(f"--name {text}: not a folder's name as in results/: lower case, digits, '.', '-' and '_'")
    return text


EPILOG = """exit codes: 0 written, 2 refused, with a line for each file that cannot be published: what is not valid,
incomplete, merged, of a changed tree, or cannot be true."""


def main():
    parser = command.Parser(description=__doc__, epilog=EPILOG)
    parser.add_argument("paths", nargs="+", metavar="FILE", help="results files, or folders of them, of one machine")
    parser.add_argument("--name", type=folder, metavar="NAME",
                        help="the machine's folder in results/ (default: made of GPU, link and memory mode)")
    parser.add_argument("--output", type=pathlib.Path, metavar="DIR",
                        help="a folder that is not there yet (default: build/submit/NAME)")
    arguments = parser.parse_intermixed_args()

    found = list(map(checked, collected(arguments.paths)))
    refused = [one.refusal for one in found if one.refusal]
    for reason in refused:
        command.bad_input(reason)
    if refused:
        return BAD_INPUT
    refuse_twice(found)
    files = named(map(redacted, found))
    machine = arguments.name or folder_name(next(iter(files.values())).document["offload_bench"])
    output = arguments.output or pathlib.Path("build/submit") / machine
    beside = write(output, files, issue(pathlib.Path(machine), files))
    print(f"{output}: {count(len(files), 'file')} for results/{machine}/, checked and redacted; nothing was sent.\n"
          f"Read {beside}, add your remarks, and open an issue with its text and the files attached at\n"
          f"{where_to_send()}")
    return 0
