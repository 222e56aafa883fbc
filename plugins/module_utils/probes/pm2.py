# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a running PM2 daemon for its processes, and never starts one.

Every command of the pm2 client starts a daemon where none answers. So the daemon's socket is tried first; and should the daemon end
between that and the command, the client finds no place for the daemon's log (PM2_LOG_FILE_PATH) and gives up instead of starting one.
What the client prints carries the whole environment of the application, secrets included: only named fields leave this file, and
nothing that was printed is quoted in an error.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import stat
import subprocess
from dataclasses import dataclass
from typing import Any, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import CannotLook, Context, Option
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import one_line

OPTIONS = {
    "name": Option("str", required=True, doc="The name of the process in PM2."),
    "pm2_home": Option("str", required=True, doc="The PM2_HOME of the daemon, for example /home/trixtech/.pm2."),
    "pm2_path": Option("str", default="pm2", doc="The pm2 command: a path, or a name to look for in PATH."),
}
# a path that cannot exist, not even for root: below a file that is no directory
NO_LOG = "/dev/null/no-daemon-is-started"


class NoDaemon(Exception):
    """There is no PM2 daemon; the message says where none was found."""


@dataclass(frozen=True)
class Process:
    """One process as PM2 sees it. memory: resident bytes. started: epoch seconds. memory_limit: max_memory_restart in bytes, or None."""

    pm_id: int
    pid: int
    status: str
    restarts: int
    unstable_restarts: int
    started: float
    memory: int
    cpu: float
    memory_limit: Optional[int]


@dataclass(frozen=True)
class Daemon:
    """A daemon's processes by name, and the user it belongs to where that is not the one who looks."""

    processes: "dict[str, list[Process]]"
    user: Optional[str]

    def whose(self) -> str:
        """Return a phrase that names the daemon's user where it is another one, or nothing."""
        return f" (PM2 of user {self.user})" if self.user else ""


def find(context: Context, options: dict) -> Daemon:
    """Return what the daemon knows, asked once per run; NoDaemon where there is none, CannotLook where nobody can tell."""
    home, path = options["pm2_home"], options["pm2_path"]
    return context.once(("pm2", home, path), lambda: _ask(home, path, options["timeout"] * 0.8))


def _ask(home: str, path: str, seconds: float) -> Daemon:
    user = _try_socket(home, seconds)
    program = shutil.which(path)
    if program is None:
        raise CannotLook(f"there is no pm2 command {path!r} on this host; install it (npm install -g pm2) or set pm2_path to it")
    program = os.path.abspath(program)
    environment = {
        "PM2_HOME": home,
        "HOME": os.path.dirname(home.rstrip("/")) or "/",
        "PM2_SILENT": "true",
        "PM2_LOG_FILE_PATH": NO_LOG,
        # pm2 is a script of node, which a version manager puts beside it rather than into PATH
        "PATH": os.pathsep.join(filter(None, [os.environ.get("PATH", os.defpath), os.path.dirname(program)])),
    }
    try:
        done = subprocess.run([program, "jlist"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              env=environment, cwd="/", timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise CannotLook(f"the PM2 daemon under {home} does not answer within {seconds:g} s; it may hang, see pm2.log there") from None
    except OSError as error:
        raise CannotLook(f"{program} cannot be run: {error.strerror}; it has to be executable for the remote user") from None
    if done.returncode == 127:
        raise CannotLook(f"{program} finds no node; install Node.js, or put node beside pm2 or into PATH")
    if done.returncode != 0:
        raise CannotLook(f"'pm2 jlist' failed with exit status {done.returncode}; run it by hand as the user of {home} to see why")
    try:
        return Daemon(parse(done.stdout), user)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CannotLook("'pm2 jlist' printed something that is no list of processes; run it by hand to see what") from None


def parse(output: bytes) -> "dict[str, list[Process]]":
    """Read what jlist prints and keep the named fields only. Notices that a pm2 of another version prints before it are passed over."""
    start = output.find(b"[{")
    listed = json.loads(output[start:] if start >= 0 else output[output.find(b"[]"):])
    found: "dict[str, list[Process]]" = {}
    for item in listed:
        env, monit = item["pm2_env"], item.get("monit") or {}
        found.setdefault(item["name"], []).append(Process(
            pm_id=int(item["pm_id"]),
            pid=int(item.get("pid") or 0),
            status=str(env.get("status", "unknown")),
            restarts=int(env.get("restart_time") or 0),
            unstable_restarts=int(env.get("unstable_restarts") or 0),
            started=float(env.get("pm_uptime") or 0) / 1000,
            memory=int(monit.get("memory") or 0),
            cpu=float(monit.get("cpu") or 0),
            memory_limit=_bytes(env.get("max_memory_restart")),
        ))
    return found


def _bytes(limit: Any) -> Optional[int]:
    return int(limit) if isinstance(limit, (int, float)) and limit > 0 else None


def _try_socket(home: str, seconds: float) -> Optional[str]:
    """Return the user of the daemon's socket where it is another one; NoDaemon where nothing listens."""
    path = os.path.join(home, "rpc.sock")
    try:
        status = os.stat(path)
        if not stat.S_ISSOCK(status.st_mode):
            raise NoDaemon(f"no PM2 daemon under {home}: rpc.sock there is no socket")
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(seconds)
            client.connect(path)
    except FileNotFoundError:
        missing = "there is no rpc.sock" if os.path.isdir(home) else "there is no such directory"
        raise NoDaemon(f"no PM2 daemon under {home}: {missing}") from None
    except ConnectionRefusedError:
        raise NoDaemon(f"no PM2 daemon under {home}: nobody listens on its rpc.sock, the daemon has died") from None
    except PermissionError:
        raise CannotLook(f"{home} belongs to {_owner(home)}, and {_user(os.geteuid())} may not use its PM2; "
                         "run the play as that user or with become") from None
    except OSError as error:
        raise MaintenanceError(f"the PM2 daemon under {home} cannot be reached: {one_line(error.strerror or error)}") from None
    return None if status.st_uid == os.geteuid() else _user(status.st_uid)


def _owner(home: str) -> str:
    for path in (os.path.join(home, "rpc.sock"), home):
        try:
            return f"user {_user(os.stat(path).st_uid)}"
        except OSError:
            continue
    return "another user"


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
