# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary on the terminal: short, aligned, and safe to print."""

from __future__ import annotations

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.report import collect, terminal, verdict
from ansible_collections.trixtech.maintenance.tests.unit.report import sample

PATHS = ("/out/daily/report.html", "/out/daily/record.json")


def report(*hosts: collect.HostRun) -> verdict.Report:
    """Build the daily report over hosts."""
    return verdict.build(list(hosts), "daily", "", False, sample.NOW)


def summary(*hosts: collect.HostRun) -> list[tuple[str, str]]:
    """Return the lines of the summary."""
    return terminal.summary(report(*hosts), PATHS)


def test_bad_night() -> None:
    """The verdict on top, each check on its line with host and remedy, aligned; then backup and paths."""
    lines = summary(sample.frozen())
    assert lines[0][0] == "critical" and lines[0][1].startswith("CRITICAL on lab1, where the run before was ok: MongoDB accepts")
    rows = [line for status, line in lines[1:] if line.startswith("  ")]
    assert [status for status, line in lines[1:] if line.startswith("  ")] == ["critical"] * 3 + ["unknown"] * 6 + ["warning"] * 2
    assert "  critical  lab1  mongodb.ping             MongoDB accepts connections" in rows[0] and rows[0].endswith("[runbook: database down]")
    assert len({row.index(text) for row, text in zip(rows[3:9], ["could not look"] * 6)}) == 1
    assert [line for unused, line in lines[-3:]] == [
        "backup   newest set 20261122T020004Z-000e, 24 h 1 min ago, 4.5 MiB, 45,030 documents, restored",
        "report   /out/daily/report.html", "record   /out/daily/record.json"]


@pytest.mark.parametrize("hosts", [[], [sample.daily()], sample.fleet(200), [sample.unreachable(f"h{number}") for number in range(60)]])
def test_never_more_than_its_lines(hosts: list) -> None:
    """Whatever the number of hosts, and no line broken in two; what is cut is counted."""
    lines = summary(*hosts)
    assert len(lines) <= terminal.LINES
    assert not [line for unused, line in lines if "\n" in line or len(line) > 260]
    shown = sum(1 for unused, line in lines if line.startswith("  ") and "more (" not in line)
    bad = sum(1 for host in hosts for check in host.checks if check["status"] in verdict.BAD)
    cut = [line for unused, line in lines if "more (" in line]
    assert cut == [] if bad == shown else cut[0].startswith(f"  and {bad - shown} more (")


def test_backup_line() -> None:
    """No set, a set that does not restore, and several hosts, of which the one longest without a set is named."""

    def host(name: str, sets: list) -> collect.HostRun:
        made = collect.from_results(name, {}, {"record": {**sample.daily().record, "artifacts": {"backup_sets": sets}}}, "daily")
        assert made
        return made

    def line(*hosts: collect.HostRun) -> tuple[str, str]:
        return next(item for item in summary(*hosts) if item[1].startswith("backup"))

    good = {"id": "new", "created": "2026-11-23T01:00:44Z", "bytes": 1024, "documents": 1, "complete": True, "verified": None}
    old = {**good, "id": "old", "created": "2026-11-21T02:00:44Z", "restored": {"ok": False, "at": "2026-11-21T03:00:00Z"}}
    assert line(host("a", [])) == ("unknown", "backup   no backup set on a")
    assert line(host("a", [good])) == ("", "backup   newest set new, 60 min ago, 1.0 KiB, 1 document, not proved yet")
    assert line(host("a", [old])) == ("critical", "backup   newest set old, 2 days ago, 1.0 KiB, 1 document, does not restore")
    assert line(host("a", [good]), host("b", [old]))[1].startswith("backup   2 hosts have sets; the oldest newest one, on b: old, ")
    assert not [1 for unused, text in summary(sample.unreachable("a")) if text.startswith("backup")]


def test_hostile_text_cannot_drive_the_terminal() -> None:
    """No escape sequence, no line of its own."""
    changes = {"host.load": ("critical", "\x1b[2J\x1b]0;x\x07over\r\nCRITICAL faked", 1.0, {})}
    text = "\n".join(line for unused, line in summary(sample.daily(changes=changes)))
    assert "\x1b" not in text and "\r" not in text and "over CRITICAL faked" in text


def test_check_mode_says_what_would_be_done_and_a_real_run_does_not() -> None:
    """A rehearsal is read for what it plans."""
    host = sample.daily()
    host.record["actions"] = [{"kind": "backup.remove", "target": f"/b/{number}", "summary": f"set {number} would be removed", "changed": True,
                               "details": {}, "host": "db1"} for number in range(6)]
    rehearsed, real = (verdict.build([host], "daily", "", mode, sample.NOW) for mode in (True, False))
    planned = [line for unused, line in terminal.summary(rehearsed, None) if line.startswith("planned")]
    assert planned[0] == "planned  db1  set 0 would be removed" and planned[-1] == "planned  and 2 more" and len(planned) == 5
    assert not [line for unused, line in terminal.summary(real, None) if line.startswith("planned")]
