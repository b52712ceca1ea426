# SPDX-License-Identifier: Apache-2.0
"""What driver and hardware did: one column per figure, and nothing unknown is drawn as 0."""
from ..results import label_of, passed
from .data import BarFigure, Cell, Column, NoData, Row
from .runs import not_shown, offloads

NEEDS = "evidence of passed cases; --evidence all has most"
PREFERRED = ("stream_read", "gemv")  # of a run with several workloads; --label asks for others
ZERO = Cell("zero by design", 0.0)
DRIVER = "CPU time of the driver"
WORKS = 1e-3  # s/GB; PCIe 5.0 takes twenty times as long to bring it


def figures(runs, wanted=None):
    found = [figure for run in runs for figure in of_run(run, wanted)]
    if not found:
        raise NoData(f"no {wanted or NEEDS}")
    return found


def of_run(run, wanted):
    shown = [case for case in run.cases if passed(case)]
    labels = list(dict.fromkeys(map(label_of, shown)))
    if wanted is None:
        wanted = next((label for label in [*PREFERRED, *labels] if label in labels), None)
    cases = [case for case in run.cases if label_of(case) == wanted]
    if not any(map(passed, cases)):
        return
    largest = max(cases, key=lambda case: case["weights"]["bytes"])["weights"]
    cases = [case for case in cases if case["weights"]["name"] == largest["name"]
             and (offloads(case) or case["start"] == "steady")]
    cases.sort(key=order)
    columns = [Column(title, unit, tuple(cell(case, of) for case in cases))
               for title, unit, of in FIGURES]
    if not any(cell.value is not None for column in columns for cell in column.cells):
        return
    yield BarFigure(
        f"evidence-{wanted}", f"{wanted} of {largest['name']}: {finding(columns)}",
        "What driver and hardware did, of passes that nobody timed. Fastest policy first. 0*: zero by design; "
        "hatched: not known, for the reason below. Energy is that "
        "of the GPU alone, idle power included.",
        tuple(Row(case["policy"], case["start"], case.get("captured", False)) for case in cases),
        tuple(columns), not_shown([run], cases), (run,))


def finding(columns):
    """Under how many of the cases the driver's threads work, where that was measured."""
    [driver] = [column for column in columns if column.title == DRIVER]
    known = [cell.value for cell in driver.cells if cell.value is not None]
    if not known:
        return "what driver and hardware did"
    busy = sum(value > WORKS for value in known)
    return (f"the driver's threads work in {busy} of {len(known)} cases" if busy
            else "the driver's threads are idle in all cases")


def order(case):
    time = case["summary"]["median_s"] if passed(case) else float("inf")
    return (not offloads(case), time, case["policy"])


def cell(case, of):
    if not passed(case):
        return Cell("failed", text=case["failure"] or "incomplete")
    return of(case["evidence"])


def unavailable(reason):
    return Cell("unavailable", text=reason or "its parts are not all measured")


def measured(value, reason=None):
    return Cell("measured", value) if value is not None else unavailable(reason)


def found(evidence, collector):
    """(state, reason, figures) of a collector. Before schema 1.2 only `um` was there, in a form of
    its own."""
    if "um_state" not in evidence:
        figures = evidence.get(collector)
        if figures is None:  # the host's
            return "unavailable", "not collected before schema 2.1", {}
        return figures["state"], figures["reason"], figures
    if collector == "um" and evidence["um"] is not None:
        return "measured", None, evidence["um"]
    reason = evidence["um_state"] if collector == "um" else "not collected before schema 1.2"
    return "unavailable", reason, {}


def of_um(evidence, of):
    state, reason, figures = found(evidence, "um")
    if state == "zero by design":
        return ZERO
    return measured(of(figures)) if state == "measured" else unavailable(reason)


def amplification(evidence):
    def of(um):
        if "um_state" not in evidence:
            return evidence["amplification"]
        return um["bytes_to_device"] / evidence["bytes_read"] if evidence["bytes_read"] else None

    return of_um(evidence, of)


def remote_maps(evidence):
    """Of what the counted pass read, which may be a part of the weights."""
    def of(um):
        read = evidence["bytes_read"] if "um_state" in evidence else um["bytes_read"]
        return um["remote_maps"] / read * 1e6 if read else None

    return of_um(evidence, of)


def driver_cpu(evidence):
    state, reason, _ = found(evidence, "cpu")
    if state == "zero by design":
        return ZERO
    if state != "measured":
        return unavailable(reason)
    return measured(evidence["driver_cpu_s_per_gb"], "no thread of the driver is visible")


def energy(evidence):
    state, reason, _ = found(evidence, "energy")
    if state == "zero by design":
        return ZERO
    return measured(evidence["joules_per_gb"]) if state == "measured" else unavailable(reason)


FIGURES = (
    ("amplification", "bytes migrated / read", amplification),
    ("remote maps", "regions/MB", remote_maps),
    (DRIVER, "s/GB", driver_cpu),
    ("energy of the GPU", "J/GB", energy),
)
