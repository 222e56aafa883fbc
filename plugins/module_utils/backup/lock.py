# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One writer at a time: the lock of a repository.

The kernel's lock on an open file is the lock, so that nothing is left when its holder is killed. What stands in the file (who, since
when) serves the message for the one who waits, and the heartbeat (the file's time) keeps writers on other hosts away where
a network file system does not share locks. Stale is a heartbeat older than six times its interval, as PBM does it.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
import time
from typing import Any, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import timestamp
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import duration

HEARTBEAT = 10.0  # seconds
STALE = 6 * HEARTBEAT


class Lock:
    """Context manager. taken_over: a note about the dead holder whose lock was taken over, or None."""

    def __init__(self, path: str, purpose: str, wait: float = 0.0) -> None:
        self._path, self._purpose, self._wait = path, purpose, wait
        self._descriptor: Optional[int] = None
        self._stop = threading.Event()
        self.taken_over: Optional[str] = None

    def __enter__(self) -> "Lock":
        deadline = time.monotonic() + self._wait
        while not self._take():
            if time.monotonic() >= deadline:
                waited = f" (waited {duration(self._wait)})" if self._wait else ""
                raise MaintenanceError(f"the repository is in use{waited}: {self._holder_text()}; wait for it to end, "
                                       "or give the task a longer lock_wait")
            time.sleep(min(0.2, max(0.0, deadline - time.monotonic())))
        threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(self, *unused: Any) -> None:
        self._stop.set()
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def _take(self) -> bool:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        holder = _read(descriptor)
        if holder:
            age = time.time() - os.fstat(descriptor).st_mtime
            if holder.get("host") != socket.gethostname() and age < STALE:
                os.close(descriptor)
                return False
            self.taken_over = (f"took over the lock of {holder.get('purpose')} on {holder.get('host')} (process {holder.get('pid')}, "
                               f"since {holder.get('since')}), which ended without giving it back")
        content = {"purpose": self._purpose, "host": socket.gethostname(), "pid": os.getpid(), "since": timestamp()}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(content).encode(), 0)
        self._descriptor = descriptor
        return True

    def _holder_text(self) -> str:
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return "the holder has just left"
        try:
            holder = _read(descriptor)
        finally:
            os.close(descriptor)
        if not holder:
            return "the holder has not said who it is"
        return f"{holder.get('purpose')} on {holder.get('host')}, process {holder.get('pid')}, since {holder.get('since')}"

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT):
            try:
                os.utime(self._path)
            except OSError:
                return


def _read(descriptor: int) -> dict:
    try:
        content = json.loads(os.pread(descriptor, 4096, 0) or b"{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
