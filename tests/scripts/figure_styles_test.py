# SPDX-License-Identifier: Apache-2.0
"""Policies can be told apart in every figure: in colour, under each colour blindness, and in grey.

Needs pytest.
"""
import itertools
import pathlib
import sys

import pytest

from committed import OLD, RESULTS

root = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(root / "scripts"))
from offload_results import results  # noqa: E402
from offload_results.figures import styles  # noqa: E402

# Linear RGB as seen without one kind of cones: Machado, Oliveira, Fernandes, 2009, severity 1.
BLINDNESS = {
    "none": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
                   (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
                     (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602),
                   (0.004733, 0.691367, 0.303900)),
}
TO_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
WHITE = (0.9505, 1.0, 1.089)
# CIE76. 2.3 is just noticeable side by side; figures also have dashes, markers and names.
APART = 15


def product(matrix, vector):
    return [sum(a * b for a, b in zip(row, vector)) for row in matrix]


def linear(colour):
    channels = [int(colour[index:index + 2], 16) / 255 for index in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def lab(rgb):
    def root3(t):
        return t ** (1 / 3) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29

    x, y, z = (root3(max(value, 0) / white) for value, white in zip(product(TO_XYZ, rgb), WHITE))
    return (116 * y - 16, 500 * (x - y), 200 * (y - z))


def distance(one, other, blindness):
    seen = [lab([min(max(c, 0), 1) for c in product(BLINDNESS[blindness], linear(colour))])
            for colour in (one, other)]
    return sum((a - b) ** 2 for a, b in zip(*seen)) ** 0.5


def test_the_measure_knows_a_confusable_pair():
    """Red and green of one lightness are far apart, but not without the cones for green."""
    assert distance("#b45a00", "#5a7800", "none") > 40
    assert distance("#b45a00", "#5a7800", "deuteranopia") < APART
    assert lab([1, 1, 1]) == pytest.approx((100, 0, 0), abs=0.1)


LOOKS = [*styles.LOOKS.values(), *styles.FURTHER]


@pytest.mark.parametrize("blindness", list(BLINDNESS))
@pytest.mark.parametrize("one,other", list(itertools.combinations(LOOKS, 2)))
def test_families_differ_for_everyone(one, other, blindness):
    assert distance(one.colour, other.colour, blindness) >= APART


def test_in_grey_the_dashes_tell_families_apart():
    solid = [look for look in LOOKS if not look.dashes]
    dashed = [look.dashes for look in LOOKS if look not in solid]
    assert len(set(dashed)) == len(dashed)
    greys = sorted(lab(linear(look.colour))[0] for look in solid)
    assert all(lighter - darker >= 20 for darker, lighter in itertools.pairwise(greys))


def test_every_colour_stands_out_from_the_page():
    for look in LOOKS:
        assert lab(linear(look.colour))[0] <= 75, look
        assert lab(linear(look.dark))[0] >= 50, look


def committed_cases():
    return {path: results.load(path, empty_allowed=True).cases for path in RESULTS + OLD}


def test_no_two_policies_look_the_same():
    """And each is in a group that is known, of all that were ever measured."""
    found = styles.of_cases(case for cases in committed_cases().values() for case in cases)
    assert len(found) >= 19
    looks = [(style.group, style.marker) for style in found.values()]
    assert len(set(looks)) == len(looks)
    assert {style.group for style in found.values()} <= set(styles.LOOKS)


def test_a_policy_looks_the_same_in_figures_of_different_runs():
    seen = {}
    for cases in committed_cases().values():
        for policy, style in styles.of_cases(cases).items():
            seen.setdefault(policy, set()).add((style.look, style.marker))
    assert seen and all(len(looks) == 1 for looks in seen.values())


def described(policy, family, mechanism="somehow"):
    return {"policy": policy, "family": family, "mechanism": mechanism}


def test_a_policy_or_family_never_seen_before_has_a_look_of_its_own():
    cases = [described("pinned_zero_copy", "zero-copy"), described("brand_new", "zero-copy"),
             described("b", "telepathy"), described("a", "telepathy"), described("c", "osmosis"),
             described("d", None)]
    found = styles.of_cases(cases)
    assert found["brand_new"].look == found["pinned_zero_copy"].look == styles.LOOKS["zero-copy"]
    assert len({(style.look, style.marker) for style in found.values()}) == len(cases)
    assert found["a"].look in styles.FURTHER and found["a"].look == found["b"].look
    assert list(found) == ["brand_new", "pinned_zero_copy", "c", "a", "b", "d"]
    assert [style.place for style in found.values()] == list(range(len(cases)))


def test_more_policies_than_markers_are_drawn_too():
    found = styles.of_cases(described(f"p{index}", "copy") for index in range(30))
    assert len(found) == 30 and {style.marker for style in found.values()} == set(styles.MARKERS)


@pytest.mark.parametrize("mechanism,group", [
    ("page faults migrate it", "managed, faults"),
    ("cudaMemPrefetchAsync duplicates each piece on the GPU, then read", "managed, prefetch"),
    ("page faults map it, SMs read it over the link", "managed, mapped"),
    ("another", "managed, faults")])
def test_managed_policies_are_grouped_by_their_mechanism(mechanism, group):
    assert styles.group_of(described("managed_any", "managed", mechanism)) == group
