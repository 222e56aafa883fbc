# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resident memory of the application's processes against their limit.

The limit is limit_mb; or the max_memory_restart that PM2 has for the process, at which PM2 restarts it; or, without either, the memory
of the host, against which all instances count together. The value is the share of the instance that has come closest. A daemon is never
started.
"""

from __future__ import annotations

from typing import Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import memory, pm2
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import (
    CannotLook,
    Context,
    Option,
    threshold,
    threshold_options,
)
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import plural, size

TYPE = "pm2.memory"
OPTIONS = {
    **pm2.OPTIONS,
    "limit_mb": Option("float", doc="The limit for one process, in MiB; max_memory_restart of PM2 unless given."),
    **threshold_options(warning=70, critical=85, unit="percent of the limit"),
}
HINT = "docs/runbook.md#process-memory"


def look(context: Context, options: dict) -> list[Check]:
    """Return the one check of this type."""
    try:
        daemon = pm2.find(context, options)
    except pm2.NoDaemon as error:
        raise CannotLook(str(error)) from None
    processes = [process for process in daemon.processes.get(options["name"], []) if process.memory]
    if not processes:
        raise CannotLook(f"{options['name']} does not run in PM2 under {options['pm2_home']}, so it uses no memory")
    largest = max(processes, key=lambda process: process.memory / (_limit(options, process) or 1))
    limit = _limit(options, largest)
    used = largest.memory
    if limit is not None:
        against = f"its limit of {size(limit)}"
    else:
        used = sum(process.memory for process in processes)
        limit = memory.read().total
        against = f"the host's {size(limit)}, it has no limit of its own"
    share = 100 * used / limit
    who = options["name"] if len(processes) == 1 else f"the largest of {plural(len(processes), 'instance')} of {options['name']}"
    if used != largest.memory:
        who = f"{options['name']} in {plural(len(processes), 'instance')}"
    return [
        Check(
            id=options["id"],
            status=threshold(options).judge(share, context.last_status(options["id"])),
            summary=f"{who} uses {size(used)}, {share:.0f} % of {against}",
            value=round(share, 1),
            unit="percent",
            warning=options["warning"],
            critical=options["critical"],
            hint=HINT,
            details={"bytes": used, "limit_bytes": limit,
                     "instances": [{"pm_id": process.pm_id, "pid": process.pid, "bytes": process.memory} for process in processes]},
        )
    ]


def _limit(options: dict, process: pm2.Process) -> Optional[float]:
    return options["limit_mb"] * 1024 * 1024 if options["limit_mb"] else process.memory_limit
