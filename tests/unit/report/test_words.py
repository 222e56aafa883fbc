# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers, times, areas and hints in words."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.report import words
from ansible_collections.trixtech.maintenance.tests.unit.report import sample


@pytest.mark.parametrize(("hint", "shown"), [
    ("docs/runbook.md#connections", "runbook: connections"), ("docs/runbook.md#restore-test-failed", "runbook: restore test failed"),
    ("docs/disaster_recovery.md", "disaster_recovery"), ("https://wiki.example.com/x", "https://wiki.example.com/x"), (None, ""),
    ("ask Jane", "ask Jane"),
])
def test_remedy(hint: str, shown: str) -> None:
    """A pointer to a page of the collection becomes words; anything else stays as it is."""
    assert words.remedy(hint) == shown


@pytest.mark.parametrize(("value", "unit", "shown"), [
    (82.4, "percent", "82.4 %"), (4_827_125, "bytes", "4.6 MiB"), (2.1, "seconds", "2.1 s"), (0, "seconds", "0 s"), (38.44, "ms", "38.4 ms"),
    (1, "problems", "1 problem"), (1, "processes", "1 process"), (12345, "documents", "12,345 documents"),
    (0.2134, "load per processor", "0.213 load per processor"),
    (1e20, None, "1e+20"), (0.00001, None, "1e-05"), (412, None, "412"), (None, "percent", ""), (float("nan"), "ms", ""), (True, None, ""),
])
def test_quantity(value: float, unit: str, shown: str) -> None:
    """No more digits than one reads, each unit as people write it."""
    assert words.quantity(value, unit) == shown


def test_limits_and_areas() -> None:
    """Limits in the unit of the value; areas in the order of the report, strange ones before the run itself."""
    assert words.limits(Check("a", "ok", "", 1, "percent", 80, 90).as_dict()) == ["warning 80 %", "critical 90 %"]
    assert words.limits(Check("a", "ok", "", 1, "days", 20, None).as_dict()) == ["warning 20"]
    assert [words.area(name) for name in ("host.disk[/a.b]", "host[x.y]", "plain")] == ["host", "host", "plain"]
    assert sorted(["run", "zebra", "app", "logs", "custom"], key=words.area_order) == ["app", "logs", "custom", "zebra", "run"]


def test_times() -> None:
    """The same in every locale, UTC always; what is no time says so."""
    east = datetime.timezone(datetime.timedelta(hours=3))
    assert words.date_time(words.moment("2026-11-23T05:00:00+03:00")) == "23 Nov 2026, 02:00 UTC"
    assert words.age("2026-11-23T01:00:00Z", datetime.datetime(2026, 11, 23, 5, 0, tzinfo=east)) == "60 min ago"
    assert words.age("gibberish", sample.NOW) == words.date_time(None) == "at an unknown time"
    assert words.from_epoch(1e30) is None and words.moment(12) is None
