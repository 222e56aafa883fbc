# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load average over 15 minutes, per processor.

Processes that run or wait for disk, divided by the number of processors, so that one limit suits every machine.
"""

from __future__ import annotations

import os

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import Context, threshold, threshold_options

TYPE = "host.load"
OPTIONS = threshold_options(warning=2.0, critical=4.0, unit="load per processor")


def look(context: Context, options: dict) -> list[Check]:
    """Return the one check of this type."""
    one, five, fifteen = os.getloadavg()
    processors = os.cpu_count() or 1
    value = round(fifteen / processors, 2)
    return [
        Check(
            id=options["id"],
            status=threshold(options).judge(value, context.last_status(options["id"])),
            summary=f"load {fifteen:.2f} over 15 minutes on {processors} processors",
            value=value,
            unit="load per processor",
            warning=options["warning"],
            critical=options["critical"],
            hint="docs/runbook.md#load",
            details={"1_minute": round(one, 2), "5_minutes": round(five, 2), "15_minutes": round(fifteen, 2), "processors": processors},
        )
    ]
