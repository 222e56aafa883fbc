# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading a dumped collection into a server, document by document as bytes, indexes after the data."""

from __future__ import annotations

import json
from typing import Any, Iterable

from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError

try:
    from bson import json_util
    from bson.raw_bson import RawBSONDocument
except ImportError:  # client.require_pymongo() tells the operator before anything here is called
    pass

# one insert command may hold 100,000 documents and 48,000,000 bytes (hello: maxWriteBatchSize, maxMessageSizeBytes)
_MOST_DOCUMENTS = 5000
_MOST_BYTES = 16 * 1024 * 1024


def create_collection(database: Any, name: str, options: dict) -> None:
    """Create a collection, view or time-series collection with the options the manifest holds (canonical Extended JSON)."""
    decoded = json_util.loads(json.dumps(options))
    decoded.pop("uuid", None)
    database.command({"create": name, **decoded})


def insert(database: Any, collection: str, batches: Iterable[list]) -> int:
    """Insert batches of documents (bytes-like) as they are; return how many. The first refusal of the server ends it."""
    total, waiting, waiting_bytes = 0, [], 0
    for batch in batches:
        for document in batch:
            if waiting and (len(waiting) >= _MOST_DOCUMENTS or waiting_bytes + len(document) > _MOST_BYTES):
                total += _send(database, collection, waiting)
                waiting, waiting_bytes = [], 0
            waiting.append(RawBSONDocument(bytes(document)))
            waiting_bytes += len(document)
    if waiting:
        total += _send(database, collection, waiting)
    return total


def _send(database: Any, collection: str, documents: list) -> int:
    reply = database.command({"insert": collection, "documents": documents, "ordered": True, "bypassDocumentValidation": True})
    if reply.get("writeErrors"):
        error = reply["writeErrors"][0]
        raise MaintenanceError(f"{database.name}.{collection}: the server refused a document: {error.get('errmsg', error)}")
    return int(reply["n"])


def create_indexes(database: Any, collection: str, indexes: list, options: dict) -> None:
    """Create all indexes of a collection but _id's, in one command, from their specifications in canonical Extended JSON.

    options: the collection's, because an index without collation would inherit the one of its collection; listIndexes leaves the
    simple collation out.
    """
    specifications = [index for index in json_util.loads(json.dumps(indexes)) if index["name"] != "_id_"]
    for specification in specifications:
        specification.pop("ns", None)  # servers before 4.4 put it in, later ones refuse it
        if "collation" in options:
            specification.setdefault("collation", {"locale": "simple"})
    if specifications:
        database.command({"createIndexes": collection, "indexes": specifications})
