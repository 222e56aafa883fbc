# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's SMTP server: takes mail on loopback and keeps it in a maildir. Run as python -m lab.smtp DIR."""

from __future__ import annotations

import asyncio
import hmac
import logging
import sys
from pathlib import Path

from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from lab.layout import Layout


async def serve(layout: Layout) -> None:
    """Serve until the process is ended. Signing in is offered and its password is checked, but it is not asked for."""
    settings = layout.read()
    password = settings["passwords"]["smtp"].encode()

    def authenticate(server: object, session: object, envelope: object, mechanism: str, given: object) -> AuthResult:
        good = isinstance(given, LoginPassword) and given.login == b"trixtech" and hmac.compare_digest(given.password, password)
        return AuthResult(success=good, handled=False)  # not handled: the answer is aiosmtpd's to give

    def connection() -> SMTP:
        return SMTP(Mailbox(str(layout.maildir)), hostname="lab.example.com", authenticator=authenticate, auth_require_tls=False,
                    enable_SMTPUTF8=True)

    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", settings["ports"]["smtp"])
    await server.serve_forever()


if __name__ == "__main__":
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    asyncio.run(serve(Layout(Path(sys.argv[1]))))
