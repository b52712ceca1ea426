# SPDX-License-Identifier: Apache-2.0
"""Policies can be told apart in every figure: in colour, under each colour blindness, and in grey.

Needs pytest.
"""
import itertools
import json
import pathlib
import sys

import pytest

root = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(root / "scripts"))
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


@pytest.mark.parametrize("blindness", list(BLINDNESS))
@pytest.mark.parametrize("one,other", list(itertools.combinations(styles.FAMILIES, 2)))
def test_families_differ_for_everyone(one, other, blindness):
    assert distance(styles.COLOURS[one], styles.COLOURS[other], blindness) >= APART


def test_in_grey_the_dashes_tell_families_apart():
    solid = [family for family in styles.FAMILIES if not styles.DASHES[family]]
    dashed = [styles.DASHES[family] for family in styles.FAMILIES if family not in solid]
    assert len(set(dashed)) == len(dashed)
    greys = sorted(lab(linear(styles.COLOURS[family]))[0] for family in solid)
    assert all(lighter - darker >= 20 for darker, lighter in itertools.pairwise(greys))


def test_every_colour_stands_out_from_the_page():
    for colour in styles.COLOURS.values():
        assert lab(linear(colour))[0] <= 75, colour


def test_no_two_policies_look_the_same():
    looks = list(styles.POLICIES.values())
    assert len(set(looks)) == len(looks)
    assert {family for family, _ in looks} | {"other"} == set(styles.FAMILIES)


def test_every_policy_in_the_committed_results_has_a_look():
    named = set()
    for path in (root / "results").glob("*/*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        run = document.get("offload_bench", {"cases": [], "skipped": []})
        named |= {case["policy"] for case in [*run["cases"], *run["skipped"]]}
    assert named and named <= set(styles.POLICIES)


def test_a_policy_that_is_not_listed_is_drawn_too():
    style = styles.style_of("brand_new")
    assert style.family == "other"
    order = sorted(["brand_new", "hybrid_split", "device_resident"], key=styles.in_order)
    assert order == ["device_resident", "hybrid_split", "brand_new"]
