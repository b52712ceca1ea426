# SPDX-License-Identifier: Apache-2.0
"""A results file: read strictly, refused with one clear line, its cases joined by their fields."""
import dataclasses
import json
import os
import pathlib
import re
import stat
import typing

MAX_DIGITS = 20  # of a whole number of 64 bits
# Of what is not 0. Beyond, squares and quotients leave what a float can hold.
LEAST, MOST = 1e-100, 1e100
STRING = r'"(?:[^"\\]|\\.)*"'


class BadInput(Exception):
    """What a script was given cannot be used; the text says what, where and what to do."""


class Refused(ValueError):
    """A token of JSON, and what is wrong with it."""

    def __init__(self, token, reason):
        super().__init__(f"{shortened(token)} {reason}")
        self.token = token


def read_text(path):
    try:
        with open(path, "rb") as file:
            if stat.S_ISCHR(os.fstat(file.fileno()).st_mode):
                raise BadInput(f"{path}: is a device, which may never end; give a file or a pipe")
            text = file.read().decode("utf-8")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror.lower()}") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not text in UTF-8: {error.reason} at byte {error.start}") from None
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def read_json(path):
    """NaN and Infinity are not JSON, and not a measurement either."""
    text = read_text(path)
    if not text or text.isspace():
        raise BadInput(f"{path}: an empty file")
    try:
        document = json.loads(text, parse_constant=refuse_constant, parse_float=finite,
                              parse_int=whole, object_pairs_hook=without_repeats)
        if may_hold_surrogate(text) and not is_text(document):
            raise ValueError("half a character (a lone surrogate) in it: it is damaged")
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            raise BadInput(f"{path}: not JSON: text after its end, in line {error.lineno}, column "
                           f"{error.colno}") from None
        text = text.strip()
        is_cut = text.startswith("{") and (error.pos >= len(text) or not text.endswith("}"))
        cut = " (cut short?)" if is_cut else ""
        raise BadInput(f"{path}: not JSON{cut}: {error.msg} in line {error.lineno}, column "
                       f"{error.colno}") from None
    except Refused as error:
        raise BadInput(f"{path}: {error}, in {place_of(error.token, text)}") from None
    except ValueError as error:
        raise BadInput(f"{path}: {error}") from None
    except RecursionError:
        raise BadInput(f"{path}: nested too deeply to be results") from None
    return document


def without_repeats(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        name = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {shortened(json.dumps(name))} stands twice in one object: which of "
                         "them counts, nobody can say")
    return found


def refuse_constant(token):
    raise Refused(token, "is not a number in JSON; the file is damaged or was written by a tool that is "
                         "not strict")


def finite(token):
    value = float(token)
    if not -MOST < value < MOST:
        raise Refused(token, "is larger than any figure of a measurement")
    if -LEAST < value < LEAST and value:
        raise Refused(token, "is smaller than any figure of a measurement")
    return value


def whole(token):
    if len(token.lstrip("-")) > MAX_DIGITS:
        raise Refused(token, f"has {len(token.lstrip('-'))} digits and is no measurement")
    value = int(token)
    if not -(1 << 63) <= value < 1 << 64:
        raise Refused(token, "is larger than a whole number of 64 bits, and no measurement")
    return value


def shortened(token):
    return token if len(token) <= MAX_DIGITS else f"{token[:MAX_DIGITS // 2]}..."


def place_of(token, text):
    """Of the first such token that is not part of a string or of a longer number."""
    start = next(match.start() for match in re.finditer(
        rf"{STRING}|(?<![\w.+-]){re.escape(token)}(?![\w.+-])", text) if match[0] == token)
    line_start = text.rfind("\n", 0, start) + 1
    return f"line {text.count(chr(10), 0, start) + 1}, column {start - line_start + 1}"


def may_hold_surrogate(text):
    return re.search(r"\\u[dD][89a-fA-F]", text) is not None


def is_text(document):
    """Whether it can be written again: half a surrogate pair cannot, in any encoding."""
    try:
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


OLD_LABEL = re.compile(r"([^/]+)\.([mcz])(\d+)")
PARAMETERS = {"m": "tokens", "c": "chunk", "z": "skew"}
FAMILIES = (  # by how the name of a policy begins, or else ends
    (r"device_resident", "resident"), (r"host_compute", "cpu"), (r"hybrid_.*", "hybrid"),
    (r"managed_.*", "managed"), (r"system_.*", "system"), (r".*_zero_copy", "zero-copy"),
    (r".*_copy", "copy"))


def upgraded(document):
    """A copy that shares all that stays; the document itself if it is of schema 2."""
    run = document["offload_bench"]
    if run["schema_version"].split(".")[0] != "1":
        return document
    return {**document, "offload_bench": {
        **with_options(run), "cases": [case_of(case) for case in run["cases"]],
        "skipped": [skipped_of(skipped) for skipped in run.get("skipped") or ()],
        "answers": None,
        **({"sources": [{**source, "run": with_options(source["run"])}
                        for source in run["sources"]]} if run.get("sources") else {})}}


def new_label(label):
    """gemm/tokens:512 of gemm.m512, expert_gather/skew:0.5 of expert_gather.z50."""
    found = OLD_LABEL.fullmatch(label)
    if not found:
        return label
    workload, letter, value = found.groups()
    value = f"{int(value) / 100:g}" if letter == "z" else value
    return f"{workload}/{PARAMETERS[letter]}:{value}"


def new_name(name):
    label, slash, rest = name.partition("/")
    return new_label(label) + slash + rest


def case_of(case):
    return {"family": family_of(case["policy"]), "standing": None, **case,
            "label": new_label(case.get("label", case["workload"])),
            **({"name": new_name(case["name"])} if isinstance(case.get("name"), str) else {})}


def skipped_of(skipped):
    """Its reason may end with the label."""
    if not isinstance(skipped, dict):
        return skipped
    changed = {field: skipped[field] for field in ("name", "reason")
               if isinstance(skipped.get(field), str)}
    if "name" in changed:
        changed["name"] = new_name(changed["name"])
    if "reason" in changed:
        before, colon, last = changed["reason"].rpartition(": ")
        changed["reason"] = before + colon + new_label(last)
    return {**skipped, **changed}


def with_options(run):
    """--workloads takes labels."""
    options = run.get("options")
    if not isinstance(options, dict) or not isinstance(options.get("workloads"), list):
        return run
    return {**run, "options": {**options, "workloads": [
        new_label(label) if isinstance(label, str) else label for label in options["workloads"]]}}


def family_of(policy):
    """Schema 1 has no families, and these are all the policies there were."""
    return next((family for pattern, family in FAMILIES if re.fullmatch(pattern, policy)), "other")


NEWEST_MINOR = {1: 3, 2: 9}  # by major version, that results/schema/results-N.json describes
# Whose items say which source they are of.
LISTS = ("cases", "skipped", "answers", "findings", "limits", "memory_costs", "loading_costs")
NUMBERS = frozenset((int, float))  # True and False are of a type of their own


class CaseKey(typing.NamedTuple):
    """What makes cases of two files the same case. Results never name the machine here."""

    label: str
    policy: str
    weights: str
    start: str
    captured: bool = False
    gpus: tuple = ()  # that ran it, of a run on several
    beside: str = ""  # the traffic that was at work meanwhile

    def __str__(self):
        graph = " (graph)" if self.captured else ""
        gpus = f"/gpus:{'+'.join(map(str, self.gpus))}" if self.gpus else ""
        beside = f"/beside:{self.beside}" if self.beside else ""
        return f"{self.label}/{self.policy}/{self.weights}/{self.start}{gpus}{beside}{graph}"


@dataclasses.dataclass(frozen=True)
class Results:
    """One run, or several that were merged. `document` is the whole JSON, of schema 2 as far as an
    older file allows, and `run` its object offload_bench."""

    path: pathlib.Path
    document: dict

    @property
    def run(self):
        return self.document["offload_bench"]

    @property
    def cases(self):
        return self.run["cases"]

    @property
    def runs(self):
        """What describes each run (platform, build, calibration, options): one, or one for each
        source of a merged file."""
        sources = self.run.get("sources")
        return [source["run"] for source in sources] if sources else [self.run]

    def run_of(self, case):
        return self.runs[source_of(case)]

    def apart(self):
        """[(source, run)] of a merged file, each run with its own cases and other lists, as a file
        of one run has them; of that, [(None, run)]."""
        def of(index, source):
            return {**source["run"], **{name: [item for item in self.run.get(name) or []
                                               if source_of(item) == index] for name in LISTS}}

        sources = self.run.get("sources")
        if not sources:
            return [(None, self.run)]
        return [(source, of(index, source)) for index, source in enumerate(sources)]

    def by_key(self):
        """{CaseKey: its cases}, one case per run: a file of one run has one each, a merged file up
        to one for each of its sources."""
        found = {}
        for case in self.cases:
            key = key_of(case)
            of_key = found.setdefault(key, [])
            if of_key and source_of(case) in map(source_of, of_key):
                raise BadInput(f"{self.path}: {key} stands there twice: merge runs with "
                               "offload-results merge")
            of_key.append(case)
        return found


def source_of(case):
    return case.get("source", 0)  # index into a merged file's offload_bench.sources


def label_of(case):
    return case.get("label", case["workload"])  # files of schema 1.0 have no label


def parameter_of(case):
    """("tokens", 512.0) of gemm/tokens:512; ("", None) where the workload has none."""
    name, _, value = label_of(case).removeprefix(f"{case['workload']}/").rpartition(":")
    try:
        return name, float(value)
    except ValueError:
        return "", None


def key_of(case):
    return CaseKey(label_of(case), case["policy"], case["weights"]["name"], case["start"],
                   case.get("captured", False), tuple(case.get("gpus") or ()),
                   case["beside"]["traffic"] if case.get("beside") else "")


def members_of(case):
    """How many GPUs, or ranks, ran it at the same time."""
    return len(case.get("members") or [case])


def weights_of(case):
    """The name of its weights, with the GPUs that read them where the run has several, and the traffic
    beside it: cases of different sets of GPUs, or beside different traffic, are never held against
    each other."""
    shown = shown_weights(case["weights"]["name"], case.get("gpus"))
    return f"{shown} beside {case['beside']['traffic']}" if case.get("beside") else shown


def shown_weights(name, gpus):
    if not gpus:
        return name
    return f"{name} on GPU{'s' if len(gpus) > 1 else ''} {'+'.join(map(str, gpus))}"


def subject_of(answer):
    """(label, weights) as its cases have them."""
    return answer["label"], shown_weights(answer["weights"], answer.get("gpus"))


def largest_set(cases):
    """Of a run on several GPUs, those that all of them ran together; of others, all. None beside other
    traffic."""
    cases = [case for case in cases if not case.get("beside")]
    most = max((len(case.get("gpus") or ()) for case in cases), default=0)
    return [case for case in cases if len(case.get("gpus") or ()) == most]


def passed(case):
    return case["complete"] and case["failure"] is None and case["summary"] is not None


def lasts(case):
    """Whether an engine can stay in what the case measured, pass after pass: a first pass from cold
    is over once, pages that still moved are of no state, and weights that have come to the GPU are not
    offloaded any more."""
    return case["start"] == "steady" or (
        case["start"] == "warm" and case["path"] != "device_memory" and not case.get("unsettled"))


def tokens_per_second(case):
    """Of a whole model, by the kernels measured; None where the case has none. Files before 2.1 have
    a figure for states that do not last, too."""
    return case["model"]["tokens_per_second_ceiling"] if case.get("model") and lasts(case) else None


def tokens_at(case, pass_s):
    """Tokens/s if a pass over the slice takes that long. What of the model is resident and not in the slice
    takes as long whatever the sample."""
    model = case["model"]
    fixed = model["pass_s"] - case["summary"]["median_s"] * model["scale"]
    return case["tokens"] / (pass_s * model["scale"] + fixed)


def is_case(case, sources=1):
    """Enough of a case to join it and to compare its times; all else is validate's."""
    if not isinstance(case, dict) or not isinstance(case.get("weights"), dict):
        return False
    get = case.get
    return (type(get("workload")) is type(get("policy")) is type(case["weights"].get("name"))
            is type(get("start")) is type(get("label", "")) is str
            and type(get("complete")) is type(get("captured", False)) is bool
            and are_numbers(get("gpus", [])) and isinstance(get("members", []), list)
            and is_beside(get("beside"))
            and are_times(get("samples_s")) and isinstance(get("failure", 0), (str, type(None)))
            and is_summary(get("summary", 0))
            and type(source_of(case)) is int and 0 <= source_of(case) < sources)


def is_beside(beside):
    return beside is None or isinstance(beside, dict) and isinstance(beside.get("traffic"), str)


def are_numbers(gpus):
    return isinstance(gpus, list) and all(type(gpu) is int for gpu in gpus)


def are_times(samples):
    return (isinstance(samples, list) and NUMBERS.issuperset(map(type, samples))
            and min(samples, default=1) > 0)


def is_summary(summary):
    return summary is None or (
        isinstance(summary, dict) and type(summary.get("median_s")) in NUMBERS
        and summary["median_s"] > 0)


def load(path, empty_allowed=False):
    """The results in `path`. Only with `empty_allowed` those that measured no case, as a run with
    memory-cost does."""
    return results_in(path, read_json(path), empty_allowed)


def results_in(path, document, empty_allowed=False):
    """The same of a document that was read from `path`."""
    check(path, document, empty_allowed)
    return Results(shown(path), upgraded(document))


def as_written(path, document):
    """The same of any schema, and not upgraded."""
    check(path, document, empty_allowed=True)
    return Results(shown(path), document)


def shown(path):
    """As text: a file's name may be bytes that are none, which no document can hold."""
    return pathlib.Path(os.fsencode(path).decode("utf-8", "backslashreplace"))


def check(path, document, empty_allowed):
    run = run_in(path, document)
    check_version(path, run)
    check_sources(path, run)
    cases = run.get("cases")
    if not isinstance(cases, list):
        raise BadInput(f"{path}: damaged results: \"cases\" is not a list")
    sources = len(run.get("sources") or [None])
    for index, case in enumerate(cases):
        if not is_case(case, sources):
            raise BadInput(f"{path}: damaged results: offload_bench.cases[{index}] is not a case; "
                           "offload-results validate says why")
    if not cases and not empty_allowed:
        raise BadInput(f"{path}: no case in it: nothing was measured")


def run_in(path, document):
    run = document.get("offload_bench") if isinstance(document, dict) else None
    if not isinstance(run, dict):
        raise BadInput(f"{path}: not results of offload_bench: it has no object \"offload_bench\"; "
                       "give the file that --output wrote")
    return run


def check_version(path, run):
    version = run.get("schema_version")
    if version is None:
        raise BadInput(f"{path}: it has no schema version: it is damaged or foreign")
    parts = version.split(".") if isinstance(version, str) else []
    if len(parts) < 2 or not all(part.isdecimal() for part in parts):
        raise BadInput(f"{path}: its schema version {version!r} is not one; it is damaged or foreign")
    if int(parts[0]) not in NEWEST_MINOR:
        raise BadInput(f"{path}: written by schema version {version}; these scripts read versions "
                       f"{' and '.join(map(str, NEWEST_MINOR))}: use those of the offload-bench "
                       "that wrote it")


def version_of(run):
    """(major, minor)"""
    return tuple(map(int, run["schema_version"].split(".")[:2]))


def check_sources(path, run):
    """Of a merged file: what run_of() reads."""
    sources = run.get("sources", [])
    if not isinstance(sources, list) or not all(
            isinstance(source, dict) and isinstance(source.get("run"), dict)
            for source in sources):
        raise BadInput(f"{path}: damaged results: \"sources\" is not a list of runs; "
                       "offload-results validate says where")
