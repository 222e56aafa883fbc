# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run record: what each way in which a step can end becomes."""

from __future__ import annotations

import re

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils import record
from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError

BEGIN = {"run_id": "20261123T020000Z-7c1f", "started": "2026-11-23T02:00:00.000Z", "previous": None, "interrupted": []}
STEPS = [
    {"name": "health", "role": "trixtech.maintenance.probe", "result": "probe_result", "needs": []},
    {"name": "backup", "role": "trixtech.maintenance.backup", "result": "backup_result"},
    {"name": "update", "role": "trixtech.maintenance.update", "result": "update_result", "needs": ["backup"]},
]


def check(check_id: str, status: str = "ok") -> dict:
    return Check(check_id, status, check_id).as_dict()


def results(**changes) -> dict:
    good = {
        "probe_result": {"changed": False, "checks": [check("host.load")], "started": "2026-11-23T02:00:01.000Z", "duration_ms": 900},
        "backup_result": {"changed": True, "checks": [check("backup.set")], "actions": [{"kind": "backup.publish", "target": "x"}],
                          "artifacts": {"backup": {"id": "s1", "bytes": 5}}},
        "update_result": {"changed": False, "checks": [], "artifacts": {"backup": {"seconds": 2}}},
    }
    return {**good, **changes}


def build(given=None, begin=None, **options) -> dict:
    options = {"collection": "0.1.0", "finished": "2026-11-23T02:00:41.240Z", **options}
    return record.build(begin or BEGIN, "daily", "db1", options.pop("steps", STEPS), results() if given is None else given, **options)


def by_id(built: dict) -> dict:
    return {item["id"]: item for item in built["checks"]}


def statuses(built: dict) -> dict:
    return {step["name"]: step["status"] for step in built["steps"]}


def test_a_good_run_has_every_field_of_the_contract():
    built = build()
    assert list(built) == ["format", "id", "kind", "host", "collection", "check_mode", "status", "started", "finished", "duration_s", "steps",
                           "checks", "actions", "artifacts", "previous"]
    assert (built["id"], built["status"], built["duration_s"], built["check_mode"]) == (BEGIN["run_id"], "ok", 41.2, False)
    assert statuses(built) == {"health": "ok", "backup": "ok", "update": "ok"}
    assert built["steps"][0] == {"name": "health", "role": "trixtech.maintenance.probe", "status": "ok", "changed": False, "error": None,
                                 "started": "2026-11-23T02:00:01.000Z", "duration_ms": 900, "host": "db1"}
    assert built["artifacts"] == {"backup": {"id": "s1", "bytes": 5, "seconds": 2}}
    assert all(item["host"] == "db1" for item in built["checks"] + built["actions"])
    assert all(item["started"] for item in built["checks"])


def test_the_results_are_not_changed():
    given = results()
    build(given)
    assert given == results()


@pytest.mark.parametrize(("result", "word"), [
    ({"failed": True, "msg": "the disk is full"}, "disk is full"),
    ({"unreachable": True, "msg": "ssh: connection refused"}, "connection refused"),
    ({"failed": True}, "without a message"),
    ({}, "no result"),
    (None, "no result"),
    ("text", "no result"),
    ({"checks": [{"status": "ok"}]}, "without id"),
    ({"checks": [{"id": "x", "status": "fine"}]}, "valid status"),
    ({"checks": ["ok"]}, "without id"),
])
def test_a_step_that_breaks_is_a_critical_check_and_ends_no_other(result, word):
    built = build(results(probe_result=result))
    broken = by_id(built)["run.step[health]"]
    assert (broken["status"], broken["hint"]) == ("critical", "docs/runbook.md#step-broken") and word in broken["summary"]
    assert statuses(built) == {"health": "critical", "backup": "ok", "update": "ok"} and built["status"] == "critical"
    assert word in built["steps"][0]["error"]


def test_an_error_outside_the_module_breaks_the_step_whatever_an_earlier_result_says():
    built = build(errors={"backup": "a variable\nis undefined"})
    assert by_id(built)["run.step[backup]"]["summary"] == "the step backup broke: a variable is undefined"
    assert statuses(built)["backup"] == "critical" and "backup.set" not in by_id(built)


def test_an_error_carries_no_secret_and_is_one_line():
    built = build(results(probe_result={"failed": True, "msg": "mongodb://u:hunter2@h/ refused\npassword=hunter3 " + "x" * 999}))
    text = str(built)
    assert "hunter" not in text and "\\n" not in text and len(by_id(built)["run.step[health]"]["summary"]) <= 300


@pytest.mark.parametrize(("backup", "why"), [
    ({"failed": True, "msg": "no"}, "critical"),
    ({"checks": [check("backup.set", "critical")]}, "critical"),
])
def test_a_step_is_not_run_without_what_it_needs(backup, why):
    given = results(backup_result=backup)
    del given["update_result"]
    built = build(given)
    assert statuses(built)["update"] == "skipped"
    assert by_id(built)["run.step[update]"]["status"] == "skipped" and f"needs backup, which is {why}" in by_id(built)["run.step[update]"]["summary"]


def test_needs_reach_through_a_step_that_was_not_run_and_know_what_is_not_there():
    steps = [*STEPS, {"name": "after", "role": "r", "result": "after_result", "needs": ["update", "nothing"]}]
    built = build(results(backup_result={"failed": True, "msg": "no"}), steps=steps)
    assert by_id(built)["run.step[after]"]["summary"] == "not run: it needs update, which was not run and nothing, which is no earlier step of this run"


def test_a_warning_or_unknown_in_what_it_needs_does_not_stop_a_step():
    for status in ("warning", "unknown"):
        built = build(results(backup_result={"checks": [check("backup.set", status)]}))
        assert statuses(built) == {"health": "ok", "backup": status, "update": "ok"}


def test_a_step_that_left_itself_out_is_skipped():
    assert statuses(build(results(update_result={"skipped": True, "changed": False})))["update"] == "skipped"


def test_a_host_that_cannot_be_reached_is_unknown():
    built = build({}, begin={"unreachable": True, "msg": "ssh: no route"})
    assert built["status"] == "unknown" and built["steps"] == [] and "no route" in by_id(built)["run.host"]["summary"]
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{4}", built["id"])


def test_a_run_that_could_not_begin_is_critical():
    built = build({}, begin={"failed": True, "msg": "no directory"})
    assert built["status"] == "critical" and list(by_id(built)) == ["run.step[begin]"]


def test_a_killed_run_before_this_one_is_a_warning():
    begin = {**BEGIN, "interrupted": [{"id": "a", "kind": "daily", "started": "2026-11-22T02:00:00.000Z"}]}
    built = build(begin=begin)
    assert by_id(built)["run.previous"]["status"] == "warning" and "2026-11-22T02:00:00" in by_id(built)["run.previous"]["summary"]
    assert built["status"] == "warning"


def test_the_previous_run_is_named():
    previous = {"id": "p", "status": "ok", "finished": "2026-11-22T02:00:40.000Z"}
    built = build(begin={**BEGIN, "previous": previous})
    assert built["previous"] == previous and previous["finished"] in by_id(built)["run.previous"]["summary"]


@pytest.mark.parametrize(("steps", "word"), [
    ([], "at least one step"),
    ("health", "at least one step"),
    ([{"name": "a"}], "no role and no result"),
    (["health"], "no name"),
    ([STEPS[0], {**STEPS[1], "name": "health"}], "two steps"),
    ([STEPS[0], {**STEPS[1], "result": "probe_result"}], "two steps"),
    ([{**STEPS[0], "needs": "backup"}], "must be a list"),
])
def test_a_malformed_list_of_steps_ends_in_one_line(steps, word):
    with pytest.raises(MaintenanceError, match=word):
        build(steps=steps)


def test_run_ids_differ():
    assert len({record.run_id() for _unused in range(20)}) > 10
