# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the probes share: a way to run one check as the module does, servers that
answer as told, and certificates made by the openssl command."""

from __future__ import annotations

import datetime
import http.server
import socket
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Any, Callable, Iterator, Optional

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import base, runner


@pytest.fixture
def look() -> Callable[..., list[Check]]:
    """Return a function that runs one check through plan() and run(), and returns its checks.

    last: the checks of the run before, by id, or a list of checks. series: check id -> points. secrets: as the module takes them.
    """
    def run(given: dict, last: Any = None, series: Optional[dict] = None, secrets: Optional[dict] = None) -> list[Check]:
        if isinstance(last, list):
            last = {check.id: check.as_dict() for check in last}
        context = base.Context(last=last or {}, series=lambda check_id, days: (series or {}).get(check_id, []))
        return runner.run(runner.plan([given], {}, secrets), context, 60.0)
    return run


class Web:
    """An HTTP server on a free port of the loopback. answer: function path -> (status, headers, body), or None to hang up."""

    def __init__(self) -> None:
        self.answer: Callable[[str], Any] = lambda path: (200, {}, b"ok")
        self.seen: list[tuple[str, dict]] = []
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.seen.append((self.path, dict(self.headers)))
                reply = web.answer(self.path)
                if reply is None:
                    return
                status, headers, body = reply
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def web() -> Iterator[Web]:
    """Return a running Web."""
    server = Web()
    yield server
    server.stop()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Return a port on which nothing listens; it is bound, so that nobody else gets it meanwhile."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@pytest.fixture
def talker() -> Iterator[Callable[[Callable[[socket.socket], None]], int]]:
    """Return a function that starts a TCP server whose connections are given to the function handed in; it returns the port."""
    listeners = []

    def start(talk: Callable[[socket.socket], None]) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            while True:
                try:
                    client, _address = listener.accept()
                except OSError:
                    return
                threading.Thread(target=_quietly, args=(talk, client), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        return listener.getsockname()[1]

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _quietly(talk: Callable[[socket.socket], None], client: socket.socket) -> None:
    with client:
        try:
            talk(client)
        except OSError:
            pass


def openssl(*arguments: object) -> None:
    """Run openssl."""
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def _day(days: float) -> str:
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return moment.strftime("%Y%m%d%H%M%SZ")


class Authority:
    """A certificate authority in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.certificate = directory / "ca.pem"
        (directory / "index.txt").touch()
        (directory / "ca.cnf").write_text(f"""
[ca]
default_ca = own
[own]
database = {directory}/index.txt
new_certs_dir = {directory}
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
organizationName = optional
[req]
distinguished_name = name
[name]
""")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", directory / "ca.key",
                "-out", self.certificate, "-subj", "/CN=Test authority", "-days", "3000", "-config", directory / "ca.cnf",
                "-addext", "basicConstraints=critical,CA:TRUE")

    def issue(self, name: str, days: float, since: float = -30, host: str = "DNS:localhost,IP:127.0.0.1", signer: Optional[str] = None,
              key: str = "ec") -> Path:
        """Return a PEM file of key and certificate, valid from since until days from now; signer None: by this authority."""
        base = self.directory / name
        kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"] if key == "ec" else ["-newkey", "rsa:2048"]
        openssl("req", "-new", *kind, "-nodes", "-keyout", f"{base}.key", "-out", f"{base}.csr", "-subj", f"/O=TrixTech/CN={name}",
                "-config", self.directory / "ca.cnf")
        (self.directory / f"{name}.ext").write_text(f"subjectAltName={host}\n")
        by = ["-selfsign", "-keyfile", f"{base}.key"] if signer == "self" else ["-keyfile", self.directory / "ca.key", "-cert", self.certificate]
        openssl("ca", "-batch", "-config", self.directory / "ca.cnf", "-in", f"{base}.csr", "-out", f"{base}.crt", "-notext", "-extfile",
                self.directory / f"{name}.ext", "-startdate", _day(since), "-enddate", _day(days), *by)
        pem = self.directory / f"{name}.pem"
        pem.write_text(Path(f"{base}.key").read_text() + Path(f"{base}.crt").read_text())
        return pem


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return an authority of this session."""
    return Authority(tmp_path_factory.mktemp("ca"))


class Endpoint:
    """A TLS server on a free port; pem may be changed while it runs. names: the server names that clients asked for."""

    def __init__(self) -> None:
        self.pem: Optional[Path] = None
        self.names: list[Optional[str]] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _address = self.listener.accept()
            except OSError:
                return
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(str(self.pem))
            context.sni_callback = lambda _client, name, _context: self.names.append(name)
            client.settimeout(5)
            try:
                context.wrap_socket(client, server_side=True).close()
            except OSError:
                client.close()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """Return a running Endpoint."""
    server = Endpoint()
    yield server
    server.listener.shutdown(socket.SHUT_RDWR)
    server.listener.close()
