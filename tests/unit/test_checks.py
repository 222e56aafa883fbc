# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statuses, thresholds and times."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils import checks
from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, OK, SKIPPED, UNKNOWN, WARNING, Check, Threshold


@pytest.mark.parametrize("statuses, wanted", [
    ([], UNKNOWN), ([OK], OK), ([SKIPPED, OK], OK), ([OK, WARNING], WARNING), ([WARNING, UNKNOWN], UNKNOWN), ([UNKNOWN, CRITICAL], CRITICAL),
    ([SKIPPED], SKIPPED),
])
def test_the_worst_status_wins_and_no_data_is_no_good_news(statuses, wanted):
    assert checks.worst(statuses) == wanted
    assert checks.overall([Check("a", status, "") for status in statuses]) == wanted


@pytest.mark.parametrize("fail_on, failing", [("critical", {CRITICAL}), ("warning", {WARNING, UNKNOWN, CRITICAL}), ("never", set())])
def test_what_fails_a_run(fail_on, failing):
    assert {status for status in checks.SEVERITY if checks.is_failure(status, fail_on)} == failing


def test_a_misspelt_fail_on_is_refused():
    with pytest.raises(ValueError, match="critical, warning or never"):
        checks.is_failure(OK, "criticl")


@pytest.mark.parametrize("value, last, wanted", [
    (79.9, None, OK), (80, None, WARNING), (90, None, CRITICAL), (95, OK, CRITICAL),
    (79, WARNING, WARNING),  # between trip (80) and clear (76): stays
    (76, WARNING, WARNING), (75.9, WARNING, OK),
    (89, CRITICAL, CRITICAL), (85.4, CRITICAL, WARNING), (79, CRITICAL, WARNING), (10, CRITICAL, OK),
    (79, UNKNOWN, OK),
])
def test_a_threshold_trips_and_clears_at_different_values(value, last, wanted):
    assert Threshold(warning=80, critical=90).judge(value, last) == wanted


@pytest.mark.parametrize("value, last, wanted", [(30, None, OK), (20, None, WARNING), (3, None, CRITICAL), (20.5, WARNING, WARNING), (22, WARNING, OK)])
def test_low_values_can_be_bad(value, last, wanted):
    assert Threshold(warning=20, critical=3, above=False).judge(value, last) == wanted


def test_clear_values_can_be_given():
    limits = Threshold(warning=80, critical=90, warning_clear=50)
    assert limits.judge(51, WARNING) == WARNING and limits.judge(49, WARNING) == OK


@pytest.mark.parametrize("arguments, message", [
    ({"warning": 95, "critical": 90}, "above the critical"), ({"warning": 3, "critical": 20, "above": False}, "below the critical"),
    ({"warning": 80, "warning_clear": 85}, "bad side"),
])
def test_limits_that_contradict_each_other_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Threshold(**arguments)


def test_a_threshold_of_nothing_is_always_ok():
    assert Threshold().judge(10**9) == OK


def test_a_check_needs_a_known_status():
    with pytest.raises(ValueError, match="no status"):
        Check("a", "fine", "")


def test_times_survive_writing_and_reading():
    moment = datetime.datetime(2026, 11, 23, 2, 0, 1, 250000, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
    assert checks.timestamp(moment) == "2026-11-23T01:00:01.250Z"
    assert checks.parse_timestamp("2026-11-23T01:00:01.250Z") == moment
    with pytest.raises(ValueError, match="no zone"):
        checks.parse_timestamp("2026-11-23T01:00:01")
