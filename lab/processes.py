# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting, finding and ending the processes of a lab.

Every process the lab starts carries two marks in its environment: the directory of the lab, and its name in it. The marks
are how it is found again, so there is no file of pids that could be stale or missing, even after a killed `up`, and no
process of anybody else can be taken for one of the lab's: a pid that was given away again does not carry them.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import Callable, Iterator, Optional

from lab.layout import LabError, Layout

MARK = "TRIXTECH_LAB_DIRECTORY"
NAME = "TRIXTECH_LAB_PROCESS"


def environment(layout: Layout, name: str, **extra: str) -> dict[str, str]:
    """Return a small environment for a process of the lab; nothing of the caller's leaks into it but the search path."""
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "HOME") if key in os.environ}
    return {**kept, **extra, MARK: str(layout.directory), NAME: name}


def find(layout: Layout, name: Optional[str] = None) -> dict[int, str]:
    """Return pid -> name of the living processes of this lab, or of those of one name."""
    found = {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        marked = _name_of(layout, int(entry.name))
        if marked and name in (None, marked):
            found[int(entry.name)] = marked
    return found


def _name_of(layout: Layout, pid: int) -> Optional[str]:
    try:
        # a zombie's environment is empty, so it counts as gone
        fields = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    if f"{MARK}={layout.directory}".encode() not in fields:
        return None
    name = next((field.split(b"=", 1)[1].decode() for field in fields if field.startswith(NAME.encode() + b"=")), None)
    # the application inherits the marks of PM2's daemon, and PM2 adds its own
    return "app" if name == "pm2" and any(field.startswith(b"pm_id=") for field in fields) else name


def start(layout: Layout, name: str, argv: list[str], **extra: str) -> None:
    """Start a server of the lab in the background, its output in DIR/logs/<name>.log, unless it runs already."""
    if find(layout, name):
        return
    layout.service_logs.mkdir(exist_ok=True)
    with open(layout.service_logs / f"{name}.log", "ab") as log:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=layout.directory,
                                   env=environment(layout, name, **extra), start_new_session=True)
    # for a moment after exec the kernel shows no environment yet
    eventually(lambda: find(layout, name) or process.poll() is not None, 5.0, 0.01)


def send(layout: Layout, name: str, number: int) -> None:
    """Send a signal to the processes of one name."""
    with _held(layout, name) as handles:
        _signal(handles, number)


@contextlib.contextmanager
def _held(layout: Layout, name: str) -> Iterator[list[int]]:
    """Give a handle (pidfd) for each process of one name."""
    handles: list[int] = []
    try:
        for pid in find(layout, name):
            try:
                handles.append(os.pidfd_open(pid))
            except ProcessLookupError:
                continue
            # the handle pins the process: if it carries the marks now, it is the right one
            if _name_of(layout, pid) != name:
                os.close(handles.pop())
        yield handles
    finally:
        for handle in handles:
            os.close(handle)


def _signal(handles: list[int], number: int) -> None:
    for handle in handles:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, number)


def _ended(handles: list[int], seconds: float) -> bool:
    """Wait until all processes have ended and let go of their ports; False when they have not within seconds."""
    return eventually(lambda: len(select.select(handles, [], [], 0)[0]) == len(handles), seconds)


def stop(layout: Layout, name: str, patience: float = 10.0) -> None:
    """End the processes of one name: politely, even a frozen one, and by force after patience seconds."""
    with _held(layout, name) as handles:
        _signal(handles, signal.SIGTERM)
        _signal(handles, signal.SIGCONT)
        if _ended(handles, patience):
            return
        _signal(handles, signal.SIGKILL)
        if not _ended(handles, 10.0):
            raise LabError(f"the lab's process {name} cannot be ended")


def eventually(condition: Callable[[], object], seconds: float, pause: float = 0.05) -> bool:
    """Wait until condition() is true; False when it is not within seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def last_line(layout: Layout, name: str) -> str:
    """Return the last line a server wrote, for a message that says why it did not start."""
    try:
        lines = (layout.service_logs / f"{name}.log").read_text(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1][:300] if lines else "it wrote nothing"
