# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory in use, as percent of all there is.

In use is what the kernel could not hand out at once, so without the page cache. Inside a container with a limit, that limit counts.
"""

from __future__ import annotations

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import memory
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import Context, threshold, threshold_options
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import size

TYPE = "host.memory"
OPTIONS = threshold_options(warning=80, critical=85, unit="percent of the memory")


def look(context: Context, options: dict) -> list[Check]:
    """Return the one check of this type."""
    found = memory.read()
    share = 100 * found.used / found.total
    where = " of this container's limit" if found.container else ""
    return [
        Check(
            id=options["id"],
            status=threshold(options).judge(share, context.last_status(options["id"])),
            summary=f"{size(found.used)} of {size(found.total)} memory in use ({share:.0f} %){where}",
            value=round(share, 1),
            unit="percent",
            warning=options["warning"],
            critical=options["critical"],
            hint="docs/runbook.md#memory",
            details={"total_bytes": found.total, "used_bytes": found.used, "container": found.container},
        )
    ]
