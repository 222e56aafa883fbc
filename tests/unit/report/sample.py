# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs as hosts report them, made up but true to form; the tests and tools/report_sample.py draw them."""

from __future__ import annotations

import datetime
import random
from typing import Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import Check, overall, parse_timestamp, timestamp
from ansible_collections.trixtech.maintenance.plugins.module_utils.report.collect import HostRun, from_results

NOW = parse_timestamp("2026-11-23T02:00:44.000Z")
STARTED = parse_timestamp("2026-11-23T02:00:01.000Z")
DAY = datetime.timedelta(days=1)
RUNBOOK = "docs/runbook.md#"

# id, status, summary, value, unit, warning, critical, hint, details
OK_CHECKS = [
    ("app.http", "ok", "GET /api/health answered 200 in 6 ms", 6.2, "ms", None, None, "application-down", {}),
    ("app.deep", "ok", "2 deep paths answered as they should", None, None, None, None, "application-unhealthy", {}),
    ("app.response_time", "ok", "p95 38 ms over 30 requests, median of the last runs 36 ms", 38.4, "ms", 500, 2000, "response-time", {}),
    ("app.error_rate", "ok", "0.12 % of 18,204 requests failed since the last run", 0.12, "percent", 1, 5, "error-rate", {}),
    ("pm2.process[trixtech-backend]", "ok", "online for 12 days, no restart since the last run", 0, "restarts", 1, 5, "pm2", {}),
    ("pm2.memory[trixtech-backend]", "ok", "143.2 MiB of 300.0 MiB", 150_100_000, "bytes", 251_658_240, 314_572_800, "pm2-memory", {}),
    ("mongodb.ping", "ok", "MongoDB 6.0.5 answered in 2 ms", 2.1, "ms", 1000, None, "database-down", {"version": "6.0.5"}),
    ("mongodb.connections", "ok", "58 of 500 connections in use (11.6 %)", 11.6, "percent", 80, 95, "connections", {}),
    ("mongodb.replication", "ok", "1 member, primary", 0, "seconds", 30, 120, "replication", {}),
    ("mongodb.oplog_window", "ok", "the oplog reaches back 61 hours", 61.2, "hours", 2, 1, "oplog-window", {}),
    ("mongodb.slow_operations", "ok", "no operation runs for longer than 5 s", 0, "operations", 1, 5, "slow-operations", {}),
    ("mongodb.storage", "ok", "214.6 MiB, 2.1 MiB more a day; the disk lasts for years", 225_100_000, "bytes", None, None, "database-size", {}),
    ("mongodb.cache", "ok", "62 % of the cache used, 1.2 % dirty", 62.0, "percent", 95, 98, "cache", {}),
    ("host.disk[/]", "ok", "18.2 GiB of 38.6 GiB used (47.2 %)", 47.2, "percent", 80, 90, "disk", {}),
    ("host.disk[/srv]", "ok", "141.0 GiB of 196.7 GiB used (71.7 %), full in about 96 days", 71.7, "percent", 80, 90, "disk", {}),
    ("host.inodes[/]", "ok", "9 % of the inodes used", 9.0, "percent", 80, 90, "inodes", {}),
    ("host.memory", "ok", "2.9 GiB of 7.8 GiB in use (37.4 %)", 37.4, "percent", 80, 85, "memory", {}),
    ("host.swap", "skipped", "this host has no swap", None, None, None, None, "swap", {}),
    ("host.cpu", "ok", "12.5 % busy over 1 s", 12.5, "percent", 85, 95, "cpu", {}),
    ("host.load", "ok", "load 0.42 over 15 minutes on 2 processors", 0.21, "load per processor", 2, 4, "load", {}),
    ("host.oom", "ok", "no process was killed for memory since the last run", 0, "processes", None, 1, "out-of-memory", {}),
    ("smtp.connect", "ok", "mail.example.com:587 greets, offers STARTTLS and accepts the login", 212, "ms", None, None, "smtp", {}),
    ("tls.expiry[www.example.com:443]", "ok", "valid for 61 more days", 61, "days", 20, 3, "certificate", {}),
    ("backup.set", "ok", "set 20261123T020004Z-7c1f: 45,210 documents and 203 files, 4.6 MiB in 1.4 s", 4_827_125, "bytes", None, None, "backup-shrank", {}),
    ("backup.age", "ok", "the newest set is 4 s old", 0.0, "hours", 26, 74, "no-backup", {}),
    ("backup.verify", "ok", "7 sets unharmed: 84 artifacts, 32.2 MiB read in 310 ms", 0, "problems", None, None, "backup-damaged", {}),
    ("backup.restore", "ok", "set 20261123T020004Z-7c1f restored and equal to its manifest: 45,210 documents, 17.2 MiB in 2.1 s", 2.1, "seconds", None, None,
     "restore-test-failed", {}),
    ("logs.errors", "ok", "3 errors since the last run, as usual", 3, "lines", 20, 100, "errors-in-log", {}),
    ("run.previous", "ok", "the daily run before this one ended at 2026-11-22T02:00:40.000Z", 0, "runs", None, None, None, {}),
]
STEPS = [("health", "probe", 940), ("backup", "backup", 1620), ("backup_verify", "backup_verify", 410), ("restore_test", "restore_test", 2510),
         ("retention", "retention", 60)]
# what a bad night looks like: mongod frozen, and all that cannot be seen because of it
FROZEN = {
    "app.deep": ("critical", "/api/health/deep gave no answer within 10 s", None, {"cause": "the application waits for MongoDB, which does not answer"}),
    "app.response_time": ("warning", "p95 612 ms over 30 requests, median of the last runs 36 ms", 612.0, {"p50_ms": 38, "p99_ms": 2214, "failed": 4}),
    "mongodb.ping": ("critical", "MongoDB accepts connections and does not answer within 10 s", None,
                     {"cause": "mongod is stopped by a signal (state T), or its disk does not answer", "pid": 4711}),
    **{f"mongodb.{name}": ("unknown", "could not look: MongoDB did not answer within 10 s", None, {})
       for name in ("connections", "replication", "oplog_window", "slow_operations", "storage", "cache")},
    "host.disk[/srv]": ("warning", "161.3 GiB of 196.7 GiB used (82.0 %), full in about 38 days", 82.0, {"free": "35.4 GiB", "days_to_full": 38}),
}


def daily(status: str = "ok", changes: Optional[dict] = None, name: str = "lab1", seed: int = 1, history: int = 30) -> HostRun:
    """Return a host after its daily run. changes: check id -> (status, summary, value, details); history: earlier runs known."""
    checks = _checks(changes or {})
    broken = {"backup": "MongoDB did not answer within 10 s; start it, or see docs/runbook.md#database-down"} if changes is FROZEN else {}
    if broken:
        checks = [check for check in checks if check["id"] not in ("backup.set",)]
        checks.append(_check("run.step[backup]", "critical", f"the step backup broke: {broken['backup']}", None, None, None, None, "step-broken", {}))
    finished = STARTED + datetime.timedelta(seconds=6.2 if not broken else 41.2)
    record = {
        "format": 1, "id": f"20261123T020001Z-{seed:04x}", "kind": "daily", "host": name, "collection": "0.1.0", "check_mode": False,
        "status": overall(checks), "started": timestamp(STARTED), "finished": timestamp(finished),
        "duration_s": (finished - STARTED).total_seconds(), "steps": _steps(broken), "checks": checks,
        "actions": [] if broken else [
            {"kind": "backup.publish", "target": "/backup/trixtech/sets/20261123T020004Z-7c1f", "changed": True, "host": name, "details": {},
             "summary": "set 20261123T020004Z-7c1f: 45,210 documents and 203 files, 4.6 MiB in 1.4 s"},
            {"kind": "backup.record_verification", "target": "/backup/trixtech/sets/20261123T020004Z-7c1f", "changed": True, "host": name,
             "details": {}, "summary": "recorded the restore test on set 20261123T020004Z-7c1f"},
        ],
        "artifacts": {"backup_sets": _sets(skip=bool(broken))},
        "previous": {"id": "20261122T020001Z-aaaa", "status": "ok", "finished": "2026-11-22T02:00:40.000Z"} if history else None,
    }
    runs = _runs(record, status, history, seed)
    result = {"record": record, "trends": _trends(checks, history, seed), "runs": runs}
    host = from_results(name, {"run_id": record["id"]}, result, "daily")
    assert host is not None
    return host


def frozen(name: str = "lab1") -> HostRun:
    """Return the host of a night in which mongod froze."""
    return daily(changes=FROZEN, name=name)


def every_status() -> HostRun:
    """Return a host that shows everything there is to be drawn, hostile text included."""
    changes = {
        "app.error_rate": ("critical", "7.4 % of 18,204 requests failed since the last run", 7.4,
                           {"failed": 1347, "requests": 18204, "most": "GET /api/bookings 500"}),
        "host.memory": ("warning", "6.4 GiB of 7.8 GiB in use (82.1 %)", 82.1, {"largest": "node (pid 812), 2.1 GiB"}),
        "tls.expiry[www.example.com:443]": ("warning", "the certificate ends in 9 days", 9, {"subject": "www.example.com", "issuer": "Example CA"}),
        "smtp.connect": ("unknown", "could not look: no answer within 10 s", None, {}),
        "logs.errors": ("warning", "<script>alert('x')</script> & 41 more lines \"since\" the last run", 42,
                        {"newest": "</li></ul><img src=x onerror=alert(1)>"}),
    }
    return daily(status="warning", changes=changes)


def unreachable(name: str) -> HostRun:
    """Return a host that could not be reached."""
    message = "Failed to connect to the host via ssh: ssh: connect to host 10.0.0.9 port 22: No route to host"
    host = from_results(name, {"unreachable": True, "changed": False, "msg": message}, None, "daily")
    assert host is not None
    return host


def fleet(count: int = 40) -> list[HostRun]:
    """Return many hosts: most are ok, some full, one frozen, two out of reach."""
    hosts = []
    for number in range(1, count + 1):
        name = f"app{number:02d}"
        disk = {"host.disk[/srv]": ("critical", f"{180 + number % 9}.1 GiB of 196.7 GiB used ({92 + number % 7}.0 %)", 92.0 + number % 7, {})}
        if number in (17, 31):
            hosts.append(unreachable(name))
        elif number == 9:
            hosts.append(daily(changes=FROZEN, name=name, seed=number))
        else:
            hosts.append(daily(changes=disk if number % 8 == 0 else {}, name=name, seed=number))
    return hosts


def _check(check_id, status, summary, value, unit, warning, critical, hint, details) -> dict:
    return Check(check_id, status, summary, value, unit, warning, critical, RUNBOOK + hint if hint else None, details, None,
                 timestamp(STARTED + datetime.timedelta(seconds=1)), 12).as_dict()


def _checks(changes: dict) -> list[dict]:
    made = []
    for check_id, status, summary, value, unit, warning, critical, hint, details in OK_CHECKS:
        if check_id in changes:
            status, summary, value, details = changes[check_id]
        made.append(_check(check_id, status, summary, value, unit, warning, critical, hint, details))
    return made


def _steps(broken: dict) -> list[dict]:
    begin, steps = STARTED, []
    for name, role, took in STEPS:
        took = 10_050 if name in broken else took
        steps.append({"name": name, "role": f"trixtech.maintenance.{role}", "status": "critical" if name in broken else "ok",
                      "changed": name in ("backup", "restore_test") and not broken, "started": timestamp(begin), "duration_ms": took,
                      "error": broken.get(name)})
        begin += datetime.timedelta(milliseconds=took + 300)
    return steps


def _sets(skip: bool) -> list[dict]:
    sets = []
    for back in range(1 if skip else 0, 7):
        taken = STARTED - back * DAY + datetime.timedelta(seconds=3)
        proof = {"ok": True, "at": timestamp(taken + datetime.timedelta(seconds=8)), "seconds": 2.1 - back / 10}
        sets.append({
            "id": f"{taken:%Y%m%dT%H%M%SZ}-{7 * (back + 1):04x}" if back else "20261123T020004Z-7c1f", "created": timestamp(taken),
            "complete": back != 5, "problem": "the manifest does not carry its own hash: it was changed" if back == 5 else None,
            "age_seconds": round((NOW - taken).total_seconds()), "seconds": 1.4, "bytes": 4_827_125 - 61_000 * back,
            "data_bytes": 18_003_456 - 200_000 * back, "documents": 45_210 - 180 * back, "files": 203 - back, "consistent": True,
            "verified": None if back == 4 else {"kind": "verify" if back == 3 else "restore", **proof},
            "restored": None if back in (3, 4) else proof,
        })
    return sets


def _runs(record: dict, status: str, history: int, seed: int) -> list[dict]:
    chance = random.Random(seed)
    runs = []
    for back in range(history, 0, -1):
        begun = STARTED - back * DAY
        took = round(5.5 + chance.random() * 2, 1)
        runs.append({"id": f"{begun:%Y%m%dT%H%M%SZ}-{back:04x}", "kind": "daily", "host": record["host"], "started": timestamp(begun),
                     "finished": timestamp(begun + datetime.timedelta(seconds=took)),
                     "status": "warning" if back in (12, 13) else status, "duration_s": took})
    return [*runs, {"id": record["id"], "kind": "daily", "host": record["host"], "started": record["started"],
                    "finished": record["finished"], "status": record["status"], "duration_s": record["duration_s"]}] if history else []


def _trends(checks: list[dict], history: int, seed: int) -> dict:
    """Return the trends: the disk grows, the memory of the process climbs and falls back, the rest wavers."""
    trends = {}
    for number, check in enumerate(checks):
        usual = next((row[3] for row in OK_CHECKS if row[0] == check["id"]), None)
        if usual is None or not history:
            continue
        chance = random.Random(seed * 1000 + number)
        end, series = check["value"], []
        for back in range(history, 0, -1):
            at = (STARTED - back * DAY).timestamp()
            if check["id"].startswith(("host.disk", "mongodb.storage")):
                value = (usual if end is None else end) * (1 - back * 0.004)
            elif check["id"].startswith("pm2.memory"):
                value = usual * (0.75 + 0.3 * (((history - back) % 9) / 9))
            elif check["id"].startswith("tls"):
                value = end + back
            else:
                value = usual * chance.uniform(0.8, 1.15) if usual else 0
            series.append([at, round(value, 2)])
        if end is not None:
            series.append([STARTED.timestamp() + 1, end])
        trends[check["id"]] = series[-30:]
    return trends
