# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How full and how dirty the cache of WiredTiger is.

Dirty pages are written by threads of their own until their share reaches eviction_dirty_trigger (20 percent); from there on the
application's own operations have to do it, and everything stalls. The same holds for the whole cache from eviction_trigger
(95 percent) on. The value of the check is the dirty share.
"""

from __future__ import annotations

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import OK, SKIPPED, WARNING, Check, worst
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import mongodb
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import Context, Option, threshold, threshold_options
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import size

TYPE = "mongodb.cache"
OPTIONS = {
    **threshold_options(warning=10, critical=20, unit="percent of the cache that is dirty"),
    "used_warning": Option("float", default=95.0, doc="Percent of the cache in use from which on a warning is given, if the "
                           "application's operations had to evict pages since the last run."),
}
HINT = "docs/runbook.md#cache"


def look(context: Context, options: dict) -> list[Check]:
    """Return the one check of this type."""
    status_document = mongodb.server_status(context, options)
    cache = status_document.get("wiredTiger", {}).get("cache")
    if not cache:
        engine = status_document.get("storageEngine", {}).get("name", "unknown")
        return [Check(id=options["id"], status=SKIPPED, summary=f"the storage engine {engine} has no WiredTiger cache", hint=HINT)]
    limit = cache["maximum bytes configured"]
    used = 100 * cache["bytes currently in the cache"] / limit
    dirty = 100 * cache["tracked dirty bytes in the cache"] / limit
    evicted, uptime = cache["pages evicted by application threads"], status_document["uptime"]
    before = context.last_details(options["id"])
    # the counter starts anew with the server
    since = evicted - before["evicted_by_application"] if before.get("uptime_s", uptime + 1) <= uptime else evicted
    since = max(0, since)

    stalls = used >= options["used_warning"] and since > 0
    dirty_status = threshold(options).judge(dirty, before.get("dirty_status"))
    summary = f"{used:.0f} % of the cache of {size(limit)} in use, {dirty:.1f} % dirty"
    if dirty_status != OK:
        summary += f" ({_limits(options)}): the disk does not keep up with the writes"
    if stalls:
        summary += f"; operations of the application had to evict {since:,} pages: the data in daily use does not fit in"
    return [
        Check(
            id=options["id"],
            status=worst([dirty_status, WARNING if stalls else OK]),
            summary=summary,
            value=round(dirty, 2),
            unit="percent",
            warning=options["warning"],
            critical=options["critical"],
            hint=HINT,
            details={"used_percent": round(used, 1), "dirty_percent": round(dirty, 2), "bytes": limit, "dirty_status": dirty_status,
                     "evicted_by_application": evicted, "evicted_since_last_run": since, "uptime_s": uptime},
        )
    ]


def _limits(options: dict) -> str:
    return ", ".join(f"{name} from {options[name]:g} %" for name in ("warning", "critical") if options[name] is not None)
