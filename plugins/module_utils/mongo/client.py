# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that connects to MongoDB, and that turns the driver's errors into a line for the operator."""

from __future__ import annotations

import contextlib
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
        "connectTimeoutMS": milliseconds,
        "socketTimeoutMS": int((timeout if socket_timeout is None else socket_timeout) * 1000),
        "appname": appname,
        "retryReads": False,
    }
    if direct:
        options["directConnection"] = True
    try:
        return pymongo.MongoClient(uri, **options)
    except (pymongo.errors.PyMongoError, ValueError, TypeError) as error:
        # the driver's message may quote the URI: redacted by one_line
        raise MaintenanceError(f"the MongoDB URI cannot be used: {one_line(error)}; it looks like "
                               "mongodb://user:password@host:27017/?authSource=admin, with reserved characters "
                               "percent-encoded") from None


def explain_error(error: Exception) -> str:
    """Say in one line what a driver's error means and what to do about it; secrets removed."""
    code = getattr(error, "code", None)
    if code == AUTHENTICATION_FAILED:
        return "MongoDB refused the user or the password of the maintenance URI; check both and the authSource"
    if code == UNAUTHORIZED:
        return f"the MongoDB user lacks a privilege ({one_line(error, 200)}); grant it as docs/rights.md says"
    if isinstance(error, pymongo.errors.ServerSelectionTimeoutError):
        return f"MongoDB cannot be reached ({one_line(str(error).split(', Timeout:', maxsplit=1)[0], 200)}); is mongod running, are host and port right?"
    if isinstance(error, pymongo.errors.NetworkTimeout):
        return "MongoDB accepted the connection but did not answer in time; mongod is frozen or overloaded"
    if isinstance(error, pymongo.errors.ConfigurationError):
        return f"the MongoDB URI cannot be used: {one_line(error, 200)}"
    return f"MongoDB answered with an error: {one_line(error, 240)}"


@contextlib.contextmanager
def driver_errors() -> Iterator[None]:
    """Turn whatever the driver raises inside the block into a MaintenanceError with explain_error()'s line."""
    require_pymongo()
    try:
        yield
    except pymongo.errors.PyMongoError as error:
        raise MaintenanceError(explain_error(error)) from error
