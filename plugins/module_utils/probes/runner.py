# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a list of checks concurrently, each inside its own time-out and all inside a total one."""

from __future__ import annotations

import queue
import threading
import time
from typing import Any, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import UNKNOWN, Check, timestamp
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import base, registry
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import HIDDEN, one_line


def plan(checks: list[dict], overrides: dict[str, dict], secrets: Optional[dict[str, dict]] = None) -> list[tuple[Any, dict]]:
    """Validate all checks before the first one runs; return (implementation, options) for each.

    overrides: options per check type that apply to each check of that type unless it says otherwise.
    secrets: the secret options, per id or per type of check.
    Raises MaintenanceError for an unknown type, an unknown option, a wrong type of value, or an id given twice.
    """
    secrets = secrets or {}
    unused = set(secrets)
    for check_type in overrides:
        registry.find(check_type)
    for key, kept in secrets.items():
        if not isinstance(kept, dict):
            raise MaintenanceError(f"the secrets of {key} must be a dictionary of its secret options, for example {{password: ...}}")
    planned: list[tuple[Any, dict]] = []
    seen: set[str] = set()
    for position, given in enumerate(checks, 1):
        if not isinstance(given, dict) or not given.get("type"):
            raise MaintenanceError(f"check number {position} of the list has no type; write for example {{type: host.disk, path: /}}")
        implementation = registry.find(given["type"])
        key = given["id"] if given.get("id") in secrets else given["type"]
        unused.discard(key)
        options = base.validate(given, implementation.OPTIONS, overrides.get(given["type"]) or {}, secrets.get(key))
        if "warning" in implementation.OPTIONS:
            try:
                base.threshold(options, getattr(implementation, "ABOVE", True))
            except ValueError as error:
                raise MaintenanceError(f"check {given.get('id') or given['type']}: {error}") from None
        options["id"] = options["id"] or instance_id(implementation, options)
        if hasattr(implementation, "prepare"):
            implementation.prepare(options)
        if options["id"] in seen:
            raise MaintenanceError(f"two checks have the id {options['id']}; give one of them another id")
        seen.add(options["id"])
        planned.append((implementation, options))
    if unused:
        raise MaintenanceError(f"there are secrets for {', '.join(sorted(unused))}, but no check of that id or type")
    return planned


def misplaced_secrets(checks: list, overrides: dict) -> set[str]:
    """Return the values of secret options that stand outside of secrets, where plan() refuses them, so that nobody prints them then."""
    found = set()
    for check_type, given in [*overrides.items(), *((item.get("type"), item) for item in checks if isinstance(item, dict))]:
        declared = getattr(registry.TYPES.get(str(check_type)), "OPTIONS", {})
        for name, value in given.items() if isinstance(given, dict) else ():
            if name in declared and declared[name].secret:
                found.update(map(str, value.values() if isinstance(value, dict) else [value]))
    return found


def run(planned: list[tuple[Any, dict]], context: base.Context, total_timeout: float, workers: int = 16) -> list[Check]:
    """Run what plan() returned and return the checks in its order.

    Threads are daemons: one that hangs beyond its time is left behind and cannot hold up the module's exit.
    """
    deadline = time.monotonic() + total_timeout
    results: dict[int, list[Check]] = {}
    todo: "queue.SimpleQueue[tuple[int, Any, dict]]" = queue.SimpleQueue()
    done: "queue.SimpleQueue[tuple[int, list[Check]]]" = queue.SimpleQueue()
    running: dict[int, float] = {}

    def work() -> None:
        while True:
            try:
                number, implementation, options = todo.get_nowait()
            except queue.Empty:
                return
            running[number] = time.monotonic()
            done.put((number, _look(implementation, options, context)))

    def spawn() -> None:
        threading.Thread(target=work, daemon=True).start()

    for number, (implementation, options) in enumerate(planned):
        todo.put((number, implementation, options))
    for _unused in range(min(workers, len(planned))):
        spawn()
    while len(results) < len(planned):
        now = time.monotonic()
        if now >= deadline:
            break
        limits = [begin + planned[number][1]["timeout"] for number, begin in list(running.items()) if number not in results]
        try:
            number, found = done.get(timeout=max(0.01, min([deadline, *limits]) - now))
        except queue.Empty:
            for late, begin in list(running.items()):
                limit = planned[late][1]["timeout"]
                if late not in results and time.monotonic() >= begin + limit:
                    results[late] = [_late(planned[late], limit, context)]
                    spawn()  # its thread hangs; another takes the next check
            continue
        results.setdefault(number, found)
    for number, item in enumerate(planned):
        if number not in results:
            results[number] = [_late(item, total_timeout, context)]
    return [check for number in sorted(results) for check in results[number]]


def _look(implementation: Any, options: dict, context: base.Context) -> list[Check]:
    started, begin = timestamp(), time.monotonic()
    try:
        found = list(implementation.look(context, options))
    except MaintenanceError as error:
        found = [_unknown(options, str(error), context)]
    except Exception as error:  # pylint: disable=broad-except  # a broken probe is one unknown check, the others still count
        what = f"{type(error).__name__}: {_without_secrets(implementation, options, error)}"
        found = [_unknown(options, f"the check itself broke: {what}", context)]
    if not found:
        found = [_unknown(options, "the check itself broke: it returned nothing", context)]
    elapsed = round((time.monotonic() - begin) * 1000)
    for check in found:
        check.started = check.started or started
        check.duration_ms = elapsed if check.duration_ms is None else check.duration_ms
    return found


def _late(item: tuple[Any, dict], limit: float, context: base.Context) -> Check:
    return _unknown(item[1], f"no answer within {limit:g} s", context, round(limit * 1000))


def _unknown(options: dict, reason: str, context: base.Context, duration_ms: Optional[int] = None) -> Check:
    # what the check remembers for "since the last run" must outlive a run in which it could not look
    kept = context.last_details(options["id"])
    return Check(id=options["id"], status=UNKNOWN, summary=one_line(f"could not look: {reason}"), started=timestamp(),
                 duration_ms=duration_ms, warning=options.get("warning"), critical=options.get("critical"),
                 hint="docs/runbook.md#unknown", details={"kept": kept} if kept else {})


def _without_secrets(implementation: Any, options: dict, error: Exception) -> str:
    text = str(error)
    for name, option in implementation.OPTIONS.items():
        if option.secret and options[name]:
            for secret in options[name].values() if isinstance(options[name], dict) else [options[name]]:
                text = text.replace(str(secret), HIDDEN)
    return text


def instance_id(implementation: Any, options: dict) -> str:
    """Return the id of a check: its type, and in brackets the option that tells its instances apart (INSTANCE), if any."""
    instance = getattr(implementation, "INSTANCE", None)
    return f"{implementation.TYPE}[{options[instance]}]" if instance else implementation.TYPE
