# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary on the terminal: the verdict, what is not ok, the backup and where the report is, in at most LINES lines. No I/O."""

from __future__ import annotations

from typing import Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, UNKNOWN
from ansible_collections.trixtech.maintenance.plugins.module_utils.report import words
from ansible_collections.trixtech.maintenance.plugins.module_utils.report.collect import number
from ansible_collections.trixtech.maintenance.plugins.module_utils.report.host import backup_sets, proof
from ansible_collections.trixtech.maintenance.plugins.module_utils.report.verdict import BAD, WORST_FIRST, Report, urgency, verdict
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import duration, one_line, plural, size

LINES = 25
_ROWS = 16
_PLANNED = 4
_SUMMARY = 110


def summary(report: Report, written: Optional[tuple[str, str]], note: str = "") -> list[tuple[str, str]]:
    """Return the lines as (status for its colour or an empty string, text).

    written: the paths of the report and the record; None where none was written, and note says why.
    """
    counts = report.counts()
    tally = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    lines = [
        (report.status, _loud(one_line(verdict(report), 240), report.status)),
        ("", f"{report.title}: {plural(len(report.hosts), 'host')}, {plural(len(report.checks), 'check')}{': ' if tally else ''}{tally}; "
             f"took {duration(report.record['duration_s'])}"),
    ]
    lines += _rows(report)
    lines += _backup(report)
    if report.record["check_mode"]:
        lines += _planned(report)
    if written:
        lines += [("", f"report   {written[0]}"), ("", f"record   {written[1]}")]
    if note:
        lines.append(("", f"report   {note}"))
    return lines


def message(report: Report, report_path: str) -> str:
    """Return the one line a failing task shows."""
    return f"{one_line(verdict(report), 400)} See {report_path}"


def _loud(sentence: str, status: str) -> str:
    """Put the status in capitals at the head of the sentence, once."""
    rest = sentence[len(status):] if sentence.lower().startswith(status) else f"  {sentence}"
    return status.upper() + rest


def _rows(report: Report) -> list[tuple[str, str]]:
    bad = sorted((check for check in report.checks if check["status"] in BAD), key=urgency)
    shown = bad[:_ROWS]
    hosts = min(max((len(check["host"]) for check in shown), default=0), 24)
    ids = min(max((len(check["id"]) for check in shown), default=0), 34)
    lines = []
    for check in shown:
        remedy = words.remedy(check["hint"])
        where = f"{one_line(check['host'], 60):<{hosts}}  {one_line(check['id'], 60):<{ids}}"
        pointer = f"  [{one_line(remedy, 60)}]" if remedy else ""
        lines.append((check["status"], f"  {check['status']:<8}  {where}  {one_line(check['summary'], _SUMMARY)}{pointer}"))
    if len(bad) > _ROWS:
        rest = [check["status"] for check in bad[_ROWS:]]
        tally = ", ".join(f"{rest.count(name)} {name}" for name in WORST_FIRST if name in rest)
        lines.append((rest[0], f"  and {len(rest)} more ({tally})"))
    return lines


def _planned(report: Report) -> list[tuple[str, str]]:
    """Return what a run that is no rehearsal would do."""
    actions = [action for action in report.record["actions"] if action.get("changed")]
    lines = [("", f"planned  {one_line(action['host'], 60)}  {one_line(action['summary'], _SUMMARY)}") for action in actions[:_PLANNED]]
    if len(actions) > _PLANNED:
        lines.append(("", f"planned  and {len(actions) - _PLANNED} more"))
    return lines


def _backup(report: Report) -> list[tuple[str, str]]:
    """Return one line about the newest set of each host, or about the oldest of these where there are several hosts."""
    newest = []
    for host in report.hosts:
        artifacts = host.record["artifacts"] if host.record else {}
        if "backup_sets" in artifacts or "backup" in artifacts:
            newest.append((host.name, (backup_sets(artifacts) or [None])[0]))
    if not newest:
        return []
    without = [name for name, item in newest if item is None]
    if without:
        return [(UNKNOWN, f"backup   no backup set on {one_line(', '.join(without), 100)}")]
    name, item = min(newest, key=lambda pair: str(pair[1].get("created")))
    state, word, unused_found = proof(item)
    stored, documents = number(item.get("bytes")), number(item.get("documents"))
    which = f"newest set {item.get('id')}" if len(newest) == 1 else f"{len(newest)} hosts have sets; the oldest newest one, on {name}: {item.get('id')}"
    parts = [which, words.age(item.get("created"), report.now), size(stored) if stored is not None else "",
             plural(int(documents), "document") if documents is not None else "", word]
    return [(state if state == CRITICAL else "", "backup   " + one_line(", ".join(filter(None, parts)), 200))]
