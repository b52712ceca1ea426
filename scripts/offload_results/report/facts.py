# SPDX-License-Identifier: Apache-2.0
"""What describes the runs (platform, build, calibration, options), as pairs of a path and a value:
what all runs agree on stands once."""

PARTS = ("platform", "host_workers", "build", "environment", "benchmark_flags", "options",
         "wall_time")  # calibration has a table of its own


def flat(value, path):
    """(path, value) of everything below `value`; objects with a field `unknown` say in it why
    values beside it are null."""
    if isinstance(value, dict) and value:
        reasons = value.get("unknown") if isinstance(value.get("unknown"), dict) else {}
        for key, below in value.items():
            if key == "unknown" and reasons:
                if "all" in reasons:
                    yield f"{path}.unknown", reasons["all"]
            elif below is None and key in reasons:
                yield f"{path}.{key}", {"unknown": reasons[key]}
            else:
                yield from flat(below, f"{path}.{key}")
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for index, item in enumerate(value):
            yield from flat(item, f"{path}.{index}")
    else:
        yield path, value


def of_runs(runs, table):
    """{"paths": [...], "runs": [[an index per path, or null where it has none]]}."""
    found = []
    for run in runs:
        found.append(dict(pair for part in PARTS if part in run.run
                          for pair in flat(run.run[part], part)))
    paths = list(dict.fromkeys(path for of_run in found for path in of_run))
    return {"paths": paths,
            "runs": [[table.index(of_run[path]) if path in of_run else None for path in paths]
                     for of_run in found]}
