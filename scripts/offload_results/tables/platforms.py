# SPDX-License-Identifier: Apache-2.0
"""Platform profiles (results/platforms/) as tables in Markdown: figures that others published, with the
grade of each."""
import pathlib

from .. import text
from ..results import BadInput, read_json
from ..schema import DIRECTORY
from ..text import row

MARKS = {"primary": "", "secondary": " s", "derived": " d", "vendor": " v"}
COLUMNS = {
    "copies to the GPU": "copy_h2d_bytes_per_second", "home": "copy_d2h_bytes_per_second",
    "SMs over the link": "sm_read_pinned_bytes_per_second", "page faults": "fault_bytes_per_second",
    "GPU memory": "device_read_bytes_per_second", "CPU": "host_read_bytes_per_second"}


def known_rates():
    """The names of all rates that a profile can have, in their order."""
    return list(read_json(DIRECTORY / "platform-1.json")["$defs"]["rates"]["properties"])


RANGES = {**{name: COLUMNS[name] for name in ("copies to the GPU", "home", "SMs over the link")},
          "latency": "link_latency_s", "CPU": COLUMNS["CPU"]}


def profiles_in(paths):
    """(path, profile) of these files, or by slug of one folder; raises BadInput."""
    folder = pathlib.Path(paths[0])
    if folder.is_dir() and len(paths) > 1:
        raise BadInput("platforms is made from one folder of profiles, or from some of them")
    profiles = []
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else map(pathlib.Path, paths):
        document = read_json(path)
        if not isinstance(document, dict) or "offload_bench_platform" not in document:
            raise BadInput(f"{path}: not a platform profile")
        profiles.append((path, document["offload_bench_platform"]))
    if not profiles:
        raise BadInput(f"{folder}: no profiles in it")
    return profiles


def link_name(link):
    if link["kind"] == "pcie":
        return f"PCIe {link['generation']}.0 x{link['width']}"
    return "NVLink-C2C"


def scaled(rates, name, unit):
    """In units of `unit`, with a letter for the grade."""
    if name not in rates:
        return "-"
    return text.three_digits(rates[name]["value"] / unit) + MARKS[rates[name]["grade"]]


def overview(profiles):
    rates = known_rates()
    lines = [row(["profile", "link", *COLUMNS, "16-bit TFLOP/s", "rates known"]),
             "|---|---|" + "---:|" * (len(COLUMNS) + 2)]
    for path, profile in profiles:
        known = profile["rates"]
        lines.append(row([
            f"[`{profile['slug']}`](../results/platforms/{path.name})", link_name(profile["link"]),
            *(scaled(known, name, 1e9) for name in COLUMNS.values()), scaled(known, "flops_16bit", 1e12),
            f"{len(known)} of {len(rates)}"]))
    return "\n".join(lines)


def with_unit(value, unit):
    if unit == "FLOP/s":
        return f"{text.three_digits(value / 1e12)} TFLOP/s"
    return text.seconds(value) if unit == "s" else text.rate(value)


def figure(one):
    """26.2 GB/s (23.9 GB/s..26.4 GB/s)"""
    spelled = [with_unit(value, one["unit"]) for value in (one["value"], *one.get("range", []))]
    return spelled[0] if len(set(spelled)) == 1 else f"{spelled[0]} ({spelled[1]}..{spelled[2]})"


def ranges(profiles):
    lines = [row(["profile", *RANGES]), "|---|" + "---:|" * len(RANGES)]
    for path, profile in profiles:
        rates = profile["rates"]
        lines.append(row([f"[`{profile['slug']}`](../results/platforms/{path.name})", *(
            figure(rates[name]) + MARKS[rates[name]["grade"]] if name in rates else "-"
            for name in RANGES.values())]))
    return "\n".join(lines)


def sources(profiles):
    lines = ["| profile | rate | figure | grade | what it is | where it stands | date |", "|---|---|---:|---|---|---|---|"]
    for _, profile in profiles:
        for name, one in profile["rates"].items():
            date = "-" if one.get("undated") else one["date"]
            lines.append(row([f"`{profile['slug']}`", f"`{name}`", figure(one), one["grade"], one["method"],
                              one["source"], date]))
            for other in one.get("also", []):
                lines.append(row(["", "also", with_unit(other["value"], one["unit"]), other["grade"],
                                  other.get("means", ""), other["source"], "-"]))
    return "\n".join(lines)


def unknown(profiles):
    """Of how many profiles each rate is known."""
    counts = {name: sum(name in profile["rates"] for _, profile in profiles) for name in known_rates()}
    lines = ["| rate | known of |", "|---|---:|"]
    for name, count in sorted(counts.items(), key=lambda item: item[1]):
        lines.append(row([f"`{name}`", f"{count} of {len(profiles)}"]))
    return "\n".join(lines)


TABLES = {"": overview, "ranges": ranges, "sources": sources, "unknown": unknown}


def render(paths, what=""):
    """`what` is the part of the table's name after its colon."""
    if what not in TABLES:
        raise BadInput(f"platforms:{what}: there is platforms, and platforms: with {', '.join(filter(None, TABLES))}")
    return TABLES[what](profiles_in(paths))
