# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operations that have been running for long, and how many slow ones the profiler has kept.

Counts what runs now for longer than "seconds" in the whole server, without MongoDB's own work, idle cursors that wait for data,
and this collection's own operations. Where the profiler is on, the slow operations it recorded since the last run are told, too;
the profiler is never switched. Only the kind of an operation, its namespace and its plan are shown, never a value of a query.
"""

from __future__ import annotations

import datetime
from typing import Any, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import Check, parse_timestamp
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import client
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import mongodb
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import Context, Option, threshold, threshold_options
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import duration, plural

TYPE = "mongodb.slow_operations"
OPTIONS = {
    **threshold_options(warning=1, critical=5, unit="operations running for longer than the option seconds"),
    "seconds": Option("float", default=5.0, doc="From how many seconds on an operation counts."),
    "databases": Option("list", doc="The databases whose profiler is read; all but MongoDB's own unless given."),
}
# enough to see how bad it is, few enough to hand over
MOST = 200


def look(context: Context, options: dict) -> list[Check]:
    """Return the one check of this type."""
    found = mongodb.run(context, options, lambda mongo: _running(mongo, options["seconds"]))
    profiled, unreadable = _profiled(context, options)
    count = len(found)
    status = threshold(options).judge(count, context.last_status(options["id"]))
    if found:
        first = found[0]
        summary = f"{plural(count, 'operation')} running for over {options['seconds']:g} s, the longest {describe(first)}"
    else:
        summary = f"no operation has been running for over {options['seconds']:g} s"
    if profiled is not None:
        when = "since the last run" if _since(context, options) else "in all"
        summary += f"; the profiler kept {plural(profiled, 'slow operation')} {when}"
    if unreadable:
        summary += f"; the profiler of {', '.join(unreadable)} cannot be read (docs/rights.md)"
    return [
        Check(
            id=options["id"],
            status=status,
            summary=summary,
            value=count,
            unit="operations",
            warning=options["warning"],
            critical=options["critical"],
            hint="docs/runbook.md#slow-operations",
            details={"longest": found[:5], "profiled": profiled, "profiler_unreadable": unreadable,
                     **({"at_least": True} if count == MOST else {})},
        )
    ]


def describe(operation: dict) -> str:
    """Name an operation: find on trixtech.bookings for 12 s (COLLSCAN)."""
    plan = f" ({operation['plan']})" if operation["plan"] else ""
    waits = ", waiting for a lock" if operation["waits_for_lock"] else ""
    return f"{operation['command']} on {operation['namespace'] or 'no collection'} for {duration(operation['seconds'])}{plan}{waits}"


def _running(mongo: Any, seconds: float) -> list[dict]:
    """Return what runs for longer than seconds, the longest first."""
    pipeline = [
        {"$currentOp": {"allUsers": True, "idleConnections": False, "idleCursors": False, "idleSessions": False, "localOps": True}},
        {"$match": {
            "type": "op",
            "active": True,
            "microsecs_running": {"$gte": int(seconds * 1e6)},
            "op": {"$ne": "none"},
            # work of the server itself has no client; members that follow the oplog log in as __system
            "client": {"$exists": True},
            "effectiveUsers.user": {"$ne": "__system"},
            "appName": {"$ne": mongodb.APPNAME},
            "ns": {"$not": {"$regex": r"^local\.oplog\."}},
            # a driver's wait for news of the topology, and a change stream's or tailable cursor's for news of the data
            "command.hello": {"$exists": False},
            "command.isMaster": {"$exists": False},
            "command.ismaster": {"$exists": False},
            "cursor.tailable": {"$ne": True},
        }},
        {"$sort": {"microsecs_running": -1}},
        {"$limit": MOST},
        # the name of the command is its first key; everything else of it holds the values of the query
        {"$project": {
            "op": 1, "ns": 1, "microsecs_running": 1, "planSummary": 1, "waitingForLock": 1, "opid": 1,
            "name": {"$let": {"vars": {"first": {"$arrayElemAt": [{"$objectToArray": {"$ifNull": ["$command", {}]}}, 0]}},
                              "in": "$$first.k"}},
        }},
    ]
    return [
        {
            "opid": str(item.get("opid")),
            # a command too long for the server to show begins with "$truncated"
            "command": item.get("op") if str(item.get("name", "$")).startswith("$") else item["name"],
            "namespace": item.get("ns", ""),
            "seconds": round(item["microsecs_running"] / 1e6, 1),
            "plan": item.get("planSummary"),
            "waits_for_lock": bool(item.get("waitingForLock")),
        }
        for item in mongodb.database(mongo, "admin").aggregate(pipeline)
    ]


def _since(context: Context, options: dict) -> Optional[datetime.datetime]:
    started = context.last.get(options["id"], {}).get("started")
    return parse_timestamp(started) if started else None


def _profiled(context: Context, options: dict) -> tuple[Optional[int], list[str]]:
    """Return how many operations the profilers kept since the last run (None: all are off), and the databases not readable."""
    since = _since(context, options)
    total, unreadable = None, []
    for name in mongodb.databases(context, options):
        count = mongodb.run(context, options, lambda mongo, name=name: _profile(mongodb.database(mongo, name), since))
        if count == "unreadable":
            unreadable.append(name)
        elif count is not None:
            total = (total or 0) + count
    return total, unreadable


def _profile(database: Any, since: Optional[datetime.datetime]) -> Any:
    """Return the number of slow operations kept, None where the profiler is off, "unreadable" without the right to look."""
    try:
        level = database.command("profile", -1)
        if not level["was"]:
            return None
        wanted: dict[str, Any] = {"millis": {"$gte": level["slowms"]}, "appName": {"$ne": mongodb.APPNAME}}
        if since:
            wanted["ts"] = {"$gt": since}
        return database["system.profile"].count_documents(wanted)
    except client.pymongo.errors.OperationFailure as error:
        if error.code == client.UNAUTHORIZED:
            return "unreadable"
        raise
