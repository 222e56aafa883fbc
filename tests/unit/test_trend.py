# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import random

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils import trend

DAY = 86400.0


def test_slope_of_a_line():
    assert trend.theil_sen([(0, 1), (10, 21), (20, 41)]) == pytest.approx(2.0)


def test_order_of_points_does_not_matter():
    assert trend.theil_sen([(20, 41), (0, 1), (10, 21)]) == pytest.approx(2.0)


@pytest.mark.parametrize("points", [[], [(0, 1)], [(0, 1), (1, 2)], [(5, 1), (5, 2), (5, 3)]])
def test_no_slope_without_three_points_spread_in_time(points):
    assert trend.theil_sen(points) is None


def test_what_is_no_number_is_left_out():
    assert trend.theil_sen([(0, 0), (1, float("nan")), (2, 2), (3, float("inf")), (4, 4)]) == pytest.approx(1.0)
    assert trend.theil_sen([(0, 0), (1, float("nan")), (2, 2)]) is None


def test_outliers_do_not_bend_the_slope():
    points = [(day * DAY, 100.0 * day) for day in range(30)]
    points[7] = (7 * DAY, 1e6)
    points[20] = (20 * DAY, 0.0)
    assert trend.theil_sen(points) * DAY == pytest.approx(100.0, rel=0.01)


def test_noise_around_a_level_has_hardly_a_slope():
    chance = random.Random(1)
    points = [(hour * 3600.0, 500 + chance.gauss(0, 5)) for hour in range(720)]
    assert abs(trend.theil_sen(points) * DAY) < 0.5


def test_long_series_is_thinned_and_keeps_its_ends():
    points = [(float(number), 3.0 * number) for number in range(100_000)]
    thin = trend._thinned(points)
    assert len(thin) == trend.MAX_POINTS
    assert thin[0] == points[0] and thin[-1] == points[-1]
    assert len(set(thin)) == trend.MAX_POINTS
    assert trend.theil_sen(points) == pytest.approx(3.0)


def test_time_to_counts_from_the_last_point():
    assert trend.time_to([(0, 0), (10, 10), (20, 20)], 50) == pytest.approx(30)


def test_time_to_is_zero_at_or_beyond_the_limit():
    assert trend.time_to([(0, 100)], 100) == 0.0
    assert trend.time_to([(0, 0), (1, 60), (2, 120)], 100) == 0.0


@pytest.mark.parametrize("points", [
    [],
    [(0, 1), (1, 2)],
    [(0, 5), (1, 5), (2, 5)],
    [(0, 9), (1, 8), (2, 7)],
])
def test_time_to_is_none_for_what_never_gets_there(points):
    assert trend.time_to(points, 10) is None


def test_median():
    assert trend.median([5, 1, 3]) == 3
    assert trend.median(iter([1, 2, 3, 10])) == 2.5
    with pytest.raises(ValueError):
        trend.median([])


def test_percentile_interpolates_between_ranks():
    assert trend.percentile([4, 1, 3, 2], 50) == 2.5
    assert trend.percentile(range(101), 95) == 95
    assert trend.percentile([1, 2], 99) == pytest.approx(1.99)
    assert trend.percentile([7], 99) == 7
    assert trend.percentile([3, 1, 2], 0) == 1
    assert trend.percentile([3, 1, 2], 100) == 3


@pytest.mark.parametrize("values, q", [([], 50), ([1], -1), ([1], 101)])
def test_percentile_refuses_what_has_none(values, q):
    with pytest.raises(ValueError):
        trend.percentile(values, q)
