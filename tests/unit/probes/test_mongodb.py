# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import base, mongodb, mongodb_replication, mongodb_storage

NOW = datetime.datetime(2026, 11, 23, 12, 0, 0)


def members(*rows):
    """Describe a set. rows: (state, health, seconds behind NOW, settings)."""
    names = {0: "STARTUP", 1: "PRIMARY", 2: "SECONDARY", 3: "RECOVERING", 5: "STARTUP2", 7: "ARBITER", 8: "(not reachable/healthy)", 9: "ROLLBACK"}
    status = {"members": [
        {"_id": number, "name": f"db{number}:27017", "state": state, "stateStr": names[state], "health": health,
         "lastHeartbeatMessage": "" if health else "Error connecting to db",
         **({} if behind is None else {"optimeDate": NOW - datetime.timedelta(seconds=behind)})}
        for number, (state, health, behind, _settings) in enumerate(rows)]}
    config = {"members": [{"_id": number, "votes": 1, "hidden": False, **settings} for number, (_s, _h, _b, settings) in enumerate(rows)]}
    return mongodb_replication.describe(status, config)


def test_a_sound_set():
    found = mongodb_replication.judge_members(members((1, 1, 0, {}), (2, 1, 4, {}), (2, 1, 1, {})))
    assert found == {"problems": [], "primary": "db0:27017", "furthest": "db1:27017", "lag": 4.0}


@pytest.mark.parametrize("name", ["secondaryDelaySecs", "slaveDelay"])
def test_configured_delay_is_no_lag(name):
    rows = ((1, 1, 0, {}), (2, 1, 3605, {name: 3600, "hidden": True}), (2, 1, 2, {}))
    assert mongodb_replication.judge_members(members(*rows))["lag"] == 5.0
    # a delayed member that is ahead of its delay is not behind
    assert members((1, 1, 0, {}), (2, 1, 100, {name: 3600}))[1]["lag_s"] == 0.0


def test_arbiter_has_no_lag_and_votes():
    found = mongodb_replication.judge_members(members((1, 1, 0, {}), (2, 1, 1, {}), (7, 1, None, {})))
    assert found["problems"] == [] and found["lag"] == 1.0


@pytest.mark.parametrize(("state", "word"), [(3, "RECOVERING"), (5, "STARTUP2"), (9, "ROLLBACK"), (0, "STARTUP")])
def test_member_that_is_up_but_not_serving_is_named(state, word):
    (problem,) = mongodb_replication.judge_members(members((1, 1, 0, {}), (2, 1, 0, {}), (state, 1, 0, {})))["problems"]
    assert problem == ("warning", f"db2:27017 is {word}")


def test_lost_member_is_named_with_its_reason():
    found = mongodb_replication.judge_members(members((1, 1, 0, {}), (2, 1, 0, {}), (8, 0, None, {})))
    assert found["problems"] == [("warning", "db2:27017 is not reachable (Error connecting to db)")]


def test_no_primary_and_no_majority_are_critical():
    found = mongodb_replication.judge_members(members((2, 1, 0, {}), (8, 0, None, {}), (8, 0, None, {})))
    assert [status for status, _text in found["problems"]].count("critical") == 2
    assert found["lag"] is None and found["primary"] is None


def test_members_without_a_vote_make_no_majority():
    rows = [(1, 1, 0, {}), (8, 0, None, {}), (2, 1, 0, {"votes": 0}), (2, 1, 0, {"votes": 0})]
    found = mongodb_replication.judge_members(members(*rows))
    assert ("critical", "only 1 of 2 voting members are up: no majority") in found["problems"]


def test_an_empty_answer_is_no_sound_set():
    with pytest.raises(base.CannotLook):
        mongodb_replication.describe({"members": []}, {})


@pytest.mark.parametrize(("uri", "several"), [
    ("mongodb://u:p@db1:27017/?authSource=admin", False),
    ("mongodb://u:p@db1,db2/?replicaSet=rs0", True),
    ("mongodb://db1/?tags=a,b", False),
    ("mongodb://u:p,q@db1/", False),
    ("mongodb+srv://u:p@cluster.example.com/", True),
    ("mongodb://%2Ftmp%2Fmongodb.sock", False),
])
def test_a_uri_of_one_host_is_looked_at_directly(uri, several):
    assert mongodb._several_hosts(uri) is several


def test_two_waits_fit_into_the_time_of_a_check():
    for timeout in (0.5, 3.0, 10.0, 60.0):
        assert 2 * mongodb.patience({"timeout": timeout}) < timeout
    assert mongodb.patience({"timeout": 60.0}) == mongodb.PATIENCE


def test_growth_needs_a_history():
    day = mongodb_storage.DAY
    assert mongodb_storage._growth([(0.0, 1.0), (day / 2, 2.0), (day * 0.9, 3.0)], 24) is None
    assert mongodb_storage._growth([(0.0, 1.0), (day * 2, 2.0)], 24) is None
    assert mongodb_storage._growth([(0.0, 1.0), (day, 2.0), (2 * day, 3.0)], 24) == pytest.approx(1.0)
