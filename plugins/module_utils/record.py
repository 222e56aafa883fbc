# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the run record of docs/architecture.md out of what the steps of a run returned. No I/O."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import secrets
from typing import Any, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import (
    CRITICAL,
    OK,
    SEVERITY,
    SKIPPED,
    UNKNOWN,
    WARNING,
    Check,
    overall,
    parse_timestamp,
    timestamp,
    utc_now,
)
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import one_line

FORMAT = 1
_FIELDS = {item.name for item in dataclasses.fields(Check)}


def run_id(moment: Optional[datetime.datetime] = None) -> str:
    """Return a new run id: the time of moment (default: now) in UTC and four random digits, 20261123T020000Z-7c1f."""
    return (moment or utc_now()).astimezone(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ-") + secrets.token_hex(2)


def build(begin: dict, kind: str, host: str, steps: list[dict], results: dict[str, Any], *, collection: str,
          errors: Optional[dict[str, str]] = None, finished: Optional[str] = None, check_mode: bool = False) -> dict:
    """Return the run record of one host.

    begin:    the result of run_history C(state=started): run_id, started, previous, interrupted; or what it failed with.
    steps:    in order, each {name, role, result, needs}: result names the variable that the role registers, needs the earlier
              steps without which it is not run.
    results:  the registered results, by the name of their variable.
    errors:   step name -> error of a step that broke before or after its module.
    finished: when the run ended, ISO 8601 (default: now).

    A step that broke becomes the critical check C(run.step[name]), one that its needs kept from running a skipped one. A host
    that could not be reached has the one check C(run.host), unknown. Raises MaintenanceError for a malformed list of steps.
    """
    check_steps(steps)
    finished = finished or timestamp()
    record: dict[str, Any] = {
        "format": FORMAT, "id": begin.get("run_id") or run_id(), "kind": kind, "host": host, "collection": collection,
        "check_mode": bool(check_mode), "status": UNKNOWN, "started": begin.get("started") or finished, "finished": finished,
        "duration_s": 0.0, "steps": [], "checks": [], "actions": [], "artifacts": {}, "previous": begin.get("previous"),
    }
    duration = (parse_timestamp(finished) - parse_timestamp(record["started"])).total_seconds()
    record["duration_s"] = round(max(0.0, duration), 1)
    checks: list[dict] = record["checks"]
    begin_error = failure(begin)
    if begin_error and begin.get("unreachable"):
        checks.append(Check("run.host", UNKNOWN, one_line(f"the host cannot be reached: {begin_error}"),
                            hint="docs/runbook.md#unreachable").as_dict())
    elif begin_error:
        checks.append(_broken("begin", begin_error))
    else:
        checks.append(_previous_run(begin, kind))
        for step in steps:
            record["steps"].append(_add_step(record, step, results.get(step["result"]), (errors or {}).get(step["name"])))
    for item in checks + record["actions"] + record["steps"]:
        item["host"] = item.get("host") or host
    for check in checks:
        check["started"] = check.get("started") or finished
    record["status"] = overall(checks)
    return record


def check_steps(steps: Any) -> None:
    """Raise MaintenanceError unless steps is a list of {name, role, result, needs} without two of one name or one result."""
    if not isinstance(steps, list) or not steps:
        raise MaintenanceError("maintenance_steps must be a list with at least one step, each {name, role, result, needs}")
    for number, step in enumerate(steps, 1):
        missing = [key for key in ("name", "role", "result") if not isinstance(step, dict) or not isinstance(step.get(key), str)]
        if missing:
            raise MaintenanceError(f"step number {number} of maintenance_steps has no {' and no '.join(missing)}; "
                                   "write {name: health, role: trixtech.maintenance.probe, result: probe_result, needs: []}")
        if not isinstance(step.get("needs") or [], list):
            raise MaintenanceError(f"needs of the step {step['name']} must be a list of step names")
        for key in ("name", "result"):
            if step[key] in [earlier[key] for earlier in steps[:number - 1]]:
                raise MaintenanceError(f"two steps of maintenance_steps have the {key} {step[key]!r}; each needs its own")


def failure(result: Any) -> Optional[str]:
    """Return the error in the registered result of a task, on one line, or None where it did its work."""
    if not isinstance(result, dict) or not result:
        return "it left no result"
    if not (result.get("failed") or result.get("unreachable")):
        return None
    return one_line(result.get("msg") or result.get("reason") or "it failed without a message")


def _add_step(record: dict, step: dict, result: Any, error: Optional[str]) -> dict:
    """Put what a step returned into the record, and return the step's own entry."""
    entry = {"name": step["name"], "role": step["role"], "status": OK, "changed": False, "started": None, "duration_ms": None,
             "error": None}
    unmet = _unmet(step, record["steps"])
    if unmet:
        entry["status"] = SKIPPED
        record["checks"].append(Check(f"run.step[{step['name']}]", SKIPPED, f"not run: it needs {unmet}",
                                      hint="docs/runbook.md#step-broken").as_dict())
        return entry
    if isinstance(result, dict):
        entry.update(changed=bool(result.get("changed")), started=result.get("started"), duration_ms=result.get("duration_ms"))
    problem = one_line(error) if error else failure(result)
    checks: list[dict] = []
    if not problem:
        checks, problem = _checks_of(result)
    if problem:
        entry.update(status=CRITICAL, error=problem)
        record["checks"].append(_broken(step["name"], problem))
        return entry
    record["checks"].extend(checks)
    record["actions"].extend(dict(action) for action in result.get("actions") or [])
    _merge(record["artifacts"], result.get("artifacts") or {})
    if result.get("skipped"):
        entry["status"] = SKIPPED
    elif checks:
        entry["status"] = overall(checks)
    return entry


def _unmet(step: dict, earlier: list[dict]) -> str:
    """Say which needs of a step are not met ("" for none): those that broke, are critical, were not run or are not there."""
    states = {entry["name"]: entry["status"] for entry in earlier}
    words = {CRITICAL: "which is critical", SKIPPED: "which was not run", None: "which is no earlier step of this run"}
    return " and ".join(f"{name}, {words[states.get(name)]}" for name in step.get("needs") or [] if states.get(name) in words)


def _checks_of(result: dict) -> tuple[list[dict], Optional[str]]:
    """Return the checks of a result with every field of the contract present, or what is wrong with them."""
    found = []
    for item in result.get("checks") or []:
        if not isinstance(item, dict) or not item.get("id") or item.get("status") not in SEVERITY:
            return [], f"its result holds a check without id or valid status: {one_line(item, 120)}"
        known = {key: value for key, value in item.items() if key in _FIELDS}
        found.append(Check(**{"summary": "", **known}).as_dict())
    return found, None


def _broken(name: str, error: str) -> dict:
    return Check(f"run.step[{name}]", CRITICAL, one_line(f"the step {name} broke: {error}"), hint="docs/runbook.md#step-broken").as_dict()


def _previous_run(begin: dict, kind: str) -> dict:
    """Return the check that tells whether the run before this one came to its end."""
    interrupted = begin.get("interrupted") or []
    if interrupted:
        starts = ", ".join(str(item["started"]) for item in interrupted)
        return Check("run.previous", WARNING, f"the {kind} run of {starts} did not come to its end: it was killed, or still runs",
                     value=len(interrupted), unit="runs", hint="docs/runbook.md#run-interrupted",
                     details={"interrupted": [item["id"] for item in interrupted]}).as_dict()
    previous = begin.get("previous")
    summary = f"the {kind} run before this one ended at {previous['finished']}" if previous else f"this is the first {kind} run on record"
    return Check("run.previous", OK, summary, value=0, unit="runs").as_dict()


def _merge(into: dict, new: dict) -> None:
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = copy.deepcopy(value)
