# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repository: what counts as a set, who may write, what a killed run leaves."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import stat
import time

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.lock import Lock
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import Repository
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError

from .conftest import build


def test_a_set_appears_by_one_rename_and_latest_points_to_it(repository, uploads):
    one = build(repository, uploads)
    two = build(repository, uploads)
    assert [item.id for item in repository.sets()] == sorted([one.id, two.id], key=lambda name: repository.find(name).taken())
    assert os.path.realpath(os.path.join(repository.path, "latest")) == two.path
    assert not [name for name in os.listdir(repository.path) if name.startswith(".partial")]


def test_nobody_else_may_read_a_set(repository, uploads):
    backup_set = build(repository, uploads)
    for directory, names, file_names in os.walk(repository.path):
        for name in names:
            assert stat.S_IMODE(os.lstat(os.path.join(directory, name)).st_mode) in (0o700, 0o777)  # the link is 0777
        for name in file_names:
            assert stat.S_IMODE(os.stat(os.path.join(directory, name)).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(backup_set.path).st_mode) == 0o700


def test_a_set_with_a_broken_manifest_is_listed_with_its_problem(repository, uploads):
    backup_set = build(repository, uploads)
    with open(os.path.join(backup_set.path, "manifest.json"), "a", encoding="ascii") as stream:
        stream.write(" ")
    found = repository.sets()
    assert found[0].manifest is None and "seal" in found[0].problem
    described = repository.describe()[0]
    assert described["complete"] is False and described["problem"] and described["age_seconds"] < 100


def test_descriptions_say_what_was_proven(repository, uploads):
    backup_set = build(repository, uploads)
    backup_set.record("restore", True, 2.0, {})
    backup_set.record("documents", True, 1.0, {})
    described = backup_set.describe()
    assert described["verified"]["kind"] == "documents" and described["restored"]["seconds"] == 2.0


def test_sweep_removes_what_killed_runs_left_and_nothing_else(repository, uploads):
    backup_set = build(repository, uploads)
    repository.begin()
    os.symlink("sets/nowhere", os.path.join(repository.path, ".partial-latest"))
    assert len(repository.sweep()) == 2
    assert [item.id for item in repository.sets()] == [backup_set.id]


def test_a_missing_set_is_named(repository, uploads):
    with pytest.raises(MaintenanceError, match="no backup set yet"):
        repository.find("newest")
    newest = build(repository, uploads)
    with pytest.raises(MaintenanceError, match=newest.id):
        repository.find("20200101T000000Z-0000")


def test_a_full_file_system_is_refused_before_the_first_byte(repository, uploads):
    build(repository, uploads)
    with pytest.raises(MaintenanceError, match="free and the next set needs"):
        repository.require_space(10**18)


def test_a_repository_below_nothing_is_refused(tmp_path):
    with pytest.raises(MaintenanceError, match="does not exist"):
        Repository(str(tmp_path / "not" / "mounted")).prepare()
    with pytest.raises(MaintenanceError, match="there is no backup repository"):
        Repository(str(tmp_path)).require()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_repository_is_refused(tmp_path):
    (tmp_path / "backup" / "sets").mkdir(parents=True)
    (tmp_path / "backup").chmod(0o500)
    with pytest.raises(MaintenanceError, match="not writable|cannot be made"):
        Repository(str(tmp_path / "backup")).prepare()


def _hold(path, ready):
    with Lock(path, "first run"):
        ready.set()
        time.sleep(60)


@pytest.fixture(name="holder")
def _holder(tmp_path):
    path, ready = str(tmp_path / ".lock"), multiprocessing.Event()
    process = multiprocessing.Process(target=_hold, args=(path, ready))
    process.start()
    assert ready.wait(20)
    yield path, process
    if process.is_alive():
        os.kill(process.pid, signal.SIGKILL)
    process.join()


def test_the_second_writer_is_told_who_holds_the_lock(holder):
    path, process = holder
    with pytest.raises(MaintenanceError, match=f"first run on .*process {process.pid}"):
        with Lock(path, "second run"):
            pass


def test_a_killed_holder_blocks_nobody_and_is_named(holder):
    path, process = holder
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with Lock(path, "second run") as lock:
        assert "first run" in lock.taken_over
    with Lock(path, "third run") as lock:
        assert lock.taken_over is None


def test_the_second_writer_waits_for_the_first(holder):
    path, process = holder
    process.terminate()
    with Lock(path, "second run", wait=20):
        pass


def _foreign(path, age):
    with open(path, "w", encoding="ascii") as stream:
        json.dump({"purpose": "backup_set", "host": "another-host", "pid": 1, "since": "2026-11-23T02:00:00.000Z"}, stream)
    os.utime(path, (time.time() - age, time.time() - age))


def test_a_fresh_heartbeat_of_another_host_is_respected(tmp_path):
    _foreign(tmp_path / ".lock", age=5)
    with pytest.raises(MaintenanceError, match="another-host"):
        with Lock(str(tmp_path / ".lock"), "mine"):
            pass


def test_a_stale_heartbeat_of_another_host_is_taken_over_with_a_note(tmp_path):
    _foreign(tmp_path / ".lock", age=600)
    with Lock(str(tmp_path / ".lock"), "mine") as lock:
        assert "another-host" in lock.taken_over
