# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gzip
import os

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, OK, UNKNOWN, WARNING
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.app_error_rate import counters

ID = "app.error_rate"
LABELS = ["status", "status_code", "code"]
LINE = '127.0.0.1 - - [23/Nov/2026:02:00:01 +0000] "GET /api/bookings?q=%22 HTTP/1.1" {} 52 "-" "curl/8.0 \\"x\\""\n'


def page(good: int, bad: int, name: str = "http_requests_total", label: str = "status", classes: bool = False) -> bytes:
    ok, failed = ("2xx", "5xx") if classes else ("200", "500")
    return (f"# HELP {name} Requests.\n# TYPE {name} counter\n"
            f'{name}{{method="GET",{label}="{ok}",route="/a,b}}"}} {good}\n{name}{{method="GET",{label}="{failed}"}} {bad} 1700000000000\n'
            f'{name}_created{{{label}="500"}} 1.7e9\nother{{{label}="500"}} 99\n').encode()


@pytest.fixture
def metrics(look, web):
    """Return a function that looks at a metrics page."""
    def run(body, last=None, **options):
        web.answer = lambda path: (200, {}, body)
        (check,) = look({"type": ID, "metrics_url": web.url + "/metrics", **options}, last)
        return check
    return run


@pytest.fixture
def log(look, tmp_path):
    """Return a function that appends statuses to a log and looks at it."""
    path = tmp_path / "access.log"

    def run(statuses=(), last=None, **options):
        with open(path, "a", encoding="utf-8") as handle:
            handle.writelines(LINE.format(status) for status in statuses)
        (check,) = look({"type": ID, "access_log": str(path), **options}, last)
        return check
    run.path = path
    return run


def test_first_look_counts_since_the_start(metrics):
    check = metrics(page(970, 30))
    assert check.status == WARNING
    assert check.value == 3.0
    assert "30 of 1,000 requests failed with 5xx (3.0 %) since the application started (first look)" in check.summary


def test_only_what_came_since_the_last_run(metrics):
    first = metrics(page(900, 100))
    assert first.status == CRITICAL
    second = metrics(page(1900, 100), [first])
    assert second.status == OK and second.value == 0
    third = metrics(page(1990, 110), [second])
    assert third.status == CRITICAL and third.value == 10
    assert "10 of 100 requests" in third.summary


def test_counters_that_began_anew(metrics):
    first = metrics(page(5000, 0))
    second = metrics(page(190, 10), [first])
    assert second.status == CRITICAL
    assert "10 of 200" in second.summary and "started anew" in second.summary


def test_too_few_requests_are_not_judged_but_not_forgotten(metrics):
    base = metrics(page(1000, 0))
    few = metrics(page(1008, 2), [base])
    assert few.status == OK and few.value is None
    assert "10 requests" in few.summary and "2 failed" in few.summary and "too few" in few.summary
    more = metrics(page(1018, 2), [few])
    assert more.status == CRITICAL and more.value == 10


def test_what_was_known_outlives_a_look_that_failed(metrics, web):
    first = metrics(page(1000, 0))
    blind = metrics(b"", [first])
    assert blind.status == UNKNOWN
    later = metrics(page(1010, 10), [blind])
    assert later.status == CRITICAL
    assert "10 of 20 requests" in later.summary


def test_thresholds(metrics):
    assert metrics(page(9901, 99)).status == OK
    assert metrics(page(990, 10)).status == WARNING
    assert metrics(page(950, 50)).status == CRITICAL


@pytest.mark.parametrize(("text", "name", "expected"), [
    (page(7, 3).decode(), "http_requests_total", (10, 3)),
    (page(7, 3, classes=True).decode(), "http_requests_total", (10, 3)),
    (page(7, 3, name="http_request_duration_seconds_count", label="status_code").decode(), "http_request_duration_seconds_count", (10, 3)),
    (page(7, 3, label="code").decode(), "http_requests_total", (10, 3)),
    (page(7, 3, label="outcome").decode(), "http_requests_total", None),
    (page(7, 3).decode(), "http_requests", None),
    ("http_requests_total 7\n", "http_requests_total", None),
    ('http_requests_total{status="200"} NaN\n', "http_requests_total", None),
    ('http_requests_total{status="200"} 1e3\nrubbish {{{\n', "http_requests_total", (1000, 0)),
    ("", "http_requests_total", None),
])
def test_prometheus_text(text, name, expected):
    assert counters(text, name, LABELS) == expected


def test_no_metrics(metrics, look, web, closed_port):
    assert "has no counter" in metrics(b"<html>").summary
    web.answer = lambda path: (404, {}, b"")
    (check,) = look({"type": ID, "metrics_url": web.url})
    assert check.status == UNKNOWN and "404" in check.summary
    (check,) = look({"type": ID, "metrics_url": f"http://127.0.0.1:{closed_port}/metrics"})
    assert check.status == UNKNOWN and "connection refused" in check.summary


def test_log_first_whole_then_what_was_added(log):
    first = log([200] * 95 + [500] * 5)
    assert first.status == CRITICAL and first.value == 5 and "in the whole log (first look)" in first.summary
    second = log([200] * 99 + [502], [first])
    assert second.status == WARNING and second.value == 1
    third = log([404] * 50, [second])
    assert third.value == 0


def test_log_half_a_line_is_read_when_it_is_whole(log):
    first = log([200] * 20)
    text = LINE.format(500)
    with open(log.path, "a", encoding="utf-8") as handle:
        handle.write(text[:40])
    second = log([], [first], min_requests=0)
    assert second.details["requests"] == 0
    with open(log.path, "a", encoding="utf-8") as handle:
        handle.write(text[40:])
    third = log([], [second], min_requests=0)
    assert (third.details["requests"], third.details["errors"]) == (1, 1)


def test_log_rotated_by_rename(log):
    first = log([200] * 50)
    log([500] * 10, [first])
    os.rename(log.path, str(log.path) + ".1")
    check = log([200] * 30, [first])
    assert (check.details["requests"], check.details["errors"]) == (40, 10)
    assert "rotated" not in check.summary


def test_log_rotated_and_compressed_is_told(log):
    first = log([200] * 50)
    with gzip.open(str(log.path) + ".1.gz", "wb") as packed:
        packed.write(log.path.read_bytes())
    log.path.unlink()
    check = log([200] * 30, [first])
    assert check.details["requests"] == 30
    assert "rotated" in check.summary and "gone or compressed" in check.summary


def test_log_cut_to_nothing_and_grown_longer_than_before(log):
    first = log([200] * 30)
    log.path.write_text("")
    with open(log.path, "a", encoding="utf-8") as handle:
        handle.writelines(LINE.replace("23/Nov", "24/Nov").format(500) for _unused in range(60))
    check = log([], [first])
    assert (check.details["requests"], check.details["errors"]) == (60, 60)


def test_log_too_much_to_read(log):
    check = log([500] * 1000 + [200] * 100, max_bytes=len(LINE.format(200)) * 50 + 10)
    assert (check.details["requests"], check.details["errors"]) == (50, 0)
    assert "left out" in check.summary


def test_log_read_in_pieces(log, monkeypatch):
    from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import access_log

    monkeypatch.setattr(access_log, "_CHUNK_BYTES", 37)
    check = log([200, 500] * 30)
    assert (check.details["requests"], check.details["errors"]) == (60, 30)


def test_log_of_another_format(log):
    log.path.write_text('{"status": 500}\n' * 30)
    check = log()
    assert check.status == UNKNOWN
    assert "combined log format" in check.summary


def test_log_that_is_not_there(look, tmp_path):
    (check,) = look({"type": ID, "access_log": str(tmp_path / "none.log")})
    assert check.status == UNKNOWN
    assert "there is no access log" in check.summary


def test_empty_log(log):
    check = log([])
    assert check.status == OK and "too few" in check.summary


@pytest.mark.parametrize("options", [{}, {"metrics_url": "http://x/m", "access_log": "/x"}, {"metrics_url": "x"}])
def test_bad_options(look, options):
    with pytest.raises(MaintenanceError):
        look({"type": ID, **options})
