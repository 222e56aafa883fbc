# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a set is to be restored, and what it will be called in the target. No I/O."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo.dump import SYSTEM_DATABASES

# what a killed restore leaves: <name>.trixtech_restore_<digits of the set's id>, and for a time-series collection, which is filled under
# its own name, an empty <name>.trixtech_restoring_<digits> that says so
TEMPORARY = re.compile(r"(?P<name>.+)\.trixtech_(?P<kind>restore|restoring)_\d{14}[0-9a-f]{4}", re.DOTALL)
# bytes of database.collection (MongoDB 4.4 and later)
_LONGEST = 255
_SUFFIX = len(".trixtech_restoring_202611230200007c1f")


@dataclass(frozen=True, eq=False)
class Item:
    """One namespace: its name in the set, its entry in the manifest, and where it goes."""

    source: str
    entry: dict
    database: str
    name: str

    @property
    def target(self) -> str:
        """Return database.collection of the target."""
        return f"{self.database}.{self.name}"


def digits(set_id: str) -> str:
    """Return the set's id as it stands in temporary names: 20261123T020000Z-7c1f is 202611230200007c1f."""
    return re.sub(r"[TZ-]", "", set_id)


def stem(item: Item) -> str:
    """Return what temporary names of an item begin with: its name, or a hash of it where that cannot be."""
    encoded = item.name.encode("utf-8", "surrogateescape")
    # a collection of the server's own (system.js) cannot be made beside itself
    if item.name.startswith("system.") or len(item.database) + 1 + len(encoded) + _SUFFIX > _LONGEST:
        return hashlib.sha256(encoded).hexdigest()[:32]
    return item.name


def temporary(item: Item, set_id: str, kind: str = "restore") -> str:
    """Return the name of the collection that an item is restored into before it takes its place."""
    return f"{stem(item)}.trixtech_{kind}_{digits(set_id)}"


def select(content: dict, databases: list, namespaces: list, rename: dict) -> list:
    """Return the items of a manifest that are meant, sorted by name; all of them where neither databases nor namespaces are named.

    rename: database -> database, and database.collection -> database.collection, which goes before. MaintenanceError for a name that the
    set does not hold, for two items with one target, and for a target that is the server's own.
    """
    # what a killed restore had left when the set was made is nothing that anybody misses
    present = {name: entry for name, entry in content["namespaces"].items() if not TEMPORARY.fullmatch(name)}
    _require_known("database", databases, {name.split(".", 1)[0] for name in present})
    _require_known("namespace", namespaces, set(present))
    chosen = {
        name: entry for name, entry in present.items()
        if not (databases or namespaces) or name in namespaces or name.split(".", 1)[0] in databases
    }
    _require_known("name (in rename)", list(rename), set(chosen) | {name.split(".", 1)[0] for name in chosen})
    items = [Item(name, entry, *_target(name, rename)) for name, entry in sorted(chosen.items())]
    taken: dict = {}
    for item in items:
        if item.target in taken:
            raise MaintenanceError(f"{taken[item.target]} and {item.source} would both become {item.target}; give one of them another name in rename")
        taken[item.target] = item.source
        if item.database in SYSTEM_DATABASES:
            raise MaintenanceError(f"{item.source} would be restored into {item.database}, which belongs to the server; give it another name in rename")
    return items


def _require_known(what: str, wanted: list, present: set) -> None:
    unknown = sorted(set(wanted) - present)
    if unknown:
        there = sorted(present)
        more = f" and {len(there) - 20} more" if len(there) > 20 else ""
        raise MaintenanceError(f"the {what} {', '.join(unknown)} is not among what is to be restored of the set; there is "
                               f"{', '.join(there[:20]) or 'nothing'}{more}")


def _target(name: str, rename: dict) -> tuple:
    database, collection = name.split(".", 1)
    new = rename.get(name)
    if new is not None:
        new_database, dot, new_collection = str(new).partition(".")
        if not (new_database and dot and new_collection):
            raise MaintenanceError(f"rename of {name}: {new!r} is no database.collection")
    else:
        new_database, new_collection = str(rename.get(database, database)), collection
        if not new_database or "." in new_database:
            raise MaintenanceError(f"rename of {database}: {new_database!r} is no database; a collection is renamed as "
                                   f"{database}.<collection>: <database>.<collection>")
    if re.search(r'[/\\\s"$*<>:|?\0]', new_database) or len(new_database.encode("utf-8", "surrogateescape")) > 63:
        raise MaintenanceError(f"{new_database!r} cannot be the name of a database; use letters, digits, - and _")
    forbidden = new_collection.startswith("system.") and new_collection != collection
    if forbidden or "\0" in new_collection or TEMPORARY.fullmatch(new_collection):
        raise MaintenanceError(f"{new_collection!r} cannot be the name of a collection here; choose another one in rename")
    return new_database, new_collection
