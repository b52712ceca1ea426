# SPDX-License-Identifier: Apache-2.0
"""Results of schema 1 as schema 2 has them, as far as possible: labels in today's spelling, families
derived from what else is known of a policy, and no answers. Nothing else knows of older labels."""
import re

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
