# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that the kernel has killed since the last run because memory ran out.

Counted by the kernel since it booted (oom_kill in /proc/vmstat, Linux 4.13 and later). The first look has nothing to compare with: it
tells what was counted since boot and judges nothing. After a reboot all since then count. Where the remote user may read the kernel's
log, the process killed last is named.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import CannotLook, Context, threshold, threshold_options
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import plural

TYPE = "host.oom"
OPTIONS = threshold_options(warning=1, critical=None, unit="processes killed since the last run")

VMSTAT = Path("/proc/vmstat")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
KERNEL_LOG = "/dev/kmsg"
_KILLED = re.compile(rb"Killed process \d+ \((?P<name>[^)]{1,32})\)")


def look(context: Context, options: dict) -> list[Check]:
    """Return the one check of this type."""
    kills, boot = _kills(), BOOT_ID.read_text().strip()
    last = context.last_details(options["id"])
    shown, since = kills, "since the host has booted"
    if last.get("boot") == boot:
        shown, since = kills - last["kills"], "since the last run"
    elif not last:
        since += " (first look)"
    grown = shown if last else 0
    name = last_killed() if shown else None
    return [
        Check(
            id=options["id"],
            status=threshold(options).judge(grown, None),  # each run has its own count, so there is nothing to clear
            summary=f"{plural(shown, 'process', 'processes')} killed for lack of memory {since}"
                    + (f", the last one was {name}" if name else ""),
            value=grown,
            unit="processes",
            warning=options["warning"],
            critical=options["critical"],
            hint="docs/runbook.md#out-of-memory",
            details={"kills": kills, "boot": boot, "process": name},
        )
    ]


def _kills() -> int:
    found = re.search(r"^oom_kill (\d+)$", VMSTAT.read_text(), re.MULTILINE)
    if found is None:
        raise CannotLook(f"the kernel does not count oom_kill in {VMSTAT}; Linux 4.13 and later do")
    return int(found[1])


def last_killed() -> Optional[str]:
    """Return the name of the process killed last, or None where the kernel's log does not tell or may not be read."""
    name = None
    try:
        log = os.open(KERNEL_LOG, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        while True:
            try:
                record = os.read(log, 8192)  # one message each
            except BrokenPipeError:
                continue  # it was overwritten meanwhile; the next read takes the next one
            if not record:
                return name
            for found in _KILLED.finditer(record):
                name = found["name"].decode("utf-8", "replace")
    except OSError:
        return name  # EAGAIN: all is read
    finally:
        os.close(log)
