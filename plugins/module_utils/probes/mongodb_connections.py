# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to MongoDB in use, as a share of those it allows.

When none is left, the application cannot connect at all. The usual cause is a pool that is opened again and again, or too
large for the number of application processes.
"""

from __future__ import annotations

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import OK, Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import mongodb
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import Context, threshold, threshold_options

TYPE = "mongodb.connections"
OPTIONS = threshold_options(warning=80, critical=95, unit="percent of the connections the server allows")


def look(context: Context, options: dict) -> list[Check]:
    """Return the one check of this type."""
    found = mongodb.server_status(context, options)["connections"]
    current, available = found["current"], found["available"]
    allowed = current + available
    value = 100 * current / allowed if allowed else 100.0
    status = threshold(options).judge(value, context.last_status(options["id"]))
    summary = f"{current:,} of {allowed:,} connections in use ({value:.0f} %)"
    if status != OK:
        summary += f", {found.get('active', 0):,} of them busy; look for a pool without an upper limit, or raise the server's limit"
    return [
        Check(
            id=options["id"],
            status=status,
            summary=summary,
            value=round(value, 1),
            unit="percent",
            warning=options["warning"],
            critical=options["critical"],
            hint="docs/runbook.md#connections",
            details={"current": current, "available": available, "active": found.get("active"), "created": found.get("totalCreated")},
        )
    ]
