# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making a backup set: database and files captured together, published complete or not at all."""

from __future__ import annotations

import errno
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Optional
from urllib.parse import quote

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup import artifact, files, retention
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import BackupSet, Partial, Repository
from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import timestamp, utc_now
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import client as mongo
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import dump, frames

# room left beside the estimate, so that a set never fills the file system to the last byte
_RESERVE = 64 * 1024 * 1024


@dataclass
class Plan:
    """What is to be captured, and which sets stay afterwards.

    databases: empty for all but the system's own. timeout: seconds to wait for a server. retention: the policy of retention.py, empty to
    keep everything.
    """

    repository: Repository
    uri: str
    host: str
    databases: list = field(default_factory=list)
    sources: list = field(default_factory=list)
    compression: str = "zstd"
    level: Optional[int] = None
    parallel: int = 2
    timeout: float = 10.0
    lock_wait: float = 0.0
    retention: dict = field(default_factory=dict)
    application: dict = field(default_factory=dict)
    collection_version: str = ""


@dataclass
class Outcome:
    """A new set (None in check mode) and what there is to say about it. verdicts: what retention made of each set, newest first."""

    backup_set: Optional[BackupSet]
    estimate: int
    notes: list = field(default_factory=list)
    missing: list = field(default_factory=list)
    previous: Optional[BackupSet] = None
    verdicts: list = field(default_factory=list)


def create(plan: Plan, dry_run: bool = False) -> Outcome:
    """Make a set. With dry_run everything is looked at that could stop it, and nothing is written."""
    artifact.check_compression(plan.compression)
    if plan.retention:
        retention.check_policy(plan.retention)
    present = [source for source in plan.sources if os.path.lexists(source) and os.path.exists(source)]
    missing = [source for source in plan.sources if source not in present]
    with mongo.driver_errors():
        with mongo.connect(plan.uri, plan.timeout, socket_timeout=max(plan.timeout, 60.0)) as client:
            server = dump.inspect(client)
            databases = dump.list_databases(client, plan.databases)
            if dry_run:
                return _rehearse(plan, client, databases, present, missing)
            plan.repository.prepare()
            with plan.repository.lock("backup_set", plan.lock_wait) as lock:
                swept = plan.repository.sweep()
                previous = _last_good(plan.repository)
                estimate = _estimate(previous, client, databases, present)
                plan.repository.require_space(estimate + _RESERVE)
                notes = [f"removed {name}, left by a run that was killed" for name in swept]
                notes += [lock.taken_over] if lock.taken_over else []
                partial = plan.repository.begin()
                try:
                    made = _capture(plan, client, server, databases, present, partial, notes)
                except OSError as error:
                    if error.errno in (errno.ENOSPC, errno.EDQUOT):
                        raise MaintenanceError(f"the repository {plan.repository.path} is full; the unfinished set was removed, "
                                               "the others are untouched: remove old sets or give it more room") from None
                    raise
                finally:
                    if os.path.isdir(partial.path):
                        partial.discard()
                # only now that there is a new set may an old one go
                verdicts = _retain(plan, plan.repository.candidates())
                for verdict in verdicts:
                    if not verdict.keep:
                        plan.repository.remove(verdict.id)
    return Outcome(made, estimate, notes, missing, previous, verdicts)


def _retain(plan: Plan, candidates: list) -> list:
    return retention.plan(candidates, plan.retention, utc_now()) if plan.retention else []


def _rehearse(plan: Plan, client: Any, databases: list, present: list, missing: list) -> Outcome:
    repository = plan.repository
    existing = repository.path if os.path.isdir(repository.path) else os.path.dirname(os.path.abspath(repository.path))
    if not os.path.isdir(existing):
        raise MaintenanceError(f"the backup repository {repository.path} cannot be made: {existing} does not exist; mount or create it first")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise MaintenanceError(f"the backup repository {repository.path} is not writable for this user; change its owner or become another user")
    previous = _last_good(repository)
    estimate = _estimate(previous, client, databases, present)
    Repository(existing).require_space(estimate + _RESERVE)
    new = retention.Candidate("(the new set)", utc_now())
    return Outcome(None, estimate, [], missing, previous, _retain(plan, [*repository.candidates(), new]))


def _last_good(repository: Repository) -> Optional[BackupSet]:
    return next((item for item in reversed(repository.sets()) if item.manifest), None)


def _estimate(previous: Optional[BackupSet], client: Any, databases: list, present: list) -> int:
    """Return how many bytes the set will take: the last one and a quarter more, or for the first all data uncompressed."""
    if previous and previous.manifest:
        return previous.manifest["totals"]["stored_bytes"] * 5 // 4
    data = sum(int(client[name].command("dbStats")["dataSize"]) for name in databases)
    return data + sum(files.measure(source) for source in present)


def _capture(plan: Plan, client: Any, server: dump.Server, databases: list, present: list, partial: Partial, notes: list) -> BackupSet:
    begin, started = time.monotonic(), timestamp()
    catalog = [namespace for name in databases for namespace in dump.list_namespaces(client, name)]
    reader = dump.Reader(client, catalog if server.snapshots else None)
    namespaces, artifacts = _dump_all(plan, reader, catalog, partial)
    after = {(item.full_name, item.uuid) for name in databases for item in dump.list_namespaces(client, name)}
    changed = sorted({name for name, unused in after ^ {(item.full_name, item.uuid) for item in catalog}})
    if changed:
        notes.append(f"collections were created, dropped or renamed during the dump: {', '.join(changed[:10])}")
    # capped collections are read a moment later than the rest, and the manifest says so
    apart = [item.full_name for item in catalog if item.capped] if reader.at else []
    database_done = utc_now()
    captures: dict = {}
    for name, source in files.archive_names(present).items():
        captures[name], parts = files.capture(partial, name, source, plan.compression, plan.level)
        artifacts.update(parts)
    content = {
        "format": 1,
        "id": partial.id,
        "collection_version": plan.collection_version,
        "host": plan.host,
        "application": plan.application,
        "started": started,
        "finished": timestamp(),
        "seconds": round(time.monotonic() - begin, 3),
        "mongodb": {
            "version": server.version,
            "fcv": server.fcv,
            "replica_set": server.replica_set,
            "member": server.member,
            "engine": "native",
            "consistent": bool(reader.at) and not apart,
            "cluster_time": {"t": reader.at[0], "i": reader.at[1]} if reader.at else None,
            "read_apart": apart,
            "catalog_changed": changed,
            "oplog": None,
        },
        "files_after_database_seconds": round((utc_now() - database_done).total_seconds(), 3) if captures else None,
        "compression": {"kind": plan.compression, "level": plan.level},
        "encryption": None,
        "namespaces": namespaces,
        "files": captures,
        "artifacts": artifacts,
        "totals": {
            "documents": sum(item["documents"] for item in namespaces.values()),
            "files": sum(item["files"] for item in captures.values()),
            "bytes": sum(item["bytes"] for item in artifacts.values()),
            "stored_bytes": sum(item["stored_bytes"] for item in artifacts.values()),
        },
    }
    return partial.publish(content)


def _dump_all(plan: Plan, reader: dump.Reader, catalog: list, partial: Partial) -> tuple:
    """Dump all namespaces, several at once; return (manifest.namespaces, artifacts) in the catalog's order."""
    for database in sorted({namespace.database for namespace in catalog}):
        partial.directory(f"db/{escape(database)}")
    with ThreadPoolExecutor(max_workers=max(1, plan.parallel)) as pool:
        tasks = [pool.submit(_dump_one, plan, reader, namespace, partial) for namespace in catalog]
        try:
            results = [task.result() for task in tasks]
        except BaseException:
            for task in tasks:
                task.cancel()
            raise
    namespaces = {namespace.full_name: entry for namespace, (entry, unused) in zip(catalog, results)}
    artifacts = {path: item for unused, parts in results for path, item in parts.items()}
    return namespaces, artifacts


def escape(name: str) -> str:
    """Escape a database or collection name for the file system as mongodump does (Go's url.PathEscape)."""
    return quote(name, safe="$&+=:@-_.~")


def _dump_one(plan: Plan, reader: dump.Reader, namespace: dump.Namespace, partial: Partial) -> tuple:
    stem = f"db/{escape(namespace.database)}/{escape(namespace.source or namespace.name)}"
    digest, data_path, artifacts = frames.Digest(), None, {}
    if namespace.source:
        data_path = f"{stem}.bson{artifact.SUFFIX[plan.compression]}"
        writer = artifact.Writer(os.path.join(partial.path, data_path), plan.compression, plan.level)
        try:
            for batch in reader.batches(namespace.database, namespace.source, present=namespace.capped):
                digest.add(batch)
                writer.write(b"".join(batch))
            artifacts[data_path] = writer.close()
        finally:
            writer.abandon()
    # mongorestore --gzip looks for metadata that are compressed too
    packing = "gzip" if plan.compression == "gzip" else "none"
    metadata_path = f"db/{escape(namespace.database)}/{escape(namespace.name)}.metadata.json{artifact.SUFFIX[packing]}"
    text = namespace.metadata()
    metadata_writer = artifact.Writer(os.path.join(partial.path, metadata_path), packing)
    metadata_writer.write(text.encode("utf-8"))
    artifacts[metadata_path] = metadata_writer.close()
    metadata = json.loads(text)
    entry = {
        "type": namespace.kind,
        "data": data_path,
        "metadata": metadata_path,
        "documents": digest.documents,
        "bytes": digest.bytes,
        "digest": digest.text(),
        "indexes": metadata["indexes"],
        "options": metadata["options"],
        "ttl": any("expireAfterSeconds" in index for index in namespace.indexes),
    }
    return entry, artifacts
