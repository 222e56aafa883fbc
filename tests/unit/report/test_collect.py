# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts reported, made plain: who took part, why a record is missing, and what is taken out of texts."""

from __future__ import annotations

import json

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.report import collect
from ansible_collections.trixtech.maintenance.tests.unit.report import sample


def _record(**changes: object) -> dict:
    return {**sample.daily().record, **changes}


@pytest.mark.parametrize(("begin", "finish", "reason"), [
    ({"unreachable": True, "msg": "ssh: no route"}, None, "could not be reached: ssh: no route"),
    ({"unreachable": True, "msg": "ssh: no route"}, {"record": _record()}, "could not be reached"),
    ({"failed": True, "msg": ["app_name is empty", "app_user is empty"]}, {}, "could not begin: app_name is empty; app_user is empty"),
    ({"run_id": "1"}, None, "did not finish: the host reported no record"),
    ({}, {}, "did not finish"),
    ({"run_id": "1"}, {"unreachable": True, "msg": "gone"}, "lost before the run finished: gone"),
    ({"run_id": "1"}, {"failed": True, "msg": "the disk is full"}, "could not be finished: the disk is full"),
    ({"run_id": "of today"}, {"record": _record()}, "only the record of another run"),
    ({}, {"record": {"id": "1", "kind": "daily", "status": "ok"}}, "cannot be read"),
])
def test_no_record_is_unknown_with_its_reason(begin: dict, finish: dict, reason: str) -> None:
    """A host without a record of this run has one check of its own, unknown, and no other."""
    host = collect.from_results("db1", begin, finish, "daily")
    assert host.status == "unknown"
    assert [(check["id"], check["status"], check["host"]) for check in host.checks] == [("run.host", "unknown", "db1")]
    assert reason in host.checks[0]["summary"]


def test_who_took_part() -> None:
    """A host that was never begun, or whose last run was of another kind, took no part."""
    assert collect.from_results("db1", None, None, "daily") is None
    weekly = _record(kind="weekly")
    assert collect.from_results("db1", {"run_id": weekly["id"]}, {"record": weekly}, "daily") is None
    assert collect.from_results("db1", {"run_id": "another"}, {"record": weekly}, "daily").status == "unknown"


def test_a_record_without_checks_is_not_ok() -> None:
    """No data is not good news, whatever the record itself says."""
    host = collect.from_results("db1", {}, {"record": _record(checks=[], status="ok")}, "daily")
    assert host.status == "unknown"
    assert "made no check" in host.checks[0]["summary"]


def test_a_verdict_worse_than_the_checks_counts_and_a_strange_one_is_unknown() -> None:
    """The worst of both; and a status that is none is unknown."""
    assert collect.from_results("db1", {}, {"record": _record(status="critical")}, "daily").status == "critical"
    assert collect.from_results("db1", {}, {"record": _record(status="fine")}, "daily").status == "unknown"
    checks = [{"id": "a.b", "status": "great"}]
    host = collect.from_results("db1", {}, {"record": _record(checks=checks)}, "daily")
    assert (host.checks[0]["status"], host.checks[0]["host"], host.checks[0]["summary"]) == ("unknown", "db1", "")


def test_clean_takes_out_what_does_not_belong() -> None:
    """Secrets, terminal codes, marks that turn writing around, numbers that are none, and what JSON cannot hold."""
    dirty = {
        "uri": "mongodb://app:hunter2@db1/x", "text": "password=hunter2 \x1b[31mred\x1b[0m \x1b]0;title\x07 \u202eabc \ud800",
        "details": {"api_key": "hunter2", "nested": [{"smtp_password": "hunter2"}]}, "nan": float("nan"), "infinite": float("-inf"),
        "huge": 10**400, "set": {1}, 5: True, "lines": "a\nb\tc",
    }
    cleaned = collect.clean(dirty)
    assert "hunter2" not in json.dumps(cleaned, allow_nan=False)
    assert cleaned["text"] == "password=******** red  abc "
    assert (cleaned["nan"], cleaned["infinite"], cleaned["huge"], cleaned["5"], cleaned["lines"]) == (None, None, None, True, "a\nb\tc")
    json.dumps(cleaned, ensure_ascii=False).encode()


def test_points() -> None:
    """Only pairs of finite numbers, in order of time."""
    series = [[20, 2], [10, 1.5], [30, None], ["x", 1], [40, float("nan")], [1], None, [50, True]]
    assert collect.points(series) == [(10.0, 1.5), (20.0, 2.0)]
