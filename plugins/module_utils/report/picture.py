# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures in SVG: the trend of a check, bars, and the marks of the statuses. Pure functions, no I/O."""

from __future__ import annotations

from typing import Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, OK, SKIPPED, UNKNOWN, WARNING
from ansible_collections.trixtech.maintenance.plugins.module_utils.report import words
from ansible_collections.trixtech.maintenance.plugins.module_utils.report.collect import number
from ansible_collections.trixtech.maintenance.plugins.module_utils.report.markup import Markup, tag

POINTS = 30
WIDTH, HEIGHT, EDGE = 140.0, 36.0, 3.0
# a limit more than this many times the largest value is not drawn: it would press the line flat onto the ground
_REACH = 3.0
# a steady value is drawn as such: no less than this share of its size fills the picture's height
_STEADY = 0.25

# each status has a shape of its own, so that nothing hangs on colour alone; 16 x 16
_SHAPES = {
    OK: '<circle cx="8" cy="8" r="7" class="f"/><path d="M4.8 8.2l2.2 2.3 4.2-4.7" class="m"/>',
    WARNING: '<path d="M8 1.2L15.4 14.4H.6z" class="f"/><path d="M8 6v4M8 12v.4" class="m"/>',
    UNKNOWN: '<path d="M8 .6L15.4 8 8 15.4.6 8z" class="f"/><path d="M6.2 6.4a1.8 1.8 0 1 1 2.6 1.7c-.5.3-.8.6-.8 1.2M8 11.4v.3" class="m"/>',
    CRITICAL: '<path d="M5 .8h6L15.2 5v6L11 15.2H5L.8 11V5z" class="f"/><path d="M5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8" class="m"/>',
    SKIPPED: '<circle cx="8" cy="8" r="7" class="f"/><path d="M5 8h6" class="m"/>',
}


def definitions() -> Markup:
    """Return the marks of all statuses, once a page; icon() refers to them."""
    symbols = [tag("symbol", Markup(shape), id=f"i-{status}", viewBox="0 0 16 16") for status, shape in _SHAPES.items()]
    return tag("svg", symbols, width="0", height="0", class_="defs", aria_hidden="true")


def icon(status: str) -> Markup:
    """Return the mark of a status; the word stands beside it."""
    return tag("svg", tag("use", href=f"#i-{status}"), class_=f"icon s-{status}", aria_hidden="true")


def sparkline(points: list, unit: Optional[str] = None, warning: Optional[float] = None,
              critical: Optional[float] = None) -> Optional[Markup]:
    """Return the trend of the last POINTS points (epoch seconds, value), time to the right, with the limits; None for fewer than 2.

    Times must be in order. All points at one moment are spread evenly.
    """
    points = [(when, value) for when, value in points if number(when) is not None and number(value) is not None][-POINTS:]
    if len(points) < 2:
        return None
    values = [value for unused_when, value in points]
    drawn = [(name, limit) for name, limit in (("warning", number(warning)), ("critical", number(critical)))
             if limit is not None and abs(limit) <= _REACH * max(map(abs, values))]
    # divided before anything is subtracted: the span of huge values is no float
    unit_length = max(abs(value) for value in [*values, *(limit for unused_name, limit in drawn)]) or 1.0
    scaled = [value / unit_length for value in [*values, *(limit for unused_name, limit in drawn)]]
    low, high = min(scaled), max(scaled)
    room = max(_STEADY - (high - low), 0.0) / 2
    low, high = low - room, high + room

    def y(value: float) -> str:
        return _round(EDGE + (HEIGHT - 2 * EDGE) * (high - value / unit_length) / (high - low))

    first, last = points[0][0], points[-1][0]

    def x(position: int) -> str:
        share = (points[position][0] - first) / (last - first) if last > first else position / (len(points) - 1)
        return _round(EDGE + (WIDTH - 2 * EDGE) * share)

    line = " ".join([f"{x(position)},{y(value)}" for position, value in enumerate(values)])
    return tag(
        "svg",
        tag("title", _said(points, values, unit, drawn)),
        [tag("line", x1="0", x2=_round(WIDTH), y1=y(limit), y2=y(limit), class_=f"limit s-{name}") for name, limit in drawn],
        tag("polyline", points=line, class_="trend"),
        tag("circle", cx=x(len(points) - 1), cy=y(values[-1]), r="2.5", class_="last"),
        viewBox=f"0 0 {_round(WIDTH)} {_round(HEIGHT)}", role="img", class_="spark",
    )


def _said(points: list, values: list[float], unit: Optional[str], drawn: list) -> str:
    """Say in words what the picture shows."""
    times = [words.from_epoch(points[0][0]), words.from_epoch(points[-1][0])]
    span = f" from {words.day(times[0])} to {words.day(times[1])}" if times[0] and times[1] else ""
    limits = "".join(f", {name} limit {words.quantity(limit, unit)}" for name, limit in drawn)
    return (f"{len(points)} values{span}: lowest {words.quantity(min(values), unit)}, highest {words.quantity(max(values), unit)}, "
            f"last {words.quantity(values[-1], unit)}{limits}")


def share_bar(share: float, status: str = "plain") -> Markup:
    """Return a horizontal bar; share is 0 to 1 of its width, and a share above 0 is always to be seen."""
    share = min(1.0, max(0.0, number(share) or 0.0))
    width = max(share * 100, 0.8) if share else 0.0
    return tag("svg", tag("rect", width="100", height="6", class_="rail"), tag("rect", width=_round(width), height="6", class_=f"s-{status}"),
               viewBox="0 0 100 6", preserveAspectRatio="none", class_="bar", aria_hidden="true")


def stack(counts: dict[str, int]) -> Markup:
    """Return one bar divided among the statuses in the order of counts; what is there at all is at least 1 percent wide."""
    total = sum(counts.values())
    widths = {status: max(100.0 * count / total, 1.0) for status, count in counts.items() if count} if total else {}
    scale = 100.0 / sum(widths.values()) if widths else 0.0
    parts, left = [], 0.0
    for status, width in widths.items():
        parts.append(tag("rect", x=_round(left), width=_round(width * scale), height="6", class_=f"s-{status}"))
        left += width * scale
    return tag("svg", parts, viewBox="0 0 100 6", preserveAspectRatio="none", class_="stack", aria_hidden="true")


def _round(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
