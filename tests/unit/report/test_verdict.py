# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record over all hosts, the verdict, since when, and what to do next."""

from __future__ import annotations

import dataclasses
import itertools
import json

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import SEVERITY, Action, Check, parse_timestamp
from ansible_collections.trixtech.maintenance.plugins.module_utils.report import collect, output, page, verdict
from ansible_collections.trixtech.maintenance.plugins.module_utils.version import VERSION
from ansible_collections.trixtech.maintenance.tests.unit.report import sample


def report(*hosts: collect.HostRun, check_mode: bool = False) -> verdict.Report:
    """Build the daily report over hosts."""
    return verdict.build(list(hosts), "daily", "", check_mode, sample.NOW)


def host_with(*statuses: str, name: str = "h", history: int = 0) -> collect.HostRun:
    """Return a host with a check of each status."""
    changes = {row[0]: (status, f"it is {status}", None, {}) for row, status in zip(sample.OK_CHECKS, statuses)}
    return sample.daily(changes=changes, name=name, history=history)


def test_record_schema() -> None:
    """The fields of docs/architecture.md: one record over all hosts, and a host on every check, action and step."""
    made = json.loads(output.record_text(report(sample.daily(name="a"), sample.frozen("b"), sample.unreachable("c"))))
    assert set(made) == {"format", "id", "kind", "hosts", "ids", "collection", "check_mode", "status", "started", "finished", "duration_s",
                         "generated", "steps", "checks", "actions", "artifacts", "previous"}
    assert (made["format"], made["kind"], made["status"], made["check_mode"]) == (1, "daily", "critical", False)
    assert made["hosts"] == {"a": "ok", "b": "critical", "c": "unknown"}
    assert made["ids"]["c"] is None and made["id"] == made["ids"]["a"]
    assert made["collection"] == VERSION
    for name, fields in (("checks", dataclasses.fields(Check)), ("actions", dataclasses.fields(Action))):
        assert made[name]
        for item in made[name]:
            assert set(item) >= {field.name for field in fields}
            assert item["host"] in made["hosts"]
    assert {step["host"] for step in made["steps"]} == {"a", "b"}
    assert set(made["steps"][0]) == {"name", "role", "status", "changed", "started", "duration_ms", "error", "host"}
    assert set(made["artifacts"]) == {"a", "b"}
    begun, ended = parse_timestamp(made["started"]), parse_timestamp(made["finished"])
    assert made["duration_s"] == (ended - begun).total_seconds() == 41.2
    assert made["previous"] == {"id": "20261122T020001Z-aaaa", "status": "ok", "finished": "2026-11-22T02:00:40.000Z"}


def test_no_host_is_unknown_and_fails() -> None:
    """Nothing looked at is no success, whatever fail_on says, but for never."""
    empty = report()
    assert (empty.status, empty.record["hosts"], empty.record["checks"]) == ("unknown", {}, [])
    assert "no host took part" in verdict.verdict(empty)
    assert (empty.fails("critical"), empty.fails("warning"), empty.fails("never")) == (True, True, False)


@pytest.mark.parametrize(("status", "fails"), [("skipped", 0), ("ok", 0), ("warning", 1), ("unknown", 1), ("critical", 2)])
def test_when_a_run_fails(status: str, fails: int) -> None:
    """critical fails always, warning and unknown where that is asked for."""
    found = report(host_with(*[status] * len(sample.OK_CHECKS)))
    assert found.status == status
    assert [found.fails("warning"), found.fails("critical"), found.fails("never")] == [fails >= 1, fails >= 2, False]


def test_the_worst_is_the_verdict() -> None:
    """Of any two hosts, and of any two checks of one."""
    for one, other in itertools.product(SEVERITY, SEVERITY):
        expected = max(one, other, "ok", key=SEVERITY.index)  # the other checks are ok
        assert report(host_with(one, other)).status == expected
        assert report(host_with(one, name="a"), host_with(other, name="b")).status == expected


def test_order_of_what_to_do_next() -> None:
    """Worst first; in one status what lies underneath first, since it is the cause of what stands on it."""
    items = verdict.todo(report(sample.frozen()))
    assert [item.status for item in items] == ["critical"] * 3 + ["unknown"] + ["warning"] * 2
    assert [item.ids[0] for item in items[:3]] == ["mongodb.ping", "app.deep", "run.step[backup]"]
    assert len(items[3].ids) == 6  # one cause, one entry
    assert items[0].hint == "runbook: database down"
    assert verdict.todo(report(sample.daily())) == []


def test_the_same_finding_on_several_hosts_is_one_entry() -> None:
    """With each host named in it."""
    items = verdict.todo(report(*sample.fleet(40)))
    disks = next(item for item in items if item.ids == ("host.disk[/srv]",) and item.status == "critical")
    assert [host.name for host, unused_check in disks.entries] == ["app08", "app16", "app24", "app32", "app40"]


def test_sentences() -> None:
    """What, where, and since when."""
    assert verdict.verdict(report(sample.daily())) == \
        "Everything is ok on lab1 since 12 Nov 2026, 02:00 UTC (12 runs): 28 checks ok, 1 skipped."
    assert verdict.verdict(report(sample.frozen())).startswith(
        "Critical on lab1, where the run before was ok: MongoDB accepts connections and does not answer within 10 s; and 2 more checks are")
    two = verdict.verdict(report(sample.unreachable("a"), sample.unreachable("b"), sample.daily(name="c")))
    assert two.startswith("Unknown on a and b: the host could not be reached") and two.endswith("on a; and 1 more check is unknown.")
    assert verdict.where([sample.unreachable(str(number)) for number in range(5)]) == "5 hosts (0, 1, 2 and 2 more)"


def test_run_since() -> None:
    """Counted back while each run had the same status; "at least" where history ends before that does."""
    host = sample.daily()
    assert verdict.run_since(host) == verdict.Since(parse_timestamp("2026-11-12T02:00:01Z"), 12, True)
    host.runs = host.runs[:5]
    assert verdict.run_since(host).words() == "since at least 19 Nov 2026, 02:00 UTC (5 runs)"
    assert verdict.run_since(sample.frozen()) is None
    assert verdict.run_since(sample.daily(history=0)) is None
    assert verdict.run_since(sample.unreachable("a")) is None


@pytest.mark.parametrize(("limits", "values", "runs", "whole"), [
    ((80, 90), [70, 85, 82, 81], 3, True),
    ((80, 90), [83, 85, 82, 81], 4, False),
    ((80, 90), [70, 70, 70, 81], None, None),
    ((20, 3), [40, 19, 10, 9], 3, True),
    ((5, None), [1, 6, 7], 2, True),
    ((None, None), [1, 6, 7], None, None),
])
def test_check_since(limits: tuple, values: list, runs: int, whole: bool) -> None:
    """How long the value has been on the bad side of the limit, high or low."""
    check = Check("a.b", "warning", "", values[-1], None, *limits).as_dict()
    since = verdict.check_since(check, [(float(when), float(value)) for when, value in enumerate(values)])
    assert (since and since.runs, since and since.whole) == (runs, whole)


def test_this_run_ends_the_trend_once() -> None:
    """Whether history holds this run already or, in check mode, does not."""
    host = sample.daily()
    check = next(item for item in host.checks if item["id"] == "host.load")
    stored = verdict.trend_of(host, check)
    assert stored[-1][1] == check["value"] and stored[-2][0] < stored[-1][0] - 80000
    host.trends["host.load"] = stored[:-1]
    assert verdict.trend_of(host, check)[-2:] == [stored[-2], (stored[-1][0], check["value"])]
    del host.trends["host.load"]
    assert len(verdict.trend_of(host, check)) == 1


def test_same_input_same_bytes() -> None:
    """But for the time it was made."""
    first, again = (report(*sample.fleet(12), sample.every_status()) for unused_round in range(2))
    assert output.record_text(first) == output.record_text(again)
    assert page.render(first) == page.render(again)


@pytest.mark.parametrize("fail_on, fails", [("critical", True), ("warning", True), ("never", False)])
def test_a_host_that_could_not_be_reached_fails_the_run(fail_on: str, fails: bool) -> None:
    """Nothing is proved about it: a schedule that reaches nobody must not end well."""
    assert report(sample.daily(), sample.unreachable("h2")).fails(fail_on) is fails


def test_check_mode_is_said() -> None:
    """In the record and on the page."""
    made = report(sample.daily(), check_mode=True)
    assert made.record["check_mode"] is True
    assert "changed nothing" in page.render(made) and "Changes that would be made" in page.render(made)
