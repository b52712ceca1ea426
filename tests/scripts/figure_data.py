# SPDX-License-Identifier: Apache-2.0
"""What the tests of the figures' data share."""
import pathlib

import results_builder as make
from offload_results import results
from offload_results.figures import runs

MIB = 2**20
QUICK = pathlib.Path(__file__).parents[2] / "results/h200-sxm-pcie5/quick.json"
# {policy: what a case says of it} of all that were measured there.
POLICIES = {case["policy"]: {field: case[field] for field in ("family", "memory", "mechanism")}
            for case in results.load(QUICK).cases}


def load(tmp_path, cases, **how):
    """The runs of one file with these cases."""
    return runs.load([make.write(tmp_path / "r.json", make.run(cases, **how))])


def curves(panel):
    return {(curve.policy, curve.start): curve for curve in panel.curves}


def points(curve):
    return [(point.x, point.y) for point in curve.points]


def sized(policy, start, size, seconds, **how):
    return make.case("stream_read", policy, f"{size}B", start, seconds, size=size, **how)


def every_policy(**how):
    """A case of each policy at three sizes, no two alike."""
    return [
        make.case("stream_read", policy, f"{size >> 20}MiB", start,
                  [(1 + place / 7) * size / 50e9 * noise for noise in (1, 1.1, 1.3)], size=size,
                  memory=described["memory"], mechanism=described["mechanism"], **how)
        for place, (policy, described) in enumerate(POLICIES.items()) for start in ("cold", "steady")
        for size in (MIB, 16 * MIB, 256 * MIB)
    ]
