# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sandbox: a throwaway mongod of our own, reachable through a unix socket only, gone when its maker is gone.

It has its own directory with a random name, no network port, no authentication (the directory is 0700), no TTL monitor (documents must
not vanish while they are counted) and a small cache. The kernel kills it when its maker dies; what is left on disk then is
removed by the next start.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import Any, Iterator

from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import client as mongo
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import one_line

PREFIX = "trixtech-sandbox-"
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass
class Sandbox:
    """A running sandbox. uri: how to reach it (no secret in it); started_seconds: how long it took to answer."""

    path: str
    uri: str
    process: Any
    started_seconds: float


@contextlib.contextmanager
def sandbox(mongod: str, parent: str, cache_gb: float = 0.25, start_timeout: float = 60.0) -> Iterator[Sandbox]:
    """Start a sandbox below the directory parent and take it down in the end, whatever happens.

    mongod: the binary. start_timeout: seconds until it must answer. Raises MaintenanceError with mongod's own last words.
    """
    binary = shutil.which(mongod)
    if not binary:
        raise MaintenanceError(f"there is no mongod at {mongod!r} on this host for the restore test; install MongoDB's server package "
                               "or set the option mongod to its path")
    if not os.path.isdir(parent) or not os.access(parent, os.W_OK | os.X_OK):
        raise MaintenanceError(f"the work directory {parent} does not exist or is not writable; choose one with room for a restored set")
    sweep(parent)
    path = os.path.join(parent, PREFIX + secrets.token_hex(6))
    os.mkdir(path, 0o700)
    process = None
    try:
        begin = time.monotonic()
        process = _start(binary, path, cache_gb)
        uri = mongo.socket_uri(os.path.join(path, "mongod.sock"))
        _wait(uri, process, path, start_timeout)
        yield Sandbox(path, uri, process, time.monotonic() - begin)
    finally:
        if process is not None and process.poll() is None:
            process.kill()  # nothing in it is worth an orderly end
        if process is not None:
            process.wait()
        shutil.rmtree(path, ignore_errors=True)


def _start(binary: str, path: str, cache_gb: float) -> Any:
    socket_path = os.path.join(path, "mongod.sock")
    if len(socket_path.encode()) > 100:  # sun_path holds 108 bytes
        raise MaintenanceError(f"the work directory {os.path.dirname(path)} has too long a path for a unix socket; choose a shorter one")
    os.mkdir(os.path.join(path, "db"), 0o700)
    arguments = [
        binary, "--dbpath", os.path.join(path, "db"), "--bind_ip", socket_path, "--logpath", os.path.join(path, "mongod.log"),
        # mongod makes the socket of its default port besides; in /tmp that would take the place of the host's own server's
        "--unixSocketPrefix", path, "--pidfilepath", os.path.join(path, "mongod.pid"), "--wiredTigerCacheSizeGB", f"{cache_gb:g}",
        "--setParameter", "ttlMonitorEnabled=false", "--setParameter", "diagnosticDataCollectionEnabled=false",
    ]
    return subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            close_fds=True, cwd=path, preexec_fn=_die_with_parent)  # pylint: disable=subprocess-popen-preexec-fn


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _wait(uri: str, process: Any, path: str, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    socket_path = os.path.join(path, "mongod.sock")
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise MaintenanceError(f"the sandbox's mongod ended at its start: {_last_words(path)}")
        if os.path.exists(socket_path):
            with contextlib.suppress(MaintenanceError), mongo.driver_errors(), mongo.connect(uri, 2.0) as client:
                client.admin.command("ping")
                return
        time.sleep(0.05)
    raise MaintenanceError(f"the sandbox's mongod did not answer within {timeout:g} s: {_last_words(path)}")


def _last_words(path: str) -> str:
    try:
        with open(os.path.join(path, "mongod.log"), encoding="utf-8", errors="replace") as stream:
            lines = stream.read()[-65536:].splitlines()
    except OSError:
        return "it wrote no log"
    serious = [line for line in lines if '"s":"E"' in line or '"s":"F"' in line]
    return one_line((serious or lines or ["its log is empty"])[-1], 300)


def sweep(parent: str) -> list:
    """Remove sandboxes below parent whose mongod is gone; return their names. A running one belongs to somebody."""
    removed = []
    for entry in list(os.scandir(parent)):
        if entry.name.startswith(PREFIX) and entry.is_dir(follow_symlinks=False) and not _alive(entry.path):
            shutil.rmtree(entry.path, ignore_errors=True)
            removed.append(entry.name)
    return removed


def _alive(path: str) -> bool:
    """Tell whether a mongod runs on this directory; one that is younger than a minute may be starting up."""
    try:
        with open(os.path.join(path, "mongod.pid"), encoding="ascii") as stream:
            pid = int(stream.read().strip() or 0)
        with open(f"/proc/{pid}/cmdline", "rb") as stream:
            return os.fsencode(path) in stream.read()
    except FileNotFoundError:
        try:
            return time.time() - os.stat(path).st_mtime < 60
        except FileNotFoundError:
            return False
    except (OSError, ValueError):
        return False
