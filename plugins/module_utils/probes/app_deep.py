# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the application is well inside: assertions on the JSON that a deep health path answers.

A status says little: an application may answer 200 with "unhealthy" in the body, or 503 while it is merely not set up yet.
Each assertion names a path in the body and what is expected there; one that does not hold is critical and is named with what was found.
A deep path waits for the database, so that no answer in time is critical, too.
"""

from __future__ import annotations

import json
import re
from typing import Any, Callable

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, OK, WARNING, Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import web
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import Context, Option
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import one_line, plural

TYPE = "app.deep"
OPTIONS = {
    "url": Option("str", required=True, doc="What to ask for, for example http://127.0.0.1:5000/api/health/deep."),
    "expect_status": Option("list", default=[200], doc="Statuses that mean well."),
    "starting_status": Option("list", default=[], doc="Statuses that mean that the application is not prepared yet, for example 503: "
                              "a warning."),
    "assertions": Option("list", default=[], doc="What has to hold in the body. Each is a dictionary with path (names and list positions "
                         "joined by dots, or a list of them) and one or more of equals, differs, in, matches (a regular expression that is "
                         "searched), at_least, at_most, exists."),
    **web.OPTIONS,
}
HINT = "docs/runbook.md#application-unhealthy"
MISSING = object()

# pylint: disable=unnecessary-lambda  # the functions stand further down
_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "equals": lambda found, expected: _same(found, expected),
    "differs": lambda found, expected: found is not MISSING and not _same(found, expected),
    "in": lambda found, expected: any(_same(found, item) for item in expected),
    "matches": lambda found, expected: isinstance(found, (str, int, float)) and re.search(expected, _text(found)) is not None,
    "at_least": lambda found, expected: _is_number(found) and found >= expected,
    "at_most": lambda found, expected: _is_number(found) and found <= expected,
    "exists": lambda found, expected: (found is not MISSING) == expected,
}
_KINDS: dict[str, Callable[[Any], bool]] = {
    "in": lambda expected: isinstance(expected, list),
    "matches": lambda expected: isinstance(expected, str),
    "at_least": lambda expected: _is_number(expected),
    "at_most": lambda expected: _is_number(expected),
    "exists": lambda expected: isinstance(expected, bool),
}


def prepare(options: dict) -> None:
    """Raise MaintenanceError for options that cannot work."""
    web.check_url(options["url"])
    for assertion in options["assertions"]:
        tests = set(assertion) - {"path"} if isinstance(assertion, dict) else set()
        if not tests or not assertion.get("path") or not tests <= set(_TESTS):
            raise MaintenanceError(f"the assertion {one_line(assertion, 120)} is not understood; write for example "
                                   f"{{path: components.database.status, equals: healthy}}; the tests are {', '.join(_TESTS)}")
        for test in tests:
            try:
                fits = _KINDS.get(test, lambda expected: True)(assertion[test])
                if test == "matches" and fits:
                    re.compile(assertion[test])
            except re.error as error:
                raise MaintenanceError(f"{assertion[test]!r} is no regular expression: {error}") from None
            if not fits:
                raise MaintenanceError(f"the assertion on {_path(assertion)} has {test}: {one_line(assertion[test], 60)}, which is of the "
                                       "wrong kind (in: a list, matches: text, at_least and at_most: a number, exists: a bool)")


def look(context: Context, options: dict) -> list[Check]:
    """Return the one check of this type."""
    where = web.shown(options["url"])
    check = Check(id=options["id"], status=CRITICAL, summary="", unit="ms", hint=HINT)
    try:
        answer = web.get(options["url"], options)
    except web.NoAnswer as error:
        check.summary = f"{where} does not answer: {error}"
        return [check]
    check.value = round(answer.milliseconds, 1)
    check.details = {"status": answer.status}
    failed = failures(answer, options["assertions"])
    if answer.status in options["starting_status"] and answer.status not in options["expect_status"]:
        check.status = WARNING
        check.summary = "; ".join([f"{where} answers {answer.says()}: the application says that it is not prepared yet", *failed])
    elif answer.status not in options["expect_status"]:
        expected = " or ".join(map(str, options["expect_status"]))
        check.summary = "; ".join([f"{where} answers {answer.says()} instead of {expected}", *failed])
    elif failed:
        check.summary = f"{where} answers {answer.status}, but " + "; ".join(failed)
    else:
        check.status = OK
        held = plural(len(options["assertions"]), "assertion holds", "assertions hold")
        check.summary = f"{where} answers {answer.status} in {answer.milliseconds:.0f} ms, {held}"
    check.summary = one_line(check.summary, 600)
    check.details["failed"] = failed
    return [check]


def failures(answer: web.Answer, assertions: list) -> list[str]:
    """Return a phrase for each assertion that does not hold; one phrase for a body that is no JSON."""
    if not assertions:
        return []
    try:
        body = json.loads(answer.text())
    except (ValueError, RecursionError):
        return [f"its body is no JSON ({one_line(answer.text(), 60)!r})" if answer.body else "its body is empty"]
    found_wrong = []
    for assertion in assertions:
        found = _find(body, assertion["path"])
        shown = "missing" if found is MISSING else one_line(json.dumps(found, ensure_ascii=False), 80)
        for test, expected in assertion.items():
            if test != "path" and not _TESTS[test](found, expected):
                wanted = one_line(json.dumps(expected, ensure_ascii=False), 80)
                found_wrong.append(f"{_path(assertion)} is {shown}, expected {test.replace('_', ' ')} {wanted}")
    return found_wrong


def _path(assertion: dict) -> str:
    path = assertion["path"]
    return path if isinstance(path, str) else ".".join(map(str, path))


def _find(body: Any, path: Any) -> Any:
    for name in path.split(".") if isinstance(path, str) else path:
        if isinstance(body, dict) and str(name) in body:
            body = body[str(name)]
        elif isinstance(body, list) and str(name).isdigit() and int(name) < len(body):
            body = body[int(name)]
        else:
            return MISSING
    return body


def _same(found: Any, expected: Any) -> bool:
    # in Python true equals 1, in JSON it does not
    return found == expected and isinstance(found, bool) == isinstance(expected, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
