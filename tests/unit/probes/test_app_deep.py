# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, OK, WARNING
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError

BODY = {"status": "healthy", "uptime": 12.5, "ready": True, "one": 1, "components": {"database": {"status": "healthy"}, "a.b": 1},
        "nodes": [{"name": "a"}, {"name": "b"}], "nothing": None}


@pytest.fixture
def deep(look, web):
    """Return a function that looks at a body with assertions and other options."""
    def run(assertions, body=None, status=200, **options):
        body = BODY if body is None else body
        web.answer = lambda path: (status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())
        (check,) = look({"type": "app.deep", "url": web.url + "/deep", "assertions": assertions, **options})
        return check
    return run


@pytest.mark.parametrize("assertion", [
    {"path": "status", "equals": "healthy"},
    {"path": "components.database.status", "equals": "healthy", "exists": True},
    {"path": ["components", "a.b"], "equals": 1},
    {"path": "nodes.1.name", "equals": "b"},
    {"path": ["nodes", 0, "name"], "differs": "b"},
    {"path": "status", "in": ["healthy", "degraded"]},
    {"path": "status", "matches": "^health"},
    {"path": "uptime", "at_least": 12, "at_most": 13},
    {"path": "uptime", "matches": r"^12\."},
    {"path": "nothing", "equals": None},
    {"path": "gone", "exists": False},
])
def test_holds(deep, assertion):
    check = deep([assertion])
    assert check.status == OK, check.summary
    assert "1 assertion holds" in check.summary


@pytest.mark.parametrize(("assertion", "phrase"), [
    ({"path": "status", "equals": "ok"}, 'status is "healthy", expected equals "ok"'),
    ({"path": "status", "differs": "healthy"}, 'status is "healthy", expected differs "healthy"'),
    ({"path": "components.mail.status", "equals": "healthy"}, 'components.mail.status is missing, expected equals "healthy"'),
    ({"path": "components.mail.status", "differs": "unhealthy"}, "is missing"),
    ({"path": "nodes.2.name", "exists": True}, "nodes.2.name is missing, expected exists true"),
    ({"path": "status", "exists": False}, 'status is "healthy", expected exists false'),
    ({"path": "status", "in": ["a", "b"]}, 'expected in ["a", "b"]'),
    ({"path": "status", "matches": "^un"}, 'expected matches "^un"'),
    ({"path": "nodes", "matches": "a"}, "expected matches"),
    ({"path": "uptime", "at_least": 60}, "uptime is 12.5, expected at least 60"),
    ({"path": "uptime", "at_most": 1}, "uptime is 12.5, expected at most 1"),
    ({"path": "status", "at_most": 1}, "expected at most 1"),
    ({"path": "ready", "equals": 1}, "ready is true, expected equals 1"),
    ({"path": "one", "equals": True}, "one is 1, expected equals true"),
    ({"path": "ready", "at_least": 1}, "ready is true"),
    ({"path": "nothing", "exists": False}, "nothing is null"),
])
def test_does_not_hold(deep, assertion, phrase):
    check = deep([assertion, {"path": "uptime", "at_least": 1}])
    assert check.status == CRITICAL
    assert phrase in check.summary
    assert len(check.details["failed"]) == 1


def test_every_assertion_that_fails_is_named(deep):
    check = deep([{"path": "status", "equals": "ok"}, {"path": "components.database.status", "equals": "ok"}])
    assert "status is" in check.summary and "components.database.status is" in check.summary


def test_unhealthy_with_status_200(deep):
    check = deep([{"path": "components.database.status", "equals": "healthy"}], {"components": {"database": {"status": "unhealthy"}}})
    assert check.status == CRITICAL
    assert 'components.database.status is "unhealthy"' in check.summary


def test_wrong_status_names_what_is_broken_inside(deep):
    check = deep([{"path": "status", "equals": "healthy"}], {"status": "unhealthy"}, status=500)
    assert check.status == CRITICAL
    assert "status 500" in check.summary and '"unhealthy"' in check.summary


def test_not_prepared_yet_is_a_warning(deep):
    check = deep([], {"status": "unhealthy"}, status=503, starting_status=[503])
    assert check.status == WARNING
    assert "503" in check.summary and "not prepared" in check.summary


def test_503_is_critical_unless_it_is_said_to_be_a_start(deep):
    assert deep([], status=503).status == CRITICAL


@pytest.mark.parametrize(("body", "phrase"), [(b"<html>", "no JSON"), (b"", "empty"), (b"[" * 100000, "no JSON")])
def test_no_json(deep, body, phrase):
    check = deep([{"path": "status", "equals": "healthy"}], body)
    assert check.status == CRITICAL
    assert phrase in check.summary


def test_refused(look, closed_port):
    (check,) = look({"type": "app.deep", "url": f"http://127.0.0.1:{closed_port}/"})
    assert check.status == CRITICAL
    assert "connection refused" in check.summary


@pytest.mark.parametrize("assertion", [
    "status", {}, {"path": "status"}, {"equals": 1}, {"path": "status", "equal": 1}, {"path": "", "equals": 1},
    {"path": "a", "matches": "("}, {"path": "a", "matches": 1}, {"path": "a", "in": "abc"}, {"path": "a", "at_least": "1"}, {"path": "a", "exists": "yes"},
])
def test_an_assertion_that_makes_no_sense_is_refused(deep, assertion):
    with pytest.raises(MaintenanceError):
        deep([assertion])
