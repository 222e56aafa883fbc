# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much memory there is and how much is in use, on the host or in the container that the module runs in."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import LibraryMissing

try:
    import psutil

    PSUTIL_ERROR = None
except ImportError:
    PSUTIL_ERROR = traceback.format_exc()

CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Memory:
    """Bytes. used: what cannot be given to a program at once, so not the page cache. container: the limit is a container's."""

    total: int
    used: int
    container: bool


def require_psutil() -> Any:
    """Return psutil; LibraryMissing where it cannot be imported."""
    if PSUTIL_ERROR:
        raise LibraryMissing("psutil", PSUTIL_ERROR.strip().splitlines()[-1])
    return psutil


def read() -> Memory:
    """Return the memory of the container where its limit is lower than the host's, of the host otherwise."""
    host = require_psutil().virtual_memory()
    limited = container(CGROUPS)
    if limited is not None and limited.total < host.total:
        return limited
    return Memory(host.total, host.total - host.available, False)


def container(cgroups: Path) -> Optional[Memory]:
    """Return the limit of a container and what it uses, or None where the cgroup at the root of the hierarchy has no limit.

    Only the root counts: what a container sees there is its own cgroup. On a host, the root has no limit, and the cgroup of
    the login session that the module runs in says nothing about the host.
    """
    for directory, limit, usage, reclaimable in (
        (cgroups, "memory.max", "memory.current", "inactive_file"),
        (cgroups / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            total, used = int((directory / limit).read_text()), int((directory / usage).read_text())
            statistics = dict(line.split(maxsplit=1) for line in (directory / "memory.stat").read_text().splitlines())
            return Memory(total, max(0, used - int(statistics.get(reclaimable, 0))), True)
        except (OSError, ValueError):  # no such hierarchy, or the word "max" for no limit
            continue
    return None
