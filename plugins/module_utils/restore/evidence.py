# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore test from end to end: room, sandbox, ladder, evidence on the set, and the check that says it."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import asdict, dataclass

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import BackupSet, Repository
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.summary import SETS_IN_RECORD
from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, OK, SKIPPED, Action, Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore import ladder
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore.sandbox import sandbox
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import duration, size

# mongod's journal and its first files take about this much, whatever the data
_MONGOD_FILES = 320 * 1024 * 1024
CHECK = "backup.restore"
HINT = "docs/runbook.md#restore-test-failed"


@dataclass
class Settings:
    """Where and how the sandbox runs. cache_gb: in GB; start_timeout: in seconds."""

    mongod: str
    work_dir: str
    parallel: int = 2
    cache_gb: float = 0.25
    start_timeout: float = 60.0


def run(repository: Repository, backup_set: BackupSet, settings: Settings, record: bool = True, dry_run: bool = False) -> dict:
    """Restore the set into a sandbox, climb the ladder, record the result; return the result of the module.

    Raises MaintenanceError where the test cannot begin (no mongod, no room): that says nothing about the set.
    """
    if backup_set.manifest is None:
        check = Check(CHECK, CRITICAL, f"set {backup_set.id} cannot be restored: {backup_set.problem}", hint=HINT, unit="seconds")
        return _result(repository, check, [], [])
    _require_room(settings.work_dir, backup_set.manifest["totals"]["bytes"])
    if not shutil.which(settings.mongod):
        raise MaintenanceError(f"there is no mongod at {settings.mongod!r} on this host for the restore test; install MongoDB's server "
                               "package or set the option mongod to its path")
    if dry_run:
        check = Check(CHECK, SKIPPED, f"check mode: set {backup_set.id} would be restored into a sandbox", hint=HINT)
        return _result(repository, check, [], [Action("restore.test", backup_set.path, f"would restore set {backup_set.id} into a sandbox")])
    begin = time.monotonic()
    with sandbox(settings.mongod, settings.work_dir, settings.cache_gb, settings.start_timeout) as place:
        climb = ladder.climb(backup_set, place.uri, settings.parallel)
    seconds = round(time.monotonic() - begin, 3)
    rungs = [asdict(rung) for rung in climb.rungs]
    actions = [Action("restore.test", backup_set.path, f"restored set {backup_set.id} into a sandbox, which is gone again", changed=False)]
    if record:
        backup_set.record("restore", climb.ok, seconds, {"rungs": rungs, "restore_seconds": climb.restore_seconds})
        actions.append(Action("backup.record_verification", backup_set.path, f"recorded the restore test on set {backup_set.id}"))
    details = {"id": backup_set.id, "rungs": rungs, "restore_seconds": climb.restore_seconds, "start_seconds": round(place.started_seconds, 3)}
    if climb.ok:
        line = f"set {backup_set.id} restored and equal to its manifest: {climb.documents:,} documents, {size(climb.bytes)} in {duration(seconds)}"
        check = Check(CHECK, OK, line, value=seconds, unit="seconds", hint=HINT, details=details)
    else:
        broken = climb.rungs[-1]
        line = f"set {backup_set.id} does not restore ({broken.name}): {broken.summary}"
        check = Check(CHECK, CRITICAL, line, value=seconds, unit="seconds", hint=HINT, details=details)
    return _result(repository, check, rungs, actions)


def nothing_yet(repository: Repository) -> dict:
    """Return the result of a rehearsal where no set was ever made."""
    return _result(repository, Check(CHECK, SKIPPED, "check mode: there is no backup set yet that could be restored"), [], [])


def _require_room(work_dir: str, data: int) -> None:
    if not os.path.isdir(work_dir):
        raise MaintenanceError(f"the work directory {work_dir} does not exist; create it, or choose one with room for a restored set")
    # uncompressed size plus half for indexes: storage compression usually makes it less
    needed = data * 3 // 2 + _MONGOD_FILES
    free = shutil.disk_usage(work_dir).free
    if free < needed:
        raise MaintenanceError(f"the work directory {work_dir} has {size(free)} free and the restore test may need {size(needed)}; "
                               "choose another directory for it")


def _result(repository: Repository, check: Check, rungs: list, actions: list) -> dict:
    return {
        "changed": any(action.changed for action in actions),
        "checks": [check.as_dict()],
        "actions": [action.as_dict() for action in actions],
        "rungs": rungs,
        "artifacts": {"backup_sets": repository.describe(SETS_IN_RECORD)},
    }
