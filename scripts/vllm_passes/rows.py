# SPDX-License-Identifier: Apache-2.0
"""Rows: what to offload and how, with how many tokens, in a CUDA graph or not; and what a row came
to. Times are in seconds, sizes in bytes."""
import dataclasses
import statistics

from offload_results.results import BadInput
from offload_results.text import whole_number

# The fused linear weights of a layer of Llama-3.1-8B in vLLM, in the order in which they are read.
HIDDEN, INTERMEDIATE, QKV, LAYERS = 4096, 14336, 6144, 32
LINEAR = {"self_attn.qkv_proj": (QKV, HIDDEN), "self_attn.o_proj": (HIDDEN, HIDDEN),
          "mlp.gate_up_proj": (2 * INTERMEDIATE, HIDDEN), "mlp.down_proj": (HIDDEN, INTERMEDIATE)}
ELEMENT_BYTES = 2  # bf16
LAYER_BYTES = sum(rows * columns for rows, columns in LINEAR.values()) * ELEMENT_BYTES

# The policy of offload_bench that does the same.
POLICIES = {"prefetch": "pinned_prefetch_copy", "uva": "pinned_zero_copy", "copy": "pinned_copy"}
NUMBERS = {"G": "group_size", "N": "num_in_group", "S": "prefetch_step", "tokens": "tokens"}
MOST = {"G": 100_000, "N": 100_000, "S": 64, "tokens": 65536}  # as offload_bench takes them
EXAMPLE = "prefetch:G=1,N=1,S=1:tokens=1:eager"

DEFAULT = (
    "prefetch:G=1,N=1,S=1:tokens=1:eager", "prefetch:G=1,N=1,S=1:tokens=1:graph",
    "prefetch:G=1,N=1,S=1:tokens=2048:eager", "prefetch:G=1,N=1,S=1:tokens=2048:graph",
    "prefetch:G=1,N=1,S=2:tokens=2048:eager",
    "prefetch:G=4,N=1,S=1:tokens=2048:eager", "prefetch:G=4,N=1,S=1:tokens=2048:graph",
    "uva:tokens=1:eager", "copy:tokens=1:eager", "copy:tokens=2048:eager",
)


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where the weights are, whatever reads them. Of `prefetch` only: the last `num_in_group` of
    each `group_size` layers are offloaded, and copied `prefetch_step` layers ahead."""
    backend: str
    group_size: int = 0
    num_in_group: int = 0
    prefetch_step: int = 0

    @property
    def cpu_offload_gb(self):
        """GiB, enough for all layers with their norms."""
        return 0 if self.backend == "prefetch" else LAYERS * LAYER_BYTES // 2**30 + 1


@dataclasses.dataclass(frozen=True)
class Row:
    placement: Placement
    tokens: int
    captured: bool

    def __str__(self):
        where = self.placement
        groups = (f":G={where.group_size},N={where.num_in_group},S={where.prefetch_step}"
                  if where.backend == "prefetch" else "")
        ends = "graph" if self.captured else "eager"
        return f"{where.backend}{groups}:tokens={self.tokens}:{ends}"

    @property
    def engine_flags(self):
        """With which vLLM does the same."""
        where = self.placement
        flags = (f"--offload-backend prefetch --offload-group-size {where.group_size} "
                 f"--offload-num-in-group {where.num_in_group} "
                 f"--offload-prefetch-step {where.prefetch_step}" if where.backend == "prefetch"
                 else f"--offload-backend uva --cpu-offload-gb {where.cpu_offload_gb}")
        before = "VLLM_WEIGHT_OFFLOADING_DISABLE_UVA=1 " if where.backend == "copy" else ""
        return before + flags + ("" if self.captured else " --enforce-eager")


def parsed(text):
    """The row that `text` spells: a backend, numbers, and eager or graph, between colons."""
    try:
        return row_of(text)
    except ValueError as rule:
        raise BadInput(f"--rows: '{text}': {rule}; as in {EXAMPLE}") from None


def all_parsed(texts):
    """The rows, each of which is wanted once."""
    rows = []
    for text in texts:
        row = parsed(text)
        if row in rows:
            raise BadInput(f"--rows: '{text}': is there twice")
        rows.append(row)
    return rows


def row_of(text):
    backend, *lists = text.split(":")
    ends = lists.pop() if lists else ""
    if backend not in POLICIES:
        raise ValueError(f"must begin with one of {', '.join(POLICIES)}")
    if ends not in ("eager", "graph"):
        raise ValueError("must end with :eager or :graph")
    numbers = numbers_in(",".join(lists))
    if "tokens" not in numbers:
        raise ValueError("needs tokens=T")
    tokens, captured = numbers.pop("tokens"), ends == "graph"
    if backend == "prefetch":
        return Row(prefetching(**numbers), tokens, captured)
    if numbers:
        raise ValueError("G, N and S are of prefetch only")
    if backend == "copy" and captured:
        raise ValueError("must be eager: with UVA disabled vLLM needs --enforce-eager")
    return Row(Placement(backend), tokens, captured)


def prefetching(group_size=None, num_in_group=1, prefetch_step=1):
    """With vLLM's defaults and limits."""
    if group_size is None:
        raise ValueError("needs G=, the layers in a group")
    if num_in_group > group_size:
        raise ValueError("N must be at most G")
    if group_size - num_in_group >= LAYERS:
        raise ValueError(f"offloads none of {LAYERS} layers")
    return Placement("prefetch", group_size, num_in_group, prefetch_step)


def numbers_in(items):
    numbers = {}
    for item in items.split(",") if items else ():
        key, _, value = item.partition("=")
        if key not in NUMBERS:
            raise ValueError(f"'{item}' is not one of G=, N=, S= and tokens=")
        if NUMBERS[key] in numbers:
            raise ValueError(f"has {key} twice")
        try:
            numbers[NUMBERS[key]] = whole_number(value, 1, MOST[key])
        except ValueError as rule:
            raise ValueError(f"{key} {rule}") from None
    return numbers


def as_json(row, op=None, offloaded_bytes=None, samples=(), error=None):
    """What is not known is null."""
    median = statistics.median(samples) if samples else None
    where = row.placement
    prefetch = where.backend == "prefetch"
    return {
        "row": str(row),
        "engine_flags": row.engine_flags,
        "policy": POLICIES[where.backend],
        "backend": where.backend,
        "group_size": where.group_size if prefetch else None,
        "num_in_group": where.num_in_group if prefetch else None,
        "prefetch_step": where.prefetch_step if prefetch else None,
        "tokens": row.tokens,
        "captured": row.captured,
        "op": op,
        "offloaded_bytes": offloaded_bytes,
        "samples_s": list(samples),
        "median_s": median,
        "tokens_per_s": row.tokens / median if median else None,
        "error": error,
    }
