# SPDX-License-Identifier: Apache-2.0
"""What a figure was measured on, in the lines below it; nothing that names a host or its user."""

REDACTED = "redacted"


def lines(runs):
    """The machine once, then each run: what made it, when, from which commit."""
    machines = list(dict.fromkeys(machine(run) for run in runs))
    made = {}
    for run in runs:
        made.setdefault(build(run), []).append(run.name)
    builds = "; ".join(f"{', '.join(dict.fromkeys(names))}: {text}" for text, names in made.items())
    return [*machines, builds]


def known(value):
    return value is not None and value != REDACTED


def machine(run):
    return machine_of(run.run)


def machine_of(run):
    host = run["platform"]["host"]
    parts = [gpu(run)]
    if known(host["cpu"]):
        parts.append(f"host CPU {host['cpu']}, {host['logical_cpus']} logical CPUs")
    return "; ".join(parts)


def short_machine(run):
    """The GPU's name, or the CPU's."""
    found = run.platform["gpu"]
    return found["name"] if found else run.platform["host"]["cpu"]


def gpu(run):
    platform = run["platform"]
    found = platform["gpu"]
    if found is None:
        return f"No GPU ({platform['gpu_absent_reason']})"
    parts = [found["name"], link(run)]
    if known(found["driver_release"]):
        parts.append(f"driver {found['driver_release']}")
    return ", ".join(part for part in parts if part)


def link(run):
    """As it ran, and what GPU and slot can do where that is more; files before 2.1 know only the
    latter."""
    found = run["platform"]["link"]
    if found is None:
        return None
    if found["kind"] != "pcie":
        return "NVLink-C2C"
    if found["generation"] is None or found["width"] is None:
        return "PCIe"
    best = f"{found['generation']}.0 x{found['width']}"
    now = run["calibration"].get("link_generation"), run["calibration"].get("link_width")
    if None in now or (now[0] >= found["generation"] and now[1] >= found["width"]):
        return f"PCIe {best}"
    return f"PCIe {now[0]}.0 x{now[1]} (GPU and slot can {best})"


def build(run):
    found = run.run["build"]
    commit = found["git_commit"]
    commit = f"commit {commit[:12]}" if commit else "commit unknown"
    dirty = " + changes" if found["git_dirty"] else ""
    return f"offload-bench {found['version']}, {commit}{dirty}, {run.run['started_at'][:10]}"
