# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import Context, Option, threshold_options, validate

DECLARED = {"path": Option("str", required=True, doc="Where."), "count": Option("int", default=3), "share": Option("float"),
            "deep": Option("bool", default=False), "names": Option("list", default=[]), "headers": Option("dict"),
            "password": Option("str", secret=True)}


def check(overrides=None, secrets=None, **given):
    return validate({"type": "some.type", "path": "/", **given}, DECLARED, overrides or {}, secrets)


def test_defaults_overrides_and_the_check_itself():
    assert check()["count"] == 3 and check()["timeout"] == 10.0 and check()["id"] is None
    assert check({"count": 5})["count"] == 5
    assert check({"count": 5}, count=7)["count"] == 7
    assert check(count=None)["count"] == 3


def test_numbers_as_text():
    assert check(count="4")["count"] == 4
    assert check(share="0.5")["share"] == 0.5
    assert check(share=2)["share"] == 2


@pytest.mark.parametrize("given", [
    {"count": "many"}, {"count": 1.5}, {"count": True}, {"share": "x"}, {"path": 3}, {"deep": "perhaps"}, {"names": "a"}, {"headers": 3},
    {"timeout": "soon"},
])
def test_wrong_kind_names_check_option_and_kind(given):
    (key, value), = given.items()
    with pytest.raises(MaintenanceError, match=f"check some.type: the option '{key}' must be a .*{value}"):
        check(**given)


def test_unknown_option_names_those_there_are():
    with pytest.raises(MaintenanceError, match="no option 'pth'; it takes count, .*path"):
        check(pth="/")
    with pytest.raises(MaintenanceError, match="no option 'limit'"):
        check({"limit": 1})


def test_missing_option_says_what_it_is():
    with pytest.raises(MaintenanceError, match=r"'path' is missing \(Where\.\)"):
        validate({"type": "some.type"}, DECLARED, {})


def test_overrides_that_are_no_dictionary():
    with pytest.raises(MaintenanceError, match="overrides of some.type"):
        check([1])


def test_a_secret_comes_from_secrets_only_and_is_never_quoted():
    assert check(secrets={"password": "hush"})["password"] == "hush"
    for wrong in ({"password": "hush"}, {"overrides": {"password": "hush"}}):
        with pytest.raises(MaintenanceError, match="secrets") as caught:
            check(**wrong)
        assert "hush" not in str(caught.value)
    with pytest.raises(MaintenanceError, match="a secret") as caught:
        check(secrets={"password": ["hush"]})
    assert "hush" not in str(caught.value)


def test_threshold_options_have_all_four():
    assert set(threshold_options(1, 2, "percent")) == {"warning", "critical", "warning_clear", "critical_clear"}


def test_context_without_history():
    context = Context()
    assert context.last_status("x") is None and context.last_details("x") == {} and context.series("x", 14) == []


def test_what_a_look_that_failed_has_kept_is_still_known():
    context = Context(last={"a": {"status": "unknown", "details": {"kept": {"count": 3}}}, "b": {"status": "ok", "details": None}})
    assert context.last_details("a") == {"count": 3}
    assert context.last_details("b") == {}


def test_fetched_once_for_all_who_ask_and_the_error_is_shared():
    context = Context()
    calls = []

    def fetch():
        calls.append(1)
        raise ValueError("no")

    results = []

    def ask():
        try:
            context.once("key", fetch)
        except ValueError as error:
            results.append(str(error))

    threads = [threading.Thread(target=ask) for _unused in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["no"] * 8 and calls == [1]
    assert context.once("other", lambda: 5) == 5
