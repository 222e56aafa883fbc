# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each fault of the lab: on, seen, on again, off, gone."""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup import create
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import Repository
from lab import application, faults, mongodb, processes
from lab.layout import DATABASE
from tests.integration.labs import ROOT, command


def on(lab: faults.Lab, name: str) -> None:
    """Switch a fault on through the command line, twice."""
    assert f"{name} is on" in command(lab.layout.directory, "fault", name, "on")
    assert "on already" in command(lab.layout.directory, "fault", name, "on")
    assert faults.active(lab.layout) == [name]


def off(lab: faults.Lab, name: str) -> None:
    """Switch a fault off through the command line, twice; the application is healthy then."""
    assert f"{name} is off" in command(lab.layout.directory, "fault", name, "off")
    assert "off already" in command(lab.layout.directory, "fault", name, "off")
    assert faults.active(lab.layout) == []
    assert application.deep_status(lab.settings) == "healthy"


def pm2_process(lab: faults.Lab) -> dict:
    """Return what PM2 says of the application."""
    done = subprocess.run([lab.settings["app"]["pm2_path"], "jlist"], capture_output=True, text=True, check=True,
                          env={**os.environ, "PM2_HOME": lab.settings["app"]["pm2_home"]})
    return json.loads(done.stdout[done.stdout.index("["):])[0]


def test_mongod_stopped(lab: faults.Lab) -> None:
    on(lab, "mongod-stopped")
    assert not processes.find(lab.layout, "mongod")
    assert application.request(lab.settings, "/api/health")[0] == 200
    assert application.request(lab.settings, "/api/health/deep")[1]["components"]["database"]["status"] == "unhealthy"
    off(lab, "mongod-stopped")
    assert mongodb.is_writable(lab.settings)


def test_mongod_frozen(lab: faults.Lab) -> None:
    on(lab, "mongod-frozen")
    socket.create_connection(("127.0.0.1", lab.settings["ports"]["mongodb"]), timeout=5).close()
    assert not mongodb.is_writable(lab.settings)
    off(lab, "mongod-frozen")
    assert mongodb.is_writable(lab.settings)


def test_app_crashed(lab: faults.Lab) -> None:
    on(lab, "app-crashed")
    assert pm2_process(lab)["pm2_env"]["status"] == "stopped"
    with pytest.raises(OSError):
        application.request(lab.settings, "/api/health")
    off(lab, "app-crashed")


def test_app_crash_loop(lab: faults.Lab) -> None:
    before = pm2_process(lab)["pm2_env"]["restart_time"]
    on(lab, "app-crash-loop")
    assert processes.eventually(lambda: pm2_process(lab)["pm2_env"]["restart_time"] >= before + 2, 30)
    assert pm2_process(lab)["pm2_env"]["unstable_restarts"] == 0
    off(lab, "app-crash-loop")


def test_app_hanging(lab: faults.Lab) -> None:
    on(lab, "app-hanging")
    with pytest.raises(TimeoutError):
        application.request(lab.settings, "/api/health", timeout=1.0)
    off(lab, "app-hanging")


def metric(lab: faults.Lab, line: str) -> float:
    """Return a value of the application's metrics."""
    text = application.request(lab.settings, "/metrics")[1]
    return float(re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE).group(1))


def test_app_failing(lab: faults.Lab) -> None:
    errors = lab.layout.logs / f"error-{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}.log"
    lines = len(errors.read_text().splitlines()) if errors.exists() else 0
    failed = metric(lab, 'http_requests_total{status="5xx"}')
    on(lab, "app-failing")
    assert metric(lab, 'http_requests_total{status="5xx"}') >= failed + 15
    assert len(errors.read_text().splitlines()) >= lines + 15
    assert application.request(lab.settings, "/api/health")[0] == 200
    assert application.visit(lab.settings, 8) == 2
    off(lab, "app-failing")
    assert application.visit(lab.settings, 8) == 0


def test_app_slow(lab: faults.Lab) -> None:
    slow = metric(lab, 'http_request_duration_seconds_bucket{le="+Inf"}') - metric(lab, 'http_request_duration_seconds_bucket{le="1"}')
    on(lab, "app-slow")
    assert application.request(lab.settings, "/api/health")[0] == 200
    off(lab, "app-slow")
    assert metric(lab, 'http_request_duration_seconds_bucket{le="+Inf"}') - metric(
        lab, 'http_request_duration_seconds_bucket{le="1"}') > slow


def test_app_leaking(lab: faults.Lab) -> None:
    healthy = faults.LEAK_BYTES * 3 // 4
    assert faults.resident_bytes(lab.layout) < healthy
    on(lab, "app-leaking")
    assert faults.resident_bytes(lab.layout) > healthy
    off(lab, "app-leaking")
    assert faults.resident_bytes(lab.layout) < healthy


def test_app_unhealthy(lab: faults.Lab) -> None:
    on(lab, "app-unhealthy")
    status, answer = application.request(lab.settings, "/api/health/deep")
    assert (status, answer["status"], answer["components"]["uploads"]["status"]) == (200, "unhealthy", "unhealthy")
    off(lab, "app-unhealthy")


def test_smtp_down(lab: faults.Lab) -> None:
    on(lab, "smtp-down")
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", lab.settings["ports"]["smtp"]), timeout=5)
    assert application.request(lab.settings, "/api/health/deep")[1]["components"]["email"]["status"] == "unhealthy"
    off(lab, "smtp-down")


def expiry(lab: faults.Lab) -> datetime.datetime:
    """Return when the certificate that the TLS endpoint shows ends."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((lab.settings["tls"]["host"], lab.settings["tls"]["port"]), timeout=5) as plain:
        with context.wrap_socket(plain) as secure:
            secure.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert b" 200 " in secure.recv(100)
            return x509.load_der_x509_certificate(secure.getpeercert(binary_form=True)).not_valid_after_utc


def test_certificate_expired(lab: faults.Lab) -> None:
    now = datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(days=59) < expiry(lab) - now < datetime.timedelta(days=91)
    on(lab, "certificate-expired")
    assert expiry(lab) < now
    off(lab, "certificate-expired")
    assert expiry(lab) > now
    trusting = ssl.create_default_context(cafile=lab.settings["tls"]["certificate"])
    with socket.create_connection((lab.settings["tls"]["host"], lab.settings["tls"]["port"]), timeout=5) as plain:
        trusting.wrap_socket(plain, server_hostname="localhost").close()


def test_disk_full(lab: faults.Lab) -> None:
    path, name = lab.settings["disk"]["path"], "disk-full"
    if path is None:
        # not root here: the fault says why it cannot be, and is not on afterwards
        assert lab.settings["disk"]["reason"] in command(lab.layout.directory, "fault", name, "on", expect=1)
        assert faults.active(lab.layout) == []
        return

    def used() -> float:
        space = shutil.disk_usage(path)
        return space.used / space.total

    assert used() < 0.5
    on(lab, name)
    assert used() > 0.9
    off(lab, name)
    assert used() < 0.5


def make_backup(lab: faults.Lab) -> Repository:
    """Make a real backup set of the lab as the maintenance user."""
    repository = Repository(lab.settings["repository"])
    create.create(create.Plan(repository, lab.settings["mongodb"]["uri_maintenance"], "lab", [DATABASE], [lab.settings["app"]["uploads"]]))
    return repository


def content(path: str) -> dict[str, bytes]:
    """Return all files below path."""
    return {str(item.relative_to(path)): item.read_bytes() for item in Path(path).rglob("*") if item.is_file()}


def test_backup_corrupt(lab: faults.Lab) -> None:
    repository = make_backup(lab)
    before = content(repository.sets()[-1].path)
    on(lab, "backup-corrupt")
    after = content(repository.sets()[-1].path)
    (harmed,) = [name for name in before if before[name] != after[name]]
    assert len(before[harmed]) == max(len(item) for name, item in before.items() if not name.endswith(".json"))
    assert sum(one != two for one, two in zip(before[harmed], after[harmed])) == 1
    off(lab, "backup-corrupt")
    assert content(repository.sets()[-1].path) == before


def test_backup_old(lab: faults.Lab) -> None:
    repository = make_backup(lab)
    before = {item.id: (item.manifest, content(item.path)) for item in repository.sets()}
    on(lab, "backup-old")
    aged = repository.sets()
    assert len(aged) == len(before)
    assert all(item.manifest and item.describe()["age_seconds"] >= 3 * 86400 for item in aged)
    assert os.path.realpath(os.path.join(repository.path, "latest")) == os.path.realpath(aged[-1].path)
    off(lab, "backup-old")
    assert {item.id: (item.manifest, content(item.path)) for item in repository.sets()} == before
    assert os.path.realpath(os.path.join(repository.path, "latest")) == os.path.realpath(repository.sets()[-1].path)


def test_a_backup_fault_without_a_backup_says_so(lab: faults.Lab) -> None:
    shutil.rmtree(lab.settings["repository"], ignore_errors=True)
    for name in ("backup-old", "backup-corrupt"):
        assert "make a backup first" in command(lab.layout.directory, "fault", name, "on", expect=1)
        assert faults.active(lab.layout) == []


def test_lab_fault_is_a_command_of_its_own(lab: faults.Lab) -> None:
    run = {"capture_output": True, "text": True, "check": False, "env": {**os.environ, "LAB_DIR": str(lab.layout.directory)}}
    listed = subprocess.run([str(ROOT / "lab/fault"), "list"], **run)
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(faults.FAULTS)
    assert subprocess.run([str(ROOT / "lab/fault"), "app-slow", "on"], **run).returncode == 0
    assert faults.active(lab.layout) == ["app-slow"]
    assert subprocess.run([str(ROOT / "lab/fault"), "app-slow", "off"], **run).returncode == 0
