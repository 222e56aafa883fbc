# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab comes up from any state and goes down without a trace."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from lab import application, faults, mongodb, processes
from lab.layout import DATABASE, Layout
from tests.integration.labs import BOOKINGS, ROOT, SERVERS, command, counts, kill_all


def test_up_twice_changes_nothing(lab: faults.Lab) -> None:
    before, documents = processes.find(lab.layout), counts(lab.settings)
    assert set(before.values()) == SERVERS
    command(lab.layout.directory, "up")
    assert processes.find(lab.layout) == before
    assert counts(lab.settings) == documents
    assert documents["bookings"] == BOOKINGS
    assert lab.layout.read() == lab.settings


def test_lab_json_is_private_and_complete(lab: faults.Lab) -> None:
    assert stat.S_IMODE(lab.layout.config.stat().st_mode) == 0o600
    found = lab.settings
    assert found["ready"] is True
    assert {"uri_app", "uri_maintenance", "uri_admin", "database"} <= set(found["mongodb"])
    assert found["mongodb"]["database"] == "trixtech"
    assert {"base_url", "port", "directory", "pm2_home", "pm2_path", "pm2_name", "env_file", "uploads", "error_log", "access_log",
            "pm2_out_log", "pm2_error_log"} <= set(found["app"])
    for path in (found["app"]["env_file"], found["app"]["access_log"], found["app"]["uploads"], found["app"]["pm2_out_log"],
                 found["app"]["pm2_error_log"], found["mongod"], found["app"]["pm2_path"], found["tls"]["certificate"]):
        assert Path(path).exists(), path
    assert found["disk"]["path"] or found["disk"]["reason"]
    for password in found["passwords"].values():
        assert password in found["secrets"]


def test_no_secret_on_a_command_line_or_in_a_readable_file(lab: faults.Lab) -> None:
    for pid in processes.find(lab.layout):
        line = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
        assert not [secret for secret in lab.settings["secrets"] if secret in line]
    for path in (lab.layout.config, Path(lab.settings["app"]["env_file"]), lab.layout.mongodb / "keyfile", lab.layout.tls / "valid.pem"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_everything_listens_on_loopback_only(lab: faults.Lab) -> None:
    ports = set(lab.settings["ports"].values())
    listening = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _slot, local, _remote, state = line.split()[:4]
            address, port = local.split(":")
            if state == "0A" and int(port, 16) in ports:
                listening.add((address, int(port, 16)))
    assert listening == {("0100007F", port) for port in ports}


@pytest.mark.parametrize("stage", ["disk", "mongod", "data", "smtp, tls"])
def test_a_killed_up_is_mended_by_the_next(own: Path, stage: str) -> None:
    """Killed right after a stage, which is in the middle of the next one."""
    run = subprocess.Popen([sys.executable, str(ROOT / "lab/lab.py"), "up", "--dir", str(own), "--bookings", "200"],
                           stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    for line in run.stdout:
        if line.strip().startswith(stage + " "):
            break
    else:
        pytest.fail(f"up never reached the stage {stage}")
    run.kill()
    run.wait()
    assert Layout(own).read()["ready"] is False
    command(own, "up", "--bookings", "200")
    layout = Layout(own)
    assert sorted(processes.find(layout).values()) == sorted(SERVERS)
    assert counts(layout.read())["bookings"] == 200
    assert application.deep_status(layout.read()) == "healthy"


def test_down_after_a_killed_up_leaves_no_process_and_only_foreign_files(own: Path) -> None:
    run = subprocess.Popen([sys.executable, str(ROOT / "lab/lab.py"), "up", "--dir", str(own), "--bookings", "200"],
                           stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    for line in run.stdout:
        if line.strip().startswith("smtp"):
            break
    run.kill()
    run.wait()
    layout = Layout(own)
    (own / "mine.txt").write_text("not the lab's")
    assert processes.find(layout)
    command(own, "down", "--purge")
    assert not processes.find(layout)
    assert [path.name for path in own.iterdir()] == ["mine.txt"]
    assert not os.path.ismount(layout.disk)
    assert "there is no lab" in command(own, "status", expect=1)


def test_a_killed_lab_comes_back_with_its_data_and_on_other_ports_where_they_are_taken(own: Path) -> None:
    command(own, "up", "--bookings", "200")
    layout = Layout(own)
    settings = layout.read()
    with mongodb.client(settings["mongodb"]["uri_app"]) as mongo:
        mongo[DATABASE].settings.insert_one({"_id": "written later"})
    kill_all(layout)
    # taken, and not listening; with the option off again nobody else can bind to them
    with socket.socket() as first, socket.socket() as second:
        for taken, name in ((first, "mongodb"), (second, "app")):
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", settings["ports"][name]))
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        command(own, "up")
    again = layout.read()
    assert again["ports"]["mongodb"] != settings["ports"]["mongodb"]
    assert again["app"]["port"] != settings["app"]["port"]
    assert again["passwords"] == settings["passwords"]
    with mongodb.client(again["mongodb"]["uri_maintenance"]) as mongo:
        assert mongo[DATABASE].settings.find_one({"_id": "written later"})
    assert application.deep_status(again) == "healthy"
    assert command(own, "status").count("pid ") == 5


def test_two_labs_share_nothing_and_other_data_can_be_asked_for(lab: faults.Lab, own: Path) -> None:
    command(own, "up", "--bookings", "150", "--seed", "7")
    other = Layout(own)
    assert not set(other.read()["ports"].values()) & set(lab.settings["ports"].values())
    assert not set(processes.find(other)) & set(processes.find(lab.layout))
    assert counts(other.read())["bookings"] == 150
    command(own, "up", "--bookings", "170")
    assert counts(other.read())["bookings"] == 170
    assert other.read()["data"]["seed"] == 7
    command(own, "down")
    assert not processes.find(other)
    assert set(processes.find(lab.layout).values()) == SERVERS
    assert "down" in command(own, "status", expect=3)


def test_a_lab_that_is_down_has_nothing_to_break_but_can_be_mended(own: Path) -> None:
    command(own, "up", "--bookings", "100")
    command(own, "fault", "certificate-expired", "on")
    command(own, "fault", "mongod-frozen", "on")
    command(own, "down")
    assert "the lab is down" in command(own, "fault", "app-slow", "on", expect=1)
    assert "is off" in command(own, "fault", "certificate-expired", "off")
    assert faults.active(Layout(own)) == ["mongod-frozen"]
    command(own, "up")
    assert faults.active(Layout(own)) == []


def test_bad_input_ends_in_one_line(where: Path, tmp_path: Path) -> None:
    assert command(tmp_path / "none", "fault", "app-slow", "on", expect=1).count("\n") == 1
    assert "there is no fault nonsense" in command(where, "fault", "nonsense", "on", expect=1)
    assert "at least 1" in command(where, "up", "--bookings", "0", expect=1)
    assert "too long" in command(tmp_path / ("x" * 120), "up", expect=1)
    assert not (tmp_path / "none").exists()
