# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's mongod: a replica set of one with authentication on, and its three users."""

from __future__ import annotations

import base64
import secrets
import shutil
from pathlib import Path
from typing import Any

from lab import processes, rights
from lab.layout import DATABASE, REPLICA_SET, LabError, Layout, write_private

START_SECONDS = 30.0
# mongod first asks whoever has its old port now whether that is itself, and waits 30 s for an answer
RECONFIGURE_SECONDS = 60.0
# the server has not read the configuration of its replica set yet
NOT_YET_INITIALIZED = 94


def client(uri: str, timeout: float = 5.0, **options: Any) -> Any:
    """Return a client of the lab's mongod; pymongo is imported here, so that down and status do without it."""
    import pymongo

    milliseconds = int(timeout * 1000)
    return pymongo.MongoClient(uri, serverSelectionTimeoutMS=milliseconds, connectTimeoutMS=milliseconds,
                               socketTimeoutMS=max(milliseconds, 30000), appname="trixtech.lab",
                               uuidRepresentation="standard", **options)


def start(layout: Layout, settings: dict, mongod: Path) -> None:
    """Start mongod, unless it runs, and wait until it takes connections."""
    port = settings["ports"]["mongodb"]
    processes.start(layout, "mongod", [
        str(mongod), "--replSet", REPLICA_SET, "--keyFile", str(layout.mongodb / "keyfile"), "--bind_ip", "127.0.0.1",
        "--port", str(port), "--dbpath", str(layout.mongodb / "data"), "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25",
        "--oplogSize", "64", "--setParameter", "diagnosticDataCollectionEnabled=false",
        # a primary without secondaries has nobody to hand over to
        "--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100",
    ])
    processes.eventually(lambda: _answers(port) or not processes.find(layout, "mongod"), START_SECONDS)
    if not processes.find(layout, "mongod") or not _answers(port):
        raise LabError(f"mongod did not start; its log is {layout.service_logs / 'mongod.log'}: {processes.last_line(layout, 'mongod')}")


def _answers(port: int) -> bool:
    import pymongo.errors

    try:
        with client(f"mongodb://127.0.0.1:{port}/?directConnection=true", timeout=1.0) as mongo:
            return bool(mongo.admin.command("ping"))
    except pymongo.errors.PyMongoError:
        return False


def set_up(layout: Layout, settings: dict, mongod: Path) -> None:
    """Start mongod with replica set and users in place; what was only half made is made anew, on a port that may have changed."""
    complete = layout.mongodb / "complete"
    if not complete.exists() and layout.mongodb.exists():
        processes.stop(layout, "mongod")
        shutil.rmtree(layout.mongodb)
    (layout.mongodb / "data").mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (layout.mongodb / "keyfile").exists():
        write_private(layout.mongodb / "keyfile", base64.b64encode(secrets.token_bytes(96)).decode())
    start(layout, settings, mongod)
    port = settings["ports"]["mongodb"]
    if complete.exists():
        _follow_port(settings)
        return
    # through the localhost exception, which lasts until the first user exists
    with client(f"mongodb://127.0.0.1:{port}/?directConnection=true") as mongo:
        mongo.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [{"_id": 0, "host": f"127.0.0.1:{port}"}]})
        _wait_for_primary(mongo)
        mongo.admin.command("createUser", "admin", pwd=settings["passwords"]["mongodb_admin"], roles=["root"])
    with admin(settings) as mongo:
        mongo[DATABASE].command("createUser", "trixtech", pwd=settings["passwords"]["mongodb_app"], roles=["readWrite"])
        create_maintenance_user(mongo, settings["passwords"]["mongodb_maintenance"])
    complete.touch()


def create_maintenance_user(mongo: Any, password: str) -> None:
    """Create role and user of the maintenance: the documented step of docs/rights.md."""
    mongo.admin.command(rights.role([DATABASE]))
    mongo.admin.command("createUser", rights.USER, pwd=password, roles=[rights.ROLE])


def admin(settings: dict) -> Any:
    """Return a client of the lab's mongod with all rights."""
    ports, passwords = settings["ports"], settings["passwords"]
    return client(f"mongodb://127.0.0.1:{ports['mongodb']}/?directConnection=true&authSource=admin",
                  username="admin", password=passwords["mongodb_admin"])


def _follow_port(settings: dict) -> None:
    # the replica set knows its member by port: tell it where the port had to change
    with admin(settings) as mongo:
        host = f"127.0.0.1:{settings['ports']['mongodb']}"
        config = mongo.get_database("local").get_collection("system.replset").find_one()
        if config["members"][0]["host"] != host:
            config["members"][0]["host"] = host
            config["version"] += 1
            if not processes.eventually(lambda: _reconfigure(mongo, config), RECONFIGURE_SECONDS):
                raise LabError(f"the lab's replica set did not take its new port {host}")
        _wait_for_primary(mongo)


def _reconfigure(mongo: Any, config: dict) -> bool:
    import pymongo.errors

    try:
        mongo.admin.command("replSetReconfig", config, force=True)
    except pymongo.errors.OperationFailure as error:
        if error.code != NOT_YET_INITIALIZED:
            raise
        return False
    return True


def _wait_for_primary(mongo: Any) -> None:
    if not processes.eventually(lambda: mongo.admin.command("hello").get("isWritablePrimary"), START_SECONDS):
        raise LabError("the lab's replica set elected no primary")


def is_writable(settings: dict) -> bool:
    """Tell whether the lab's mongod is up and takes writes."""
    import pymongo.errors

    try:
        with client(f"mongodb://127.0.0.1:{settings['ports']['mongodb']}/?directConnection=true", timeout=1.0) as mongo:
            return bool(mongo.admin.command("hello").get("isWritablePrimary"))
    except pymongo.errors.PyMongoError:
        return False
