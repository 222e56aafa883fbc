# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Space and inodes of a file system, and when it will be full.

Used is counted as df does: what is left is what an ordinary user may still write. From the growth over the last 14 days (the median
slope) follows the time until it is full; less than a week is a warning, even where the limit is far. A second check, host.inodes[path],
counts the inodes. A path that stands in /etc/fstab and is not mounted is unknown: the figures would be those of another file system.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils import trend
from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import OK, SKIPPED, WARNING, Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import (
    CannotLook,
    Context,
    Option,
    threshold,
    threshold_options,
)
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import duration, size

TYPE = "host.disk"
INSTANCE = "path"
OPTIONS = {
    "path": Option("str", required=True, doc="A mount point, or any directory of the file system."),
    "mounted": Option("bool", default=False, doc="Whether path has to be a mount point itself."),
    **threshold_options(warning=80, critical=90, unit="percent, of space and of inodes"),
    "full_within_days": Option("float", default=7.0, doc="Warn when it will be full in so many days; 0 for never."),
    "history_days": Option("float", default=14.0, doc="Days of history from which the growth is taken."),
}
FSTAB = Path("/etc/fstab")
# growth over a shorter time, or from fewer values, is noise
MIN_SPAN_SECONDS = 86400.0
MIN_POINTS = 5


def look(context: Context, options: dict) -> list[Check]:
    """Return the check of the space and the check of the inodes."""
    path = options["path"]
    _require_mounted(path, options["mounted"])
    try:
        found = os.statvfs(path)
    except OSError as error:
        raise CannotLook(f"{path}: {error.strerror}; check the path and that the remote user may go there") from None
    if not found.f_blocks:
        raise CannotLook(f"{path} lies on a file system that has no blocks to count")
    return [_space(context, options, found), _inodes(context, options, found)]


def _space(context: Context, options: dict, found: os.statvfs_result) -> Check:
    used = (found.f_blocks - found.f_bfree) * found.f_frsize
    free = found.f_bavail * found.f_frsize
    share = 100 * used / (used + free)
    left = time_to_full(context, options, share)
    status = threshold(options).judge(share, context.last_status(options["id"]))
    summary = f"{options['path']} is {share:.0f} % full, {size(free)} free"
    if left is not None and left <= options["full_within_days"] * 86400:
        status = WARNING if status == OK else status
        summary += f", and at the present growth it is full in {duration(left)}"
    return Check(
        id=options["id"],
        status=status,
        summary=summary,
        value=round(share, 2),
        unit="percent",
        warning=options["warning"],
        critical=options["critical"],
        hint="docs/runbook.md#disk",
        details={"used_bytes": used, "free_bytes": free, "time_to_full_seconds": None if left is None else round(left)},
    )


def time_to_full(context: Context, options: dict, share: float) -> Optional[float]:
    """Return the seconds until 100 percent at the growth in history; None where it does not grow or history is too short."""
    points = [*context.series(options["id"], options["history_days"]), (time.time(), share)]
    if len(points) < MIN_POINTS or points[-1][0] - points[0][0] < MIN_SPAN_SECONDS:
        return None
    return trend.time_to(points, 100.0)


def _inodes(context: Context, options: dict, found: os.statvfs_result) -> Check:
    own_id = options["id"]
    prefix = TYPE + "["
    check_id = f"host.inodes[{own_id[len(prefix):]}" if own_id.startswith(prefix) else f"{own_id}.inodes"
    check = Check(id=check_id, status=SKIPPED, summary=f"{options['path']} has no fixed number of inodes", unit="percent",
                  warning=options["warning"], critical=options["critical"], hint="docs/runbook.md#inodes")
    used = found.f_files - found.f_ffree
    if found.f_files and used + found.f_favail:
        share = 100 * used / (used + found.f_favail)
        check.value = round(share, 2)
        check.status = threshold(options).judge(share, context.last_status(check_id))
        check.summary = f"{options['path']} has {share:.0f} % of its inodes in use, {found.f_favail:,} free"
        check.details = {"used": used, "free": found.f_favail}
    return check


def _require_mounted(path: str, has_to_be: bool) -> None:
    if has_to_be and not os.path.ismount(path):
        raise CannotLook(f"{path} is not mounted, so its space cannot be told; mount it, or drop the option 'mounted'")
    real = os.path.realpath(path)
    try:
        lines = FSTAB.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        fields = line.split()
        if len(fields) < 2 or line.lstrip().startswith("#") or not fields[1].startswith("/"):
            continue
        point = fields[1].replace("\\040", " ")
        if (real == point or real.startswith(point.rstrip("/") + "/")) and not os.path.ismount(point):
            raise CannotLook(f"{point} stands in {FSTAB} but is not mounted, so the space of {path} cannot be told; mount it")
