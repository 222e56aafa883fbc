# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying a namespace of a set into a server, and comparing what is there then with the manifest: shared by test and restore."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Iterator

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.artifact import Reader
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import dump, frames, load


def load_documents(database: Any, name: str, set_path: str, content: dict, entry: dict) -> int:
    """Load the documents of a manifest's entry into the collection name; return how many.

    The stored bytes are hashed while they are read; MaintenanceError if they are not those of the manifest (content).
    """
    expected = content["artifacts"][entry["data"]]
    reader = Reader(os.path.join(set_path, entry["data"]))
    # two inserts at once keep the server busy while the next documents are read; a capped collection keeps its order
    senders = 1 if entry["options"].get("capped") else 2
    count = load.insert(database, source(name, entry), _split(reader, expected["bytes"]), senders)
    if reader.sha256 != expected["sha256"] or reader.stored_bytes != expected["stored_bytes"]:
        raise MaintenanceError(f"{entry['data']}: the stored bytes are not those that were written (SHA-256 differs)")
    return count


def _split(reader: Reader, limit: int) -> Iterator[list]:
    splitter = frames.Splitter()
    for chunk in reader.chunks(limit):
        yield splitter.feed(chunk)
    splitter.close()


def source(name: str, entry: dict) -> str:
    """Return the collection that holds the documents of a namespace: the buckets of a time-series collection."""
    return f"system.buckets.{name}" if entry["type"] == "timeseries" else name


def compare_documents(reader: dump.Reader, database: str, name: str, entry: dict, label: str) -> int:
    """Count and digest what database.name holds; MaintenanceError (about label) unless it equals the entry. Returns the count."""
    digest = frames.Digest()
    for batch in reader.batches(database, source(name, entry)):
        digest.add(batch)
    if digest.documents != entry["documents"]:
        raise MaintenanceError(f"{label} has {digest.documents:,} documents after the restore, the manifest says {entry['documents']:,}")
    if digest.text() != entry["digest"]:
        raise MaintenanceError(f"{label} has the right number of documents, but not the same ones: the digest differs from the manifest's")
    return digest.documents


def compare_definition(present: dump.Namespace, entry: dict, label: str) -> int:
    """Compare indexes and options with the entry; MaintenanceError (about label) says what differs. Returns the number of indexes."""
    found = json.loads(present.metadata())
    wanted_indexes = {index["name"]: index for index in entry["indexes"]}
    found_indexes = {index["name"]: index for index in found["indexes"]}
    for name in sorted(set(wanted_indexes) | set(found_indexes)):
        if name not in found_indexes:
            raise MaintenanceError(f"{label}: the index {name} is missing after the restore")
        if name not in wanted_indexes or _plain(wanted_indexes[name]) != _plain(found_indexes[name]):
            raise MaintenanceError(f"{label}: the index {name} is not as the manifest says")
    if found["options"] != entry["options"]:
        raise MaintenanceError(f"{label}: the collection's options are not as the manifest says")
    return len(wanted_indexes)


def _plain(index: dict) -> list:
    """Return an index specification for comparison: key order counts (it is the index), the order of options does not."""
    return [list(index["key"].items()), sorted((key, repr(value)) for key, value in index.items() if key not in ("key", "ns", "v"))]


def together(parallel: int, tasks: list) -> list:
    """Run tasks in threads and return their results; the first error ends all that has not begun."""
    with ThreadPoolExecutor(max_workers=max(1, parallel)) as pool:
        futures = [pool.submit(task) for task in tasks]
        try:
            return [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            raise
