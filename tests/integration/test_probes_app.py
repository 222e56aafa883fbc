# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of application, PM2, mail, certificate and disk on a lab of their own: well in health, and red with the cause in the
summary under each real fault. And a real PM2 daemon that dies, hangs or is not there, and is never started by a look."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, OK, UNKNOWN, WARNING, Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import base, pm2, runner
from lab import processes
from lab.layout import Layout
from tools import environment

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 180


class Lab:
    """A running lab, and looks at it that remember the look before."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.settings = json.loads((directory / "lab.json").read_text())
        self.last: dict[str, dict] = {}

    def command(self, *arguments: str) -> None:
        done = subprocess.run([sys.executable, str(ROOT / "lab/lab.py"), *arguments, "--dir", str(self.directory)],
                              capture_output=True, text=True, check=False, timeout=PATIENCE)
        assert done.returncode == 0, done.stdout + done.stderr

    def look(self, series: Any = None) -> dict[str, Check]:
        """Run all checks once; return them by id."""
        app, smtp, tls, disk = (self.settings[name] for name in ("app", "smtp", "tls", "disk"))
        pm2_options = {"name": app["pm2_name"], "pm2_home": app["pm2_home"], "pm2_path": app["pm2_path"]}
        parts = ("database", "email", "uploads")
        checks: list[dict] = [
            {"type": "app.http", "url": app["base_url"] + "/api/health", "expect_body": '"ok"', "answer_within": 3},
            {"type": "app.deep", "url": app["base_url"] + "/api/health/deep", "answer_within": 4,
             "assertions": [{"path": f"components.{part}.status", "equals": "healthy"} for part in parts]},
            {"type": "app.response_time", "url": app["base_url"] + "/api/health", "requests": 10, "answer_within": 3},
            {"type": "app.error_rate", "metrics_url": app["base_url"] + "/metrics", "answer_within": 3},
            {"type": "app.error_rate", "id": "app.error_rate.log", "access_log": app["access_log"]},
            {"type": "pm2.process", **pm2_options},
            {"type": "pm2.memory", **pm2_options, "limit_mb": 400},
            {"type": "smtp.connect", "host": smtp["host"], "port": smtp["port"], "username": smtp["user"]},
            {"type": "tls.expiry", "target": f"{tls['host']}:{tls['port']}", "verify": False},
            {"type": "host.oom"},
        ]
        if disk["path"]:
            checks.append({"type": "host.disk", "path": disk["path"], "mounted": True})
        secrets = {"smtp.connect": {"password": self.settings["passwords"]["smtp"]}}
        context = base.Context(last=self.last, series=series or (lambda check_id, days: []))
        found = {check.id: check for check in runner.run(runner.plan(checks, {}, secrets), context, 45.0)}
        shown = json.dumps([check.as_dict() for check in found.values()])
        assert not [secret for secret in self.settings["secrets"] if secret in shown]
        self.last = {check.id: check.as_dict() for check in found.values()}
        return found


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One lab for the module."""
    directory = tmp_path_factory.mktemp("lab")
    command = [sys.executable, str(ROOT / "lab/lab.py")]
    try:
        subprocess.run([*command, "up", "--bookings", "300", "--dir", str(directory)], check=True, timeout=PATIENCE)
        yield Lab(directory)
    finally:
        subprocess.run([*command, "down", "--purge", "--dir", str(directory)], check=True, timeout=PATIENCE)
        assert not processes.find(Layout(directory))


def red(found: dict[str, Check]) -> dict[str, str]:
    """Return the checks that are not ok, with their status."""
    return {check.id: check.status for check in found.values() if check.status != OK}


def test_well(lab: Lab) -> None:
    lab.look()  # the first look counts restarts and errors from their beginning
    found = lab.look()
    assert red(found) == {}, {check.id: check.summary for check in found.values()}
    assert "lets trixtech log in" in found["smtp.connect"].summary
    assert "3 assertions hold" in found["app.deep"].summary
    assert "online for" in found["pm2.process"].summary and found["pm2.process"].value == 0


@pytest.mark.parametrize(("fault", "expected"), [
    ("mongod-stopped", {"app.deep": (CRITICAL, r'components.database.status is "unhealthy"')}),
    ("mongod-frozen", {"app.deep": (CRITICAL, "no answer within 4 s")}),
    ("app-crashed", {"app.http": (CRITICAL, "connection refused"), "app.deep": (CRITICAL, "connection refused"),
                     "app.response_time": (UNKNOWN, "connection refused"), "app.error_rate": (UNKNOWN, "connection refused"),
                     "pm2.process": (CRITICAL, "is stopped, not online"), "pm2.memory": (UNKNOWN, "does not run")}),
    ("app-hanging", {"app.http": (CRITICAL, "no answer within 3 s"), "app.deep": (CRITICAL, "no answer within 4 s"),
                     "app.response_time": (UNKNOWN, "no answer within 3 s"), "app.error_rate": (UNKNOWN, "no answer within 3 s")}),
    ("app-unhealthy", {"app.deep": (CRITICAL, r'components.uploads.status is "unhealthy"')}),
    ("smtp-down", {"smtp.connect": (CRITICAL, "connection refused"), "app.deep": (CRITICAL, r'components.email.status is "unhealthy"')}),
    ("certificate-expired", {"tls.expiry": (CRITICAL, "expired 2 days ago")}),
    ("app-leaking", {"pm2.memory": (CRITICAL, "of its limit of 400.0 MiB")}),
])
def test_fault(lab: Lab, fault: str, expected: dict) -> None:
    assert red(lab.look()) == {}
    lab.command("fault", fault, "on")
    try:
        found = {check_id.split("[")[0]: check for check_id, check in lab.look().items()}
    finally:
        lab.command("fault", fault, "off")
    # the rest of the run is as it was: nothing else is red
    assert {check_id: check.status for check_id, check in found.items() if check.status != OK} == {
        check_id: status for check_id, (status, _phrase) in expected.items()}
    for check_id, (_status, phrase) in expected.items():
        assert phrase in found[check_id].summary
        assert found[check_id].hint.startswith("docs/runbook.md#")
    settle(lab)


def settle(lab: Lab) -> None:
    """Look until the restarts and errors of a mended fault lie behind."""
    for _unused in range(3):
        if not red(lab.look()):
            return
    assert red(lab.look()) == {}


def test_crash_loop_is_seen_by_its_restarts(lab: Lab) -> None:
    before = lab.look()["pm2.process"].details["restarts"]
    lab.command("fault", "app-crash-loop", "on")
    try:
        found = lab.look()["pm2.process"]
        assert found.status in (WARNING, CRITICAL)
        assert found.value == sum(found.details["restarts"].values()) - sum(before.values()) >= 1
        assert "since the last run" in found.summary
    finally:
        lab.command("fault", "app-crash-loop", "off")
    settle(lab)


def test_failing_requests_are_seen_in_metrics_and_in_the_access_log(lab: Lab) -> None:
    lab.look()
    lab.command("fault", "app-failing", "on")
    try:
        found = lab.look()
        for check_id in ("app.error_rate", "app.error_rate.log"):
            assert found[check_id].status == CRITICAL, found[check_id].summary
            assert found[check_id].details["errors"] >= 10 and found[check_id].value > 5
            assert "failed with 5xx" in found[check_id].summary and "since 20" in found[check_id].summary
    finally:
        lab.command("fault", "app-failing", "off")
    settle(lab)


def test_slowness_is_seen_against_history(lab: Lab) -> None:
    usual = lab.look()["app.response_time"].value
    history = [(float(day) * 86400, usual) for day in range(10)]
    lab.command("fault", "app-slow", "on")
    try:
        found = lab.look(lambda check_id, days: history if check_id == "app.response_time" else [])["app.response_time"]
        assert found.status == WARNING, found.summary
        assert found.value >= 1500 and "the median of the last 14 days is" in found.summary
    finally:
        lab.command("fault", "app-slow", "off")
    settle(lab)


def test_a_full_disk(lab: Lab) -> None:
    if not lab.settings["disk"]["path"]:
        pytest.skip(f"the lab has no disk of its own: {lab.settings['disk']['reason']}")
    path = lab.settings["disk"]["path"]
    assert lab.look()[f"host.disk[{path}]"].status == OK
    lab.command("fault", "disk-full", "on")
    try:
        found = lab.look()[f"host.disk[{path}]"]
        assert found.status == CRITICAL and "% full" in found.summary and found.value >= 90
    finally:
        lab.command("fault", "disk-full", "off")
    settle(lab)


def test_a_wrong_mail_password(lab: Lab) -> None:
    smtp = lab.settings["smtp"]
    planned = runner.plan([{"type": "smtp.connect", "host": smtp["host"], "port": smtp["port"], "username": smtp["user"]}], {},
                          {"smtp.connect": {"password": "guessed-wrong"}})
    (check,) = runner.run(planned, base.Context(), 30.0)
    assert check.status == CRITICAL and "refuses the login of trixtech" in check.summary and "guessed" not in check.summary


# --- a real PM2 daemon of its own ---


class Daemon:
    """A real PM2 daemon in a short directory."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.path = str(environment.pm2())

    def pm2(self, *arguments: str) -> None:
        subprocess.run([self.path, *arguments], check=True, capture_output=True, timeout=PATIENCE,
                       env={"PATH": os.environ["PATH"], "HOME": str(self.home), "PM2_HOME": str(self.home), "API_TOKEN": "hush-hush"})

    @property
    def pid(self) -> int:
        return int((self.home / "pm2.pid").read_text())

    def look(self, last: Any = None, **options: Any) -> Check:
        given = {"type": "pm2.process", "name": "idle", "pm2_home": str(self.home), "pm2_path": self.path, **options}
        (check,) = runner.run(runner.plan([given], {}), base.Context(last=last or {}), 30.0)
        assert "hush-hush" not in str(check.as_dict())
        return check

    def running(self) -> list[int]:
        """Return the pids of all processes of this home, found by their environment."""
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if f"PM2_HOME={self.home}".encode() in path.read_bytes().split(b"\0"):
                    found.append(int(path.parent.name))
            except OSError:
                continue
        return found


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """Return a running daemon with one process, and end whatever is left of it."""
    with tempfile.TemporaryDirectory(prefix="pm2-") as directory:
        running = Daemon(Path(directory))
        (running.home / "idle.js").write_text("setInterval(() => {}, 1000);\n")
        try:
            running.pm2("start", str(running.home / "idle.js"), "--name", "idle", "--max-memory-restart", "300M")
            yield running
        finally:
            for pid in running.running():
                os.kill(pid, signal.SIGKILL)


def test_real_daemon(daemon: Daemon) -> None:
    first = daemon.look()
    assert first.status == OK and "idle is online" in first.summary
    daemon.pm2("restart", "idle")
    check = daemon.look({first.id: first.as_dict()})
    assert check.status == WARNING and "1 restart since the last run" in check.summary
    memory = daemon.look(type="pm2.memory")
    assert memory.status == OK and "of its limit of 300.0 MiB" in memory.summary and memory.value > 1
    daemon.pm2("stop", "idle")
    assert "idle is stopped, not online" in daemon.look().summary


def dead(daemon: Daemon) -> None:
    os.kill(daemon.pid, signal.SIGKILL)
    # a dying process loses its environment first and its sockets last
    assert processes.eventually(lambda: not listens(daemon.home / "rpc.sock"), 10.0)


def listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


@pytest.mark.parametrize(("end", "phrase"), [
    (dead, "the daemon has died"), (lambda daemon: daemon.pm2("kill"), "there is no rpc.sock"),
])
def test_a_daemon_that_is_gone_is_not_started(daemon: Daemon, end: Callable[[Daemon], None], phrase: str) -> None:
    end(daemon)
    before = daemon.running()
    check = daemon.look()
    assert check.status == CRITICAL and phrase in check.summary
    assert set(daemon.running()) <= set(before)


def test_a_daemon_that_goes_between_socket_and_client_is_not_started(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon.pm2("kill")
    monkeypatch.setattr(pm2, "_try_socket", lambda home, seconds: None)  # as if it had listened a moment ago
    check = daemon.look()
    assert check.status == UNKNOWN and "exit status" in check.summary
    assert daemon.running() == [] and not (daemon.home / "rpc.sock").exists()


def test_a_daemon_that_hangs(daemon: Daemon) -> None:
    os.kill(daemon.pid, signal.SIGSTOP)
    check = daemon.look(timeout=3)
    assert check.status == UNKNOWN and "does not answer within" in check.summary
