# SPDX-License-Identifier: Apache-2.0
"""Which command lines of offload_bench measure what predictions are held against, as few as can be: each
of them calibrates."""
import dataclasses
import math
import shlex

from offload_results.text import whole_number

from . import program

GIB = 1 << 30
POLICIES = (
    "device_resident", "pinned_zero_copy", "pinned_read_once", "pinned_fewest_reads", "pinned_copy",
    "pinned_prefetch_copy", "pinned_prefetch2_copy", "pinned_ring_copy", "pinned_batch_copy",
    "managed_accessed_by", "managed_readmostly_window", "managed_migrate_window", "managed_demand",
    "host_compute", "hybrid_split")
LABELS = ("decode/tokens:1", "decode/tokens:8", "decode/tokens:32",
          "prefill/tokens:512", "prefill/tokens:2048", "prefill/tokens:8192")
# Where a part of the weights stays in GPU memory: the contenders that can win.
BUDGET_POLICIES = (
    "pinned_zero_copy", "pinned_read_once", "pinned_prefetch2_copy", "pinned_ring_copy",
    "pinned_batch_copy", "host_compute", "hybrid_split")
BUDGET_LABELS = ("decode/tokens:1", "decode/tokens:32", "prefill/tokens:2048")

TOKENS = {"decode": (1, 256), "prefill": (512, 8192)}  # as offload_bench shares out --tokens
REREADING = {"pinned_zero_copy", "pinned_fewest_reads", "managed_accessed_by"}
MIGRATING = {"managed_migrate_window", "managed_demand"}
TOKENS_A_READ = 256
LINK_BYTES_PER_SECOND = 50e9
FAULTS_BYTES_PER_SECOND = 10e9
LONGEST_PASS_S = 0.25
TOO_LONG = f"a pass over the slice takes more than {LONGEST_PASS_S:g} s"


@dataclasses.dataclass(frozen=True)
class Invocation:
    """`budget` is the share of the linear weights that stays in GPU memory; `left_out` are what is not
    asked for and why, [(reason, cases)]."""
    model: str
    budget: float
    arguments: tuple
    left_out: tuple

    @property
    def command(self):
        return shlex.join(("offload_bench", *self.arguments))


def tokens_of(label):
    """("decode", 8) of decode/tokens:8; raises ValueError."""
    workload, _, number = label.partition("/tokens:")
    if workload not in TOKENS:
        raise ValueError(f"'{label}' is not decode/tokens:N or prefill/tokens:N")
    return workload, whole_number(number, *TOKENS[workload])


def of_models(options):
    """All of them, budget by budget: so that what is interrupted has one of every model first."""
    models = options.models or program.models(options.bench)
    found = [one for model in models for one in of_model(model, options)]
    return sorted(found, key=lambda one: options.budgets.index(one.budget))


def of_model(model, options):
    weights = program.linear_weight_bytes(options.bench, model)
    measured = program.slice_bytes(options.bench, model, options.slice)
    refusal = program.refusal_of_prefill(options.bench, model, options.slice)
    found = []
    for budget in options.budgets:
        policies = options.budget_policies if budget else options.policies
        labels = options.budget_workloads if budget else options.workloads
        readable = [label for label in labels if not (refusal and is_prefill(label))]
        left_out = [(refusal, len(policies) * (len(labels) - len(readable)))]
        rules = ["--cpu-offload-gb", f"{(1 - budget) * weights / GIB:.3f}"] if budget else []
        found += of_budget(model, budget, divided(policies, readable, measured), left_out, rules, options)
    return found


def is_prefill(label):
    return tokens_of(label)[0] == "prefill"


def divided(policies, labels, measured_bytes):
    """[(policies, labels)]: one, or two where passes of some take too long for many tokens, or for all."""
    def are_short(policy):
        return [label for label in labels if is_short(policy, label, measured_bytes)]
    slow = [policy for policy in policies if are_short(policy) != labels]
    if not slow:
        return [(policies, labels)]
    some = [policy for policy in slow if are_short(policy)]
    short = [label for label in labels if all(label in are_short(policy) for policy in some)]
    never = [policy for policy in slow if policy not in some]
    return [([policy for policy in policies if policy not in slow], labels), (some, short), (never, [])]


def is_short(policy, label, measured_bytes):
    if policy in MIGRATING:
        return measured_bytes <= FAULTS_BYTES_PER_SECOND * LONGEST_PASS_S
    reads = math.ceil(tokens_of(label)[1] / TOKENS_A_READ) if policy in REREADING else 1
    return reads == 1 or reads * measured_bytes <= LINK_BYTES_PER_SECOND * LONGEST_PASS_S


def of_budget(model, budget, parts, left_out, rules, options):
    most = max(len(labels) for _, labels in parts)
    too_long = sum(len(policies) * (most - len(labels)) for policies, labels in parts)
    left_out = tuple(one for one in (*left_out, (TOO_LONG, too_long)) if one[1])
    found = []
    for policies, labels in parts:
        if policies and labels:
            found.append(Invocation(model, budget, arguments(model, policies, labels, rules, options),
                                    () if found else left_out))
    return found


def arguments(model, policies, labels, rules, options):
    workloads, tokens = zip(*map(tokens_of, labels))
    return (
        "--model", model, "--workloads", ",".join(dict.fromkeys(workloads)),
        "--tokens", ",".join(map(str, dict.fromkeys(tokens))), "--policies", ",".join(policies), *rules,
        "--start", "steady,cold", "--slice", options.slice, "--samples", str(options.samples),
        "--evidence", "none", "--redact", "--progress", "never")
