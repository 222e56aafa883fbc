# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's TLS endpoint: answers HTTP 200 with the certificate DIR/tls/current.pem. Run as python -m lab.tls DIR.

The certificate is read for each connection, so that the fault certificate-expired needs no restart.
"""

from __future__ import annotations

import datetime
import http.server
import ipaddress
import ssl
import sys
from pathlib import Path

from lab.layout import Layout, write_private

VALID_DAYS = 90
RENEW_DAYS = 60


class Server(http.server.ThreadingHTTPServer):
    """An HTTP server that wraps each connection with the certificate of the moment."""

    daemon_threads = True
    certificate: Path

    def finish_request(self, request: object, client_address: object) -> None:
        """Shake hands in the connection's own thread, where a slow client holds up nobody."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        request.settimeout(10)  # type: ignore[attr-defined]
        try:
            with context.wrap_socket(request, server_side=True) as secure:  # type: ignore[arg-type]
                super().finish_request(secure, client_address)
        except (OSError, ValueError):
            pass  # the client went away, or speaks no TLS


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers every GET with 200."""

    def do_GET(self) -> None:
        """Answer."""
        body = b"TrixTech\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def make_certificates(directory: Path) -> None:
    """Write valid.pem (90 days, made anew when fewer than 60 are left), expired.pem, and current.pem as a link to the valid one."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    directory.mkdir(exist_ok=True, mode=0o700)
    now = datetime.datetime.now(datetime.timezone.utc)

    def write(name: str, begin: datetime.datetime, end: datetime.datetime) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        certificate = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(end)
            .add_extension(names, critical=False).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256()))
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        write_private(directory / name, (private + certificate.public_bytes(serialization.Encoding.PEM)).decode())

    valid = directory / "valid.pem"
    if not valid.exists() or datetime.datetime.fromtimestamp(valid.stat().st_mtime, datetime.timezone.utc) < now - (
            datetime.timedelta(days=VALID_DAYS - RENEW_DAYS)):
        write("valid.pem", now - datetime.timedelta(minutes=5), now + datetime.timedelta(days=VALID_DAYS))
        write("expired.pem", now - datetime.timedelta(days=VALID_DAYS + 2), now - datetime.timedelta(days=2))
    use(directory, "valid.pem")


def use(directory: Path, name: str) -> None:
    """Serve this certificate from the next connection on."""
    partial = directory / "current.partial"
    partial.unlink(missing_ok=True)
    partial.symlink_to(name)
    partial.replace(directory / "current.pem")


if __name__ == "__main__":
    lab = Layout(Path(sys.argv[1]))
    Server.certificate = lab.tls / "current.pem"
    Handler.log_message = lambda *arguments: None  # type: ignore[method-assign]
    Server(("127.0.0.1", lab.read()["ports"]["tls"]), Handler).serve_forever()
