# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, OK, UNKNOWN, WARNING
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import app_http


def only(checks):
    (check,) = checks
    return check


def test_well(look, web):
    check = only(look({"type": "app.http", "url": web.url + "/api/health"}))
    assert check.status == OK
    assert check.value >= 0 and check.unit == "ms" and check.details == {"status": 200}
    assert web.url + "/api/health answers 200" in check.summary


def test_nothing_listens(look, closed_port):
    check = only(look({"type": "app.http", "url": f"http://127.0.0.1:{closed_port}/"}))
    assert check.status == CRITICAL
    assert "connection refused" in check.summary
    assert check.hint == app_http.HINT


@pytest.mark.parametrize("talk", [
    pytest.param(lambda client: threading.Event().wait(20), id="silent"),
    pytest.param(lambda client: [client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")]
                 + [(client.sendall(b"x"), threading.Event().wait(0.05)) for _unused in range(400)], id="drop by drop in the body"),
    pytest.param(lambda client: [client.sendall(b"HTTP/1.1 200 OK\r\n")]
                 + [(client.sendall(b"x"), threading.Event().wait(0.05)) for _unused in range(400)], id="drop by drop in the head"),
])
def test_no_answer_in_time(look, talker, talk):
    check = only(look({"type": "app.http", "url": f"http://127.0.0.1:{talker(talk)}/", "answer_within": 0.4}))
    assert check.status == CRITICAL
    assert "no answer within 0.4 s" in check.summary


def test_the_probe_itself_waits_less_than_its_time_out(look, talker):
    port = talker(lambda client: threading.Event().wait(20))
    check = only(look({"type": "app.http", "url": f"http://127.0.0.1:{port}/", "timeout": 0.5, "answer_within": 60}))
    assert check.status == CRITICAL
    assert "no answer within 0.45 s" in check.summary


@pytest.mark.parametrize(("bytes_sent", "cause"), [
    (b"", "closed without an answer"),
    (b"220 mail ESMTP\r\n", "does not speak HTTP"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "broke off"),
])
def test_something_else_answers(look, talker, bytes_sent, cause):
    def talk(client):
        client.recv(4096)
        client.sendall(bytes_sent)
    check = only(look({"type": "app.http", "url": f"http://127.0.0.1:{talker(talk)}/"}))
    assert check.status == CRITICAL
    assert cause in check.summary


def test_wrong_status(look, web):
    web.answer = lambda path: (503, {}, b"")
    check = only(look({"type": "app.http", "url": web.url}))
    assert check.status == CRITICAL
    assert "status 503 Service Unavailable instead of 200" in check.summary


def test_expected_status_may_be_another(look, web):
    web.answer = lambda path: (401, {}, b"")
    assert only(look({"type": "app.http", "url": web.url, "expect_status": [200, 401]})).status == OK


def test_redirect_is_told_and_not_followed(look, web):
    web.answer = lambda path: (302, {"Location": "/login"}, b"")
    check = only(look({"type": "app.http", "url": web.url}))
    assert check.status == CRITICAL
    assert "302" in check.summary and "/login" in check.summary
    assert len(web.seen) == 1


def test_body(look, web):
    web.answer = lambda path: (200, {}, b'{"status": "down"}')
    check = only(look({"type": "app.http", "url": web.url, "expect_body": '"ok"'}))
    assert check.status == CRITICAL
    assert "without" in check.summary and "ok" in check.summary
    assert only(look({"type": "app.http", "url": web.url, "expect_body": "down"})).status == OK


def test_proxy_of_the_environment_is_not_asked(look, web, monkeypatch, closed_port):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port}")
    assert only(look({"type": "app.http", "url": web.url})).status == OK


def test_secret_header_is_sent_and_query_is_not_shown(look, web):
    check = only(look({"type": "app.http", "url": web.url + "/x?key=hush"}, secrets={"app.http": {"headers": {"Authorization": "Bearer quiet"}}}))
    assert web.seen[0][0] == "/x?key=hush" and web.seen[0][1]["Authorization"] == "Bearer quiet"
    assert "hush" not in check.summary and "quiet" not in str(check.as_dict())


def test_a_limit_on_the_time(look, web):
    assert only(look({"type": "app.http", "url": web.url, "warning": 0.000001})).status == WARNING


def test_unknown_name(look):
    check = only(look({"type": "app.http", "url": "http://no-such-host.invalid/"}))
    assert check.status == CRITICAL
    assert "does not resolve" in check.summary


@pytest.mark.parametrize("url", ["localhost:5000", "ftp://host/", "http://", "http://host:99999/", "http://ho st/", "http://[::1", ""])
def test_what_is_no_url_is_refused_before_anything_runs(look, url):
    with pytest.raises(MaintenanceError, match=r"write for example http|missing"):
        look({"type": "app.http", "url": url})


def test_password_in_the_url_is_refused_and_not_quoted(look):
    with pytest.raises(MaintenanceError, match="Authorization") as caught:
        look({"type": "app.http", "url": "http://me:hush@host/"})
    assert "hush" not in str(caught.value)


def test_unreadable_authorities(look, web):
    check = only(look({"type": "app.http", "url": web.url.replace("http:", "https:"), "ca_file": "/nowhere.pem"}))
    assert check.status == UNKNOWN
    assert "/nowhere.pem" in check.summary
