# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the application takes to answer, and whether that has become longer.

Sends a number of requests one after another and takes p50, p95 and p99 of them. The value is p95. It is compared with the median of
the values of the last 14 days: more than twice that, and at least 50 ms more, is degradation, which is a warning.
"""

from __future__ import annotations

import time
from typing import Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils import trend
from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import OK, WARNING, Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import network, web
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import (
    CannotLook,
    Context,
    Option,
    threshold,
    threshold_options,
)
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import plural

TYPE = "app.response_time"
OPTIONS = {
    "timeout": Option("float", default=20.0, doc="Seconds this check may take; after them it is unknown."),
    "url": Option("str", required=True, doc="What to ask for; a path that does what users wait for says more than the liveness path."),
    "requests": Option("int", default=20, doc="How many requests to send, one after another."),
    "expect_status": Option("list", default=[200], doc="Statuses that mean well; other answers are not measured."),
    **web.OPTIONS,
    **threshold_options(warning=1000.0, critical=None, unit="milliseconds at p95"),
    "degradation": Option("float", default=2.0, doc="How many times as slow as usual is a warning; 0 for never."),
    "degradation_ms": Option("float", default=50.0, doc="How many milliseconds slower than usual it has to be besides."),
    "history_days": Option("float", default=14.0, doc="Days of history whose median is what is usual."),
    "history_values": Option("int", default=5, doc="Values in history below which nothing counts as usual."),
}
HINT = "docs/runbook.md#slow-answers"
# so many failures without one good answer tell enough; a hanging application is not asked twenty times
GIVE_UP_AFTER = 3


def prepare(options: dict) -> None:
    """Raise MaintenanceError for options that cannot work."""
    web.check_url(options["url"])


def look(context: Context, options: dict) -> list[Check]:
    """Return the one check of this type."""
    times, causes = measure(options)
    sent, wanted = len(times) + len(causes), options["requests"]
    if len(times) < max(1, (wanted + 1) // 2):
        bad = f": {causes[0]}" if causes else f", {wanted} were meant to be sent in {patience(options):g} s"
        raise CannotLook(f"only {len(times)} of {sent} requests to {web.shown(options['url'])} got a good answer{bad}")
    p50, p95, p99 = (trend.percentile(times, q) for q in (50, 95, 99))
    usual = _usual(context, options)
    status = threshold(options).judge(p95, context.last_status(options["id"]))
    summary = f"p95 is {p95:.0f} ms over {plural(len(times), 'request')} (p50 {p50:.0f}, p99 {p99:.0f} ms)"
    if causes:
        summary += f", {plural(len(causes), 'other request')} failed: {causes[0]}"
    if usual is not None and options["degradation"] and p95 > usual * options["degradation"] and p95 - usual >= options["degradation_ms"]:
        status = WARNING if status == OK else status
        summary += f"; the median of the last {options['history_days']:g} days is {usual:.0f} ms"
    return [
        Check(
            id=options["id"],
            status=status,
            summary=summary,
            value=round(p95, 1),
            unit="ms",
            warning=options["warning"],
            critical=options["critical"],
            hint=HINT,
            details={"p50": round(p50, 1), "p95": round(p95, 1), "p99": round(p99, 1), "sent": sent, "failed": len(causes),
                     "usual": None if usual is None else round(usual, 1)},
        )
    ]


def patience(options: dict) -> float:
    """Return the seconds that all requests together may take."""
    return options["timeout"] * 0.9


def measure(options: dict) -> tuple[list[float], list[str]]:
    """Send the requests; return the milliseconds of good answers and the causes of the others."""
    # a request that could not end in the time left would be counted as a failure of the application's: it is not sent
    deadline = time.monotonic() + patience(options)
    times: list[float] = []
    causes: list[str] = []
    for _unused in range(options["requests"]):
        left = deadline - time.monotonic()
        if left <= 0 or (times and left < times[-1] / 500) or (len(causes) >= GIVE_UP_AFTER and not times):
            break
        try:
            answer = web.get(options["url"], options, min(left, network.patience(options)))
        except web.NoAnswer as error:
            causes.append(str(error))
            continue
        if answer.status in options["expect_status"]:
            times.append(answer.milliseconds)
        else:
            causes.append(answer.says())
    return times, causes


def _usual(context: Context, options: dict) -> Optional[float]:
    values = [value for _moment, value in context.series(options["id"], options["history_days"])]
    return trend.median(values) if len(values) >= options["history_values"] else None
