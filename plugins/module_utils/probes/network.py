# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all probes that connect somewhere share: bounded waits, TLS settings, and the cause of a failure in plain words."""

from __future__ import annotations

import errno
import socket
import ssl
import threading
import time
from typing import Any, Callable, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import one_line

_CAUSES = {
    errno.ECONNREFUSED: "connection refused: nothing listens there",
    errno.ECONNRESET: "the connection was reset",
    errno.EPIPE: "the connection was closed",
    errno.EHOSTUNREACH: "the host cannot be reached",
    errno.ENETUNREACH: "the network cannot be reached",
}


def patience(options: dict) -> float:
    """Return the seconds a probe itself waits: less than its time-out, so that it can still say what was wrong."""
    return max(0.1, min(options["answer_within"], options["timeout"] * 0.9))


def cause(error: OSError, within: float) -> str:
    """Return in a few words why there was no connection, or no answer within so many seconds."""
    if isinstance(error, socket.timeout):
        return f"no answer within {within:g} s"
    if isinstance(error, socket.gaierror):
        return "its name does not resolve"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {one_line(error.verify_message, 120)}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {(error.reason or str(error)).replace('_', ' ').lower()}"
    return _CAUSES.get(error.errno or 0) or one_line(error.strerror or error, 120)


def tls_context(options: dict) -> ssl.SSLContext:
    """Return the TLS settings for the options verify and ca_file; MaintenanceError where ca_file cannot be read."""
    try:
        context = ssl.create_default_context(cafile=options["ca_file"])
    except (OSError, ssl.SSLError) as error:
        raise MaintenanceError(f"the authorities in {options['ca_file']} cannot be read ({error.strerror or error}); "
                               "ca_file has to be a PEM file that the remote user may read") from None
    if not options["verify"]:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Guard:
    """Ends a conversation after so many seconds, whatever it waits for; a socket's own time-out starts anew with each byte."""

    def __init__(self, find_socket: Callable[[], Optional[socket.socket]], seconds: float) -> None:
        self._seconds = seconds
        self._begin = time.monotonic()
        self._tripped = False
        self._find_socket = find_socket
        self._timer = threading.Timer(seconds, self._trip)
        self._timer.daemon = True

    def __enter__(self) -> "Guard":
        self._timer.start()
        return self

    def __exit__(self, *_error: Any) -> None:
        self._timer.cancel()

    def over(self) -> bool:
        """Tell whether the time is over, or was so nearly that the socket's own time-out came first."""
        return self._tripped or time.monotonic() - self._begin > self._seconds * 0.98

    def check(self) -> None:
        """Raise socket.timeout when the time is over: a shut-down socket may look like one that ended by itself."""
        if self._tripped:
            raise socket.timeout()

    def _trip(self) -> None:
        self._tripped = True
        found = self._find_socket()
        if found is not None:
            try:
                found.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it is closed already
