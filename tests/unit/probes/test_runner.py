# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
import time
import types

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import OK, UNKNOWN, Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import base, registry, runner


@pytest.fixture
def kind(monkeypatch):
    """Return a function that adds a check type for the test."""
    def add(name, look, options=None, **attributes):
        implementation = types.SimpleNamespace(TYPE=name, OPTIONS=options or {}, look=look, **attributes)
        monkeypatch.setitem(registry.TYPES, name, implementation)
    return add


@pytest.fixture
def forever():
    """Return an event that hanging probes wait for; it is set when the test is over."""
    event = threading.Event()
    yield event
    event.set()


def well(context, options):
    return [Check(id=options["id"], status=OK, summary="well")]


def run(checks, total=30.0, workers=16, last=None, **arguments):
    return runner.run(runner.plan(checks, **{"overrides": {}, **arguments}), base.Context(last=last or {}), total, workers)


def test_checks_come_back_in_the_order_asked_for(kind):
    def slow(context, options):
        time.sleep(0.05)
        return [Check(id=options["id"], status=OK, summary=""), Check(id=options["id"] + ".second", status=OK, summary="")]
    kind("a.slow", slow)
    kind("a.fast", well)
    found = run([{"type": "a.slow"}, {"type": "a.fast"}])
    assert [check.id for check in found] == ["a.slow", "a.slow.second", "a.fast"]
    assert all(check.started and check.duration_ms is not None for check in found)


def test_a_hanging_probe_is_unknown_and_the_others_count(kind, forever):
    kind("a.hang", lambda context, options: forever.wait() and [], options=base.threshold_options(1, 2, "things"))
    kind("a.well", well)
    hanging, good = run([{"type": "a.hang", "timeout": 0.1}, {"type": "a.well"}])
    assert (hanging.status, good.status) == (UNKNOWN, OK)
    assert hanging.summary == "could not look: no answer within 0.1 s"
    assert (hanging.warning, hanging.critical, hanging.duration_ms) == (1, 2, 100)


def test_hanging_probes_do_not_take_the_places_of_others(kind, forever):
    kind("a.hang", lambda context, options: forever.wait() and [])
    kind("a.well", well)
    checks = [{"type": "a.hang", "id": f"hang{number}", "timeout": 0.1} for number in range(3)]
    found = run([*checks, {"type": "a.well"}], workers=2)
    assert [check.status for check in found] == [UNKNOWN] * 3 + [OK]


def test_total_time_out(kind, forever):
    kind("a.hang", lambda context, options: forever.wait() and [])
    kind("a.well", well)
    found = run([{"type": "a.hang", "timeout": 60}, {"type": "a.well"}], total=0.3)
    assert [check.status for check in found] == [UNKNOWN, OK]
    assert "0.3 s" in found[0].summary


def test_a_probe_that_ends_after_its_time_changes_nothing(kind):
    done = threading.Event()

    def late(context, options):
        time.sleep(0.2)
        done.set()
        return well(context, options)

    def waits(context, options):
        done.wait(10)
        time.sleep(0.05)
        return well(context, options)

    kind("a.late", late)
    kind("a.waits", waits)
    found = run([{"type": "a.late", "timeout": 0.05}, {"type": "a.waits"}])
    assert [check.status for check in found] == [UNKNOWN, OK]


def test_a_broken_probe_is_unknown(kind):
    kind("a.broken", lambda context, options: 1 / 0)
    kind("a.well", well)
    broken, good = run([{"type": "a.broken"}, {"type": "a.well"}])
    assert broken.status == UNKNOWN and "the check itself broke: ZeroDivisionError" in broken.summary
    assert good.status == OK


def test_a_probe_that_finds_nothing_is_unknown(kind):
    kind("a.empty", lambda context, options: [])
    (check,) = run([{"type": "a.empty"}])
    assert check.status == UNKNOWN and "returned nothing" in check.summary


def test_cannot_look_is_unknown_with_the_reason_on_one_line(kind):
    def blind(context, options):
        raise base.CannotLook("it is\ndark; switch on the light")
    kind("a.blind", blind)
    (check,) = run([{"type": "a.blind"}])
    assert check.status == UNKNOWN and check.summary == "could not look: it is dark; switch on the light"


def test_secrets_do_not_leave_through_an_error(kind):
    def broken(context, options):
        raise ValueError(f"cannot use {options['password']} nor {options['headers']}")
    kind("a.broken", broken, options={"password": base.Option("str", secret=True), "headers": base.Option("dict", secret=True)})
    (check,) = run([{"type": "a.broken"}], secrets={"a.broken": {"password": "hush", "headers": {"X": "quiet"}}})
    assert check.status == UNKNOWN
    assert "hush" not in check.summary and "quiet" not in check.summary


def test_what_was_known_is_kept_when_it_cannot_look(kind, forever):
    def blind(context, options):
        raise base.CannotLook("dark")
    kind("a.blind", blind)
    kind("a.hang", lambda context, options: forever.wait() and [])
    last = {"a.blind": {"details": {"offset": 9}}, "a.hang": {"details": {"kept": {"count": 1}}}}
    found = run([{"type": "a.blind"}, {"type": "a.hang", "timeout": 0.05}], last=last)
    assert [check.details for check in found] == [{"kept": {"offset": 9}}, {"kept": {"count": 1}}]


def test_ids(kind):
    kind("a.well", well)
    kind("a.disk", well, options={"path": base.Option("str")}, INSTANCE="path")
    found = run([{"type": "a.well"}, {"type": "a.well", "id": "mine"}, {"type": "a.disk", "path": "/"}, {"type": "a.disk", "path": "/srv"}])
    assert [check.id for check in found] == ["a.well", "mine", "a.disk[/]", "a.disk[/srv]"]


@pytest.mark.parametrize(("checks", "arguments", "message"), [
    ([{"type": "a.well"}, {"type": "a.well"}], {}, "two checks have the id a.well"),
    ([{"type": "a.well", "id": "x"}, {"type": "a.well", "id": "x"}], {}, "two checks have the id x"),
    ([{"type": "no.such"}], {}, "no check type 'no.such'; there are .*host.load"),
    ([{"type": ["a.well"]}], {}, "no check type"),
    ([{}], {}, "check number 1 of the list has no type"),
    (["a.well"], {}, "check number 1 of the list has no type"),
    ([{"type": "a.well", "limit": 1}], {}, "no option 'limit'"),
    ([{"type": "a.limit", "warning": 90, "critical": 80}], {}, "check a.limit: the warning limit 90 must not lie above"),
    ([{"type": "a.low", "warning": 3, "critical": 20}], {}, "check a.low: the warning limit 3 must not lie below"),
    ([{"type": "a.limit", "warning": 80, "warning_clear": 85}], {}, "warning_clear 85"),
    ([{"type": "a.picky"}], {}, "this cannot work"),
    ([{"type": "a.well"}], {"overrides": {"no.such": {}}}, "no check type 'no.such'"),
    ([{"type": "a.well"}], {"overrides": {"a.well": {"limit": 1}}}, "no option 'limit'"),
    ([{"type": "a.well"}], {"overrides": {"a.well": [1]}}, "overrides of a.well"),
    ([{"type": "a.well"}], {"secrets": {"other": {"password": "hush"}}}, "secrets for other, but no check"),
    ([{"type": "a.well"}], {"secrets": {"a.well": "hush"}}, "secrets of a.well must be a dictionary"),
])
def test_bad_options_are_refused_before_anything_runs(kind, checks, arguments, message):
    looked = []

    def picky(options):
        raise MaintenanceError("this cannot work")

    kind("a.well", lambda context, options: looked.append(1))
    kind("a.limit", well, options=base.threshold_options(None, None, "things"))
    kind("a.low", well, options=base.threshold_options(None, None, "things"), ABOVE=False)
    kind("a.picky", well, prepare=picky)
    with pytest.raises(MaintenanceError, match=message) as caught:
        run(checks, **arguments)
    assert not looked and "hush" not in str(caught.value) and "\n" not in str(caught.value)


def test_secrets_per_id_and_per_type(kind):
    seen = {}

    def look(context, options):
        seen[options["id"]] = options["password"]
        return well(context, options)

    kind("a.mail", look, options={"password": base.Option("str", secret=True)})
    run([{"type": "a.mail"}, {"type": "a.mail", "id": "second"}], secrets={"a.mail": {"password": "one"}, "second": {"password": "two"}})
    assert seen == {"a.mail": "one", "second": "two"}


def test_misplaced_secrets_are_found_to_be_hidden():
    checks = [{"type": "smtp.connect", "password": "one", "username": "me"}, {"type": "app.http", "headers": {"Authorization": "two"}}, 3,
              {"type": ["x"]}, {"id": "x"}]
    assert runner.misplaced_secrets(checks, {"smtp.connect": {"password": "three"}, "host.disk": [1]}) == {"one", "two", "three"}
    assert runner.misplaced_secrets([{"type": "smtp.connect", "username": "me"}], {}) == set()
