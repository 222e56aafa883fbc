# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's small file system, a tmpfs of 64 MiB, for what a full disk does. Mounting needs root."""

from __future__ import annotations

import os
import subprocess
from typing import Optional

from lab.layout import LabError, Layout

MEBIBYTES = 64
FULL_SHARE = 0.95


def mount(layout: Layout) -> Optional[str]:
    """Mount it, unless it is there; return None, or the reason why it cannot be."""
    if os.path.ismount(layout.disk):
        return None
    if os.geteuid() != 0:
        return "mounting a small file system needs root"
    layout.disk.mkdir(exist_ok=True, mode=0o700)
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={MEBIBYTES}m,mode=0700", "tmpfs", str(layout.disk)],
                       check=True, capture_output=True, text=True)
    except OSError as error:
        return f"mount cannot be run: {error.strerror}"
    except subprocess.CalledProcessError as error:
        return " ".join(error.stderr.split())[:200] or "mount refused"
    return None


def unmount(layout: Layout) -> None:
    """Unmount it, even while somebody looks into it."""
    while os.path.ismount(layout.disk):
        done = subprocess.run(["umount", "--lazy", str(layout.disk)], check=False, capture_output=True, text=True)
        if done.returncode:
            raise LabError(f"{layout.disk} cannot be unmounted: {' '.join(done.stderr.split())[:200]}")


def fill(layout: Layout) -> None:
    """Fill the file system to 95 percent."""
    if not os.path.ismount(layout.disk):
        raise LabError(f"the lab has no small file system to fill: {layout.read()['disk']['reason'] or 'it is not mounted'}")
    clear(layout)
    space = os.statvfs(layout.disk)
    used = (space.f_blocks - space.f_bfree) * space.f_frsize
    with open(layout.disk / "filler", "wb") as handle:
        os.posix_fallocate(handle.fileno(), 0, int(space.f_blocks * space.f_frsize * FULL_SHARE) - used)


def clear(layout: Layout) -> None:
    """Take the filler away."""
    (layout.disk / "filler").unlink(missing_ok=True)
