# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run record over all hosts, and what it says: the verdict in a sentence, since when, and what to do next. No I/O."""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import dataclass
from typing import Any, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import (
    CRITICAL,
    OK,
    SEVERITY,
    SKIPPED,
    UNKNOWN,
    WARNING,
    is_failure,
    timestamp,
    worst,
)
from ansible_collections.trixtech.maintenance.plugins.module_utils.report import words
from ansible_collections.trixtech.maintenance.plugins.module_utils.report.collect import HOST_CHECK, HostRun, number
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import one_line, plural
from ansible_collections.trixtech.maintenance.plugins.module_utils.version import VERSION

WORST_FIRST = tuple(reversed(SEVERITY))
BAD = (CRITICAL, UNKNOWN, WARNING)


@dataclass
class Report:
    """All that is drawn. record: the run record over all hosts; now: when the report was made."""

    title: str
    kind: str
    hosts: list[HostRun]
    record: dict
    now: datetime.datetime

    @property
    def status(self) -> str:
        """The verdict."""
        return self.record["status"]

    @property
    def checks(self) -> list[dict]:
        """The checks of all hosts."""
        return self.record["checks"]

    def hosts_worst_first(self) -> list[HostRun]:
        """Return the hosts, the worst first, otherwise in their order."""
        return sorted(self.hosts, key=lambda host: WORST_FIRST.index(host.status))

    def counts(self) -> dict[str, int]:
        """Return the number of checks per status, every status present, worst first."""
        found = Counter(check["status"] for check in self.checks)
        return {status: found[status] for status in WORST_FIRST}

    def fails(self, fail_on: str) -> bool:
        """Tell whether the run fails.

        Where no host took part, or one could not be looked at at all, nothing is proved: that fails, too, unless fail_on is never.
        """
        blind = not self.hosts or any(check["id"] == HOST_CHECK for check in self.checks)
        return is_failure(self.status, fail_on) or (blind and fail_on != "never")


def build(hosts: list[HostRun], kind: str, title: str, check_mode: bool, now: datetime.datetime) -> Report:
    """Merge the hosts' records into one and return the report over it."""
    return Report(title or f"{kind.replace('_', ' ').capitalize()} maintenance", kind, hosts, _merge(hosts, kind, check_mode, now), now)


def _merge(hosts: list[HostRun], kind: str, check_mode: bool, now: datetime.datetime) -> dict:
    """Return the record of docs/architecture.md over all hosts: no host there means unknown."""
    records = [host.record for host in hosts if host.record]
    begun = sorted(filter(None, (words.moment(record.get("started")) for record in records)))
    ended = sorted(filter(None, (words.moment(record.get("finished")) for record in records)))
    started, finished = (begun or [now])[0], (ended or [now])[-1]
    before = [record["previous"] for record in records if record["previous"]]
    latest = max(before, key=lambda item: str(item.get("finished")), default=None)
    return {
        "format": 1,
        "id": min((str(record["id"]) for record in records if record.get("id")), default=words.run_id(now)),
        "kind": kind,
        "hosts": {host.name: host.status for host in hosts},
        "ids": {host.name: host.record.get("id") if host.record else None for host in hosts},
        "collection": next((record["collection"] for record in records if record.get("collection")), VERSION),
        "check_mode": check_mode or any(bool(record.get("check_mode")) for record in records),
        "status": worst(host.status for host in hosts),
        "started": timestamp(started),
        "finished": timestamp(finished),
        "duration_s": round(max(0.0, (finished - started).total_seconds()), 3),
        "generated": timestamp(now),
        "steps": [step for host in hosts for step in host.part("steps")],
        "checks": [check for host in hosts for check in host.checks],
        "actions": [action for host in hosts for action in host.part("actions")],
        "artifacts": {host.name: host.record["artifacts"] for host in hosts if host.record},
        "previous": latest and {
            "id": latest.get("id"),
            "status": worst(item["status"] if item.get("status") in SEVERITY else UNKNOWN for item in before),
            "finished": latest.get("finished"),
        },
    }


@dataclass
class Since:
    """How long a status has lasted. runs: how many runs in a row, this one included; whole: whether the row's beginning is known."""

    when: datetime.datetime
    runs: int
    whole: bool

    def words(self) -> str:
        """Write it: since 21 Nov 2026, 02:00 UTC (3 runs)."""
        return f"since {'' if self.whole else 'at least '}{words.date_time(self.when)} ({plural(self.runs, 'run')})"


def run_since(host: HostRun) -> Optional[Since]:
    """Return since when the host's run has had its status, from its last runs; None where this run is the first with it."""
    if not host.record:
        return None
    earlier = [run for run in host.runs if run.get("id") != host.record.get("id")]
    same, whole = [], False
    for run in earlier:
        if run.get("status") != host.status:
            whole = True
            break
        same.append(run)
    first = words.moment(same[-1].get("started")) if same else None
    return Since(first, len(same) + 1, whole) if first else None


def check_since(check: dict, trend: list) -> Optional[Since]:
    """Return since when the value has been past the limit of its status; None where this is the first time, or no limit says it."""
    limit = number(check.get(check["status"])) if check["status"] in (WARNING, CRITICAL) else None
    if limit is None or number(check["value"]) is None:
        return None
    above = high_is_bad(check)
    past = 0
    for unused_when, value in reversed(trend):
        if not (value >= limit if above else value <= limit):
            break
        past += 1
    first = words.from_epoch(trend[-past][0]) if past > 1 else None
    return Since(first, past, past < len(trend)) if first else None


def high_is_bad(check: dict) -> bool:
    """Tell on which side of the limits the bad values lie; a check does not say, its limits and its verdict do."""
    warning, critical = number(check["warning"]), number(check["critical"])
    if warning is not None and critical is not None and warning != critical:
        return critical > warning
    limit = warning if critical is None else critical
    value = number(check["value"])
    if limit is None or value is None or value == limit:
        return True
    return (value > limit) == (check["status"] in (WARNING, CRITICAL))


def trend_of(host: HostRun, check: dict) -> list[tuple[float, float]]:
    """Return the check's values in order of time, the one of this run at the end whether or not history has it yet."""
    trend = host.trends.get(check["id"], [])
    value, looked = number(check["value"]), words.moment(check["started"]) or words.moment((host.record or {}).get("started"))
    began = words.moment((host.record or {}).get("started")) or looked
    if value is None or looked is None or began is None or (trend and trend[-1][0] >= int(min(began, looked).timestamp())):
        return trend
    return [*trend, (looked.timestamp(), float(value))]


def where(hosts: list[HostRun]) -> str:
    """Name hosts in a sentence: db1; db1 and app1; 12 hosts (app1, app2, app3 and 9 more)."""
    names = [host.name for host in hosts]
    if len(names) <= 3:
        return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else "no host"
    return f"{len(names)} hosts ({', '.join(names[:3])} and {len(names) - 3} more)"


def _news(hosts: list[HostRun]) -> str:
    """Say what the run before was, where there is one host and its verdict has changed."""
    earlier = [run for run in hosts[0].runs if run.get("id") != (hosts[0].record or {}).get("id")] if len(hosts) == 1 else []
    before = earlier[0].get("status") if earlier else None
    return f", where the run before was {before}" if before in SEVERITY and before != hosts[0].status else ""


def verdict(report: Report) -> str:
    """Say it in one sentence: what, where, and since when if history tells."""
    if not report.hosts:
        return "Unknown: no host took part in this run, so nothing was looked at."
    hosts = [host for host in report.hosts if host.status == report.status]
    lasts = [since for since in map(run_since, hosts) if since]
    since = min(lasts, key=lambda item: item.when) if lasts else None
    lasting = f" {since.words()}" if since else _news(hosts)
    if report.status in (OK, SKIPPED):
        counts = report.counts()
        looked = plural(counts[OK], "check")
        skipped = f", {counts[SKIPPED]} skipped" if counts[SKIPPED] else ""
        word = "Everything is ok" if report.status == OK else "Everything was skipped"
        return f"{word} on {where(report.hosts)}{lasting}: {looked} ok{skipped}."
    found = sorted((check for check in report.checks if check["status"] == report.status), key=urgency)
    if not found:  # a record whose own verdict is worse than its checks
        return f"{report.status.capitalize()} on {where(hosts)}{lasting}: the run says so, though none of its checks does."
    line = one_line(found[0]["summary"], 160).rstrip(".")
    if len(hosts) > 1:
        line = f"{line} on {found[0]['host']}"
    more = f"; and {plural(len(found) - 1, 'more check')} {'is' if len(found) == 2 else 'are'} {report.status}" if len(found) > 1 else ""
    return f"{report.status.capitalize()} on {where(hosts)}{lasting}: {line}{more}."


def urgency(check: dict) -> tuple:
    """Return the sort key of what is looked at first: the worst status, and in it what lies underneath."""
    return WORST_FIRST.index(check["status"]), words.depth(check["id"])


@dataclass
class Todo:
    """One thing to do next: checks that say the same. entries: (host, summary, check) for each host that has it."""

    status: str
    ids: tuple
    hint: str
    entries: list[tuple[HostRun, dict]]


def todo(report: Report) -> list[Todo]:
    """Return what to do next, worst first.

    Checks of one host that say the same in the same words become one entry (a frozen database blinds many checks at once), and so
    does the same finding on several hosts.
    """
    said: dict[Any, list[dict]] = {}
    by_host = {host.name: host for host in report.hosts}
    for host in report.hosts:
        for check in host.checks:
            if check["status"] in BAD:
                said.setdefault((check["status"], host.name, check["summary"]), []).append(check)
    found: dict[Any, Todo] = {}
    for (status, name, unused_summary), checks in said.items():
        ids, hints = tuple(check["id"] for check in checks), {check["hint"] for check in checks}
        hint = hints.pop() if len(hints) == 1 else "docs/runbook.md#unknown" if status == UNKNOWN else None
        entry = found.setdefault((status, ids, hint), Todo(status, ids, words.remedy(hint), []))
        entry.entries.append((by_host[name], checks[0]))
    return sorted(found.values(), key=lambda item: urgency(item.entries[0][1]))
