# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ladder of a restore test: each rung proves more of a set, and the first that breaks ends it with its cause."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Iterator, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup import verify
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.artifact import Reader
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.manifest import read_manifest
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import BackupSet
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import client as mongo
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import dump, frames, load

# one reply of the sandbox may take as long as an index build or a validation takes
_REPLY = 3600.0


@dataclass
class Rung:
    """One rung: its name, whether it held, how long it took in seconds, and what was found."""

    name: str
    ok: bool
    seconds: float
    summary: str


@dataclass
class Climb:
    """The result of a restore test; restore_seconds is the time from the first byte read to the last index built."""

    rungs: list = field(default_factory=list)
    restore_seconds: Optional[float] = None
    documents: int = 0
    bytes: int = 0

    @property
    def ok(self) -> bool:
        """Tell whether every rung held."""
        return bool(self.rungs) and all(rung.ok for rung in self.rungs)


def climb(backup_set: BackupSet, uri: str, parallel: int = 2) -> Climb:
    """Restore the set's databases into the empty server at uri (a sandbox) and compare what it then holds with the manifest."""
    result = Climb()
    content = read_manifest(backup_set.path)
    with mongo.connect(uri, socket_timeout=_REPLY) as client:
        stages = (
            ("artifacts", lambda: _artifacts(backup_set)),
            ("load", lambda: _load(client, backup_set, content, parallel, result)),
            ("documents", lambda: _documents(client, content, parallel)),
            ("indexes", lambda: _definitions(client, content)),
            ("validate", lambda: _validate(client, content)),
        )
        for name, stage in stages:
            begin = time.monotonic()
            try:
                with mongo.driver_errors():
                    summary, good = stage(), True
            except (MaintenanceError, frames.BadBson) as error:
                summary, good = str(error), False
            except OSError as error:
                summary, good = f"{error.filename or 'a file of the set'} cannot be read: {error.strerror}", False
            result.rungs.append(Rung(name, good, round(time.monotonic() - begin, 3), summary))
            if not good:
                break
    return result


def _artifacts(backup_set: BackupSet) -> str:
    """Compare every artifact's hash with the manifest before a byte of it is used."""
    finding = verify.verify(backup_set, verify.HASHES)
    if finding.problems:
        raise MaintenanceError(finding.problems[0])
    return f"{finding.checked} artifacts have the SHA-256 of the manifest"


def _load(client: Any, backup_set: BackupSet, content: dict, parallel: int, result: Climb) -> str:
    """Load every namespace, hashing what is read; views come last because they may refer to any collection."""
    begin = time.monotonic()
    namespaces = sorted(content["namespaces"].items(), key=lambda item: item[1]["type"] == "view")
    for full_name, entry in namespaces:
        database, name = full_name.split(".", 1)
        load.create_collection(client[database], name, entry["options"])
    loaded = _together(parallel, [
        lambda full_name=full_name, entry=entry: _load_one(client, backup_set, content, full_name, entry)
        for full_name, entry in namespaces if entry["data"]
    ])
    result.documents = sum(loaded)
    result.bytes = sum(entry["bytes"] for unused, entry in namespaces)
    result.restore_seconds = round(time.monotonic() - begin, 3)
    return f"{result.documents:,} documents of {len(namespaces)} namespaces loaded"


def _load_one(client: Any, backup_set: BackupSet, content: dict, full_name: str, entry: dict) -> int:
    database, name = full_name.split(".", 1)
    expected = content["artifacts"][entry["data"]]
    reader = Reader(os.path.join(backup_set.path, entry["data"]))
    count = load.insert(client[database], _source(name, entry), _split(reader, expected["bytes"]))
    if reader.sha256 != expected["sha256"] or reader.stored_bytes != expected["stored_bytes"]:
        raise MaintenanceError(f"{entry['data']}: the stored bytes are not those that were written (SHA-256 differs)")
    load.create_indexes(client[database], name, entry["indexes"], entry["options"])
    return count


def _split(reader: Reader, limit: int) -> Iterator[list]:
    splitter = frames.Splitter()
    for chunk in reader.chunks(limit):
        yield splitter.feed(chunk)
    splitter.close()


def _source(name: str, entry: dict) -> str:
    return f"system.buckets.{name}" if entry["type"] == "timeseries" else name


def _documents(client: Any, content: dict, parallel: int) -> str:
    """Count and digest what the sandbox holds; compared with the manifest, never with the live server, which has moved on."""
    reader = dump.Reader(client)

    def compare(full_name: str, entry: dict) -> int:
        database, name = full_name.split(".", 1)
        digest = frames.Digest()
        for batch in reader.batches(database, _source(name, entry)):
            digest.add(batch)
        if digest.documents != entry["documents"]:
            raise MaintenanceError(f"{full_name} has {digest.documents:,} documents after the restore, the manifest says {entry['documents']:,}")
        if digest.text() != entry["digest"]:
            raise MaintenanceError(f"{full_name} has the right number of documents, but not the same ones: the digest differs from the manifest's")
        return digest.documents

    counts = _together(parallel, [
        lambda full_name=full_name, entry=entry: compare(full_name, entry)
        for full_name, entry in content["namespaces"].items() if entry["data"]
    ])
    return f"{sum(counts):,} documents counted and digested, equal to the manifest in each of {len(counts)} collections"


def _definitions(client: Any, content: dict) -> str:
    """Compare index specifications and collection options with the manifest's."""
    indexes = 0
    present = {}
    for database in {full_name.split(".", 1)[0] for full_name in content["namespaces"]}:
        present.update({namespace.full_name: namespace for namespace in dump.list_namespaces(client, database)})
    for full_name, entry in content["namespaces"].items():
        if full_name not in present:
            raise MaintenanceError(f"{full_name} is not there after the restore")
        found = json.loads(present[full_name].metadata())
        wanted_indexes = {index["name"]: index for index in entry["indexes"]}
        found_indexes = {index["name"]: index for index in found["indexes"]}
        for name in sorted(set(wanted_indexes) | set(found_indexes)):
            if name not in found_indexes:
                raise MaintenanceError(f"{full_name}: the index {name} is missing after the restore")
            if name not in wanted_indexes or _plain(wanted_indexes[name]) != _plain(found_indexes[name]):
                raise MaintenanceError(f"{full_name}: the index {name} is not as the manifest says")
        if found["options"] != entry["options"]:
            raise MaintenanceError(f"{full_name}: the collection's options are not as the manifest says")
        indexes += len(wanted_indexes)
    return f"{indexes} indexes and the options of {len(content['namespaces'])} namespaces equal to the manifest"


def _plain(index: dict) -> list:
    """Return an index specification for comparison: key order counts (it is the index), the order of options does not."""
    return [list(index["key"].items()), sorted((key, repr(value)) for key, value in index.items() if key not in ("key", "ns", "v"))]


def _validate(client: Any, content: dict) -> str:
    """Let the sandbox's mongod validate every collection."""
    names = [full_name for full_name, entry in content["namespaces"].items() if entry["type"] == "collection"]
    for full_name in names:
        database, name = full_name.split(".", 1)
        reply = client[database].command({"validate": name})
        if not reply.get("valid"):
            raise MaintenanceError(f"{full_name}: mongod's validate found {(reply.get('errors') or ['damage'])[0]}")
    return f"validate found nothing in {len(names)} collections"


def _together(parallel: int, tasks: list) -> list:
    """Run tasks in threads and return their results; the first error ends all that has not begun."""
    with ThreadPoolExecutor(max_workers=max(1, parallel)) as pool:
        futures = [pool.submit(task) for task in tasks]
        try:
            return [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            raise
