# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things of a lab lie, and lab.json, from which inventory and tests read everything."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import random
import secrets
import socket
import sys
from pathlib import Path
from typing import Iterator, Optional
from urllib.parse import quote

from lab import rights

REPOSITORY = Path(__file__).resolve().parent.parent
DATABASE = "trixtech"
PM2_NAME = "trixtech-backend"
REPLICA_SET = "lab0"
# PM2 listens on <PM2_HOME>/interactor.sock and the like; the kernel takes 107 bytes
SOCKET_PATH_LIMIT = 107


class LabError(Exception):
    """What is wrong with the lab and what to do, in one line."""


def default_directory() -> Path:
    """Return $LAB_DIR, or .lab in the repository."""
    return Path(os.environ.get("LAB_DIR") or REPOSITORY / ".lab")


class Layout:
    """The paths of the lab in one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = Path(directory).resolve()
        self.config = self.directory / "lab.json"
        self.mongodb = self.directory / "mongodb"
        self.git_root = self.directory / "app"
        self.app = self.git_root / "backend"
        self.logs = self.app / "logs"
        self.uploads = self.directory / "uploads"
        self.pm2_home = self.directory / "pm2"
        self.maildir = self.directory / "mail"
        self.tls = self.directory / "tls"
        self.disk = self.directory / "disk"
        self.faults = self.directory / "faults"
        self.service_logs = self.directory / "logs"
        if len(str(self.pm2_home / "interactor.sock")) > SOCKET_PATH_LIMIT:
            raise LabError(f"the path {self.directory} is too long for PM2's sockets; choose a shorter --dir")

    def exists(self) -> bool:
        """Tell whether there is anything of a lab here."""
        return self.config.exists()

    def read(self) -> dict:
        """Return what lab.json says; LabError where there is none."""
        try:
            return json.loads(self.config.read_text())
        except FileNotFoundError:
            raise LabError(f"there is no lab in {self.directory}; start one with lab/lab.py up") from None
        except ValueError:
            raise LabError(f"{self.config} is damaged; remove the lab with lab/lab.py down --purge") from None

    def write(self, settings: dict) -> None:
        """Replace lab.json in one step, readable by its owner only."""
        write_private(self.config, json.dumps(settings, indent=2) + "\n")

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the lab for one command; the kernel lets go of it when the process dies, however it dies."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(self.directory / ".lock", "w", encoding="ascii") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print(f"waiting for another lab command in {self.directory}", file=sys.stderr, flush=True)
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, in one step."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as handle:
        handle.write(text)
    partial.replace(path)


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(taken: Optional[set[int]] = None) -> int:
    """Return a free loopback port below the range that the kernel hands out to clients.

    Below it, so that no client's connection sits on the port of a server that is down for a while.
    """
    try:
        first_of_clients = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        first_of_clients = 32768
    for _unused in range(500):
        port = random.randint(max(1024, first_of_clients - 12000), first_of_clients - 1)
        if port not in (taken or ()) and is_free(port):
            return port
    raise LabError("no free loopback port was found")


def keep_or_replace_port(settings: dict, name: str) -> int:
    """Return the port of a server that is about to start: the one it had, or a new one where somebody took that."""
    ports = settings["ports"]
    if not is_free(ports[name]):
        ports[name] = free_port(set(ports.values()))
    return ports[name]


def new_settings(layout: Layout) -> dict:
    """Return ports and secrets for a new lab; they stay the same for its whole life, unless a port gets taken."""
    ports: set[int] = set()
    for _unused in range(4):
        ports.add(free_port(ports))
    mongodb, app, smtp, tls = ports
    return {
        "directory": str(layout.directory),
        "ready": False,
        "ports": {"mongodb": mongodb, "app": app, "smtp": smtp, "tls": tls},
        "passwords": {name: secrets.token_urlsafe(18) for name in
                      ("mongodb_admin", "mongodb_app", "mongodb_maintenance", "smtp", "customers", "jwt")},
    }


def describe(layout: Layout, settings: dict, disk_reason: Optional[str], mongod: Path, pm2: Path) -> dict:
    """Return lab.json in full from ports and secrets. The keys are the contract with inventories/lab and the tests."""
    ports, passwords = settings["ports"], settings["passwords"]

    def uri(user: str, password: str, database: str, source: str) -> str:
        return (f"mongodb://{user}:{quote(password, safe='')}@127.0.0.1:{ports['mongodb']}/{database}"
                f"?authSource={source}&replicaSet={REPLICA_SET}")

    return {
        **settings,
        "python": sys.executable,
        "mongod": str(mongod),
        "mongodb": {
            "host": "127.0.0.1",
            "port": ports["mongodb"],
            "database": DATABASE,
            "replica_set": REPLICA_SET,
            "dbpath": str(layout.mongodb / "data"),
            "log": str(layout.service_logs / "mongod.log"),
            "uri_app": uri("trixtech", passwords["mongodb_app"], DATABASE, DATABASE),
            "uri_maintenance": uri(rights.USER, passwords["mongodb_maintenance"], "", "admin"),
            "uri_admin": uri("admin", passwords["mongodb_admin"], "", "admin"),
        },
        "app": {
            "base_url": f"http://127.0.0.1:{ports['app']}",
            "port": ports["app"],
            "git_root": str(layout.git_root),
            "directory": str(layout.app),
            "env_file": str(layout.app / ".env"),
            "uploads": str(layout.app / "uploads"),
            "error_log": str(layout.logs / "error-*.log"),
            "access_log": str(layout.logs / "access.log"),
            "pm2_home": str(layout.pm2_home),
            "pm2_path": str(pm2),
            "pm2_name": PM2_NAME,
            "pm2_out_log": str(layout.pm2_home / "logs" / f"{PM2_NAME}-out.log"),
            "pm2_error_log": str(layout.pm2_home / "logs" / f"{PM2_NAME}-error.log"),
        },
        "smtp": {"host": "127.0.0.1", "port": ports["smtp"], "user": "trixtech", "maildir": str(layout.maildir)},
        "tls": {"host": "127.0.0.1", "port": ports["tls"], "certificate": str(layout.tls / "valid.pem")},
        "disk": {"path": None if disk_reason else str(layout.disk), "reason": disk_reason},
        "repository": str(layout.directory / "backup"),
        "state_dir": str(layout.directory / "state"),
        "output_dir": str(layout.directory / "output"),
        "secrets": sorted({*passwords.values(), *(quote(secret, safe="") for secret in passwords.values())}),
    }
