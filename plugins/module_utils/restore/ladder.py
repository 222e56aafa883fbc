# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ladder of a restore test: each rung proves more of a set, and the first that breaks ends it with its cause."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup import verify
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.manifest import read_manifest
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import BackupSet
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import client as mongo
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import dump, frames, load
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore import carry

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
    loaded = carry.together(parallel, [
        lambda full_name=full_name, entry=entry: _load_one(client, backup_set, content, full_name, entry)
        for full_name, entry in namespaces if entry["data"]
    ])
    result.documents = sum(loaded)
    result.bytes = sum(entry["bytes"] for unused, entry in namespaces)
    result.restore_seconds = round(time.monotonic() - begin, 3)
    return f"{result.documents:,} documents of {len(namespaces)} namespaces loaded"


def _load_one(client: Any, backup_set: BackupSet, content: dict, full_name: str, entry: dict) -> int:
    database, name = full_name.split(".", 1)
    count = carry.load_documents(client[database], name, backup_set.path, content, entry)
    load.create_indexes(client[database], name, entry["indexes"], entry["options"])
    return count


def _documents(client: Any, content: dict, parallel: int) -> str:
    """Count and digest what the sandbox holds; compared with the manifest, never with the live server, which has moved on."""
    reader = dump.Reader(client)

    counts = carry.together(parallel, [
        lambda full_name=full_name, entry=entry: carry.compare_documents(reader, *full_name.split(".", 1), entry, full_name)
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
        indexes += carry.compare_definition(present[full_name], entry, full_name)
    return f"{indexes} indexes and the options of {len(content['namespaces'])} namespaces equal to the manifest"


def _validate(client: Any, content: dict) -> str:
    """Let the sandbox's mongod validate every collection."""
    names = [full_name for full_name, entry in content["namespaces"].items() if entry["type"] == "collection"]
    for full_name in names:
        database, name = full_name.split(".", 1)
        reply = client[database].command({"validate": name})
        if not reply.get("valid"):
            raise MaintenanceError(f"{full_name}: mongod's validate found {(reply.get('errors') or ['damage'])[0]}")
    return f"validate found nothing in {len(names)} collections"
