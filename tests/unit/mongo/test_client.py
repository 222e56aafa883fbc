# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pymongo.errors
import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import client

LONG = " (configured timeouts: socketTimeoutMS: 2000.0ms, connectTimeoutMS: 1600.0ms), Timeout: 2.0s, Topology Description: <...>"


@pytest.mark.parametrize("uri", [
    "mongodb://user:half/word@db1:27017/",
    "mongodb://user:ha@lf/word@db1/",
    "mongodb://user:half:word@db1/",
    "mongodb://user:half%word@db1/",
    "user:half-word@db1",
    "mongodb://user:half-word@db1:99999/",
    "mongodb://user:half-word@db1:half/",
    "mongodb://user:half-word@/",
    "mongodb://user:half?word@db1/",
    "http://user:half-word@db1",
    "",
])
def test_a_malformed_uri_is_not_quoted(uri):
    with pytest.raises(MaintenanceError) as caught:
        client.connect(uri).admin.command("ping") if uri else client.connect("mongodb://")
    message = str(caught.value)
    assert "mongodb://user:password@host:27017/" in message and "\n" not in message
    assert "half" not in message and "word@db1" not in message


@pytest.mark.parametrize(("error", "words"), [
    (pymongo.errors.OperationFailure("Authentication failed.", 18), "refused the user or the password"),
    (pymongo.errors.OperationFailure("not authorized on shop to execute command { find: \"users\", filter: { name: \"Ana\" } }", 13),
     "may not run find on the database shop"),
    (pymongo.errors.OperationFailure("Command find requires authentication", 13), "names none"),
    (pymongo.errors.OperationFailure("not authorized", 13), "docs/rights.md"),
    (pymongo.errors.ExecutionTimeout("operation exceeded time limit", 50), "inside its time limit"),
    (pymongo.errors.NetworkTimeout("timed out"), "frozen or overloaded"),
    (pymongo.errors.ServerSelectionTimeoutError("db1:1: [Errno 111] Connection refused" + LONG), "nothing listens there"),
    (pymongo.errors.ServerSelectionTimeoutError("db1:1: timed out" + LONG), "frozen or overloaded"),
    (pymongo.errors.ServerSelectionTimeoutError("db1:1: connection closed" + LONG), "connections may be in use"),
    (pymongo.errors.ServerSelectionTimeoutError("db1:1: [Errno -2] Name or service not known" + LONG), "Name or service not known"),
    (pymongo.errors.NotPrimaryError("node is recovering", {"code": 11600}), "serves nobody just now"),
    (pymongo.errors.AutoReconnect("connection reset"), "connection to MongoDB broke"),
    (pymongo.errors.ConfigurationError("no such option"), "URI cannot be used"),
    (pymongo.errors.OperationFailure("it is odd, full error: {'secret': 1}", 1), "it is odd"),
])
def test_an_error_says_what_it_means_and_no_more(error, words):
    message = client.explain_error(error)
    assert words in message and "\n" not in message
    for noise in ("Topology", "configured timeouts", "Ana", "full error"):
        assert noise not in message


def test_every_wait_is_bounded_whatever_the_uri_says():
    with client.connect("mongodb://db1/?socketTimeoutMS=0&serverSelectionTimeoutMS=900000&connectTimeoutMS=0", timeout=2) as found:
        options = found.options
        assert options.pool_options.socket_timeout == 2.0
        assert options.pool_options.connect_timeout < 2.0
        assert options.server_selection_timeout == 2.0


def test_driver_errors_become_one_line():
    with pytest.raises(MaintenanceError, match="refused the user"), client.driver_errors():
        raise pymongo.errors.OperationFailure("Authentication failed.", 18)
