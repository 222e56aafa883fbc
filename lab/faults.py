# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switches for what can break. Each fault really breaks its part, and off really mends it.

A fault that is on has a file of its name in DIR/faults. The file is there before the harm and goes after the mending, so that a
killed switch can be thrown again. The application watches the files of its own faults (lab/app/lib/faults.js).
"""

from __future__ import annotations

import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from lab import application, backups, disk, mongodb, processes, tls
from lab.layout import PM2_NAME, REPOSITORY, LabError, Layout

# what lab/app/lib/faults.js takes, 480 MiB, and less than what the process itself needs beside it
LEAK_BYTES = (480 + 32) * 1024 * 1024


@dataclass
class Lab:
    """What a fault works on. living: the lab is up; settings: lab.json."""

    layout: Layout
    settings: dict
    living: bool

    def state(self, name: str) -> Path:
        """Return the file that says that a fault is on."""
        return self.layout.faults / name


def nothing(_lab: Lab) -> None:
    """The fault's file alone is the switch."""


@dataclass(frozen=True)
class Fault:
    """harm breaks; mend undoes what is on disk and works on a dead lab, too; revive, after it, brings back what runs."""

    name: str
    text: str
    harm: Callable[[Lab], None] = nothing
    mend: Callable[[Lab], None] = nothing
    revive: Callable[[Lab], None] = nothing


def start_helper(layout: Layout, settings: dict, name: str) -> None:
    """Start the SMTP or the TLS server (name: smtp, tls) with this Python and wait until it takes connections."""
    processes.start(layout, name, [sys.executable, "-m", f"lab.{name}", str(layout.directory)], PYTHONPATH=str(REPOSITORY),
                    PYTHONDONTWRITEBYTECODE="1")
    processes.eventually(lambda: _listens(settings["ports"][name]) or not processes.find(layout, name), 20.0)
    if not processes.find(layout, name) or not _listens(settings["ports"][name]):
        raise LabError(f"the lab's {name} server did not start: {processes.last_line(layout, name)}")


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
    except OSError:
        return False
    return True


def _start_mongod(lab: Lab) -> None:
    mongodb.start(lab.layout, lab.settings, Path(lab.settings["mongod"]))
    if not processes.eventually(lambda: mongodb.is_writable(lab.settings), mongodb.START_SECONDS):
        raise LabError("mongod runs again, but takes no writes")


def _crash_loop(lab: Lab) -> None:
    before = set(processes.find(lab.layout, "app"))
    processes.eventually(lambda: not before & set(processes.find(lab.layout, "app")), 15.0)


def _leak(lab: Lab) -> None:
    processes.eventually(lambda: resident_bytes(lab.layout) >= LEAK_BYTES, 20.0)


def resident_bytes(layout: Layout) -> int:
    """Return the resident memory of the application's process, 0 when there is none."""
    pages = 0
    for pid in processes.find(layout, "app"):
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except OSError:
            continue
    return pages * 4096


def _pm2(lab: Lab, command: str) -> None:
    application.pm2(lab.layout, lab.settings, command, PM2_NAME)


FAULTS = {fault.name: fault for fault in (
    Fault("mongod-stopped", "mongod is shut down",
          harm=lambda lab: processes.stop(lab.layout, "mongod"), revive=_start_mongod),
    Fault("mongod-frozen", "mongod is stopped by SIGSTOP: it accepts connections and answers nothing",
          harm=lambda lab: processes.send(lab.layout, "mongod", signal.SIGSTOP),
          mend=lambda lab: processes.send(lab.layout, "mongod", signal.SIGCONT)),
    Fault("app-crashed", "the application is stopped in PM2",
          harm=lambda lab: _pm2(lab, "stop"), revive=lambda lab: _pm2(lab, "start")),
    Fault("app-crash-loop", "the application exits 1.5 s after each start; PM2 says online, its restarts grow", harm=_crash_loop),
    Fault("app-hanging", "the application accepts requests and never answers"),
    Fault("app-failing", "every fourth request fails with 500, but for health and metrics; 60 requests are sent",
          harm=lambda lab: application.visit(lab.settings) and None, revive=lambda lab: application.visit(lab.settings) and None),
    Fault("app-slow", "every answer takes 1.5 s longer"),
    Fault("app-leaking", "the application takes 480 MiB of memory; PM2's limit is 600", harm=_leak, revive=lambda lab: _pm2(lab, "restart")),
    Fault("app-unhealthy", "the deep health path answers 200 and says unhealthy"),
    Fault("smtp-down", "the SMTP server is stopped",
          harm=lambda lab: processes.stop(lab.layout, "smtp"), revive=lambda lab: start_helper(lab.layout, lab.settings, "smtp")),
    Fault("backup-old", "every backup set is three days older",
          harm=lambda lab: backups.make_old(lab.layout, lab.state("backup-old")),
          mend=lambda lab: backups.make_young(lab.layout, lab.state("backup-old"))),
    Fault("backup-corrupt", "one byte of the newest backup set is wrong",
          harm=lambda lab: backups.corrupt(lab.layout, lab.state("backup-corrupt")),
          mend=lambda lab: backups.mend(lab.layout, lab.state("backup-corrupt"))),
    Fault("certificate-expired", "the TLS endpoint shows a certificate that expired two days ago",
          harm=lambda lab: tls.use(lab.layout.tls, "expired.pem"), mend=lambda lab: tls.use(lab.layout.tls, "valid.pem")),
    Fault("disk-full", "the small file system is 95 % full",
          harm=lambda lab: disk.fill(lab.layout), mend=lambda lab: disk.clear(lab.layout)),
)}


def find(name: str) -> Fault:
    """Return a fault by its name."""
    if name not in FAULTS:
        raise LabError(f"there is no fault {name}; there are {', '.join(FAULTS)}")
    return FAULTS[name]


def active(layout: Layout) -> list[str]:
    """Return the names of the faults that are on."""
    return [name for name in FAULTS if (layout.faults / name).exists()]


def switch_on(lab: Lab, name: str) -> str:
    """Break something; return what was done. Twice is once."""
    fault = find(name)
    if not lab.living:
        raise LabError("the lab is down, there is nothing to break; start it with lab/lab.py up")
    if lab.state(name).exists():
        return f"{name} was on already"
    lab.layout.faults.mkdir(exist_ok=True)
    lab.state(name).touch()
    try:
        fault.harm(lab)
    except (LabError, OSError):
        if not lab.state(name).read_text():
            lab.state(name).unlink()  # nothing was harmed
        raise
    return f"{name} is on: {fault.text}"


def switch_off(lab: Lab, name: str) -> str:
    """Mend it; return what was done."""
    fault = find(name)
    if not lab.state(name).exists():
        return f"{name} was off already"
    fault.mend(lab)
    if lab.living:
        if name.startswith("app-"):
            lab.state(name).unlink()
        fault.revive(lab)
        if active(lab.layout) in ([], [name]):
            application.wait_healthy(lab.layout, lab.settings)
    lab.state(name).unlink(missing_ok=True)
    return f"{name} is off"


def mend_all(lab: Lab) -> None:
    """Undo on disk whatever is on; lab.py up then starts what does not run."""
    for name in active(lab.layout):
        FAULTS[name].mend(lab)
        lab.state(name).unlink()
