# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One bounded HTTP request for the app.* probes, and the options they share.

http.client rather than urllib: it follows no redirect and takes no proxy from the environment, so what answers is the application.
"""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass
from typing import Optional
from urllib.parse import urlsplit

from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import network
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import Option
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import one_line

MAX_BODY_BYTES = 4 * 1024 * 1024

OPTIONS = {
    "answer_within": Option("float", default=5.0, doc="Seconds to connect and to read the whole answer; after them the application "
                            "counts as down. At most nine tenths of timeout."),
    "headers": Option("dict", default={}, secret=True, doc="Headers to send, for example Authorization."),
    "verify": Option("bool", default=True, doc="With https, whether the certificate has to be trusted and to carry the name."),
    "ca_file": Option("str", doc="With https, a PEM file of authorities to trust instead of the system's."),
}


class NoAnswer(Exception):
    """There was no answer; the message is the cause in a few words."""


@dataclass(frozen=True)
class Answer:
    """What came back. body: at most MAX_BODY_BYTES. milliseconds: from before connecting until the body was read."""

    status: int
    reason: str
    location: Optional[str]
    body: bytes
    milliseconds: float

    def text(self) -> str:
        """Return the body as text, whatever it is."""
        return self.body.decode("utf-8", "replace")

    def says(self) -> str:
        """Return status and reason, and for a redirect where to."""
        where = f" to {one_line(self.location, 100)}" if self.location else ""
        return f"status {self.status}{f' {self.reason}' if self.reason else ''}{where}"


def check_url(url: str) -> None:
    """Raise MaintenanceError for what is no http or https URL, and for one that carries a password."""
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_is_fine = urlsplit(""), False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_fine or any(mark <= " " for mark in url):
        raise MaintenanceError(f"{one_line(url, 100)!r} is no URL to look at; write for example http://127.0.0.1:5000/api/health")
    if "@" in parts.netloc:
        raise MaintenanceError(f"the URL of {parts.hostname} carries a user or password; put an Authorization header into secrets instead")


def shown(url: str) -> str:
    """Return a URL for people: without query and fragment, where tokens are found."""
    return urlsplit(url)._replace(query="", fragment="").geturl()


def get(url: str, options: dict, within: Optional[float] = None) -> Answer:
    """Send one GET and return the answer; NoAnswer names the cause. options: those declared in OPTIONS, and timeout.

    within: seconds, instead of those of the options. They hold for everything together, also for a server that sends drop by drop.
    """
    if within is None:
        within = network.patience(options)
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(str(parts.hostname), port, timeout=within, context=network.tls_context(options))
    else:
        connection = http.client.HTTPConnection(str(parts.hostname), port, timeout=within)
    begin = time.monotonic()
    guard = network.Guard(lambda: connection.sock, within)
    try:
        with guard:
            connection.connect()
            guard.check()
            connection.request("GET", target, headers={"User-Agent": "trixtech.maintenance", "Connection": "close",
                                                       **{name: str(value) for name, value in options["headers"].items()}})
            response = connection.getresponse()
            body = response.read(MAX_BODY_BYTES)
            guard.check()
            if response.length and len(body) < MAX_BODY_BYTES:
                raise http.client.IncompleteRead(body, response.length)  # read() with a limit does not say so itself
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoAnswer(f"no answer within {within:g} s" if guard.over() else _cause(error, within)) from None
    finally:
        connection.close()
    elapsed = (time.monotonic() - begin) * 1000
    return Answer(response.status, response.reason, response.getheader("Location"), body, elapsed)


def _cause(error: Exception, within: float) -> str:
    if isinstance(error, http.client.IncompleteRead):
        return "the answer broke off in the middle"
    if isinstance(error, http.client.RemoteDisconnected):
        return "the connection was closed without an answer"
    if isinstance(error, http.client.HTTPException):
        return f"what listens there does not speak HTTP ({type(error).__name__})"
    if isinstance(error, OSError):
        return network.cause(error, within)
    return one_line(error)
