# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The small pictures: whatever the values, a picture that can be drawn, or none."""

from __future__ import annotations

import re

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.report import picture


def coordinates(drawn: str) -> list[tuple[float, float]]:
    """Return the points of the line."""
    found = re.search(r'points="([^"]*)"', drawn)
    assert found
    return [tuple(map(float, pair.split(","))) for pair in found[1].split()]  # type: ignore[misc]


NAN, INFINITE = float("nan"), float("inf")


@pytest.mark.parametrize("values", [
    [1, 2], [5, 5, 5], [0, 0], [-3, -3], [1e308, -1e308, 0], [1e-320, 3e-320], [10**17, 10**17 + 1], [1, NAN, 2, INFINITE, 3], [0.1] * 200,
])
def test_every_series_stays_inside(values: list) -> None:
    """Flat, huge, tiny and broken series: finite coordinates inside the picture."""
    drawn = picture.sparkline([(when * 60.0, value) for when, value in enumerate(values)], "percent", 80, 90)
    assert drawn and "nan" not in drawn.lower() and "inf" not in drawn.lower()
    points = coordinates(drawn)
    assert 2 <= len(points) <= picture.POINTS
    assert all(0 <= x <= picture.WIDTH and 0 <= y <= picture.HEIGHT for x, y in points)
    assert points[-1][0] == picture.WIDTH - picture.EDGE


@pytest.mark.parametrize("points", [[], [(1.0, 5.0)], [(1.0, NAN), (2.0, 1.0)]])
def test_fewer_than_two_points_are_no_trend(points: list) -> None:
    """The page says "no history yet" instead."""
    assert picture.sparkline(points) is None


def test_up_is_more_and_right_is_later() -> None:
    """The first value low and left, the last high and right; distances in time show."""
    (x1, y1), (x2, y2), (x3, y3) = coordinates(picture.sparkline([(0, 1), (10, 5), (100, 9)]))
    assert x1 < x2 < x3 and y1 > y2 > y3
    assert x2 - x1 < (x3 - x1) / 5


def test_points_of_one_moment_are_spread() -> None:
    """Instead of dividing by no time at all."""
    assert [x for x, unused_y in coordinates(picture.sparkline([(7, 1), (7, 2), (7, 3)]))] == [3, 70, 137]


def test_a_steady_value_is_drawn_steady() -> None:
    """A wavering of one percent does not fill the height."""
    heights = [y for unused_x, y in coordinates(picture.sparkline([(0, 100), (1, 101), (2, 100)]))]
    assert max(heights) - min(heights) < 2


def test_limits() -> None:
    """Each in its own dashes; one far above all values is left out, and what is drawn is said in words."""
    near = picture.sparkline([(0, 70), (86400, 75)], "percent", 80, 90)
    assert 'class="limit s-warning"' in near and 'class="limit s-critical"' in near
    assert "warning limit 80 %, critical limit 90 %" in near and 'role="img"' in near
    assert "limit" not in picture.sparkline([(0, 1), (1, 2)], "percent", 80, 90)
    assert "limit" not in picture.sparkline([(0, 1), (1, 2)], "percent", NAN, None)


@pytest.mark.parametrize(("share", "width"), [(0, "0"), (0.5, "50"), (1, "100"), (7, "100"), (-1, "0"), (NAN, "0"), (1e-9, "0.8")])
def test_share_bar(share: float, width: str) -> None:
    """Never wider than its rail, and what is there is seen."""
    assert f'<rect width="{width}" height="6" class="s-plain"/>' in picture.share_bar(share)


def test_stack() -> None:
    """The parts fill the bar; one of thousands is still seen; nothing is nothing."""
    widths = [float(width) for width in re.findall(r' width="([\d.]+)"', picture.stack({"critical": 1, "warning": 0, "ok": 5000}))]
    assert len(widths) == 2 and sum(widths) == pytest.approx(100, abs=0.2) and widths[0] >= 0.9
    assert "<rect" not in picture.stack({"ok": 0})


def test_every_status_has_a_shape_of_its_own() -> None:
    """So that nothing hangs on colour alone."""
    shapes = re.findall(r'<symbol id="i-(\w+)" viewBox="0 0 16 16">(.*?)</symbol>', picture.definitions())
    assert {name for name, unused_shape in shapes} == {"ok", "warning", "unknown", "critical", "skipped"}
    assert len({shape for unused_name, shape in shapes}) == 5
