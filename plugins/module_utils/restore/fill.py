# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filling the target: into temporary collections first, and into their places by rename once they were found equal to the set."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import BackupSet
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import client as mongo
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import dump, load
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore import carry
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore.selection import TEMPORARY, Item, stem, temporary
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore.target import EQUAL, Step, View

try:
    from bson import json_util
except ImportError:  # client.require_pymongo() tells the operator before anything here is called
    pass


class Filler:
    """Fills the places of a view's steps from a set; whatever breaks, its temporary collections are removed as far as the server answers."""

    def __init__(self, client: Any, backup_set: BackupSet, parallel: int) -> None:
        self._client, self._set, self._parallel = client, backup_set, parallel
        self._content: dict = backup_set.manifest or {}
        self._reader = dump.Reader(client)

    def drop_leftovers(self, view: View) -> None:
        """Remove what a killed restore left: first the half-filled time-series collections, then what says that they are half-filled."""
        for database, name, unused in view.leftovers:
            match = TEMPORARY.fullmatch(name)
            if match and match["kind"] == "restoring":
                place = next((step for step in view.steps if (step.item.database, stem(step.item)) == (database, match["name"])), None)
                if place is None:
                    continue  # it is not restored this time, and stays marked
                if place.present is not None and place.present.kind == "timeseries":
                    self._drop(place.item, place.item.name)
                    place.present = None
            self._client[database].command({"drop": name})

    def fill(self, view: View) -> None:
        """Restore every step that is not EQUAL. Views come last because they may refer to any collection."""
        steps = [step for step in view.steps if step.state != EQUAL]
        collections = [step for step in steps if step.item.entry["type"] == "collection"]
        series = [step for step in steps if step.item.entry["type"] == "timeseries"]
        views = [step for step in steps if step.item.entry["type"] == "view"]
        rehearsed = collections + [step for step in series if step.present]
        try:
            # a time-series collection that is there goes only once its successor was seen to load
            carry.together(self._parallel, [lambda step=step: self._load(step.item, temporary(step.item, self._set.id)) for step in rehearsed])
            self._compare_definitions({step.item: temporary(step.item, self._set.id) for step in rehearsed})
            for step in collections:
                self._swap(step)
        finally:
            # of a collection that took its place nothing is left to drop
            with contextlib.suppress(MaintenanceError), mongo.driver_errors():
                for step in rehearsed:
                    self._drop(step.item, temporary(step.item, self._set.id))
        self._fill_series(series)
        for step in views:
            if step.present:
                self._drop(step.item, step.item.name)
            load.create_collection(self._client[step.item.database], step.item.name, step.item.entry["options"])
        self._compare_definitions({step.item: step.item.name for step in views})

    def _load(self, item: Item, name: str) -> None:
        """Fill a new collection, compare its documents with the manifest, build its indexes."""
        database, entry = self._client[item.database], item.entry
        # expiring documents must not vanish while they are counted: what expires them comes after the comparison
        expiry = entry["options"].get("expireAfterSeconds")
        load.create_collection(database, name, {key: value for key, value in entry["options"].items() if key != "expireAfterSeconds"})
        carry.load_documents(database, name, self._set.path, self._content, entry)
        carry.compare_documents(self._reader, item.database, name, entry, item.target)
        load.create_indexes(database, name, entry["indexes"], entry["options"])
        if expiry is not None:
            database.command({"collMod": name, "expireAfterSeconds": json_util.loads(json.dumps(expiry))})

    def _compare_definitions(self, names: dict) -> None:
        """Compare indexes and options of what was restored with the manifest; names: item -> its name at the moment."""
        found: dict = {}
        for database in {item.database for item in names}:
            found.update({namespace.full_name: namespace for namespace in dump.list_namespaces(self._client, database)})
        for item, name in names.items():
            if f"{item.database}.{name}" not in found:
                raise MaintenanceError(f"{item.target} went away while it was restored; is another restore at work there?")
            carry.compare_definition(found[f"{item.database}.{name}"], item.entry, item.target)

    def _swap(self, step: Step) -> None:
        """Let the finished collection take its place: by one rename, unless a view or a time-series collection stands there."""
        item = step.item
        if step.present and step.present.kind != "collection":
            self._drop(item, item.name)
        self._client.admin.command({
            "renameCollection": f"{item.database}.{temporary(item, self._set.id)}", "to": item.target, "dropTarget": True,
        })

    def _fill_series(self, steps: list) -> None:
        """Fill time-series collections in their places, because servers do not rename them; a mark beside each says that it is not complete."""
        marks = {step.item: temporary(step.item, self._set.id, "restoring") for step in steps}
        try:
            for step in steps:
                if step.present:
                    self._drop(step.item, step.item.name)
                self._client[step.item.database].command({"create": marks[step.item]})
                self._load(step.item, step.item.name)
            self._compare_definitions({step.item: step.item.name for step in steps})
        except BaseException:
            with contextlib.suppress(MaintenanceError), mongo.driver_errors():
                for step in steps:
                    if list(self._client[step.item.database].list_collections(filter={"name": marks[step.item]})):
                        self._drop(step.item, step.item.name)
                        self._drop(step.item, marks[step.item])
            raise
        for step in steps:
            self._drop(step.item, marks[step.item])

    def _drop(self, item: Item, name: str) -> None:
        database = self._client[item.database]
        if list(database.list_collections(filter={"name": name})):
            database.command({"drop": name})
