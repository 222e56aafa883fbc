# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Age of the newest complete backup set, which tells whether the scheduled backup ran.

A repository without any complete set is critical: there is nothing to go back to. Only the first look ever at a host, whose first backup
is still to come, is a warning.
"""

from __future__ import annotations

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import Repository
from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, WARNING, Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import CannotLook, Context, threshold, threshold_options
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import duration

TYPE = "backup.age"
# a daily backup with two hours of grace (the guide: failed backup attempts are a warning); three missed ones are critical
OPTIONS = threshold_options(warning=26.0, critical=74.0, unit="hours")


def look(context: Context, options: dict) -> list[Check]:
    """Return the one check of this type."""
    if not context.repository:
        raise CannotLook("no backup repository was named; set the option repository")
    repository = Repository(context.repository)
    limits = {"warning": options["warning"], "critical": options["critical"], "hint": "docs/runbook.md#no-backup"}
    found = repository.sets()
    complete = [item for item in found if item.manifest]
    if not complete:
        line = f"there is no complete backup set in {context.repository}" + (f", but {len(found)} damaged" if found else "") + "; make one now"
        first = not found and options["id"] not in context.last
        return [Check(options["id"], WARNING if first else CRITICAL, line, unit="hours", **limits)]
    newest = complete[-1].describe()
    hours = round(newest["age_seconds"] / 3600, 2)
    if hours < 0:
        raise CannotLook(f"the newest set {newest['id']} is dated {duration(-newest['age_seconds'])} in the future; correct the clock of the host")
    status = threshold(options).judge(hours, context.last_status(options["id"]))
    line = f"the newest backup set is {duration(newest['age_seconds'])} old ({newest['id']}, {len(complete)} complete sets)"
    return [Check(options["id"], status, line, value=hours, unit="hours", details={"id": newest["id"], "sets": len(complete)}, **limits)]
