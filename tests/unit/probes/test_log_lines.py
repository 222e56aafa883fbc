# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import re

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.log_lines import (
    MOST_MESSAGES,
    MOST_READ,
    OTHER_MESSAGES,
    Counter,
    template,
)


def count(text: str, since=None, untimed=True, **settings) -> dict[str, int]:
    counter = Counter(**settings)
    counter.begin_file(since, untimed)
    for line in text.splitlines(keepends=True):
        counter.feed(line)
    counter.end_file()
    assert counter.total == sum(counter.messages.values())
    return counter.messages


@pytest.mark.parametrize("line", [
    "ERROR something broke",
    "2026-11-23 10:00:00,123 ERROR root: something broke",
    "2026-11-23T10:00:00.000Z [ERROR] something broke",
    "[2026-11-23T10:00:00.000Z] error: something broke",
    "2026-11-23T10:00:00+08:00: Login error: MongooseError: Operation timed out",
    "Nov 23 10:00:00 web1 app[123]: FATAL no more memory",
    "2026/11/23 10:00:00 [error] 31#31: *1 connect() failed",
    "0|trixtech | Error: connect ECONNREFUSED 127.0.0.1:27017",
    "TypeError: Cannot read properties of null",
    "Error [ERR_HTTP_HEADERS_SENT]: Cannot set headers",
    "Error creating booking: it is full",
    "Uncaught Exception: it broke",
    "(node:12) UnhandledPromiseRejectionWarning: Error: boom",
    "java.lang.IllegalStateException: no session",
    "\x1b[31mERROR\x1b[39m it is red",
    "\x1b[31m❌ Mail error: no route\x1b[39m",
    "fatal: not a directory",
    "panic: runtime error: index out of range",
    '{"level":"error","message":"it broke"}',
    '{"level":50,"msg":"it broke","time":1795000000000}',
    '{"severity":"CRITICAL","message":"it broke"}',
    '{"log.level":"error","message":"it broke"}',
    '{"log":{"level":"error"},"message":"it broke"}',
    '{"message":"it broke","stack":"Error: it broke\\n    at x"}',
    '{"t":{"$date":"2026-11-23T10:00:00.000+00:00"},"s":"E","c":"STORAGE","msg":"it broke"}',
    '{"level":"error","message":"broken o',
    "2026-11-23T10:00:00: {\"level\":\"fatal\",\"err\":{\"message\":\"it broke\"}}",
])
def test_an_error_is_counted(line):
    assert sum(count(line + "\n").values()) == 1


@pytest.mark.parametrize("line", [
    "",
    "Server running on port 5000",
    "2026-11-23T10:00:00.000Z INFO handled error: none",
    "info: Error: told by an information",
    "[WARN] Error: it will be tried again",
    "0 errors, 3 warnings",
    "errors: 0",
    "no errors",
    "(node:12) DeprecationWarning: the error: event is old",
    '203.0.113.9 - - [23/Nov/2026:10:00:00 +0000] "GET /error: HTTP/1.1" 500 12 "-" "Error: x"',
    '{"level":"info","message":"Error: told by an information"}',
    '{"level":30,"msg":"error"}',
    '{"level":"warn","stack":"Error"}',
    '{"t":{"$date":"2026-11-23T10:00:00.000+00:00"},"s":"I","msg":"error: none"}',
    '{"message":"fine","error":null}',
    "    at TypeError: in the middle of nothing",
    "  error: inside an object",
    "MONGODB connected",
    "the interrupt level is 5",
])
def test_what_is_none_is_not(line):
    assert count(line + "\n") == {}


@pytest.mark.parametrize("text", [
    "Error: boom\n    at a (x.js:1:2)\n    at b {\n  code: 18,\n  [cause]: Error: inner\n      at c\n}\nServer running\n",
    "✖ Payment gateway timed out\n    at process (node:internal)\n    at x\nfine\n",
    "2026-11-23T10:00:00: ✖ Payment gateway timed out\n2026-11-23T10:00:00:     at process (node:internal)\n",
    "Traceback (most recent call last):\n  File \"x\", line 1, in y\n    z\nValueError: bad\nfine\n",
    "ERROR root it failed\nTraceback (most recent call last):\n  File \"x\"\nValueError: bad\n",
    "Traceback (most recent call last):\n  File \"x\"\nKeyError: 1\n\nDuring handling of the above exception, another exception occurred:\n\n"
    "Traceback (most recent call last):\n  File \"x\"\nValueError: bad\nfine\n",
    "java.lang.IllegalStateException: x\n\tat a.b(C.java:1)\nCaused by: java.io.IOException: y\n\tat d.e(F.java:2)\n\t... 3 more\n",
    "/app/server.js:12\n    throw new Error(\"boom\");\n    ^\n\nError: boom\n    at Object.<anonymous>\n\nNode.js v20.0.0\n",
    "Traceback (most recent call last):\n  File \"x\", line 1, in y\n",
])
def test_a_trace_is_one_error(text):
    assert sum(count(text).values()) == 1


def test_a_trace_below_a_warning_is_none():
    assert count("2026-11-23 10:00:00 WARN slow\n    at a (x.js:1:2)\nTrace ends\n") == {}


def test_python_exception_is_what_is_told_of_a_traceback():
    assert count("Traceback (most recent call last):\n  File \"x\"\nValueError: bad\n") == {"ValueError: bad": 1}


def test_messages_that_differ_in_numbers_are_one():
    messages = count("Error: user 17 of 203.0.113.7 failed\nError: user 18 of 203.0.113.8 failed\nError: other\n")
    assert messages == {"Error: user # of #.#.#.# failed": 2, "Error: other": 1}


@pytest.mark.parametrize(("line", "hidden"), [
    ("Error: mail to ana.cruz+x@example.com bounced", "ana.cruz"),
    ("Error: login of Ben with password=hunter2 failed", "hunter2"),
    ("Error: cannot reach mongodb://app:hunter2@db1/", "hunter2"),
    ('Error: E11000 duplicate key { email: "ana@example.co.uk" }', "ana@"),
    ("Error: booking 6b0496d91c782203770a458b and 0e8f2c4a-1111-4222-8333-444455556666", "6b0496"),
    ('{"level":"error","message":"token=abcdef1 for ana@example.com"}', "abcdef1"),
])
def test_secrets_addresses_and_ids_are_not_told(line, hidden):
    message = next(iter(count(line + "\n")))
    assert hidden not in message


def test_names_of_codes_are_kept():
    assert template("E11000 duplicate key error index: email_1") == "E11000 duplicate key error index: email_1"


def test_many_messages_stay_bounded():
    messages = count("".join(f"Error: {'abcdefghij'[number % 10] * (number // 10 + 1)}z\n" for number in range(MOST_MESSAGES + 50)))
    assert len(messages) <= MOST_MESSAGES + 1 and sum(messages.values()) == MOST_MESSAGES + 50
    assert messages[OTHER_MESSAGES] >= 1


def test_a_flood_is_counted_to_the_end():
    messages = count("Error: flood\n" * (MOST_READ + 5))
    assert messages == {"Error: flood": MOST_READ, OTHER_MESSAGES: 5}


def test_own_pattern_and_ignore():
    text = "E: one\nError: two\nE: three, known\n"
    pattern = re.compile(r"^E: ")
    assert count(text, pattern=pattern) == {"E: one": 1, "E: three, known": 1}
    assert count(text, pattern=pattern, ignore=(re.compile("known"),)) == {"E: one": 1}
    assert count("Error: known\n    at x\nnot known\n    at x\n", ignore=(re.compile("known"),)) == {}


def test_styles():
    both = 'Error: plain\n{"level":"error","message":"json"}\n'
    assert count(both, style="json") == {"json": 1}
    assert sum(count(both, style="plain").values()) == 1
    assert len(count(both)) == 2


def test_only_newer_ones_since_a_moment():
    since = datetime.datetime(2026, 11, 23, 10, tzinfo=datetime.timezone.utc).timestamp()
    text = ("Error: before any time\n"
            "2026-11-23T09:59:59Z Error: old\n"
            "Error: of the old time\n"
            '{"timestamp":"2026-11-23T10:00:01.000Z","level":"error","message":"json"}\n'
            '{"time":1700000000000,"level":50,"msg":"old json"}\n'
            "[2026-11-23T18:00:02+08:00] Error: new\n")
    assert count(text, since, untimed=False) == {"json": 1, "Error: new": 1}
    assert count(text) == {"Error: before any time": 1, "Error: old": 1, "Error: of the old time": 1, "json": 1, "old json": 1, "Error: new": 1}


def test_times_without_a_zone_are_local_and_syslog_has_this_year():
    now = datetime.datetime.now()
    since = (now - datetime.timedelta(hours=1)).timestamp()
    assert count(f"{now:%Y-%m-%d %H:%M:%S} Error: x\n", since, untimed=False)
    assert count(f"{now:%b} {now.day:2d} {now:%H:%M:%S} web1 app: Error: x\n", since, untimed=False)
    old = now - datetime.timedelta(days=3)
    assert not count(f"{old:%b} {old.day:2d} {old:%H:%M:%S} web1 app: Error: x\n", since, untimed=False)


@pytest.mark.parametrize("line", ["2026-13-45 99:99:99 Error: x", '{"time":"yesterday","level":"error"}', '{"level":["error"]}', "{}", "{", "[1]"])
def test_odd_lines_break_nothing(line):
    count(line + "\n", since=1.0)
