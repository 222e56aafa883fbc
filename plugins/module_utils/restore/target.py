# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server that is restored into: what it holds, what the user may do there, and what would be lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import dump
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore import carry
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore.selection import TEMPORARY, Item, stem
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import plural

# readWrite and dbAdmin hold all of these
_ACTIONS = {"bypassDocumentValidation", "collMod", "collStats", "createCollection", "createIndex", "dbStats", "dropCollection", "find", "insert",
            "listCollections", "listIndexes", "renameCollectionSameDB"}
# what no built-in role for one database holds: the buckets of time-series collections
_BUCKET_ACTIONS = {"bypassDocumentValidation", "find", "insert"}
ABSENT, EMPTY, HOLDS, EQUAL = "absent", "empty", "holds", "equal"


@dataclass
class Step:
    """One item and what stands at its place: state ABSENT, EMPTY, HOLDS (something that would be lost) or EQUAL (to the set).

    documents: how many are there now (of a time-series collection its buckets), None for a view or nothing.
    """

    item: Item
    present: Optional[dump.Namespace]
    documents: Optional[int]
    state: str


@dataclass
class View:
    """The target as it is. leftovers: (database, collection, kind) of a killed restore; others: namespaces that stay as they are."""

    steps: list
    leftovers: list
    others: list

    def holding(self) -> dict:
        """Return for each database that would lose something the steps that say what."""
        found: dict = {}
        for step in self.steps:
            if step.state == HOLDS:
                found.setdefault(step.item.database, []).append(step)
        return found

    def lines(self, after: bool) -> list:
        """Return a line with the document count of each namespace, as it is now or will be afterwards."""
        lines = []
        for step in self.steps:
            if after and step.item.entry["type"] == "view" or not after and step.present is not None and step.documents is None:
                lines.append(f"{step.item.target}: a view\n")
            elif after or step.present is not None:
                lines.append(f"{step.item.target}: {plural(step.item.entry['documents'] if after else step.documents, 'document')}\n")
        return lines


def require_writable(client: Any, items: list) -> None:
    """Raise MaintenanceError for a sharded cluster, and for a user who lacks rights: one line that names them."""
    if client.admin.command("hello").get("msg") == "isdbgrid":
        raise MaintenanceError("the target is a sharded cluster (mongos), which this module does not restore into; use Percona Backup for MongoDB for it")
    info = client.admin.command({"connectionStatus": 1, "showPrivileges": True})["authInfo"]
    if not info["authenticatedUsers"]:
        return  # no access control here; where there is, the first command is refused with its own line
    privileges = info.get("authenticatedUserPrivileges", [])
    user = info["authenticatedUsers"][0]["user"]
    for database in sorted({item.database for item in items}):
        missing = _ACTIONS - _granted(privileges, database, "collection")
        if missing:
            raise MaintenanceError(f"the user {user} may not {', '.join(sorted(missing))} on the database {database}; nothing was changed: "
                                   f"grant it the roles readWrite and dbAdmin on {database}, as docs/rights.md says")
        missing = _BUCKET_ACTIONS - _granted(privileges, database, "system_buckets")
        if missing and any(item.database == database and item.entry["type"] == "timeseries" for item in items):
            raise MaintenanceError(f"the user {user} may not {', '.join(sorted(missing))} on the buckets of time-series collections in {database}; nothing "
                                   f"was changed: grant it a role with these actions on {{db: '{database}', system_buckets: ''}}, as docs/rights.md says")


def _granted(privileges: list, database: str, kind: str) -> set:
    """Return the actions granted on all of a database's collections; kind is the name under which a resource says so."""
    granted: set = set()
    for privilege in privileges:
        resource = privilege["resource"]
        if resource.get("anyResource") or (resource.get(kind) == "" and resource.get("db", "") in ("", database)):
            granted.update(privilege["actions"])
    return granted


def look(client: Any, items: list) -> View:
    """Look at what stands at the items' places. Reads only; collections of the right size are digested to see whether they are equal."""
    present: dict = {}
    for database in sorted({item.database for item in items}):
        present.update({namespace.full_name: namespace for namespace in dump.list_namespaces(client, database)})
    leftovers = [(namespace.database, namespace.name, namespace.kind) for namespace in present.values() if TEMPORARY.fullmatch(namespace.name)]
    matches = [(database, TEMPORARY.fullmatch(name)) for database, name, unused in leftovers]
    half_filled = {(database, match["name"]) for database, match in matches if match and match["kind"] == "restoring"}
    reader = dump.Reader(client)
    steps = [_step(client, reader, item, present.get(item.target), (item.database, stem(item)) in half_filled) for item in items]
    meant = {item.target for item in items}
    others = sorted(name for name, namespace in present.items() if name not in meant and not TEMPORARY.fullmatch(namespace.name))
    return View(steps, leftovers, others)


def _step(client: Any, reader: dump.Reader, item: Item, present: Optional[dump.Namespace], half_filled: bool) -> Step:
    if present is None:
        return Step(item, None, None, ABSENT)
    database = client[item.database]
    documents, occupied = None, True
    if present.source:
        # the count comes from metadata, which may be wrong after a crash of the server; whether there is a document at all must not be
        documents = int(database.command({"count": present.source})["n"])
        occupied = bool(database.command({"find": present.source, "limit": 1, "projection": {"_id": 1}})["cursor"]["firstBatch"])
    if half_filled and present.kind == "timeseries":
        return Step(item, present, documents, EMPTY)
    if present.kind == item.entry["type"] and (documents is None or documents == item.entry["documents"]) and _equal(reader, item, present):
        return Step(item, present, documents, EQUAL)
    return Step(item, present, documents, HOLDS if occupied else EMPTY)


def _equal(reader: dump.Reader, item: Item, present: dump.Namespace) -> bool:
    try:
        carry.compare_definition(present, item.entry, item.target)
        if present.source:
            carry.compare_documents(reader, item.database, item.name, item.entry, item.target)
    except MaintenanceError:
        return False
    return True


def unconfirmed(view: View, confirm: list) -> dict:
    """Return for each database that holds data and that confirm does not name what holds how much."""
    found = {}
    for database, steps in sorted(view.holding().items()):
        if database in confirm:
            continue
        parts = [f"{step.item.name} {'a view' if step.documents is None else plural(step.documents, 'document')}" for step in steps]
        total = sum(step.documents or 0 for step in steps)
        more = f" and {len(parts) - 6} more" if len(parts) > 6 else ""
        found[database] = f"the database {database} holds {plural(total, 'document')} that would be replaced ({', '.join(parts[:6])}{more})"
    return found
