# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Share of the processors' time that is in use, over a short sample.

Waiting for disk is not use; host.load tells that. What this run of probes uses itself is taken off. Where the share is too high, the
process that uses most is named. One sample is a moment: what lasts shows in host.load and in the trend.
"""

from __future__ import annotations

import os
import time
from typing import Any

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import OK, Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import memory
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import Context, Option, threshold, threshold_options

TYPE = "host.cpu"
OPTIONS = {
    "seconds": Option("float", default=1.0, doc="How long to measure."),
    **threshold_options(warning=85, critical=95, unit="percent of all processors"),
}


def look(context: Context, options: dict) -> list[Check]:
    """Return the one check of this type."""
    psutil = memory.require_psutil()
    share = measure(psutil, options["seconds"])
    status = threshold(options).judge(share, context.last_status(options["id"]))
    processors = os.cpu_count() or 1
    summary = f"{share:.0f} % of {processors} processors in use"
    details: dict = {"processors": processors}
    if status != OK:
        details["top"] = top(psutil, options["seconds"] / 2)
        summary += "".join(f"; most by {name} (pid {pid}), {percent:.0f} % of one" for name, pid, percent in details["top"][:1])
    return [
        Check(
            id=options["id"],
            status=status,
            summary=summary,
            value=round(share, 1),
            unit="percent",
            warning=options["warning"],
            critical=options["critical"],
            hint="docs/runbook.md#cpu",
            details=details,
        )
    ]


def measure(psutil: Any, seconds: float) -> float:
    """Return the percent of all processors in use for so many seconds, without this process and the children it has waited for."""
    busy, total, own = _times(psutil)
    time.sleep(seconds)
    busy_then, total_then, own_then = _times(psutil)
    if total_then <= total:
        return 0.0
    return min(100.0, max(0.0, 100 * (busy_then - busy - (own_then - own)) / (total_then - total)))


def _times(psutil: Any) -> tuple[float, float, float]:
    times = psutil.cpu_times()
    # the time of guests is counted in user and nice already
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    return total - times.idle - getattr(times, "iowait", 0.0), total, sum(os.times()[:4])


def top(psutil: Any, seconds: float, count: int = 3) -> list:
    """Return [name, pid, percent of one processor] of the processes that used most in so many seconds, this one left out."""
    before = _processes(psutil)
    time.sleep(seconds)
    used = [(process_seconds - before[key][1], name, key[0])
            for key, (name, process_seconds) in _processes(psutil).items() if key in before and key[0] != os.getpid()]
    return [[name, pid, round(100 * spent / seconds, 1)] for spent, name, pid in sorted(used, reverse=True)[:count]]


def _processes(psutil: Any) -> dict:
    found = {}
    for process in psutil.process_iter(["name", "cpu_times", "create_time"]):
        times = process.info["cpu_times"]
        if times is not None:
            found[(process.pid, process.info["create_time"])] = (process.info["name"], times.user + times.system)
    return found
