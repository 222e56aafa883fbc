# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore from end to end: look, refuse or go on, make a safety set, fill, exchange, and say what was done."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import Any, Iterator, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup import create, verify
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import NEWEST, BackupSet, Repository
from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import OK, SKIPPED, WARNING, Action, Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import client as mongo
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore import directories, selection, target
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore.fill import Filler
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore.target import EQUAL, HOLDS
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import duration, plural, size

# one reply of the server may take as long as an index build takes, in seconds
_REPLY = 3600.0
HINT = "docs/playbooks/restore.md"
# how the manifest of a safety set says what it is; "newest" does not mean such a set
SAFETY = "safety_set_before_restore_of"


@dataclass
class Order:
    """What is to be restored, and where to. files: dicts with archive and destination; timeout: seconds to wait for a server."""

    repository: Repository
    set_id: str = NEWEST
    uri: Optional[str] = None
    databases: list = field(default_factory=list)
    namespaces: list = field(default_factory=list)
    rename: dict = field(default_factory=dict)
    files: list = field(default_factory=list)
    confirm: list = field(default_factory=list)
    safety_set: bool = False
    parallel: int = 2
    timeout: float = 10.0
    lock_wait: float = 0.0
    host: str = ""
    collection_version: str = ""


@dataclass
class Work:
    """What is found on the way: the view of the server (None where none is restored into), the places of files, the safety set."""

    backup_set: BackupSet
    warnings: list
    view: Optional[target.View] = None
    places: list = field(default_factory=list)
    safety: Optional[BackupSet] = None
    safety_wanted: bool = False
    seconds: float = 0.0

    @property
    def steps(self) -> list:
        """Return the namespaces that are to be restored and are not there already."""
        return [step for step in self.view.steps if step.state != EQUAL] if self.view else []


def run(order: Order, dry_run: bool = False) -> dict:
    """Restore what the order says; return the result of the module. With dry_run everything is looked at that could stop it, and nothing changed.

    Raises MaintenanceError where something is wrong or not confirmed; before the first change, unless it says otherwise.
    """
    begin = time.monotonic()
    backup_set = find(order)
    content: dict = backup_set.manifest or {}
    named = order.databases or order.namespaces
    items = selection.select(content, order.databases, order.namespaces, order.rename) if named or not order.files else []
    if not items and not order.files:
        raise MaintenanceError(f"the set {backup_set.id} holds no database; name what to restore in files")
    if items and not order.uri:
        raise MaintenanceError("the option uri is missing: give the connection string of a user who may write to the target "
                               "(app_mongodb_restore_uri in the profile)")
    chosen = directories.choose(content, order.files)
    work = Work(backup_set, _verify(backup_set, items, chosen))
    work.places = directories.look(backup_set, chosen)
    with mongo.driver_errors(), _client(order, items) as client:
        if client is not None:
            target.require_writable(client, items)
            work.view = target.look(client, items)
        _require_confirmed(order, work)
        work.safety_wanted = order.safety_set and any(step.state == HOLDS for step in work.steps)
        if work.safety_wanted:
            work.safety = _safety_set(order, work, dry_run)
        if not dry_run:
            _carry_out(order, work, client)
    work.seconds = round(time.monotonic() - begin, 3)
    return _result(order, work, dry_run)


def find(order: Order) -> BackupSet:
    """Return the set that is meant. A safety set is newer than what is restored, and nobody means it by "newest"."""
    order.repository.require()
    if order.set_id == NEWEST:
        candidates = [item for item in order.repository.sets() if not (item.manifest and (item.manifest.get("application") or {}).get(SAFETY))]
        found = candidates[-1] if candidates else order.repository.find(NEWEST)
    else:
        found = order.repository.find(order.set_id)
    if found.manifest is None:
        raise MaintenanceError(f"set {found.id} cannot be restored: {found.problem}; choose another one (backup_set_info lists them)")
    return found


def _verify(backup_set: BackupSet, items: list, chosen: list) -> list:
    """Verify the artifacts that are needed, archives with all that is in them; return lines about others. MaintenanceError for a damaged one."""
    data = {path for item in items for path in (item.entry["data"], item.entry["metadata"]) if path}
    archives = {path for unused, unused_destination, entry in chosen for path in (entry["archive"], entry["list"])}
    findings = [verify.verify(backup_set, level, only=paths) for level, paths in ((verify.HASHES, data), (verify.DOCUMENTS, archives)) if paths]
    problems = list(dict.fromkeys(problem for finding in findings for problem in finding.problems))
    fatal = [problem for problem in problems if problem.startswith(tuple(f"{path}: " for path in data | archives))]
    if fatal:
        raise MaintenanceError(f"set {backup_set.id} is damaged, nothing was changed: {fatal[0]}; restore from another set")
    return problems


@contextlib.contextmanager
def _client(order: Order, items: list) -> Iterator[Any]:
    if not items or not order.uri:
        yield None
        return
    with mongo.connect(order.uri, order.timeout, socket_timeout=_REPLY) as client:
        yield client


def _require_confirmed(order: Order, work: Work) -> None:
    found = target.unconfirmed(work.view, order.confirm) if work.view else {}
    found.update(directories.unconfirmed(work.places, order.confirm))
    if found:
        # all that needs to be confirmed, so that what is confirmed already does not have to be looked up
        names = [*(name for name in order.confirm if name not in found), *found]
        wanted = names[0] if len(names) == 1 else f"[{', '.join(names)}]"
        raise MaintenanceError(f"nothing was changed; to replace what is there write confirm: {wanted}, for {'; '.join(found.values())}")


def _safety_set(order: Order, work: Work, dry_run: bool) -> Optional[BackupSet]:
    databases = sorted({step.item.database for step in work.view.steps if step.present}) if work.view else []
    content: dict = work.backup_set.manifest or {}
    plan = create.Plan(order.repository, order.uri or "", order.host, databases=databases, compression=content["compression"]["kind"],
                       parallel=order.parallel, timeout=order.timeout, lock_wait=order.lock_wait, collection_version=order.collection_version,
                       application={"name": (content.get("application") or {}).get("name"), "commit": None, SAFETY: work.backup_set.id})
    return create.create(plan, dry_run=dry_run).backup_set


def _carry_out(order: Order, work: Work, client: Any) -> None:
    """Unpack beside the destinations, fill the server, then exchange the directories: what can fail comes before what counts."""
    try:
        directories.stage(work.backup_set, work.places)
        if work.view and client is not None:
            filler = Filler(client, work.backup_set, order.parallel)
            filler.drop_leftovers(work.view)
            filler.fill(work.view)
        directories.exchange(work.backup_set, work.places)
    finally:
        directories.discard(work.backup_set, work.places)


def _result(order: Order, work: Work, dry_run: bool) -> dict:
    checks = [*_database_checks(work, dry_run), *_files_checks(work, dry_run)]
    if work.warnings:
        line = f"set {work.backup_set.id} was changed beside what is restored: {work.warnings[0]}"
        checks.append(Check("restore.set", WARNING, line, hint="docs/runbook.md#backup-damaged", details={"problems": work.warnings[:20]}))
    actions = _actions(order, work, dry_run)
    restored = {
        "set": work.backup_set.id,
        "namespaces": len(work.steps),
        "documents": sum(step.item.entry["documents"] for step in work.steps),
        "files": {place.destination: place.archive for place in work.places if place.state != EQUAL},
        "safety_set": work.safety.id if work.safety else None,
        "seconds": work.seconds,
    }
    before = (work.view.lines(False) if work.view else []) + [f"{place.destination}: {_content(place)}\n" for place in work.places if place.count]
    after = (work.view.lines(True) if work.view else []) + [f"{place.destination}: {plural(place.entry['entries'], 'entry', 'entries')}\n"
                                                            if place.state != EQUAL else f"{place.destination}: {_content(place)}\n" for place in work.places]
    return {
        "changed": any(action.changed for action in actions),
        "checks": [check.as_dict() for check in checks],
        "actions": [action.as_dict() for action in actions],
        "restored": restored,
        "artifacts": {} if dry_run else {"restore": restored},
        "diff": {"before_header": "target", "after_header": f"target from set {work.backup_set.id}", "before": "".join(before), "after": "".join(after)},
    }


def _content(place: directories.Place) -> str:
    return f"{plural(place.count, 'entry', 'entries')}, {size(place.bytes)}"


def _database_checks(work: Work, dry_run: bool) -> list:
    if work.view is None:
        return []
    entries = [step.item.entry for step in work.view.steps]
    documents, there = sum(entry["documents"] for entry in entries), len(entries) - len(work.steps)
    details: dict = {"set": work.backup_set.id, "namespaces": len(entries), "there_already": there, "left_alone": work.view.others[:20],
                     "safety_set": work.safety.id if work.safety else None}
    if dry_run:
        line = f"check mode: {plural(documents, 'document')} of {plural(len(entries), 'namespace')} would be restored from set {work.backup_set.id}"
        return [Check("restore.documents", SKIPPED, line, hint=HINT, details=details)]
    also = f" ({there} were so already)" if there else ""
    line = f"{plural(documents, 'document')} of {plural(len(entries), 'namespace')} counted and digested equal to set {work.backup_set.id}{also}"
    indexes = sum(len(entry["indexes"]) for entry in entries)
    return [
        Check("restore.documents", OK, line, value=documents, unit="documents", hint=HINT, details=details),
        Check("restore.indexes", OK, f"{plural(indexes, 'index', 'indexes')} and the options of {plural(len(entries), 'namespace')} equal to the manifest",
              value=indexes, unit="indexes", hint=HINT),
        Check("restore.duration", OK, f"restored in {duration(work.seconds)}", value=work.seconds, unit="seconds", hint=HINT),
    ]


def _files_checks(work: Work, dry_run: bool) -> list:
    checks = []
    for place in work.places:
        what = f"{plural(place.entry['files'], 'file')}, {size(place.entry['bytes'])}"
        details = {"set": work.backup_set.id, "archive": place.archive, "kept": place.kept, "left_out": place.left_out[:20]}
        status, line = OK, f"{place.destination} holds what the set does: {what}"
        if dry_run:
            status, line = SKIPPED, f"check mode: {what} would be restored to {place.destination}"
        elif place.left_out:
            status = WARNING
            line = f"{place.destination} is restored ({what}) but for {plural(len(place.left_out), 'link')} that lead outside: {place.left_out[0]}"
        checks.append(Check(f"restore.files[{place.destination}]", status, line, value=place.entry["files"], unit="files", hint=HINT, details=details))
    return checks


def _actions(order: Order, work: Work, dry_run: bool) -> list:
    would = "would " if dry_run else ""
    actions = []
    if work.safety_wanted:
        name = work.safety.path if work.safety else order.repository.sets_path
        actions.append(Action("backup.publish", name, f"{would}make a safety set of what is replaced"))
    for database, name, unused in work.view.leftovers if work.view else ():
        actions.append(Action("restore.sweep", f"{database}.{name}", f"{would}drop what a killed restore left"))
    for step in work.steps:
        item = step.item
        what = "a view" if item.entry["type"] == "view" else plural(item.entry["documents"], "document")
        instead = "" if step.present is None else " in place of a view" if step.documents is None else f" in place of {plural(step.documents, 'document')}"
        source = "" if item.source == item.target else f" of {item.source}"
        actions.append(Action("restore.namespace", item.target, f"{would}restore {what}{source}{instead}"))
    for place in work.places:
        if place.state != EQUAL:
            kept = f"; the old content {'would stay' if dry_run else 'stays'} as {place.before(work.backup_set.id)}" if place.state == HOLDS else ""
            actions.append(Action("restore.files", place.destination, f"{would}restore {plural(place.entry['files'], 'file')} of {place.archive}{kept}"))
    return actions
