# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the newest backup set is whole by its manifest, and what its last verification found.

Cheap: sizes of the stored artifacts are compared with the manifest, nothing is read. The module backup_verify reads and hashes everything;
its result, recorded on the set, is repeated here.
"""

from __future__ import annotations

import os

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.manifest import Damaged
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import BackupSet, Repository
from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, OK, SKIPPED, WARNING, Check, parse_timestamp, utc_now
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import CannotLook, Context, Option
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import duration

TYPE = "backup.integrity"
OPTIONS = {
    "unverified_days": Option("float", default=8.0, doc="Warn when no set was verified or restored successfully for so many days."),
}


def look(context: Context, options: dict) -> list[Check]:
    """Return the one check of this type."""
    if not context.repository:
        raise CannotLook("no backup repository was named; set the option repository")
    found = Repository(context.repository).sets()
    if not found:
        return [_check(options, SKIPPED, "there is no backup set that could be whole; see backup.age", {})]
    newest = found[-1]
    problem = newest.problem or _differs(newest)
    if problem:
        return [_check(options, CRITICAL, f"set {newest.id} is damaged: {problem}; do not rely on it, make a new one", {"id": newest.id})]
    try:
        records = newest.records()
    except Damaged as error:
        return [_check(options, WARNING, f"set {newest.id}: {error}; run backup_verify", {"id": newest.id})]
    if records and not records[-1].get("ok"):
        line = f"set {newest.id} failed its last verification ({records[-1].get('kind')}); do not rely on it, make a new one"
        return [_check(options, CRITICAL, line, {"id": newest.id, "record": records[-1]})]
    return [_proven(options, found)]


def _differs(backup_set: BackupSet) -> str:
    for path, artifact in (backup_set.manifest or {})["artifacts"].items():
        try:
            stored = os.lstat(os.path.join(backup_set.path, path)).st_size
        except FileNotFoundError:
            return f"{path} is missing"
        if stored != artifact["stored_bytes"]:
            return f"{path} has {stored} bytes, the manifest says {artifact['stored_bytes']}"
    return ""


def _proven(options: dict, found: list) -> Check:
    """Judge how long ago any set was last proven; a set that is one night old may be unproven, a repository of a week may not."""
    newest = found[-1]
    proofs = [(parse_timestamp(record["at"]), record["kind"], item.id) for item in found for record in _good(item)]
    oldest_days = (utc_now() - found[0].taken()).total_seconds() / 86400
    if not proofs:
        status = WARNING if oldest_days > options["unverified_days"] else OK
        return _check(options, status, f"set {newest.id} is whole by its sizes; no set was ever verified", {"id": newest.id})
    at, kind, set_id = max(proofs)
    seconds = (utc_now() - at).total_seconds()
    status = WARNING if seconds > options["unverified_days"] * 86400 else OK
    what = "restored" if kind == "restore" else "verified"
    line = f"set {newest.id} is whole by its sizes; last {what} {duration(seconds)} ago (set {set_id})"
    return _check(options, status, line, {"id": newest.id, "proven": set_id, "kind": kind})


def _good(item: BackupSet) -> list:
    try:
        return [record for record in item.records() if record.get("ok")]
    except Damaged:
        return []


def _check(options: dict, status: str, line: str, details: dict) -> Check:
    return Check(options["id"], status, line, hint="docs/runbook.md#backup-damaged", details=details)
