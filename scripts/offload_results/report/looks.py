# SPDX-License-Identifier: Apache-2.0
"""How policies look in the page: families, dashes and markers are those of every figure; on dark
ground each family has a lighter colour of the same hue."""
from ..figures import styles

DARK = {
    "resident": "#F2F2F2",
    "zero-copy": "#7DA2FF",
    "copy": "#FF8A50",
    "managed, faults": "#2FA37C",
    "managed, prefetch": "#7CE8C3",
    "managed, mapped": "#56B4E9",
    "system": "#D3A4E3",
    "host": "#F2B233",
    "other": "#A6A6A6",
}


def css():
    """A class per family that sets --look."""
    light = [f".f{index}{{--look:{styles.COLOURS[family]}}}"
             for index, family in enumerate(styles.FAMILIES)]
    dark = [f".f{index}{{--look:{DARK[family]}}}" for index, family in enumerate(styles.FAMILIES)]
    by_system = "".join(f":root:not([data-theme=light]) {rule}" for rule in dark)
    by_choice = "".join(f":root[data-theme=dark] {rule}" for rule in dark)
    return ("".join(light) + f"@media screen and (prefers-color-scheme:dark){{{by_system}}}"
            f"@media screen{{{by_choice}}}")


def of_policies(runs):
    """{policy: [family's index, marker, hollow, place in lists]}."""
    names = sorted({case["policy"] for run in runs for case in run.cases}, key=styles.in_order)
    found = {name: styles.style_of(name) for name in names}
    return {name: [styles.FAMILIES.index(style.family), style.marker, style.hollow, place]
            for place, (name, style) in enumerate(found.items())}


def dashes():
    return [list(styles.DASHES[family]) for family in styles.FAMILIES]
