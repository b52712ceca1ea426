# SPDX-License-Identifier: Apache-2.0
"""Where labels go that want to stand beside their curve's end and must not overlap."""


def spread(wanted, heights, low, high):
    """Centres for labels that want to be at `wanted`: nearest to that (least squares), in the same
    order, none overlapping; inside low..high as far as they fit, over both ends equally if not."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    blocks = []  # [bottom, height, labels]: labels that touch, lowest first
    for index in order:
        block = [wanted[index] - heights[index] / 2, heights[index], [index]]
        blocks.append(inside(block, low, high))
        while len(blocks) > 1 and blocks[-2][0] + blocks[-2][1] > blocks[-1][0]:
            upper = blocks.pop()
            blocks[-1] = inside(joined(blocks[-1], upper, wanted, heights), low, high)
    centres = [0.0] * len(wanted)
    for bottom, _, labels in blocks:
        for index in labels:
            centres[index] = bottom + heights[index] / 2
            bottom += heights[index]
    return centres


def joined(lower, upper, wanted, heights):
    """One block at the mean of where its labels would have it."""
    labels = lower[2] + upper[2]
    offset, bottoms = 0.0, []
    for index in labels:
        bottoms.append(wanted[index] - heights[index] / 2 - offset)
        offset += heights[index]
    return [sum(bottoms) / len(bottoms), offset, labels]


def inside(block, low, high):
    bottom, height, labels = block
    if height > high - low:
        return [(low + high - height) / 2, height, labels]
    return [min(max(bottom, low), high - height), height, labels]
