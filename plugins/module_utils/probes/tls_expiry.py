# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many days a certificate is still valid.

Looks at the one that a server shows, or at those in a PEM file, of which the one that ends first counts. Expired, or not valid yet, is
critical. With verify, so is one that a client would not trust: unknown authority, missing link of the chain, another name. The validity is
read without trusting, so that it is told for a self-signed certificate, too.
"""

from __future__ import annotations

import datetime
import os
import socket
import ssl
from typing import Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, Check, utc_now
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import certificate, network
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import (
    CannotLook,
    Context,
    Option,
    threshold,
    threshold_options,
)
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import duration, one_line

TYPE = "tls.expiry"
INSTANCE = "target"
ABOVE = False
OPTIONS = {
    "target": Option("str", required=True, doc="host:port, or the absolute path of a PEM file."),
    "server_name": Option("str", doc="The name to ask the server for, and to check; the target's host unless given."),
    "verify": Option("bool", default=True, doc="Whether a client would have to trust it; not looked at for a file."),
    "ca_file": Option("str", doc="A PEM file of authorities to trust instead of the system's."),
    "answer_within": Option("float", default=5.0, doc="Seconds for each of two connections. At most four tenths of timeout."),
    **threshold_options(warning=20, critical=3, unit="days left"),
}
HINT = "docs/runbook.md#certificate"


def prepare(options: dict) -> None:
    """Raise MaintenanceError for options that cannot work."""
    if not os.path.isabs(options["target"]):
        _host_and_port(options["target"])


def look(context: Context, options: dict) -> list[Check]:
    """Return the one check of this type."""
    target = options["target"]
    distrust = None
    if os.path.isabs(target):
        shown = _from_file(target)
    else:
        shown = _from_server(options)
        if options["verify"]:
            distrust = _distrust(options)
    now = utc_now()
    left = (shown.not_after - now).total_seconds()
    days = left / 86400
    check = Check(
        id=options["id"],
        status=threshold(options, ABOVE).judge(days, context.last_status(options["id"])),
        summary="",
        value=round(days, 2),
        unit="days",
        warning=options["warning"],
        critical=options["critical"],
        hint=HINT,
        details={"name": shown.name, "not_before": _day(shown.not_before), "not_after": _day(shown.not_after),
                 "self_signed": shown.self_signed},
    )
    whose = f"the certificate of {target}" + (f" ({one_line(shown.name, 80)})" if shown.name else "")
    if left <= 0:
        check.status = CRITICAL
        check.summary = f"{whose} expired {duration(-left)} ago, on {_day(shown.not_after)}"
    elif shown.not_before > now:
        check.status = CRITICAL
        check.summary = f"{whose} is not valid before {_day(shown.not_before)}; is the clock of this host right?"
    elif distrust:
        check.status = CRITICAL
        check.summary = f"{whose} is not trusted: {distrust}; it is valid until {_day(shown.not_after)}"
    else:
        check.summary = f"{whose} is valid for {duration(left)}, until {_day(shown.not_after)}"
    return [check]


def _day(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%d")


def _host_and_port(target: str) -> tuple[str, int]:
    host, _colon, port = target.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise MaintenanceError(f"{one_line(target, 100)!r} is no target for tls.expiry; write host:port or the absolute path of a PEM file")
    return host.strip("[]"), int(port)


def _from_file(path: str) -> certificate.Certificate:
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            found = certificate.read_pem(handle.read())
    except OSError as error:
        raise CannotLook(f"{path}: {error.strerror}; check the path and that the remote user may read it") from None
    except ValueError as error:
        raise CannotLook(f"{path} cannot be read as PEM: {error}") from None
    return min(found, key=lambda item: item.not_after)


def _connect(options: dict, context: ssl.SSLContext) -> bytes:
    """Return the server's certificate in DER form."""
    host, port = _host_and_port(options["target"])
    within = max(0.1, min(options["answer_within"], options["timeout"] * 0.4))
    plain: Optional[socket.socket] = None
    guard = network.Guard(lambda: plain, within)
    try:
        with guard:
            plain = socket.create_connection((host, port), timeout=within)
            with context.wrap_socket(plain, server_hostname=options["server_name"] or host, do_handshake_on_connect=False) as secure:
                plain = secure  # wrapping has taken the connection over
                secure.do_handshake()
                guard.check()
                return secure.getpeercert(binary_form=True) or b""
    except ssl.SSLCertVerificationError:
        raise
    except (OSError, ValueError) as error:
        why = network.cause(error, within) if isinstance(error, OSError) else one_line(error)
        why = f"no answer within {within:g} s" if guard.over() else why
        raise CannotLook(f"{options['target']} shows no certificate: {why}") from None
    finally:
        if plain is not None:
            plain.close()


def _from_server(options: dict) -> certificate.Certificate:
    try:
        return certificate.read(_connect(options, network.tls_context({**options, "verify": False})))
    except ValueError as error:
        raise CannotLook(f"what {options['target']} shows cannot be read: {error}") from None


def _distrust(options: dict) -> Optional[str]:
    """Return why a client would not trust the server, or None."""
    try:
        _connect(options, network.tls_context({**options, "verify": True}))
    except ssl.SSLCertVerificationError as error:
        return one_line(error.verify_message, 150)
    return None
