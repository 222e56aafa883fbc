# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the PM2 checks make of a daemon's answer. A unix socket stands for the daemon and a script for the client;
tests/integration/test_probes_app.py has the real ones."""

from __future__ import annotations

import json
import os
import socket
import stat
import tempfile
import time
from pathlib import Path

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, OK, UNKNOWN, WARNING
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import memory, pm2

MIB = 1024 * 1024
SECRET = "hush-hush"


def process(pm_id=0, status="online", restarts=0, memory_mb=100, name="shop", **env):
    return {"pid": 1000 + pm_id, "name": name, "pm_id": pm_id, "monit": {"memory": memory_mb * MIB, "cpu": 1.5},
            "pm2_env": {"status": status, "restart_time": restarts, "unstable_restarts": 0, "pm_uptime": (time.time() - 7200) * 1000,
                        "env": {"JWT_SECRET": SECRET}, "JWT_SECRET": SECRET, **env}}


@pytest.fixture
def home():
    """Return a PM2_HOME with a socket on which somebody listens; short, because a socket's path may have 107 bytes."""
    with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.join(directory, "rpc.sock"))
        listener.listen()
        yield Path(directory)


@pytest.fixture
def client(tmp_path):
    """Return a function that writes a pm2 command out of the lines of a shell script."""
    def write(*lines):
        path = tmp_path / "pm2"
        path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)
    return write


@pytest.fixture
def printing(client, tmp_path):
    """Return a function that writes a pm2 command that prints processes."""
    def write(*processes, before=""):
        (tmp_path / "out").write_text(before + json.dumps(list(processes)))
        return client(f'test "$1" = jlist && cat {tmp_path}/out')
    return write


@pytest.fixture
def see(look, home):
    """Return a function that runs one of the two checks on home."""
    def run(check_type, pm2_path, last=None, **options):
        (check,) = look({"type": check_type, "name": "shop", "pm2_home": str(home), "pm2_path": pm2_path, **options}, last)
        assert SECRET not in str(check.as_dict())
        return check
    return run


# pm2.process

def test_online(see, printing):
    check = see("pm2.process", printing(process(restarts=3), process(1, name="other")))
    assert check.status == OK and check.value == 0
    assert check.summary == "shop is online for 2 h, 3 restarts so far (first look)"
    assert check.details["restarts"] == {"0": 3}
    assert check.details["instances"][0]["pid"] == 1000


def test_restarts_since_the_last_run(see, printing):
    first = see("pm2.process", printing(process(restarts=3)))
    assert see("pm2.process", printing(process(restarts=3)), [first]).status == OK
    check = see("pm2.process", printing(process(restarts=4)), [first])
    assert check.status == WARNING and check.value == 1 and "1 restart since the last run" in check.summary
    assert see("pm2.process", printing(process(restarts=8)), [first]).status == CRITICAL


def test_restarts_of_all_instances_count_and_new_ones_too(see, printing):
    first = see("pm2.process", printing(process(0, restarts=3), process(1, restarts=1)))
    check = see("pm2.process", printing(process(0, restarts=4), process(1, restarts=2), process(2, restarts=1)), [first])
    assert check.value == 3


def test_a_count_that_was_reset(see, printing):
    first = see("pm2.process", printing(process(restarts=30)))
    check = see("pm2.process", printing(process(restarts=2)), [first])
    assert check.value == 2 and check.status == WARNING


@pytest.mark.parametrize("status", ["stopped", "errored", "stopping", "launching", "waiting restart"])
def test_not_online(see, printing, status):
    check = see("pm2.process", printing(process(status=status)))
    assert check.status == CRITICAL and f"shop is {status}, not online" in check.summary


def test_some_instances_are_not_online(see, printing):
    check = see("pm2.process", printing(process(0), process(1, status="errored")))
    assert check.status == WARNING and "online in only 1 of 2 instances, the others are errored" in check.summary


def test_no_such_process(see, printing):
    check = see("pm2.process", printing(process(name="other")))
    assert check.status == CRITICAL and "knows no process shop; it has other" in check.summary
    assert "none at all" in see("pm2.process", printing()).summary


def test_notices_before_the_list_are_passed_over(see, printing):
    before = "\n>>>> In-memory PM2 is out-of-date, do:\n>>>> $ pm2 update\nIn memory PM2 version: 5.3.0\n[PM2] hello\n"
    assert see("pm2.process", printing(process(), before=before)).status == OK
    assert "none at all" in see("pm2.process", printing(before=before)).summary


@pytest.mark.parametrize("check_type", ["pm2.process", "pm2.memory"])
def test_no_daemon(look, tmp_path, client, check_type):
    started = tmp_path / "started"
    (check,) = look({"type": check_type, "name": "shop", "pm2_home": str(tmp_path), "pm2_path": client(f"touch {started}")})
    assert check.status == (CRITICAL if check_type == "pm2.process" else UNKNOWN)
    assert f"no PM2 daemon under {tmp_path}: there is no rpc.sock" in check.summary
    assert not started.exists(), "the client would have started a daemon"


def test_no_home(look):
    (check,) = look({"type": "pm2.process", "name": "shop", "pm2_home": "/no/such/home"})
    assert check.status == CRITICAL and "there is no such directory" in check.summary


def test_a_socket_that_a_dead_daemon_left(look, tmp_path, client):
    with tempfile.TemporaryDirectory() as directory:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.path.join(directory, "rpc.sock"))
        (check,) = look({"type": "pm2.process", "name": "shop", "pm2_home": directory, "pm2_path": client(f"touch {tmp_path}/started")})
    assert check.status == CRITICAL and "the daemon has died" in check.summary
    assert not (tmp_path / "started").exists()


def test_no_socket_but_a_file(look, tmp_path):
    (tmp_path / "rpc.sock").touch()
    (check,) = look({"type": "pm2.process", "name": "shop", "pm2_home": str(tmp_path)})
    assert check.status == CRITICAL and "no socket" in check.summary


def test_no_client(see):
    check = see("pm2.process", "/no/such/pm2")
    assert check.status == UNKNOWN and "no pm2 command '/no/such/pm2'" in check.summary and "pm2_path" in check.summary


@pytest.mark.parametrize(("lines", "phrase"), [
    (["exec no-such-node"], "finds no node"),
    ([f"echo {SECRET}", f"echo {SECRET} >&2", "exit 3"], "exit status 3"),
    ([f"echo {SECRET}"], "no list of processes"),
    (["echo '[{\"name\": \"shop\"}]'"], "no list of processes"),
    (["true"], "no list of processes"),
    (["exec sleep 30"], "does not answer within"),
])
def test_a_client_that_fails(see, client, lines, phrase):
    check = see("pm2.process", client(*lines), timeout=1)
    assert check.status == UNKNOWN and phrase in check.summary, check.summary


def test_the_client_may_not_start_a_daemon_and_gets_little(see, client, tmp_path, home, monkeypatch):
    monkeypatch.setenv("ANSIBLE_TOKEN", "of-somebody")
    see("pm2.process", client(f"env > {tmp_path}/env; echo '[]'"))
    environment = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    assert environment["PM2_HOME"] == str(home) and environment["PM2_LOG_FILE_PATH"] == pm2.NO_LOG
    assert "ANSIBLE_TOKEN" not in environment


def test_both_checks_ask_once(home, client, tmp_path):
    from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import base, runner

    program = client(f"echo >> {tmp_path}/calls; echo '[]'")
    checks = [{"type": kind, "name": "shop", "pm2_home": str(home), "pm2_path": program} for kind in ("pm2.process", "pm2.memory")]
    runner.run(runner.plan(checks, {}), base.Context(), 30.0)
    assert len((tmp_path / "calls").read_text().splitlines()) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a socket to another user needs root")
def test_the_daemon_of_another_user_is_named(see, printing, home):
    os.chown(home / "rpc.sock", 1, 1)
    assert "(PM2 of user daemon)" in see("pm2.process", printing(process())).summary
    assert "(PM2 of user daemon)" in see("pm2.process", printing()).summary


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_the_daemon_of_another_user_that_may_not_be_asked(home):
    child = os.fork()
    if not child:
        code = 1
        try:
            os.setuid(65534)
            pm2._ask(str(home), "pm2", 1.0)
        except pm2.CannotLook as error:
            code = 0 if "belongs to user root, and nobody may not use its PM2" in str(error) and "become" in str(error) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# pm2.memory

@pytest.mark.parametrize(("memory_mb", "status"), [(100, OK), (360, WARNING), (440, CRITICAL)])
def test_memory_against_the_limit_of_the_check(see, printing, memory_mb, status):
    check = see("pm2.memory", printing(process(memory_mb=memory_mb)), limit_mb=512)
    assert check.status == status
    assert f"shop uses {memory_mb}.0 MiB, {check.value:.0f} % of its limit of 512.0 MiB" in check.summary


def test_memory_against_the_limit_in_pm2(see, printing):
    check = see("pm2.memory", printing(process(memory_mb=180, max_memory_restart=200 * MIB)))
    assert check.status == CRITICAL and check.value == 90


def test_memory_of_the_instance_that_has_come_closest(see, printing):
    check = see("pm2.memory", printing(process(0, memory_mb=50), process(1, memory_mb=450)), limit_mb=500)
    assert check.value == 90 and "the largest of 2 instances of shop" in check.summary


def test_memory_without_a_limit_is_compared_with_the_host(see, printing, monkeypatch):
    monkeypatch.setattr(memory, "read", lambda: memory.Memory(1000 * MIB, 0, False))
    check = see("pm2.memory", printing(process(0, memory_mb=400), process(1, memory_mb=500)))
    assert check.value == 90 and check.status == CRITICAL
    assert "shop in 2 instances uses 900.0 MiB, 90 % of the host's 1000.0 MiB" in check.summary


def test_memory_of_what_does_not_run(see, printing):
    for printed in (printing(), printing(process(status="stopped", memory_mb=0))):
        check = see("pm2.memory", printed)
        assert check.status == UNKNOWN and "does not run" in check.summary
