# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ssl
import threading

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, OK, UNKNOWN
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import smtp_connect

pytest.importorskip("aiosmtpd", reason="the mail server of these tests, aiosmtpd, is not installed")

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Mailbox:
    """Counts what is delivered, which must be nothing."""

    def __init__(self):
        self.delivered = 0

    async def handle_DATA(self, server, session, envelope):
        self.delivered += 1
        return "250 taken"


class Mail(Controller):
    """aiosmtpd on a free port."""

    def __init__(self, **arguments):
        self.box = Mailbox()
        super().__init__(self.box, hostname="127.0.0.1", port=0, **arguments)

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"trixtech" and data.password == b"hush", handled=False)


@pytest.fixture
def mail():
    """Return a function that starts a mail server."""
    started = []

    def start(**arguments):
        started.append(Mail(**arguments))
        started[-1].start()
        return started[-1]
    yield start
    for server in started:
        server.stop()
        assert server.box.delivered == 0


def tls_of(authority, name="mail", days=60.0):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue(name, days))
    return context


@pytest.fixture
def connect(look):
    """Return a function that looks at a port of the loopback."""
    def run(port, password=None, **options):
        secrets = {"smtp.connect": {"password": password}} if password is not None else None
        (check,) = look({"type": "smtp.connect", "host": "127.0.0.1", "port": port, **options}, secrets=secrets)
        assert password is None or password not in str(check.as_dict())
        return check
    return run


def test_well(connect, mail):
    check = connect(mail().port)
    assert check.status == OK and check.summary.endswith("takes mail")
    assert check.details == {"encrypted": False, "login": False} and check.value >= 0


def test_nothing_listens(connect, closed_port):
    check = connect(closed_port)
    assert check.status == CRITICAL
    assert f"127.0.0.1:{closed_port}: does not answer: connection refused" in check.summary


@pytest.mark.parametrize(("security", "name"), [("auto", "auto"), ("starttls", "required")])
def test_starttls(connect, mail, authority, security, name):
    server = mail(tls_context=tls_of(authority, name))
    check = connect(server.port, security=security, ca_file=str(authority.certificate))
    assert check.status == OK and check.details["encrypted"] is True and "encrypts" in check.summary


def test_tls_from_the_first_byte(connect, mail, authority):
    server = mail(ssl_context=tls_of(authority, "smtps"))
    # aiosmtpd's start() looks at its own server without trusting the certificate, so nothing is special here
    check = connect(server.port, security="tls", ca_file=str(authority.certificate))
    assert check.status == OK and check.details["encrypted"] is True


def test_starttls_is_not_offered(connect, mail):
    check = connect(mail().port, security="starttls")
    assert check.status == CRITICAL and "offers no STARTTLS" in check.summary


@pytest.mark.parametrize(("days", "trusted", "phrase"), [(60, False, "not trusted"), (-2, True, "expired")])
def test_its_certificate_is_not_trusted(connect, mail, authority, days, trusted, phrase):
    server = mail(tls_context=tls_of(authority, f"bad{days}", days))
    check = connect(server.port, security="starttls", ca_file=str(authority.certificate) if trusted else None)
    assert check.status == CRITICAL and "STARTTLS fails" in check.summary and phrase in check.summary
    assert connect(server.port, security="starttls", verify=False).status == OK


def test_login(connect, mail):
    server = mail(authenticator=authenticate, auth_require_tls=False)
    check = connect(server.port, username="trixtech", password="hush")
    assert check.status == OK and "lets trixtech log in" in check.summary and check.details["login"] is True


def test_login_with_a_wrong_password(connect, mail):
    server = mail(authenticator=authenticate, auth_require_tls=False)
    check = connect(server.port, username="trixtech", password="guessed")
    assert check.status == CRITICAL and "refuses the login of trixtech: 535" in check.summary


def test_login_is_not_offered(connect, mail):
    check = connect(mail().port, username="trixtech", password="hush")
    assert check.status == CRITICAL and "offers no login" in check.summary


def test_a_password_does_not_travel_in_clear(connect, mail, monkeypatch):
    monkeypatch.setattr(smtp_connect, "_is_loopback", lambda host: False)
    server = mail(authenticator=authenticate, auth_require_tls=False)
    check = connect(server.port, username="trixtech", password="hush")
    assert check.status == UNKNOWN and "in clear" in check.summary
    assert connect(server.port, username="trixtech", password="hush", security="none").status == OK


def test_what_is_loopback():
    assert all(map(smtp_connect._is_loopback, ("127.0.0.1", "::1", "localhost")))
    assert not any(map(smtp_connect._is_loopback, ("10.0.0.1", "mail.example.com")))


@pytest.mark.parametrize(("talk", "phrase"), [
    (lambda client: client.sendall(b"554 go away, you are listed\r\n"), "refuses connections: 554 go away"),
    (lambda client: (client.sendall(b"220 hello\r\n"), client.recv(99), client.sendall(b"421 too busy\r\n"), client.recv(99)), "421 too busy"),
    (lambda client: (client.sendall(b"220 hello\r\n"), client.recv(99)), "breaks off after the connection"),
    (lambda client: client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "refuses connections"),
    (lambda client: threading.Event().wait(20), "no answer within 0.4 s"),
    (lambda client: [(client.sendall(b"2"), threading.Event().wait(0.05)) for _unused in range(300)], "no answer within 0.4 s"),
])
def test_a_server_that_does_not_do_it(connect, talker, talk, phrase):
    check = connect(talker(talk), answer_within=0.4)
    assert check.status == CRITICAL and phrase in check.summary, check.summary


@pytest.mark.parametrize("options", [{"security": "ssl"}, {"username": "me"}, {}])
def test_bad_options(look, options):
    with pytest.raises(MaintenanceError):
        look({"type": "smtp.connect", **({"host": "127.0.0.1"} if options else {}), **options})


def test_a_password_among_the_options_is_refused(look):
    with pytest.raises(MaintenanceError, match="secrets") as caught:
        look({"type": "smtp.connect", "host": "127.0.0.1", "username": "me", "password": "hush"})
    assert "hush" not in str(caught.value)
