# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of the replica set, and how far they lag behind the primary.

No primary, or too few voting members to elect one, is critical; a member that is down, rolls back or recovers is a warning that
names it. The value is the largest lag in seconds; a delay that is configured is not lag. Arbiters hold no data and have none.
"""

from __future__ import annotations

from typing import Any, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, OK, SKIPPED, WARNING, Check, worst
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import client
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import mongodb
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import CannotLook, Context, threshold, threshold_options
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import duration, one_line, plural

TYPE = "mongodb.replication"
OPTIONS = threshold_options(warning=30, critical=120, unit="seconds behind the primary")
HINT = "docs/runbook.md#replication"

# member states, from https://www.mongodb.com/docs/manual/reference/replica-states/
PRIMARY, SECONDARY, ARBITER = 1, 2, 7


def look(context: Context, options: dict) -> list[Check]:
    """Return the one check of this type."""
    reason = mongodb.no_replica_set(context, options)
    if reason:
        return [Check(id=options["id"], status=SKIPPED, summary=reason, hint=HINT)]
    members = mongodb.run(context, options, _members)
    if isinstance(members, str):
        return [Check(id=options["id"], status=CRITICAL, summary=members, warning=options["warning"], critical=options["critical"],
                      unit="seconds", hint=HINT)]
    found = judge_members(members)
    lag_status = OK
    if found["lag"] is not None:
        lag_status = threshold(options).judge(found["lag"], context.last_details(options["id"]).get("lag_status"))
    problems = [text for _status, text in found["problems"]]
    if lag_status != OK:
        limit = options["critical"] if lag_status == CRITICAL else options["warning"]
        problems.append(f"{found['furthest']} is {duration(found['lag'])} behind the primary (limit {limit:g} s)")
    calm = f"{plural(len(members), 'member')}, primary {found['primary']}"
    if found["lag"] is not None:
        calm += f", at most {duration(found['lag'])} behind"
    return [
        Check(
            id=options["id"],
            status=worst([OK, lag_status, *(status for status, _text in found["problems"])]),
            summary=one_line("; ".join(problems)) if problems else calm,
            value=found["lag"],
            unit="seconds",
            warning=options["warning"],
            critical=options["critical"],
            hint=HINT,
            details={"members": members, "primary": found["primary"], "lag_status": lag_status},
        )
    ]


def judge_members(members: list[dict]) -> dict:
    """Return what is to be said of members (as _members() returns them).

    problems: list of (status, text). lag: the largest one in seconds, None where there is nothing to compare.
    primary, furthest: names of members, or None.
    """
    problems: list[tuple[str, str]] = []
    primary = next((member for member in members if member["state"] == PRIMARY), None)
    voters = [member for member in members if member["votes"]]
    healthy = [member for member in voters if member["up"]]
    if primary is None:
        problems.append((CRITICAL, "the replica set has no primary: nothing can be written"))
    if len(healthy) * 2 <= len(voters):
        problems.append((CRITICAL, f"only {len(healthy)} of {plural(len(voters), 'voting member')} are up: no majority"))
    for member in members:
        if not member["up"] or member["state"] not in (PRIMARY, SECONDARY, ARBITER):
            because = f" ({member['message']})" if member["message"] else ""
            problems.append((WARNING, f"{member['name']} is {member['state_name']}{because}"))
    lags = {member["name"]: member["lag_s"] for member in members if member["lag_s"] is not None}
    furthest = max(lags, key=lambda name: lags[name], default=None)
    return {"problems": problems, "primary": primary and primary["name"], "furthest": furthest,
            "lag": lags[furthest] if furthest else (0.0 if primary else None)}


def _members(mongo: Any) -> Any:
    """Return the members as plain data, or a text where the server is no working member of a set."""
    admin = mongodb.database(mongo, "admin")
    try:
        status = admin.command("replSetGetStatus")
        config = admin.command("replSetGetConfig")["config"]
    except client.pymongo.errors.OperationFailure as error:
        if error.code == mongodb.NOT_INITIATED:
            return "the replica set was never initiated, so nothing can be written; run rs.initiate()"
        if error.code == mongodb.NOT_A_MEMBER:
            return "this server does not belong to its replica set any more; add it again, or start it without replSet"
        raise
    return describe(status, config)


def describe(status: dict, config: dict) -> list[dict]:
    """Join replSetGetStatus and replSetGetConfig into plain data, one entry a member.

    lag_s: seconds behind the primary, its configured delay subtracted; None for the primary, arbiters and what is not up.
    """
    settings = {member["_id"]: member for member in config.get("members", ())}
    if not status.get("members"):
        raise CannotLook("replSetGetStatus lists no members")
    head = next((member.get("optimeDate") for member in status["members"] if member["state"] == PRIMARY), None)
    found = []
    for member in status["members"]:
        setting = settings.get(member["_id"], {})
        delay = setting.get("secondaryDelaySecs", setting.get("slaveDelay", 0))
        state, up = member["state"], member.get("health", 1) == 1
        found.append({
            "name": member["name"],
            "state": state,
            "state_name": member.get("stateStr", str(state)) if up else "not reachable",
            "up": up,
            "self": bool(member.get("self")),
            "votes": setting.get("votes", 1),
            "hidden": bool(setting.get("hidden")),
            "delay_s": delay,
            "lag_s": _lag(head, member, delay) if up and state not in (PRIMARY, ARBITER) else None,
            "message": one_line(member.get("lastHeartbeatMessage", ""), 120),
        })
    return found


def _lag(head: Any, member: dict, delay: float) -> Optional[float]:
    if head is None or member.get("optimeDate") is None:
        return None
    return max(0.0, (head - member["optimeDate"]).total_seconds() - delay)
