# SPDX-License-Identifier: Apache-2.0
"""How policies look, in every figure: colour and dashes say what a policy's family is, the marker
which of the family it is. Neither needs the other, so figures survive a greyscale print. All of it
follows from the results: a policy that is new has a style, and no list here names one."""
import dataclasses
import itertools
import zlib


@dataclasses.dataclass(frozen=True)
class Look:
    """Of a group of policies. `dashes` are points on and off, of a line one point wide; `dark` is the
    colour on a dark ground."""

    colour: str
    dark: str
    dashes: tuple
    hollow: bool = False  # its markers: where those of its neighbours in lightness are filled


# Neighbours differ in lightness, and in hue under every colour blindness; after Okabe and Ito. The
# managed policies are green, or light blue where they are mapped and read as zero-copy is.
LOOKS = {
    "resident": Look("#000000", "#F2F2F2", ()),
    "zero-copy": Look("#1444A0", "#7DA2FF", ()),
    "copy": Look("#C84000", "#FF8A50", (5, 1.8), hollow=True),
    "managed, faults": Look("#004D33", "#2FA37C", (6, 1.5, 1.2, 1.5)),
    "managed, prefetch": Look("#00A078", "#7CE8C3", (6, 1.5, 1.2, 1.5, 1.2, 1.5)),
    "managed, mapped": Look("#56B4E9", "#56B4E9", (9, 1.5, 1.2, 1.5)),
    "system": Look("#A05C9E", "#D3A4E3", (1.2, 1.2), hollow=True),
    "cpu": Look("#E69F00", "#F2B233", (2.6, 1.4)),
    "hybrid": Look("#7800F0", "#9A7BFF", (2.6, 1.4, 1.2, 1.4)),
    "file": Look("#780060", "#E070C8", (8, 3)),
    "peer": Look("#8080FF", "#C0FF00", (1.2, 3, 5, 3)),
}
FURTHER = (  # for families of their own that policies to come may have
    Look("#901800", "#FF5A78", (4, 1.5, 4, 4), hollow=True),
    Look("#C0A860", "#E8DC9C", (1.2, 3)),
)
MARKERS = ("o", "s", "D", "^", "v", "<", ">", "P", "X", "h", "*")
SEED = 178  # of the checksum of names that markers begin from: with it few policies want the same one


@dataclasses.dataclass(frozen=True)
class Style:
    group: str
    look: Look
    marker: str
    place: int  # in lists: by group, then by name

    @property
    def colour(self):
        return self.look.colour

    @property
    def dashes(self):
        return self.look.dashes

    @property
    def hollow(self):
        return self.look.hollow


def group_of(case):
    """Its policy's family; the managed policies, of which there are many, by how weights get to the
    GPU."""
    family, mechanism = case["family"] or "unknown", case["mechanism"].lower()
    if family != "managed":
        return family
    return (f"{family}, prefetch" if "prefetch" in mechanism
            else f"{family}, mapped" if "map" in mechanism else f"{family}, faults")


def of_runs(runs):
    return of_cases(itertools.chain.from_iterable(run.cases for run in runs))


def of_cases(cases):
    """{policy: Style} of all that were measured, in the order of lists."""
    groups = {}
    for case in cases:
        groups.setdefault(group_of(case), set()).add(case["policy"])
    further = sorted(groups.keys() - LOOKS.keys())
    looks = {**LOOKS, **dict(zip(further, itertools.cycle(FURTHER)))}
    found = {}
    for group in sorted(groups, key=list(looks).index):
        for policy, marker in sorted(markers_of(groups[group]).items()):
            found.setdefault(policy, Style(group, looks[group], marker, len(found)))
    return found


def markers_of(policies):
    """Each has the one that its name begins from, or the next that no other has taken: so a policy
    looks the same in figures of different runs, as long as there is room."""
    taken = {}
    for policy in sorted(policies):
        first = zlib.crc32(policy.encode("utf-8"), SEED)
        tried = [MARKERS[(first + step) % len(MARKERS)] for step in range(len(MARKERS))]
        taken[policy] = next((marker for marker in tried if marker not in taken.values()), tried[0])
    return taken
