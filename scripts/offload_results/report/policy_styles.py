# SPDX-License-Identifier: Apache-2.0
"""How policies look in the page: as in every figure; on dark ground each group has a lighter colour of
the same hue."""
from ..figures import styles

ALL = [*styles.LOOKS.values(), *styles.FURTHER]


def css():
    """A class per look that sets --policy."""
    light = [f".f{index}{{--policy:{look.colour}}}" for index, look in enumerate(ALL)]
    dark = [f".f{index}{{--policy:{look.dark}}}" for index, look in enumerate(ALL)]
    by_system = "".join(f":root:not([data-theme=light]) {rule}" for rule in dark)
    by_choice = "".join(f":root[data-theme=dark] {rule}" for rule in dark)
    return ("".join(light) + f"@media screen and (prefers-color-scheme:dark){{{by_system}}}"
            f"@media screen{{{by_choice}}}")


def of_policies(runs):
    """{policy: [class, marker, hollow, dashes, place in lists]}."""
    return {policy: [f"f{ALL.index(style.look)}", style.marker, style.hollow,
                     " ".join(f"{length:g}" for length in style.dashes), style.place]
            for policy, style in styles.of_runs(runs).items()}
