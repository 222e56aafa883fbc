# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading a dumped collection into a server, document by document as bytes, indexes after the data."""

from __future__ import annotations

import collections
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Iterable, Iterator

from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import heap

try:
    from bson import json_util
    from bson.raw_bson import RawBSONDocument
except ImportError:  # client.require_pymongo() tells the operator before anything here is called
    RawBSONDocument = object

# one insert command may hold 100,000 documents (hello: maxWriteBatchSize); the driver lets no command exceed maxBsonObjectSize
_MOST_DOCUMENTS = 50000
_MOST_BYTES = 16 * 1024 * 1024


class _Row(RawBSONDocument):
    """Documents in a row, which the driver copies into the message as it does with the bytes of one.

    With an object for each document the whole load takes 1.7 instead of 1.1 s of processor time for 300 MB. Nothing but the public
    property raw is relied upon, and the server's count of what came is compared.
    """

    __slots__ = ("_row",)

    def __init__(self, documents: list) -> None:  # pylint: disable=super-init-not-called  # it would refuse more than one document
        self._row = b"".join(documents)

    @property
    def raw(self) -> bytes:
        """The bytes of all of them."""
        return self._row


def create_collection(database: Any, name: str, options: dict) -> None:
    """Create a collection, view or time-series collection with the options the manifest holds (canonical Extended JSON)."""
    decoded = json_util.loads(json.dumps(options))
    decoded.pop("uuid", None)
    database.command({"create": name, **decoded})


def insert(database: Any, collection: str, batches: Iterable[list], senders: int = 1) -> int:
    """Insert batches of documents (bytes-like) as they are; return how many. The first refusal of the server ends it.

    senders: commands under way at once, while the next batch is read; order is kept with 1 only.
    """
    heap.hold()
    total, waiting = 0, collections.deque()
    with ThreadPoolExecutor(max_workers=senders) as pool:
        for batch in batches:
            for documents in _parts(batch):
                if len(waiting) > senders:
                    total += waiting.popleft().result()
                waiting.append(pool.submit(_send, database, collection, documents))
        return total + sum(sent.result() for sent in waiting)


def _parts(documents: list) -> Iterator[list]:
    """Halve a batch until each part fits into a command."""
    if len(documents) > 1 and (len(documents) > _MOST_DOCUMENTS or sum(map(len, documents)) > _MOST_BYTES):
        half = len(documents) // 2
        yield from _parts(documents[:half])
        yield from _parts(documents[half:])
    elif documents:
        yield documents


def _send(database: Any, collection: str, documents: list) -> int:
    reply = database.command({"insert": collection, "documents": [_Row(documents)], "ordered": True, "bypassDocumentValidation": True})
    if reply.get("writeErrors"):
        error = reply["writeErrors"][0]
        raise MaintenanceError(f"{database.name}.{collection}: the server refused a document: {error.get('errmsg', error)}")
    if reply["n"] != len(documents):
        raise MaintenanceError(f"{database.name}.{collection}: the server took {reply['n']} of {len(documents)} documents; "
                               "is this version of pymongo a supported one?")
    return len(documents)


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
