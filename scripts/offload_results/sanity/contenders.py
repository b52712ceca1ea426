# SPDX-License-Identifier: Apache-2.0
"""Whether policies compete on equal terms: a share of the CPU that pays, slots as large as those of
the engine whose flags a case bears, slices that use them in the model's order, and an engine's best
named beside the best. From the cases alone."""
from collections import Counter

from ..results import label_of, subject_of, version_of, weights_of
from ..text import three_digits
from .models import time_of
from .physics import clearly_faster, times

HIDES = 0.1  # of the transfer: less is no overlap to speak of
SLOWER_MEAN = 2.0  # times the last pass that those around it take: it stands for none of them
LAST = 8  # passes


def work_of(case):
    return (label_of(case), weights_of(case), case["start"], case.get("captured", False))


def a_share_beats_the_plain_ring(part):
    """A policy that tries shares for the CPU has tried none, too."""
    rings = {work_of(case): case for case in part.passed if case["policy"] == "pinned_ring_copy"}
    for case in part.passed:
        ring = rings.get(work_of(case))
        if case["policy"] == "hybrid_split" and ring and case.get("cpu_bytes") and clearly_faster(
                ring, case):
            yield case["name"], (f"kept {case['cpu_bytes'] / case['bytes']['requested']:.0%} for the "
                                 "CPU, which loses to leaving it nothing: ring and split take "
                                 f"{times(ring, case)}")


def layers_of(case):
    """{layer: its offloaded bytes} of what was measured; empty without a model."""
    found = Counter()
    for tensor in case["weights"]["tensors"] if case.get("model") else ():
        if "layer" in tensor and not tensor.get("resident"):
            found[tensor["layer"]] += tensor["bytes"]
    return found


def slots_of(case):
    """Whole layers that fit into what a copying policy holds in GPU memory."""
    layers = layers_of(case)
    if case.get("family") != "copy" or not layers or not max(layers.values()):
        return 0
    return case["footprint"]["device"] / max(layers.values())


def engines_hold_whole_layers(part):
    """Those whose copies have flags bring a layer's whole state before its first product."""
    small = [case for case in part.passed if case.get("engine_flags") and 0 < slots_of(case) < 1]
    if small:
        worst = min(small, key=slots_of)
        yield "run", (f"{len(small)} cases with an engine's flags hold less than a layer, which the "
                      f"engine brings whole: {worst['name']} has {worst['footprint']['device']} bytes "
                      f"for a layer of {max(layers_of(worst).values())}")


def copies_that_run_ahead_overlap(part):
    """With slots for one layer a copy waits until that has been read. Before 2.1 nothing said so."""
    if version_of(part.run) >= (2, 1):
        return
    hidden = {work_of(case): case["model"]["overlap"] or 0.0 for case in part.passed
              if case["policy"] == "pinned_ring_copy" and case.get("model")}
    idle = [case for case in part.passed if "layers ahead" in case.get("mechanism", "")
            and 1 <= slots_of(case) < 2 and case["model"]["overlap"] is not None
            and case["model"]["overlap"] < HIDES / 2 and hidden.get(work_of(case), 0) > HIDES]
    if idle:
        worst = max(idle, key=lambda case: hidden[work_of(case)])
        yield "run", (f"{len(idle)} cases run layers ahead and overlap nothing, for they hold one: "
                      f"{worst['name']} hides {worst['model']['overlap']:.1%} of its transfer, panels "
                      f"{hidden[work_of(worst)]:.0%}; measure two layers ahead beside it")


def slices_use_slots_as_the_model_does(part):
    """After its last layer a pass goes on with the first, in the slot that the count of layers makes. A
    slice that fills its slots evenly only leaves out what happens once a pass of the whole model."""
    for case in part.passed:
        slots, measured = round(slots_of(case)), len(layers_of(case))
        if slots < 2:
            continue
        whole = round(measured * case["model"]["scale"])
        if measured % slots not in (0, whole % slots):
            yield case["name"], (f"{measured} offloaded layers in {slots} slots leave {measured % slots} "
                                 f"over, the model's {whole} leave {whole % slots}: its passes follow "
                                 "each other in another order")


def what_an_engine_has_is_named(part):
    """Beside a best that none has: the fastest with flags, by its place and in the sentence."""
    for answer in part.run.get("answers") or ():
        for start in ("cold", "warm"):
            contest = answer[start]
            rivals = [case for case in part.cases if start in (case.get("standing") or {})
                      and case["summary"] and (label_of(case), weights_of(case)) == subject_of(answer)]
            with_flags = [case for case in rivals if case.get("engine_flags")]
            if not contest or not with_flags:
                continue
            best = min(with_flags, key=lambda case: time_of(case, rivals))
            said = contest["switchable"] and contest["switchable"]["case"]
            where = f"answer of {answer['label']}, {answer['weights']}"
            if said not in [case["name"] for case in with_flags
                            if time_of(case, rivals) <= time_of(best, rivals)]:
                yield where, (f"{said or 'nothing'} is the best {start} that an engine has, by the "
                              f"medians {best['name']}")
            elif not any(best["policy"] in text and best["engine_flags"].split()[0] in text
                         for text in answer["sentences"]):
                yield where, (f"no sentence names {best['policy']}, the best {start} that an engine "
                              f"has, by {best['engine_flags']}")


def a_series_is_more_than_its_last_pass(part):
    """Tables of files before 2.1 show single passes, those of later ones sums and means as well."""
    if version_of(part.run) >= (2, 1):
        return
    for case in part.passed:
        passes = (case.get("series") or {}).get("pass_s") or ()
        if len(passes) < 2 * LAST:
            continue
        mean = sum(passes[-LAST:]) / LAST
        if mean > passes[-1] * SLOWER_MEAN:
            yield case["name"], (f"pass {len(passes)} took {three_digits(passes[-1] * 1e3)} ms, the last "
                                 f"{LAST} {three_digits(mean * 1e3)} ms on average: go by means, and the "
                                 f"sum of {three_digits(sum(passes) * 1e3)} ms")


CHECKS = (a_share_beats_the_plain_ring, engines_hold_whole_layers, copies_that_run_ahead_overlap,
          slices_use_slots_as_the_model_does, what_an_engine_has_is_named,
          a_series_is_more_than_its_last_pass)
