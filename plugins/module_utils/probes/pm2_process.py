# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the application's process is online in PM2, and how often it was restarted since the last run.

"online" is no health: a process that dies and is started again is online most of the time, its unstable_restarts may stay at 0, and
only restart_time grows. The value is that growth, over all instances. A restart by hand or by an update counts, too. A daemon is never
started.
"""

from __future__ import annotations

import time

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, OK, WARNING, Check, worst
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import pm2
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import Context, threshold, threshold_options
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import duration, plural

TYPE = "pm2.process"
OPTIONS = {**pm2.OPTIONS, **threshold_options(warning=1, critical=5, unit="restarts since the last run")}
HINT = "docs/runbook.md#process"


def look(context: Context, options: dict) -> list[Check]:
    """Return the one check of this type."""
    name = options["name"]
    check = Check(id=options["id"], status=CRITICAL, summary="", unit="restarts", warning=options["warning"],
                  critical=options["critical"], hint=HINT)
    try:
        daemon = pm2.find(context, options)
    except pm2.NoDaemon as error:
        check.summary = f"{name} does not run: {error}"
        return [check]
    processes = daemon.processes.get(name, [])
    if not processes:
        others = ", ".join(sorted(daemon.processes)[:8]) or "none at all"
        check.summary = f"PM2 under {options['pm2_home']} knows no process {name}; it has {others}{daemon.whose()}"
        return [check]
    last = context.last_details(options["id"]).get("restarts")
    grown = sum(_growth(process, last or {}) for process in processes) if last is not None else 0
    online = [process for process in processes if process.status == "online"]
    state = OK if len(online) == len(processes) else WARNING if online else CRITICAL
    check.status = worst([state, threshold(options).judge(grown, context.last_status(options["id"]))])
    check.value = grown
    check.summary = f"{name} is {_states(processes, online)}{daemon.whose()}, " + _restarts(processes, grown, last is not None)
    check.details = {
        "restarts": {str(process.pm_id): process.restarts for process in processes},
        "instances": [{"pm_id": process.pm_id, "pid": process.pid, "status": process.status, "unstable_restarts": process.unstable_restarts,
                       "up_seconds": round(time.time() - process.started) if process.status == "online" else 0} for process in processes],
    }
    return [check]


def _growth(process: pm2.Process, last: dict) -> int:
    before = last.get(str(process.pm_id), 0)
    # "pm2 reset" and a process that was deleted and added again begin at 0
    return process.restarts - before if process.restarts >= before else process.restarts


def _states(processes: list[pm2.Process], online: list[pm2.Process]) -> str:
    if len(online) == len(processes):
        youngest = max(process.started for process in processes)
        since = f"online for {duration(max(0.0, time.time() - youngest))}"
        return since if len(processes) == 1 else f"{since} in {len(processes)} instances"
    others = sorted({process.status for process in processes if process not in online})
    if len(processes) == 1:
        return f"{others[0]}, not online"
    return f"online in only {len(online)} of {len(processes)} instances, the others are {', '.join(others)}"


def _restarts(processes: list[pm2.Process], grown: int, looked_before: bool) -> str:
    if looked_before:
        return f"{plural(grown, 'restart')} since the last run"
    return f"{plural(sum(process.restarts for process in processes), 'restart')} so far (first look)"
