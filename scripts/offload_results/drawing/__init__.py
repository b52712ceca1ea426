# SPDX-License-Identifier: Apache-2.0
"""Draws the figures' data with matplotlib; nothing here reads results."""
from ..figures.data import BarFigure
from . import bars, curves


def draw(figure):
    return (bars if isinstance(figure, BarFigure) else curves).draw(figure)
