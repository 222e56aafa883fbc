# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What backups say: the checks, actions and artifacts of making, verifying and listing sets. No I/O."""

from __future__ import annotations

import os

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.create import Outcome, Plan
from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, OK, UNKNOWN, WARNING, Action, Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import duration, plural, size

# how many sets the run record and the report carry
SETS_IN_RECORD = 30


def of_creation(plan: Plan, outcome: Outcome, shrink_warning: int) -> dict:
    """Return the result of backup_set. shrink_warning: percent of the last set's documents below which it warns."""
    previous = outcome.previous.id if outcome.previous else "none"
    made = outcome.backup_set
    if made is None:
        target = os.path.join(plan.repository.sets_path, "<new set>")
        action = Action("backup.publish", target, f"would make a set of about {size(outcome.estimate)}")
        check = Check("backup.set", "skipped", f"check mode: nothing was made; about {size(outcome.estimate)} would be needed and are free")
        return {"changed": True, "backup_set": None, "checks": [check.as_dict(), *_files(plan, outcome, made)],
                "actions": [action.as_dict()], "artifacts": {}, "diff": _diff(plan, previous, "a new set")}
    described = made.describe()
    stored, seconds = described["bytes"], described["seconds"]
    line = f"set {made.id}: {plural(described['documents'], 'document')} and {plural(described['files'], 'file')}, {size(stored)} in {duration(seconds)}"
    status, details = OK, {"id": made.id, "consistent": described["consistent"], "notes": outcome.notes}
    last = (outcome.previous.manifest or {}).get("totals", {}).get("documents") if outcome.previous else None
    if last is not None:
        details["documents_before"] = last
    if not described["documents"]:
        status, line = WARNING, f"set {made.id} holds no document at all; is app_mongodb_databases right?"
    elif last and described["documents"] * 100 < last * shrink_warning:
        status = WARNING
        line = f"set {made.id} holds {described['documents']:,} documents, the one before {last:,}: was something deleted by mistake? Older sets still hold it"
    checks = [
        Check("backup.set", status, line, value=stored, unit="bytes", hint="docs/runbook.md#backup-shrank", details=details),
        Check("backup.duration", OK, f"made in {duration(seconds)}", value=seconds, unit="seconds"),
    ]
    action = Action("backup.publish", made.path, line)
    return {"changed": True, "backup_set": described, "checks": [check.as_dict() for check in checks] + _files(plan, outcome, made),
            "actions": [action.as_dict()], "artifacts": {"backup": described}, "diff": _diff(plan, previous, made.id)}


def _files(plan: Plan, outcome: Outcome, made: object) -> list:
    if not plan.sources:
        return []
    if outcome.missing:
        line = f"{', '.join(outcome.missing)} does not exist: its files are in no backup; correct app_upload_directories or restore the directory"
        return [Check("backup.files", WARNING, line, hint="docs/runbook.md#backup-files", details={"missing": outcome.missing}).as_dict()]
    captured = made.manifest["files"] if made else {}
    changed = [path for item in captured.values() for path in item["changed"]]
    skipped = [path for item in captured.values() for path in item["skipped"]]
    line = f"{plural(len(plan.sources), 'source')} captured" if made else f"{plural(len(plan.sources), 'source')} present"
    if changed:
        line += f"; {plural(len(changed), 'file')} changed while being read"
    return [Check("backup.files", OK, line, hint="docs/runbook.md#backup-files", details={"changed": changed[:20], "skipped": skipped[:20]}).as_dict()]


def _diff(plan: Plan, before: str, after: str) -> dict:
    return {"before_header": plan.repository.path, "after_header": plan.repository.path,
            "before": f"newest set: {before}\n", "after": f"newest set: {after}\n"}


def of_verification(findings: list, seconds: float, slice_text: str) -> Check:
    """Return the check of backup_verify. findings: one Finding per set; seconds: how long all took."""
    if not findings:
        return Check("backup.verify", UNKNOWN, "there is no backup set to verify", hint="docs/runbook.md#no-backup")
    problems = [f"{finding.backup_set.id}: {problem}" for finding in findings for problem in finding.problems]
    checked, total = sum(item.checked for item in findings), sum(item.total for item in findings)
    stored = sum(item.bytes for item in findings)
    details = {"sets": [item.backup_set.id for item in findings][:50], "artifacts": checked, "of": total, "bytes": stored,
               "documents": sum(item.documents for item in findings), "problems": problems[:20], "seconds": round(seconds, 3)}
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        return Check("backup.verify", CRITICAL, f"{problems[0]}{more}: do not rely on this set, make a new one", value=len(problems),
                     unit="problems", hint="docs/runbook.md#backup-damaged", details=details)
    part = f" (slice {slice_text}: {checked} of {total} artifacts)" if slice_text else ""
    line = f"{plural(len(findings), 'set')} unharmed{part}: {plural(checked, 'artifact')}, {size(stored)} read in {duration(seconds)}"
    return Check("backup.verify", OK, line, value=0, unit="problems", hint="docs/runbook.md#backup-damaged", details=details)
