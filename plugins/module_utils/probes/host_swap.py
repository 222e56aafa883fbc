# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Swap in use, as percent of all swap space.

A host without swap is well; what it lacks in memory shows in host.memory and host.oom.
"""

from __future__ import annotations

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import OK, Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import memory
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import Context, threshold, threshold_options
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import size

TYPE = "host.swap"
OPTIONS = threshold_options(warning=25, critical=60, unit="percent of the swap space")


def look(context: Context, options: dict) -> list[Check]:
    """Return the one check of this type."""
    swap = memory.require_psutil().swap_memory()
    check = Check(id=options["id"], status=OK, summary="this host has no swap", unit="percent", warning=options["warning"],
                  critical=options["critical"], hint="docs/runbook.md#swap", details={"total_bytes": swap.total, "used_bytes": swap.used})
    if swap.total:
        share = 100 * swap.used / swap.total
        check.value = round(share, 1)
        check.status = threshold(options).judge(share, context.last_status(options["id"]))
        check.summary = f"{size(swap.used)} of {size(swap.total)} swap in use ({share:.0f} %)"
    return [check]
