# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import ssl
import threading

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, OK, UNKNOWN, WARNING
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import certificate


def test_parsed_as_python_itself_does(authority, tmp_path):
    for name, key in (("plain", "ec"), ("rsa", "rsa")):
        pem = authority.issue(name, 77, key=key)
        (found,) = certificate.read_pem(pem.read_text())
        told = ssl._ssl._test_decode_cert(str(pem).replace(".pem", ".crt"))  # the reference; private, so for tests only
        assert found.not_after.timestamp() == ssl.cert_time_to_seconds(told["notAfter"])
        assert found.not_before.timestamp() == ssl.cert_time_to_seconds(told["notBefore"])
        assert found.name == name and found.self_signed is False
    (own,) = certificate.read_pem(authority.certificate.read_text())
    assert own.self_signed is True and own.name == "Test authority"


def test_a_date_after_2050_is_written_in_the_long_form(authority):
    pem = authority.issue("long", 365 * 40)
    (found,) = certificate.read_pem(pem.read_text())
    assert found.not_after.year >= datetime.date.today().year + 39


def test_every_cut_of_a_certificate_is_refused(authority):
    der = ssl.PEM_cert_to_DER_cert(authority.certificate.read_text())
    for length in range(len(der)):
        with pytest.raises(ValueError, match="no X.509 certificate"):
            certificate.read(der[:length])


@pytest.mark.parametrize("rubbish", [b"", b"\x30\x00", b"\x30\x82\xff\xff", b"\x30\x03\x30\x01\x00", bytes(500), b"\x05\x00"])
def test_rubbish_is_refused(rubbish):
    with pytest.raises(ValueError, match="no X.509 certificate"):
        certificate.read(rubbish)


@pytest.mark.parametrize(("days", "status", "phrase"), [
    (90, OK, "is valid for 90 days"), (19, WARNING, "is valid for 19 days"), (2, CRITICAL, "is valid for 2 days"),
    (-2, CRITICAL, "expired 2 days ago"),
])
def test_a_file(look, authority, days, status, phrase):
    pem = authority.issue(f"file{days}", days)
    (check,) = look({"type": "tls.expiry", "target": str(pem)})
    assert check.id == f"tls.expiry[{pem}]"
    assert check.status == status and phrase in check.summary and f"(file{days})" in check.summary
    assert check.value == pytest.approx(days, abs=0.1) and (check.warning, check.critical) == (20, 3)


def test_the_link_of_the_chain_that_ends_first_counts(look, authority, tmp_path):
    chain = tmp_path / "chain.pem"
    chain.write_text(authority.issue("first", 400).read_text() + authority.issue("second", 5).read_text())
    (check,) = look({"type": "tls.expiry", "target": str(chain)})
    assert check.status == WARNING and "(second)" in check.summary


def test_not_valid_yet(look, authority):
    (check,) = look({"type": "tls.expiry", "target": str(authority.issue("early", 90, since=3))})
    assert check.status == CRITICAL and "not valid before" in check.summary and "clock" in check.summary


@pytest.mark.parametrize(("text", "phrase"), [("", "no certificate in it"), ("-----BEGIN CERTIFICATE-----\nAAAA\n", "no end"),
                                              ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no X.509"),
                                              ("-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n", "cannot be read as PEM")])
def test_a_file_that_is_none(look, tmp_path, text, phrase):
    (tmp_path / "x.pem").write_text(text)
    (check,) = look({"type": "tls.expiry", "target": str(tmp_path / "x.pem")})
    assert check.status == UNKNOWN and phrase in check.summary


def test_no_file(look, tmp_path):
    (check,) = look({"type": "tls.expiry", "target": str(tmp_path / "none.pem")})
    assert check.status == UNKNOWN and "No such file" in check.summary


@pytest.fixture
def server(look, authority, endpoint):
    """Return a function that shows a certificate and looks at it; it trusts the authority unless told otherwise."""
    def run(pem, **options):
        endpoint.pem = pem
        (check,) = look({"type": "tls.expiry", "target": f"127.0.0.1:{endpoint.port}", "ca_file": str(authority.certificate), **options})
        return check
    return run


def test_a_server(server, authority, endpoint):
    check = server(authority.issue("good", 60))
    assert check.status == OK and check.id == f"tls.expiry[127.0.0.1:{endpoint.port}]"
    assert check.details["name"] == "good" and check.details["self_signed"] is False


def test_a_server_whose_certificate_expired(server, authority):
    for verify in (True, False):
        check = server(authority.issue(f"old{verify}", -2), verify=verify)
        assert check.status == CRITICAL and "expired 2 days ago" in check.summary and check.value < 0


def test_unknown_authority(server, authority):
    check = server(authority.issue("stranger", 60), ca_file=None)
    assert check.status == CRITICAL and "is not trusted" in check.summary and "issuer" in check.summary and check.value == pytest.approx(60, abs=0.1)


def test_self_signed(server, authority):
    pem = authority.issue("alone", 60, signer="self")
    assert server(pem).status == CRITICAL
    check = server(pem, verify=False)
    assert check.status == OK and check.details["self_signed"] is True


def test_another_name(server, authority, endpoint):
    pem = authority.issue("named", 60, host="DNS:www.example.com")
    check = server(pem)
    assert check.status == CRITICAL and "127.0.0.1" in check.summary and "not trusted" in check.summary
    check = server(pem, server_name="www.example.com")
    assert check.status == OK
    assert endpoint.names[-1] == "www.example.com"


def test_a_certificate_that_was_renewed_clears_at_once(look, authority):
    near = look({"type": "tls.expiry", "target": str(authority.issue("near", 19)), "id": "mine"})
    (check,) = look({"type": "tls.expiry", "target": str(authority.issue("fresh", 90)), "id": "mine"}, near)
    assert check.status == OK


def test_nobody_listens(look, closed_port):
    (check,) = look({"type": "tls.expiry", "target": f"127.0.0.1:{closed_port}"})
    assert check.status == UNKNOWN and "connection refused" in check.summary


@pytest.mark.parametrize(("talk", "phrase"), [
    (lambda client: client.sendall(b"220 mail ready\r\n"), "TLS failed"),
    (lambda client: threading.Event().wait(20), "no answer within 0.3 s"),
])
def test_no_tls(look, talker, talk, phrase):
    (check,) = look({"type": "tls.expiry", "target": f"127.0.0.1:{talker(talk)}", "answer_within": 0.3})
    assert check.status == UNKNOWN and phrase in check.summary, check.summary


@pytest.mark.parametrize("target", ["localhost", "localhost:", ":443", "localhost:https", "localhost:70000", "relative/file.pem"])
def test_no_target(look, target):
    with pytest.raises(MaintenanceError, match="host:port"):
        look({"type": "tls.expiry", "target": target})
