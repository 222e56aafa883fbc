# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Retention: restic's rules, and the guards beyond them."""

from __future__ import annotations

import datetime
import random

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.retention import COUNTS, Candidate, check_policy, plan
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError

NOW = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.timezone.utc)


def every(step: datetime.timedelta, count: int, **more) -> list:
    return [Candidate(f"{number:04d}", NOW - number * step, **more) for number in range(count)]


def kept(candidates: list, policy: dict, now: datetime.datetime = NOW) -> list:
    return [verdict.id for verdict in plan(candidates, policy, now) if verdict.keep]


DAYS, HOURS = datetime.timedelta(days=1), datetime.timedelta(hours=1)


def test_the_guides_seven_days():
    assert kept(every(DAYS, 30), {"within": "7d"}) == [f"{number:04d}" for number in range(7)]


def test_within_counts_from_the_newest_set_so_that_a_stopped_backup_loses_nothing():
    old = [Candidate(str(number), NOW - datetime.timedelta(days=40 + number)) for number in range(5)]
    assert len(kept(old, {"within": "7d"})) == 5


def test_a_period_keeps_its_newest_set():
    assert kept(every(6 * HOURS, 12), {"daily": 3}) == ["0000", "0003", "0007"]


def test_only_periods_that_have_a_set_count():
    gaps = [Candidate(str(days), NOW - days * DAYS) for days in (0, 10, 20, 30)]
    assert kept(gaps, {"daily": 3}) == ["0", "10", "20"]


def test_rules_are_ored_and_every_reason_is_told():
    verdicts = plan(every(DAYS, 3), {"last": 1, "daily": 2}, NOW)
    assert verdicts[0].reasons == ["newest set", "last", "daily"] and verdicts[1].reasons == ["daily"] and not verdicts[2].keep


def test_the_newest_and_the_newest_proven_set_always_stay():
    candidates = every(DAYS, 20)
    candidates[15].proven = candidates[17].proven = True
    assert kept(candidates, {"last": 1}) == ["0000", "0015"]


def test_damaged_and_future_sets_stay_and_do_not_count():
    candidates = every(DAYS, 5)
    candidates[0].damaged = True
    candidates.append(Candidate("future", NOW + DAYS))
    assert kept(candidates, {"last": 1}) == ["future", "0000", "0001"]


@pytest.mark.parametrize("policy, message", [
    ({}, "keeps nothing"), ({"last": 0}, "keeps nothing"), ({"latest": 3}, "no rule latest"), ({"daily": -1}, "number of sets"),
    ({"daily": "7"}, "number of sets"), ({"within": "7 days"}, "36h, 7d or 4w"), ({"last": True}, "number of sets"),
])
def test_a_policy_that_is_none_is_refused(policy, message):
    with pytest.raises(MaintenanceError, match=message):
        check_policy(policy)


def test_no_policy_ever_removes_the_newest_or_the_newest_proven_set():
    for seed in range(500):
        dice = random.Random(seed)
        candidates = [Candidate(str(number), NOW - dice.random() * 800 * DAYS, proven=dice.random() < 0.3, damaged=dice.random() < 0.1)
                      for number in range(dice.randrange(1, 40))]
        policy = {name: dice.randrange(4) for name in COUNTS}
        policy["last"] = policy["last"] or 1
        verdicts = {verdict.id: verdict for verdict in plan(candidates, policy, NOW)}
        sound = sorted((item for item in candidates if not item.damaged), key=lambda item: (item.taken, item.id))
        assert all(verdicts[item.id].keep for item in candidates if item.damaged)
        assert not sound or verdicts[sound[-1].id].keep
        proven = [item for item in sound if item.proven]
        assert not proven or verdicts[proven[-1].id].keep
