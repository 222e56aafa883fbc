# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the probes share: a way to run one check as the module does, and a small HTTP server that answers as told."""

from __future__ import annotations

import http.server
import socket
import threading
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
