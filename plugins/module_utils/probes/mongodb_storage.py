# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Space that the databases take, their growth, and when the file system under them will be full.

The growth is the slope through the sizes of earlier runs (Theil-Sen). The limits are days until the file system of the dbpath is
full if the databases grow on like this and nothing else grows; host.disk watches what is full already. The value is in bytes,
so warning and critical of the result are those sizes at which the limits are reached.
"""

from __future__ import annotations

import time
from typing import Any, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils import trend
from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import OK, Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import mongodb
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import Context, Option, threshold, threshold_options
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import plural, size

TYPE = "mongodb.storage"
ABOVE = False
OPTIONS = {
    **threshold_options(warning=14, critical=3, unit="days until the file system of the database is full"),
    "databases": Option("list", doc="The databases to measure; all but MongoDB's own unless given."),
    "growth_days": Option("float", default=14.0, doc="How many days of history the growth is taken from."),
    "growth_min_hours": Option("float", default=24.0, doc="Fewer hours of history than these tell no growth."),
}
DAY = 86400.0


def look(context: Context, options: dict) -> list[Check]:
    """Return the one check of this type."""
    sizes, file_system = _sizes(context, options)
    total = sum(sizes.values())
    free = max(0, file_system["total"] - file_system["used"]) if file_system else None
    points = [*context.series(options["id"], options["growth_days"]), (time.time(), float(total))]
    growth = _growth(points, options["growth_min_hours"])
    summary = f"{plural(len(sizes), 'database')} of {size(total)}"
    details: dict[str, Any] = {"databases": sizes, "growth_per_day": growth and round(growth), "days_to_full": None}
    limits: dict[str, Optional[float]] = {"warning": None, "critical": None}
    status = OK
    if growth is None:
        summary += f", growth not known before {options['growth_min_hours']:g} h of history"
    else:
        summary += f", {'+' if growth >= 0 else ''}{size(growth)} a day"
    if file_system:
        share = 100 * file_system["used"] / file_system["total"]
        details.update(file_system_percent=round(share, 1), file_system_bytes=file_system["total"], file_system_free=free)
        summary += f"; its file system is {share:.0f} % full"
        if growth and growth > 0:
            days = free / growth
            details["days_to_full"] = round(days, 1)
            summary += f", and full in about {days:,.0f} days" if days < 3650 else ""
            status = threshold(options, ABOVE).judge(days, context.last_status(options["id"]))
            limits = {name: round(total + free - options[name] * growth) for name in limits if options[name] is not None}
            if status != OK:
                given = ", ".join(f"{name} from {options[name]:g} down" for name in limits)
                summary += f" ({given}): make room or move the dbpath"
    return [Check(id=options["id"], status=status, summary=summary, value=total, unit="bytes", warning=limits.get("warning"),
                  critical=limits.get("critical"), hint="docs/runbook.md#database-size", details=details)]


def _growth(points: list[tuple[float, float]], least_hours: float) -> Optional[float]:
    """Return bytes a day, or None where the points are too few or too close to each other."""
    moments = [moment for moment, _value in points]
    if max(moments) - min(moments) < least_hours * 3600:
        return None
    slope = trend.theil_sen(points)
    return None if slope is None else slope * DAY


def _sizes(context: Context, options: dict) -> tuple[dict[str, int], Optional[dict]]:
    """Return bytes on disk per database, and total and used bytes of the file system (None: the engine does not tell)."""
    names = mongodb.databases(context, options)

    def work(mongo: Any) -> list[dict]:
        # without a database of its own there still is a file system to look at
        return [mongodb.database(mongo, name).command("dbStats") for name in (*names, "admin")]

    found = mongodb.run(context, options, work)
    last = found[-1]
    file_system = {"total": last["fsTotalSize"], "used": last["fsUsedSize"]} if last.get("fsTotalSize") else None
    sizes = {item["db"]: int(item.get("storageSize", 0) + item.get("indexSize", 0)) for item in found[:-1]}
    return sizes, file_system
