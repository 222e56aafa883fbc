# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the mongodb.* check types share: one bounded client a run, and each status document fetched once.

The first check that asks connects; its failure is the failure of all of them, so that a frozen mongod costs a run one
time-out and not one for each check.
"""

from __future__ import annotations

from typing import Any, Callable, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import client
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import CannotLook, Context

# seconds, at most, for finding the server and for each reply; one of each fits into a check's own time-out
PATIENCE = 4.0
APPNAME = "trixtech.maintenance"
INTERNAL_DATABASES = ("admin", "config", "local")

# server error codes, from mongo/base/error_codes.yml
NOT_A_MEMBER = 93  # InvalidReplicaSetConfig: what a member says that was removed from its set
NOT_INITIATED = 94  # NotYetInitialized


class Down(CannotLook):
    """The server did not answer at all; mongodb.ping makes "critical" of it, the other checks "unknown"."""


def patience(options: dict) -> float:
    """Return the seconds that each wait for the server may last, so that two in a row end inside the check's time-out."""
    return min(PATIENCE, options["timeout"] * 0.4)


def server(context: Context, options: dict) -> Any:
    """Return the connected client of this run; Down where nobody answers, CannotLook for what else is in the way."""
    return _shared(context, options, "client", lambda: _connect(context, options))


def server_status(context: Context, options: dict) -> dict:
    """Return serverStatus with its oplog section, fetched once a run."""
    return _shared(context, options, "serverStatus", lambda: admin(context, options, "serverStatus", oplog=1))


def hello(context: Context, options: dict) -> dict:
    """Return what the server says of its role, fetched once a run."""
    return _shared(context, options, "hello", lambda: admin(context, options, "hello"))


def no_replica_set(context: Context, options: dict) -> Optional[str]:
    """Return why there is no replica set to look at (a standalone server, a mongos), or None where there is one."""
    answer = hello(context, options)
    if answer.get("msg") == "isdbgrid":
        return "this is a mongos; look at the members of its shards"
    if "setName" not in answer and not answer.get("isreplicaset"):
        return "a standalone server has no replica set"
    return None


def admin(context: Context, options: dict, command: str, **arguments: Any) -> dict:
    """Run a command on the admin database, bounded as run() is."""
    return run(context, options, lambda mongo: database(mongo, "admin").command(command, **arguments))


def database(mongo: Any, name: str) -> Any:
    """Return a database that can be read while there is no primary, too."""
    return mongo.get_database(name, read_preference=client.pymongo.ReadPreference.PRIMARY_PREFERRED)


def run(context: Context, options: dict, work: Callable[[Any], Any]) -> Any:
    """Return work(client), all of whose commands together have patience(options), here and on the server.

    Down where the server falls silent, CannotLook for whatever else the driver raises.
    """
    mongo = server(context, options)
    try:
        with client.pymongo.timeout(patience(options)):
            return work(mongo)
    except client.pymongo.errors.PyMongoError as error:
        raise _failure(error) from error


def databases(context: Context, options: dict) -> list[str]:
    """Return the databases that the option "databases" names, or all but MongoDB's own."""
    if options.get("databases"):
        return [str(name) for name in options["databases"]]
    names = _shared(context, options, "databases", lambda: admin(context, options, "listDatabases", nameOnly=True))
    return sorted(item["name"] for item in names["databases"] if item["name"] not in INTERNAL_DATABASES)


def _shared(context: Context, options: dict, name: str, fetch: Callable[[], Any]) -> Any:
    # checks with another time-out wait for another time, and may not be held up by those with a longer one
    return context.once(("mongodb", name, patience(options)), fetch)


def _several_hosts(uri: str) -> bool:
    hosts = uri.partition("://")[2].partition("/")[0].rpartition("@")[2]
    return uri.startswith("mongodb+srv:") or "," in hosts


def _connect(context: Context, options: dict) -> Any:
    if not context.mongodb_uri:
        raise CannotLook("no MongoDB URI is given; set the maintenance user's URI (the option uri)")
    # this host's own member is what the check is about; only a URI of several hosts leaves the choice to the driver
    mongo = client.connect(context.mongodb_uri, timeout=patience(options), direct=not _several_hosts(context.mongodb_uri), appname=APPNAME)
    try:
        database(mongo, "admin").command("ping")
    except client.pymongo.errors.PyMongoError as error:
        mongo.close()
        raise _failure(error) from error
    return mongo


def _failure(error: Exception) -> CannotLook:
    silent = isinstance(error, client.pymongo.errors.ConnectionFailure) and not isinstance(error, client.pymongo.errors.NotPrimaryError)
    return (Down if silent else CannotLook)(client.explain_error(error))
