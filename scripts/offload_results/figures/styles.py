# SPDX-License-Identifier: Apache-2.0
"""How each policy looks, in every figure. A family of policies has a colour and a dash pattern, a
policy in it a marker: neither needs the other, so figures survive a greyscale print."""
import dataclasses

# Neighbours differ in lightness, and in hue under every colour blindness; after Okabe and Ito. The
# managed policies are green, or light blue where they are mapped and read as zero-copy is.
COLOURS = {
    "resident": "#000000",
    "zero-copy": "#1444A0",
    "copy": "#C84000",
    "managed, faults": "#004D33",
    "managed, prefetch": "#00A078",
    "managed, mapped": "#56B4E9",
    "system": "#A05C9E",
    "host": "#E69F00",
    "other": "#B2B2B2",
}
DASHES = {  # points on and off, of a line one point wide
    "resident": (),
    "zero-copy": (),
    "copy": (5, 1.8),
    "managed, faults": (6, 1.5, 1.2, 1.5),
    "managed, prefetch": (6, 1.5, 1.2, 1.5, 1.2, 1.5),
    "managed, mapped": (9, 1.5, 1.2, 1.5),
    "system": (1.2, 1.2),
    "host": (2.6, 1.4),
    "other": (8, 3),
}
FAMILIES = tuple(COLOURS)

POLICIES = {  # family and marker
    "device_resident": ("resident", "*"),
    "pinned_zero_copy": ("zero-copy", "o"),
    "registered_zero_copy": ("zero-copy", "s"),
    "hostvmm_zero_copy": ("zero-copy", "D"),
    "writecombined_zero_copy": ("zero-copy", "^"),
    "pinned_copy": ("copy", "o"),
    "pinned_prefetch_copy": ("copy", "s"),
    "pinned_ring_copy": ("copy", "D"),
    "pageable_copy": ("copy", "v"),
    "managed_demand": ("managed, faults", "o"),
    "managed_prefer_device": ("managed, faults", "<"),
    "managed_readmostly_demand": ("managed, faults", "^"),
    "managed_prefetch_ahead": ("managed, prefetch", "D"),
    "managed_prefetch_each": ("managed, prefetch", "s"),
    "managed_readmostly_prefetch": ("managed, prefetch", "v"),
    "managed_accessed_by": ("managed, mapped", "P"),
    "managed_prefer_host": ("managed, mapped", ">"),
    "system_accessed_by": ("system", "P"),
    "system_demand": ("system", "o"),
    "system_prefetch": ("system", "s"),
    "host_compute": ("host", "o"),
    "hybrid_split": ("host", "X"),
}
HOLLOW = ("copy", "system")  # markers of families whose neighbours in lightness are filled


@dataclasses.dataclass(frozen=True)
class Style:
    family: str
    marker: str

    @property
    def colour(self):
        return COLOURS[self.family]

    @property
    def dashes(self):
        return DASHES[self.family]

    @property
    def hollow(self):
        return self.family in HOLLOW


def style_of(policy):
    """A policy that is not listed is drawn too, in grey."""
    return Style(*POLICIES.get(policy, ("other", "h")))


def in_order(policy):
    """For sorting: by family, then as listed above."""
    names = list(POLICIES)
    return (FAMILIES.index(style_of(policy).family),
            names.index(policy) if policy in POLICIES else len(names), policy)
