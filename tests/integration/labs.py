# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab for tests: how it is run, and what it must look like."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

from lab import mongodb, processes
from lab.layout import DATABASE, Layout

ROOT = Path(__file__).resolve().parent.parent.parent
SERVERS = {"mongod", "pm2", "app", "smtp", "tls"}
BOOKINGS = 300


def command(directory: Path, *arguments: str, expect: int = 0) -> str:
    """Run lab.py; return what it printed, both streams."""
    done = subprocess.run([sys.executable, str(ROOT / "lab/lab.py"), *arguments, "--dir", str(directory)],
                          capture_output=True, text=True, check=False, timeout=180)
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout + done.stderr


def counts(settings: dict) -> dict[str, int]:
    """Return the number of documents by collection, TTL collections left out."""
    with mongodb.client(settings["mongodb"]["uri_app"]) as mongo:
        return {name: mongo[DATABASE][name].count_documents({}) for name in ("users", "services", "bookings", "payments", "settings")}


def kill_all(layout: Layout) -> None:
    """Kill everything of a lab as a crash of the machine would, PM2 first, which would start the application again."""
    for name in ("pm2", "app", "mongod", "smtp", "tls"):
        handles = [os.pidfd_open(pid) for pid in processes.find(layout, name)]
        for handle in handles:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        for handle in handles:
            select.select([handle], [], [], 10)
            os.close(handle)
    assert not processes.find(layout)
