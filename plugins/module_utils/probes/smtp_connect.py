# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the mail server takes the application's mail: connect, greet, encrypt, log in, leave. Nothing is sent.

No connection, a refused greeting, encryption that fails and a refused login are critical, each with the server's own words.
"""

from __future__ import annotations

import ipaddress
import smtplib
import time
from typing import Any

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import network
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import (
    CannotLook,
    Context,
    Option,
    threshold,
    threshold_options,
)
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import one_line

TYPE = "smtp.connect"
SECURITY = ("auto", "starttls", "tls", "none")
OPTIONS = {
    "host": Option("str", required=True, doc="The mail server."),
    "port": Option("int", default=587, doc="Its port."),
    "security": Option("str", default="auto", doc="starttls: has to be offered; tls: from the first byte, as on port 465; none: no "
                       "encryption; auto: STARTTLS where it is offered."),
    "username": Option("str", doc="Log in with this name; without it there is no login."),
    "password": Option("str", secret=True, doc="The password for username."),
    "verify": Option("bool", default=True, doc="Whether the certificate has to be trusted and to carry the name."),
    "ca_file": Option("str", doc="A PEM file of authorities to trust instead of the system's."),
    "answer_within": Option("float", default=8.0, doc="Seconds for the whole conversation; after them the server counts as down. "
                            "At most nine tenths of timeout."),
    **threshold_options(warning=None, critical=None, unit="milliseconds for the whole conversation"),
}
HINT = "docs/runbook.md#mail"


class Refused(Exception):
    """The server does not do what the application needs; the message says what and why."""


def prepare(options: dict) -> None:
    """Raise MaintenanceError for options that cannot work."""
    if options["security"] not in SECURITY:
        raise MaintenanceError(f"check {options['id']}: security must be one of {', '.join(SECURITY)}, not {options['security']!r}")
    if options["username"] and options["password"] is None:
        raise MaintenanceError(f"check {options['id']}: username needs a password; put it into the module's option secrets")


def look(context: Context, options: dict) -> list[Check]:
    """Return the one check of this type."""
    where = f"{options['host']}:{options['port']}"
    check = Check(id=options["id"], status=CRITICAL, summary="", unit="ms", warning=options["warning"], critical=options["critical"],
                  hint=HINT)
    begin = time.monotonic()
    try:
        check.details = converse(options)
    except Refused as error:
        check.summary = one_line(f"mail server {where}: {error}")
        return [check]
    elapsed = (time.monotonic() - begin) * 1000
    check.value = round(elapsed, 1)
    check.status = threshold(options).judge(elapsed, context.last_status(options["id"]))
    done = ["takes mail"]
    if check.details["encrypted"]:
        done.append("encrypts")
    if check.details["login"]:
        done.append(f"lets {options['username']} log in")
    check.summary = f"mail server {where} " + " and ".join([", ".join(done[:-1]), done[-1]] if len(done) > 1 else done)
    return [check]


def converse(options: dict) -> dict:
    """Talk to the server up to the login and leave; return what it offered. Refused says why not."""
    within = network.patience(options)
    server: Any = smtplib.SMTP(timeout=within) if options["security"] != "tls" else smtplib.SMTP_SSL(
        timeout=within, context=network.tls_context(options))
    # smtplib checks the certificate against this name, which it would only know if it connected in its constructor
    server._host = options["host"]  # pylint: disable=protected-access
    guard = network.Guard(lambda: server.sock, within)
    step = "does not answer"
    try:
        with guard:
            code, message = server.connect(options["host"], options["port"])
            _expect(code, message, "it refuses connections")
            step = "breaks off after the connection"
            _expect(*server.ehlo(), "it refuses EHLO")
            encrypted = options["security"] == "tls"
            if options["security"] == "starttls" and not server.has_extn("starttls"):
                raise Refused("it offers no STARTTLS, which is asked for")
            if options["security"] in ("auto", "starttls") and server.has_extn("starttls"):
                step = "STARTTLS fails"
                _expect(*server.starttls(context=network.tls_context(options)), "it refuses STARTTLS")
                _expect(*server.ehlo(), "it refuses EHLO after STARTTLS")
                encrypted = True
            if options["username"]:
                step = "breaks off at the login"
                _login(server, options, encrypted)
            step = "breaks off at the end"
            _expect(*server.noop(), "it refuses NOOP")
            server.quit()
    except smtplib.SMTPException as error:
        raise Refused(f"no answer within {within:g} s" if guard.over() else f"{step}: {one_line(error, 150)}") from None
    except OSError as error:
        raise Refused(f"no answer within {within:g} s" if guard.over() else f"{step}: {network.cause(error, within)}") from None
    finally:
        server.close()
    return {"encrypted": encrypted, "login": bool(options["username"])}


def _expect(code: int, message: bytes, complaint: str) -> None:
    if not 200 <= code < 300:
        raise Refused(f"{complaint}: {code} {one_line(message.decode('utf-8', 'replace'), 150)}")


def _login(server: Any, options: dict, encrypted: bool) -> None:
    if not encrypted and options["security"] == "auto" and not _is_loopback(options["host"]):
        raise CannotLook(f"mail server {options['host']} offers no encryption, and the password would be sent in clear; "
                         "set security to none if that is meant")
    try:
        server.login(options["username"], options["password"])
    except smtplib.SMTPAuthenticationError as error:
        reply = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        raise Refused(f"it refuses the login of {options['username']}: {error.smtp_code} {one_line(reply, 150)}") from None
    except smtplib.SMTPNotSupportedError:
        raise Refused("it offers no login") from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
