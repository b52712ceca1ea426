# SPDX-License-Identifier: Apache-2.0
"""Who wins, by how much, and the sentences: as the results say it, nothing is compared here. Files
made before schema 2 do not say it."""
from .. import text
from ..results import label_of, passed, version_of

AGAIN = "made before 2.0: run again for answers"


def has_answers(run):
    return version_of(run.run) >= (2, 0)


def of_workload(run, workload):
    """In order of first appearance, one for each label and weights."""
    return [answer for answer in run.run.get("answers") or () if answer["workload"] == workload]


def verdicts(run):
    """(text, times slower than the best or None) of each case: a warm one among what is fast when
    warm, all others from cold."""
    answers = {(answer["label"], answer["weights"]): answer
               for answer in run.run.get("answers") or ()}
    return [with_drift(case, *verdict(case, answers.get((label_of(case), case["weights"]["name"]))))
            for case in run.cases]


def with_drift(case, words, ratio):
    found = case.get("drift")
    if not found:
        return words, ratio
    because = f" ({found['because']})" if found["because"] else ""
    drifts = f"drifts {text.seconds(found['first_s'])} -> {text.seconds(found['last_s'])}{because}"
    return (f"{words}; {drifts}" if words else drifts), ratio


def verdict(case, answer):
    if case["failure"] is not None:
        return "FAILED", None
    if not passed(case):
        return ("not finished" if case["summary"] else "no samples"), None
    if case["path"] == "device_memory":
        return "is on the GPU", None
    if case.get("excluded") == "first_pass":
        whole = case["model"]
        return f"first pass {text.seconds(whole['pass_s'])}" if whole else "first pass", None
    if not case["standing"]:
        return "", None
    start = next(start for start in (case["start"], "cold", "warm") if start in case["standing"])
    place, contest = case["standing"][start], answer and answer[start]
    if place["rank"] > 1:
        ratio = place["times_slower"]
        return ("same as best" if place["ties_with_best"] else f"{text.times(ratio)} slower"), ratio
    if contest and not contest["tied"] and contest["runner_up"] is None:
        return "no rival", 1.0
    return ("best when warm" if case["start"] == "warm" else "best"), 1.0
