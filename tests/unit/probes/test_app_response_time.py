# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, OK, UNKNOWN, WARNING
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import app_response_time

ID = "app.response_time"


def points(*values):
    return {ID: [(float(number), value) for number, value in enumerate(values)]}


@pytest.fixture
def times(monkeypatch):
    """Return a function that fixes what is measured, so that no test depends on how fast this machine is."""
    def fix(good, causes=()):
        monkeypatch.setattr(app_response_time, "measure", lambda options: (list(good), list(causes)))
    return fix


def test_real_requests(look, web):
    (check,) = look({"type": ID, "url": web.url, "requests": 7})
    assert check.status == OK
    assert len(web.seen) == 7
    assert check.details["sent"] == 7 and check.details["failed"] == 0 and check.details["usual"] is None
    assert 0 <= check.details["p50"] <= check.details["p95"] <= check.details["p99"]
    assert check.value == check.details["p95"] and check.unit == "ms"


def test_failed_answers_are_left_out_and_told(look, web):
    web.answer = lambda path: (500 if len(web.seen) % 4 == 0 else 200, {}, b"")
    (check,) = look({"type": ID, "url": web.url, "requests": 8})
    assert check.status == OK
    assert check.details["failed"] == 2
    assert "2 other requests failed: status 500" in check.summary


def test_too_few_good_answers(look, web):
    web.answer = lambda path: (200 if len(web.seen) % 4 == 1 else 500, {}, b"")
    (check,) = look({"type": ID, "url": web.url, "requests": 8})
    assert check.status == UNKNOWN
    assert "only 2 of 8" in check.summary and "status 500" in check.summary


def test_nothing_listens(look, closed_port):
    (check,) = look({"type": ID, "url": f"http://127.0.0.1:{closed_port}/"})
    assert check.status == UNKNOWN
    assert "only 0 of 3" in check.summary and "connection refused" in check.summary


def test_a_hanging_application_is_not_asked_to_the_end(look, talker):
    asked = []
    port = talker(lambda client: (asked.append(1), threading.Event().wait(20)))
    (check,) = look({"type": ID, "url": f"http://127.0.0.1:{port}/", "answer_within": 0.2})
    assert check.status == UNKNOWN
    assert "no answer within 0.2 s" in check.summary
    assert len(asked) == app_response_time.GIVE_UP_AFTER


def test_limits(look, times):
    times([100.0] * 19 + [900.0])
    options = {"type": ID, "url": "http://x", "warning": 120, "critical": 500}
    assert look(options)[0].status == WARNING  # p95 is 140
    times([600.0] * 20)
    assert look(options)[0].status == CRITICAL


def test_slow_from_the_first_day(look, times):
    times([1500.0] * 20)
    (check,) = look({"type": ID, "url": "http://x"})
    assert check.status == WARNING and check.warning == 1000


def test_slower_than_usual(look, times):
    times([210.0] * 20)
    (check,) = look({"type": ID, "url": "http://x"}, series=points(90, 100, 5000, 100, 95))
    assert check.status == WARNING
    assert "210" in check.summary and "the median of the last 14 days is 100 ms" in check.summary
    assert check.details["usual"] == 100


@pytest.mark.parametrize(("now", "past", "why"), [
    (190.0, (100, 100, 100, 100, 100), "not twice as slow"),
    (40.0, (10, 10, 10, 10, 10), "four times as slow, but only by 30 ms"),
    (210.0, (100, 100, 100, 100), "too short a history"),
    (210.0, (), "no history"),
])
def test_not_slower_than_usual(look, times, now, past, why):
    times([now] * 20)
    assert look({"type": ID, "url": "http://x"}, series=points(*past))[0].status == OK, why


def test_degradation_can_be_switched_off(look, times):
    times([900.0] * 20)
    assert look({"type": ID, "url": "http://x", "degradation": 0}, series=points(*[10] * 9))[0].status == OK


def test_degradation_does_not_hide_critical(look, times):
    times([2000.0] * 20)
    assert look({"type": ID, "url": "http://x", "critical": 1000}, series=points(*[10] * 9))[0].status == CRITICAL
