# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real mongod of our own for the tests of one file: on a unix socket, without authentication, gone afterwards."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

import pymongo

from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo.client import socket_uri
from tools import environment


@dataclass
class Server:
    """A running mongod. uri reaches it directly."""

    path: Path
    process: Any
    uri: str
    client: Any


@contextlib.contextmanager
def running(replica_set: bool = True) -> Iterator[Server]:
    """Start a mongod, as a replica set of one or standalone. Its path is short, because a socket's may have 108 bytes only."""
    path = Path(tempfile.mkdtemp(prefix="tt-", dir="/tmp"))
    (path / "db").mkdir()
    socket = str(path / "s.sock")
    arguments = [str(environment.mongod()), "--dbpath", str(path / "db"), "--bind_ip", socket, "--logpath", str(path / "log"),
                 "--wiredTigerCacheSizeGB", "0.25", "--setParameter", "diagnosticDataCollectionEnabled=false"]
    process = subprocess.Popen(arguments + (["--replSet", "rs"] if replica_set else []), stdout=subprocess.DEVNULL)
    try:
        uri = socket_uri(socket) + "/?directConnection=true"
        if replica_set:
            with pymongo.MongoClient(uri, serverSelectionTimeoutMS=20000) as first:
                first.admin.command("replSetInitiate", {"_id": "rs", "members": [{"_id": 0, "host": socket}]})
                while not first.admin.command("hello")["isWritablePrimary"]:
                    time.sleep(0.05)
        # a client of its own, because the first one took the server for a standalone without sessions
        with pymongo.MongoClient(uri, serverSelectionTimeoutMS=20000) as client:
            yield Server(path, process, uri, client)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(path)
