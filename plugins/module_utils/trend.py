# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trends and percentiles over short series of measurements. Pure Python, no I/O.

A point is (epoch seconds, value). The slope is Theil-Sen's: the median of the slopes of all pairs of points (P. K. Sen, 1968).
It stands up to 29 percent of outliers, so that one odd day does not bend it as it bends least squares.
"""

from __future__ import annotations

import math
import statistics
from typing import Iterable, Optional, Sequence

# 200 points are 19,900 pairs, about 10 ms; a longer series is thinned to as many
MAX_POINTS = 200

Points = Iterable["tuple[float, float]"]


def theil_sen(points: Points) -> Optional[float]:
    """Return the slope in units per second; None for fewer than 3 points, or where all lie at one moment.

    Points may come in any order; those that are no finite number are left out.
    """
    kept = _thinned(_ordered(points))
    if len(kept) < 3:
        return None
    slopes = [
        (later_value - value) / (later - moment)
        for number, (moment, value) in enumerate(kept)
        for later, later_value in kept[number + 1:]
        if later > moment
    ]
    return statistics.median(slopes) if slopes else None


def time_to(points: Points, limit: float) -> Optional[float]:
    """Return the seconds from the last point until its value, growing by theil_sen(), reaches limit.

    0.0 where the last value is there already; None where the series is flat, falling or too short to tell.
    """
    series = _ordered(points)
    if not series:
        return None
    last = series[-1][1]
    if last >= limit:
        return 0.0
    slope = theil_sen(series)
    if slope is None or slope <= 0:
        return None
    return (limit - last) / slope


def median(values: Iterable[float]) -> float:
    """Return the median; ValueError for no values."""
    return statistics.median(values)


def percentile(values: Iterable[float], q: float) -> float:
    """Return the q-th percentile (q from 0 to 100), interpolated linearly between the two nearest ranks as numpy does by default.

    ValueError for no values, or for a q outside of 0 to 100.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no percentile of no values")
    if not 0 <= q <= 100:
        raise ValueError(f"a percentile lies between 0 and 100, not at {q:g}")
    position = (len(ordered) - 1) * q / 100
    low = math.floor(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def _ordered(points: Points) -> "list[tuple[float, float]]":
    return sorted((moment, value) for moment, value in points if math.isfinite(moment) and math.isfinite(value))


def _thinned(points: "Sequence[tuple[float, float]]") -> "Sequence[tuple[float, float]]":
    """Return at most MAX_POINTS points, evenly picked, the first and the last among them."""
    if len(points) <= MAX_POINTS:
        return points
    step = (len(points) - 1) / (MAX_POINTS - 1)
    return [points[round(number * step)] for number in range(MAX_POINTS)]
