# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What backups say: the checks, actions and artifacts of making, verifying and listing sets. No I/O."""

from __future__ import annotations

import os

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.create import Outcome, Plan
from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, OK, SKIPPED, UNKNOWN, WARNING, Action, Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import duration, plural, size

# how many sets the run record and the report carry
SETS_IN_RECORD = 30


def of_creation(plan: Plan, outcome: Outcome, shrink_warning: int) -> dict:
    """Return the result of backup_set. shrink_warning: percent of the last set's documents or files below which it warns."""
    made = outcome.backup_set
    if made is None:
        checks = [Check("backup.set", SKIPPED, f"check mode: nothing was made; about {size(outcome.estimate)} would be needed and are free")]
        actions = [Action("backup.publish", os.path.join(plan.repository.sets_path, "(the new set)"), f"would make a set of about {size(outcome.estimate)}")]
        described, artifacts = None, {}
    else:
        described = made.describe()
        checks = [_set_check(outcome, described, shrink_warning),
                  Check("backup.duration", OK, f"made in {duration(described['seconds'])}", value=described["seconds"], unit="seconds")]
        actions = [Action("backup.publish", made.path, checks[0].summary)]
        artifacts = {"backup": described}
    if plan.sources:
        checks.append(_files_check(plan, outcome))
    going = [verdict for verdict in outcome.verdicts if not verdict.keep]
    if outcome.verdicts:
        done = "would be removed" if made is None else "removed"
        line = f"{plural(len(outcome.verdicts) - len(going), 'set')} kept, {len(going)} {done}"
        details = {"kept": {verdict.id: verdict.reasons for verdict in outcome.verdicts if verdict.keep}, "removed": [verdict.id for verdict in going]}
        checks.append(Check("backup.retention", OK, line, value=len(outcome.verdicts) - len(going), unit="sets", details=details))
        actions += [
            Action("backup.remove", os.path.join(plan.repository.sets_path, verdict.id), f"set {verdict.id} {done}: no rule keeps it") for verdict in going
        ]
    return {"changed": True, "backup_set": described, "checks": [check.as_dict() for check in checks], "actions": [action.as_dict() for action in actions],
            "artifacts": artifacts, "diff": _diff(plan, outcome, made.id if made else "(the new set)")}


def _set_check(outcome: Outcome, described: dict, shrink_warning: int) -> Check:
    stored, documents, files = described["bytes"], described["documents"], described["files"]
    line = f"set {described['id']}: {plural(documents, 'document')} and {plural(files, 'file')}, {size(stored)} in {duration(described['seconds'])}"
    status = OK
    details = {"id": described["id"], "consistent": described["consistent"], "notes": outcome.notes}
    before = (outcome.previous.manifest or {}).get("totals", {}) if outcome.previous else {}
    if not documents:
        status, line = WARNING, f"set {described['id']} holds no document at all; is app_mongodb_databases right?"
    for what, now in (("documents", documents), ("files", files)):
        last = before.get(what)
        details[f"{what}_before"] = last
        if last and now * 100 < last * shrink_warning:
            status = WARNING
            line = f"set {described['id']} holds {now:,} {what}, the one before {last:,}: was something deleted by mistake? Older sets still hold it"
    return Check("backup.set", status, line, value=stored, unit="bytes", hint="docs/runbook.md#backup-shrank", details=details)


def _files_check(plan: Plan, outcome: Outcome) -> Check:
    hint = "docs/runbook.md#backup-files"
    if outcome.missing:
        line = f"{', '.join(outcome.missing)} does not exist: its files are in no backup; correct app_upload_directories or restore the directory"
        return Check("backup.files", WARNING, line, hint=hint, details={"missing": outcome.missing})
    made = outcome.backup_set
    captured = (made.manifest or {})["files"] if made else {}
    changed = [path for item in captured.values() for path in item["changed"]]
    skipped = [path for item in captured.values() for path in item["skipped"]]
    line = f"{plural(len(plan.sources), 'source')} {'captured' if made else 'present'}"
    if changed:
        line += f"; {plural(len(changed), 'file')} changed while being read"
    return Check("backup.files", OK, line, hint=hint, details={"changed": changed[:20], "skipped": skipped[:20]})


def _diff(plan: Plan, outcome: Outcome, new: str) -> dict:
    """Return the sets of the repository before and after, each with the reasons why it stays."""
    stay = {verdict.id: ", ".join(verdict.reasons) for verdict in outcome.verdicts}
    before = [name for name in stay if name != new]
    if not outcome.verdicts and outcome.previous:
        before = [outcome.previous.id]
    after = [f"{name}: {reasons}" for name, reasons in stay.items() if reasons] or [new, *before]
    head = f"{plan.repository.path} (newest first)"
    return {"before_header": head, "after_header": head, "before": "".join(f"{name}\n" for name in before), "after": "".join(f"{name}\n" for name in after)}


def of_verification(findings: list, seconds: float, slice_text: str, rehearsal: bool = False) -> Check:
    """Return the check of backup_verify. findings: one Finding per set; seconds: how long all took; rehearsal: no set was to be expected."""
    if rehearsal:
        return Check("backup.verify", SKIPPED, "check mode: there is no backup set yet that could be verified")
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
