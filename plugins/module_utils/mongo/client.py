# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that connects to MongoDB, and that turns the driver's errors into a line for the operator."""

from __future__ import annotations

import contextlib
import re
import traceback
from typing import Any, Iterator
from urllib.parse import quote

from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import LibraryMissing, MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import one_line

try:
    import pymongo
    import pymongo.errors

    PYMONGO_ERROR = None
except ImportError:
    PYMONGO_ERROR = traceback.format_exc()

# server error codes, from mongo/base/error_codes.yml
AUTHENTICATION_FAILED = 18
UNAUTHORIZED = 13


def require_pymongo() -> None:
    """Raise LibraryMissing where pymongo cannot be imported."""
    if PYMONGO_ERROR:
        raise LibraryMissing("pymongo", PYMONGO_ERROR.strip().splitlines()[-1])


def socket_uri(path: str) -> str:
    """Return the URI of a mongod that listens on the unix socket at path."""
    return f"mongodb://{quote(path, safe='')}"


def connect(uri: str, timeout: float = 5.0, direct: bool = False, socket_timeout: float | None = None,
            appname: str = "trixtech.maintenance") -> Any:
    """Return a MongoClient whose every wait is bounded. Nothing is sent before its first use.

    timeout: seconds for server selection and connecting. socket_timeout: seconds one reply may take (default: timeout).
    direct: talk to the host of the URI only, whatever its replica set. Raises MaintenanceError for a malformed URI.
    """
    require_pymongo()
    milliseconds = int(timeout * 1000)
    options: dict[str, Any] = {
        "serverSelectionTimeoutMS": milliseconds,
        # shorter than the selection, which would else end first and could not say why ("No servers found yet")
        "connectTimeoutMS": int(milliseconds * 0.8),
        "socketTimeoutMS": int((timeout if socket_timeout is None else socket_timeout) * 1000),
        "appname": appname,
        "retryReads": False,
    }
    if direct:
        # without the set's name, which the driver would report as wrong whenever the server is simply down
        options.update(directConnection=True, replicaSet=None)
    try:
        return pymongo.MongoClient(uri, **options)
    except (pymongo.errors.PyMongoError, ValueError, TypeError) as error:
        raise MaintenanceError(f"the MongoDB URI cannot be used: {_unquoted(str(error), uri)}; it looks like "
                               "mongodb://user:password@host:27017/?authSource=admin, with reserved characters "
                               "percent-encoded") from None


def _unquoted(message: str, uri: str) -> str:
    """Return the message without the words it quotes from the URI: in 'Bad database name "word@host"' it is half a password."""
    words = message.split()
    return one_line(" ".join("…" if len(word) > 3 and word.strip("\"':,.;") in str(uri) else word for word in words))


def explain_error(error: Exception) -> str:
    """Say in one line what a driver's error means and what to do about it; secrets and the values of commands removed."""
    code = getattr(error, "code", None)
    if code == AUTHENTICATION_FAILED:
        return "MongoDB refused the user or the password of the maintenance URI; check both and the authSource"
    if code == UNAUTHORIZED:
        return _missing_right(str(error))
    if isinstance(error, (pymongo.errors.ExecutionTimeout, pymongo.errors.WTimeoutError)):
        return "MongoDB did not finish the command inside its time limit; it is overloaded, or something blocks it"
    if isinstance(error, pymongo.errors.NetworkTimeout):
        return "MongoDB accepted the connection but did not answer in time; mongod is frozen or overloaded"
    if isinstance(error, pymongo.errors.ServerSelectionTimeoutError):
        return _unreachable(str(error))
    if isinstance(error, pymongo.errors.NotPrimaryError):
        return f"this member of the replica set serves nobody just now ({_server_text(error)}); rs.status() shows its state"
    if isinstance(error, pymongo.errors.ConnectionFailure):
        return f"the connection to MongoDB broke ({_cause(str(error))}); is mongod still running?"
    if isinstance(error, pymongo.errors.ConfigurationError):
        return f"the MongoDB URI cannot be used: {one_line(error, 200)}"
    return f"MongoDB answered with an error: {_server_text(error)}"


def _server_text(error: Exception) -> str:
    """Return the server's message without the document that the driver appends."""
    return one_line(str(error).split(", full error:", maxsplit=1)[0], 240)


def _cause(message: str) -> str:
    """Return what the driver says without its time-outs and its picture of the topology."""
    return one_line(message.split(", Timeout:", maxsplit=1)[0].split(" (configured timeouts:", maxsplit=1)[0], 200)


def _unreachable(message: str) -> str:
    cause = _cause(message)
    if "refused" in cause:
        return f"MongoDB cannot be reached: nothing listens there ({cause}); is mongod running, are host and port right?"
    if "timed out" in cause:
        return f"MongoDB does not answer ({cause}); mongod is frozen or overloaded, or a firewall swallows the connection"
    if "connection closed" in cause:
        return f"MongoDB hangs up at once ({cause}); all its connections may be in use, or it expects TLS"
    return f"MongoDB cannot be reached ({cause}); is mongod running, are host and port right?"


def _missing_right(message: str) -> str:
    # the server quotes the whole command, values included: only its name and its database are told
    found = re.search(r"not authorized on (\S+) to execute command \{ (\w+)", message)
    if found:
        return f"the MongoDB user may not run {found.group(2)} on the database {found.group(1)}; grant it as docs/rights.md says"
    if "requires authentication" in message:
        return "MongoDB asks for a user, and the maintenance URI names none; put the maintenance user into it"
    return "the MongoDB user lacks a privilege that docs/rights.md lists"


@contextlib.contextmanager
def driver_errors() -> Iterator[None]:
    """Turn whatever the driver raises inside the block into a MaintenanceError with explain_error()'s line."""
    require_pymongo()
    try:
        yield
    except pymongo.errors.PyMongoError as error:
        raise MaintenanceError(explain_error(error)) from error
