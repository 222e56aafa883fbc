# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real mongod servers for tests: on free loopback ports, in a directory of their own, ended by their process id."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

import pymongo

from tools import environment

ROOT_PASSWORD = "root-Kp0Lw7"
APP = "trixtech"

# what the mongodb.* checks need, and nothing more
PROBE_ROLE = [
    {"resource": {"cluster": True}, "actions": ["serverStatus", "replSetGetStatus", "replSetGetConfig", "inprog", "listDatabases"]},
    {"resource": {"db": "", "collection": ""}, "actions": ["dbStats"]},
    {"resource": {"db": APP, "collection": ""}, "actions": ["find", "listCollections"]},
    {"resource": {"db": APP, "collection": "system.profile"}, "actions": ["find"]},
    {"resource": {"db": "local", "collection": "oplog.rs"}, "actions": ["collStats"]},
]


def free_port() -> int:
    """Return a loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Mongod:
    """One server. arguments: further command-line arguments."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.directory = directory
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.arguments = arguments
        directory.mkdir(parents=True, exist_ok=True)
        self.start()

    def start(self) -> None:
        """Start it and wait until its port answers."""
        self.process = subprocess.Popen(
            [str(environment.mongod()), "--dbpath", str(self.directory), "--port", str(self.port), "--bind_ip", "127.0.0.1", "--wiredTigerCacheSizeGB",
             "0.25", "--nounixsocket", *self.arguments],
            stdout=open(self.directory / "out", "ab"), stderr=subprocess.STDOUT,
        )
        for _attempt in range(300):
            assert self.process.poll() is None, (self.directory / "out").read_text()[-2000:]
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError(f"mongod did not open port {self.port} within 30 s")

    def client(self, user: str = "", password: str = "", **options) -> pymongo.MongoClient:
        """Return a client that talks to this server only."""
        return pymongo.MongoClient(self.uri(user, password), directConnection=True, serverSelectionTimeoutMS=10000, **options)

    def uri(self, user: str = "", password: str = "") -> str:
        """Return the URI for a user."""
        return f"mongodb://{user}:{password}@{self.address}/?authSource=admin" if user else f"mongodb://{self.address}/"

    def initiate(self, members: "list[Mongod]", **member_settings) -> None:
        """Make a replica set of members with this server as the primary. member_settings: position -> dict, keys m0, m1, ..."""
        with self.client() as client:
            client.admin.command("replSetInitiate", {
                "_id": "rs0",
                "members": [{"_id": number, "host": member.address, "priority": 1 if member is self else 0,
                             **member_settings.get(f"m{number}", {})} for number, member in enumerate(members)],
                "settings": {"electionTimeoutMillis": 2000, "heartbeatIntervalMillis": 500},
            })
            wait_for(lambda: client.admin.command("hello")["isWritablePrimary"])

    def freeze(self) -> None:
        """Stop it as a debugger would: it keeps its port and says nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it at once; its directory is thrown away with the test's."""
        self.process.kill()
        self.process.wait()


def wait_for(condition, seconds: float = 60) -> None:
    """Wait until condition() is true; AssertionError after seconds, which is a bound and no measurement."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what the test waits for did not come"
        time.sleep(0.1)


def replica_set_of_one(directory: Path, *arguments: str) -> Mongod:
    """Start a set of one with authentication: root, an application's user, and "probe" with PROBE_ROLE."""
    directory.mkdir(parents=True, exist_ok=True)
    key = directory / "key"
    key.write_text("c2hhcmVkLWtleS1vZi10aGUtdGVzdHM=")
    key.chmod(0o600)
    server = Mongod(directory, "--replSet", "rs0", "--auth", "--keyFile", str(key), *arguments)
    server.initiate([server])
    with server.client() as client:  # the first user comes in by the localhost exception
        client.admin.command("createUser", "root", pwd=ROOT_PASSWORD, roles=["root"])
    with server.client("root", ROOT_PASSWORD) as client:
        client.admin.command("createRole", "probe", privileges=PROBE_ROLE, roles=[])
        client.admin.command("createUser", "probe", pwd="probe-Zr8Qm2", roles=["probe"])
        client.admin.command("createUser", "application", pwd="app-Vx3Tn9", roles=[{"role": "readWrite", "db": APP}])
        client[APP].bookings.insert_many([{"number": number, "customer": f"customer-{number}"} for number in range(200)])
    return server


@dataclass
class Server:
    """A running server without authentication. uri reaches it directly, and so does client."""

    process: Any
    uri: str
    client: Any


@contextlib.contextmanager
def running(replica_set: bool = True) -> Iterator[Server]:
    """Run a server without authentication, as a replica set of one or standalone, and throw it away afterwards."""
    with tempfile.TemporaryDirectory(prefix="trixtech-mongod-") as directory:
        server = Mongod(Path(directory), *(["--replSet", "rs0"] if replica_set else []))
        try:
            if replica_set:
                server.initiate([server])
            with server.client() as client:
                yield Server(server.process, f"{server.uri()}?directConnection=true", client)
        finally:
            server.stop()
