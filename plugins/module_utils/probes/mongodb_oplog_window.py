# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hours that the oplog reaches back.

A secondary that is away for longer than this has to copy everything anew, and a point-in-time restore reaches no further.
An oplog that has never been full has lost nothing yet: it is young, not short.
"""

from __future__ import annotations

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import OK, SKIPPED, Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import mongodb
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import (
    CannotLook,
    Context,
    Option,
    threshold,
    threshold_options,
)
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import duration, size

TYPE = "mongodb.oplog_window"
ABOVE = False
OPTIONS = {
    **threshold_options(warning=2, critical=1, unit="hours"),
    "full_percent": Option("float", default=85.0, doc="From how many percent of its size on the oplog counts as having been full; "
                           "MongoDB cuts it back in pieces of at most a tenth."),
}
HINT = "docs/runbook.md#oplog-window"


def look(context: Context, options: dict) -> list[Check]:
    """Return the one check of this type."""
    reason = mongodb.no_replica_set(context, options)
    if reason:
        return [Check(id=options["id"], status=SKIPPED, summary=f"{reason}, so no oplog", hint=HINT)]
    span = mongodb.server_status(context, options).get("oplog")
    if not span or "earliestOptime" not in span:
        raise CannotLook("the server says nothing of its oplog; its replica set may not be initiated yet")
    seconds = max(0, span["latestOptime"].time - span["earliestOptime"].time)
    hours = seconds / 3600
    used, limit = _sizes(context, options)
    share = 100 * used / limit
    details = {"hours": round(hours, 2), "used_bytes": used, "limit_bytes": limit, "used_percent": round(share, 1)}
    if share < options["full_percent"]:
        status = OK
        summary = f"the oplog holds {duration(seconds)}, all there ever was: {size(used)} of its {size(limit)} are in use"
        if used and seconds >= 3600:
            details["hours_when_full"] = round(hours * limit / used, 1)
            summary += f", enough for about {duration(seconds * limit / used)} at this rate"
    else:
        status = threshold(options, ABOVE).judge(hours, context.last_status(options["id"]))
        summary = f"the oplog of {size(limit)} reaches back {duration(seconds)}"
        if status != OK:
            summary += (f" (warning from {options['warning']:g} h down, critical from {options['critical']:g} h): "
                        "a secondary that is away longer has to copy everything anew; enlarge it with replSetResizeOplog")
    return [Check(id=options["id"], status=status, summary=summary, value=round(hours, 2), unit="hours", warning=options["warning"],
                  critical=options["critical"], hint=HINT, details=details)]


def _sizes(context: Context, options: dict) -> tuple[int, int]:
    """Return the bytes the oplog holds and those it may hold."""
    found = mongodb.run(context, options, lambda mongo: mongodb.database(mongo, "local").command("collStats", "oplog.rs"))
    if not found.get("maxSize"):
        raise CannotLook("the oplog has no upper size; this member looks as if it left its replica set")
    return int(found["size"]), int(found["maxSize"])
