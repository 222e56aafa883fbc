# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of a live server for a backup: its facts, its namespaces, and their documents at one moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Iterator, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import frames, heap

try:
    from bson import Timestamp, json_util
    from bson.codec_options import CodecOptions
    from bson.int64 import Int64
    from bson.raw_bson import RawBSONDocument
    from pymongo.errors import OperationFailure, PyMongoError
except ImportError:  # client.require_pymongo() tells the operator before anything here is called
    pass

SYSTEM_DATABASES = ("admin", "config", "local")
# measured: about 1 MiB a reply; larger ones cost more memory and no less processor time
BATCH = 2000


@dataclass
class Server:
    """Facts of the server a dump reads from. snapshots: it can be read at one cluster time."""

    version: str
    fcv: Optional[str]
    replica_set: Optional[str]
    member: Optional[str]
    snapshots: bool


def inspect(client: Any) -> Server:
    """Read the server's facts; refuses sharded clusters, whose parts move while they are read."""
    hello = client.admin.command("hello")
    if hello.get("msg") == "isdbgrid":
        raise MaintenanceError("this is a sharded cluster (mongos); a dump of it is never consistent. "
                               "Use Percona Backup for MongoDB for it")
    version = client.server_info()["version"]
    replica_set = hello.get("setName")
    return Server(version, _feature_version(client), replica_set, hello.get("me"),
                  snapshots=bool(replica_set) and int(version.split(".")[0]) >= 5)


def _feature_version(client: Any) -> Optional[str]:
    # needs a privilege of its own, for a figure that only informs: None where it is not granted
    try:
        return client.admin.command({"getParameter": 1, "featureCompatibilityVersion": 1})["featureCompatibilityVersion"]["version"]
    except OperationFailure:
        return None


@dataclass
class Namespace:
    """One collection, view or time-series collection: what to read (source, None for views) and its metadata."""

    database: str
    name: str
    kind: str
    options: dict = field(default_factory=dict)
    indexes: list = field(default_factory=list)
    uuid: Optional[str] = None

    @property
    def source(self) -> Optional[str]:
        """Return the collection that holds the documents."""
        if self.kind == "view":
            return None
        return f"system.buckets.{self.name}" if self.kind == "timeseries" else self.name

    @property
    def capped(self) -> bool:
        """Tell whether the collection is capped: servers refuse to read those at a past cluster time (seen with 6.0)."""
        return bool(self.options.get("capped"))

    @property
    def full_name(self) -> str:
        """Return database.collection."""
        return f"{self.database}.{self.name}"

    def metadata(self) -> str:
        """Return the text of mongodump's <collection>.metadata.json (canonical Extended JSON)."""
        content = {"options": self.options, "indexes": self.indexes, "uuid": self.uuid or "", "collectionName": self.name,
                   "type": self.kind}
        return json_util.dumps(content, json_options=json_util.CANONICAL_JSON_OPTIONS)


def list_databases(client: Any, wanted: list) -> list:
    """Return the names of the databases to dump: wanted, or all but the system's own. A wanted one that is missing is an error."""
    present = client.list_database_names()
    if not wanted:
        return sorted(name for name in present if name not in SYSTEM_DATABASES)
    missing = sorted(set(wanted) - set(present))
    if missing:
        raise MaintenanceError(f"there is no database {', '.join(missing)} on this server (or the user may not see it); "
                               f"there are {', '.join(sorted(present)) or 'none'}")
    return sorted(set(wanted))


def list_namespaces(client: Any, database: str) -> list:
    """Return the database's collections, views and time-series collections by name, with options and indexes."""
    found = []
    for info in client[database].list_collections():
        name, kind = info["name"], info.get("type", "collection")
        if name.startswith("system.") and name != "system.js":
            continue  # buckets come with their time-series collection; views, profile and statements are the server's own
        uuid = info.get("info", {}).get("uuid")
        namespace = Namespace(database, name, kind, dict(info.get("options", {})), uuid=uuid.hex() if uuid else None)
        if kind != "view":
            # as a command, because the driver's Collection refuses names with a dollar that the server allows;
            # a collection has at most 64 indexes, so that the first batch holds them all
            reply = client[database].command({"listIndexes": name, "cursor": {"batchSize": 1000}})
            namespace.indexes = reply["cursor"]["firstBatch"]
        found.append(namespace)
    return sorted(found, key=lambda namespace: namespace.name)


class Reader:
    """Reads whole collections as raw batches, all at the same cluster time where the server can do that.

    at: the cluster time as (seconds, increment), taken at construction; None where the present is read.
    """

    def __init__(self, client: Any, snapshot_of: Optional[list] = None) -> None:
        """Take the cluster time from one of the namespaces of snapshot_of (Namespace); without them read the present."""
        heap.hold()
        self._client = client
        self._codec = CodecOptions(document_class=RawBSONDocument)
        self.at: Optional[tuple] = None
        for namespace in snapshot_of or ():
            if namespace.kind != "collection" or namespace.capped:
                continue
            # the server chooses a majority-committed time and names it, but for a collection that has gone meanwhile
            find = {"find": namespace.name, "limit": 1, "projection": {"_id": 1}, "readConcern": {"level": "snapshot"}}
            moment = client[namespace.database].command(find)["cursor"].get("atClusterTime")
            if moment:
                self.at = (moment.time, moment.inc)
                break

    def batches(self, database: str, collection: str, present: bool = False) -> Iterator[list]:
        """Yield lists of documents (bytes), reading the next one meanwhile.

        present: read what is there now instead of what was there at the cluster time.
        """
        source = self._client[database]
        find: dict = {"find": collection, "batchSize": BATCH}
        if self.at and not present:
            find["readConcern"] = {"level": "snapshot", "atClusterTime": Timestamp(*self.at)}
        # one reply ahead: server and network work while the caller compresses and writes
        with self._client.start_session(causal_consistency=False) as session, ThreadPoolExecutor(max_workers=1) as ahead:
            batch = self._batch(source, find, session)
            try:
                while batch.cursor:
                    more = {"getMore": Int64(batch.cursor), "collection": collection, "batchSize": BATCH}
                    following = ahead.submit(self._batch, source, more, session)
                    try:
                        yield batch.documents
                    finally:
                        batch = following.result()
                yield batch.documents
            finally:
                if batch.cursor:
                    self._close(source, collection, batch.cursor, session)

    def _batch(self, source: Any, command: dict, session: Any) -> frames.Batch:
        return frames.cut_batch(bytes(source.command(command, codec_options=self._codec, session=session).raw))

    @staticmethod
    def _close(source: Any, collection: str, cursor: int, session: Any) -> None:
        try:
            source.command({"killCursors": collection, "cursors": [Int64(cursor)]}, session=session)
        except PyMongoError:
            pass  # the connection is gone; the server closes the cursor with its session
