# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs are opened, closed, told, read and removed; a file that cannot be used says what to do."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils import history
from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import parse_timestamp, timestamp
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError

DAY = 86400


def iso(epoch: float) -> str:
    return history._iso(epoch)


def record(run: str, value: float | None = 1.0, ago: float = 0.0, kind: str = "daily", host: str = "db1", status: str = "ok") -> dict:
    begun = time.time() - ago
    check = {"id": "host.load", "status": status, "summary": "load", "value": value, "started": iso(begun + 1), "details": {"run": run}}
    return {"id": run, "kind": kind, "host": host, "status": status, "started": iso(begun), "finished": iso(begun + 5), "checks": [check]}


@pytest.fixture(name="path")
def _path(tmp_path) -> str:
    return str(tmp_path / "state" / "history.sqlite")


def start(path: str, run: str, ago: float = 0.0, kind: str = "daily", host: str = "db1", write: bool = True) -> dict:
    return history.start(path, run, kind, host, time.time() - ago, write)


def tree(path: str) -> dict:
    directory = Path(path).parent
    return {item.name: (item.stat().st_mtime_ns, item.read_bytes()) for item in directory.iterdir()} if directory.exists() else {}


def test_the_file_and_its_directory_are_for_the_owner_only(path):
    start(path, "a")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700
    assert os.listdir(os.path.dirname(path)) == ["history.sqlite"]


def test_a_run_learns_of_the_one_before_it(path):
    assert start(path, "a") == {"previous": None, "interrupted": []}
    first = record("a", status="warning")
    history.finish(path, first, 400, True)
    assert start(path, "b")["previous"] == {"id": "a", "status": "warning", "finished": first["finished"]}


def test_runs_of_another_kind_or_host_are_no_previous_ones(path):
    history.finish(path, record("a", kind="weekly"), 400, True)
    history.finish(path, record("b", host="db2"), 400, True)
    start(path, "c", kind="weekly")
    assert start(path, "d") == {"previous": None, "interrupted": []}


def test_a_killed_run_is_told_once(path):
    start(path, "a", ago=100)
    told = start(path, "b")["interrupted"]
    assert [(item["id"], item["kind"]) for item in told] == [("a", "daily")] and parse_timestamp(told[0]["started"])
    assert [item["id"] for item in start(path, "c")["interrupted"]] == ["b"]
    assert [(run["id"], run["status"]) for run in history.query(path)] == [("c", None), ("b", "interrupted"), ("a", "interrupted")]


def test_a_run_called_interrupted_too_early_finishes_as_any_other(path):
    start(path, "a")
    start(path, "b")
    history.finish(path, record("a"), 400, True)
    assert {run["id"]: run["status"] for run in history.query(path)} == {"a": "ok", "b": None}


def test_check_mode_tells_the_same_and_leaves_no_trace(path):
    assert start(path, "a", write=False) == {"previous": None, "interrupted": []}
    assert history.finish(path, record("a"), 400, False)["trends"]["host.load"][0][1] == 1.0
    assert not os.path.exists(os.path.dirname(path))
    history.finish(path, record("a", 1.0, ago=500 * DAY), 400, True)
    history.finish(path, record("b", 2.0, ago=DAY), 10 ** 6, True)
    start(path, "c", ago=50)
    before = tree(path)
    assert [item["id"] for item in start(path, "d", write=False)["interrupted"]] == ["c"]
    would = history.finish(path, record("d", 3.0), 400, False)
    assert history.prune(path, 400, False) == ["a"] == would["pruned"]
    assert tree(path) == before
    did = history.finish(path, record("d", 3.0), 400, True)
    assert [value for _at, value in would["trends"]["host.load"]] == [value for _at, value in did["trends"]["host.load"]] == [1.0, 2.0, 3.0]
    assert (would["changed"], [run["id"] for run in would["runs"]]) == (did["changed"], [run["id"] for run in did["runs"]]) == (True, ["a", "b", "d"])


def test_storing_the_same_record_again_changes_nothing(path):
    this = record("a", 7.0)
    first = history.finish(path, this, 400, True)
    before = tree(path)
    second = history.finish(path, this, 400, True)
    assert first["changed"] and not second["changed"] and tree(path) == before
    assert {key: second[key] for key in ("trends", "runs")} == {key: first[key] for key in ("trends", "runs")}
    history.finish(path, {**this, "checks": []}, 400, True)
    assert history.Past(path).series("host.load", 1) == []


def test_trends_and_runs_are_the_newest_thirty_and_end_with_this_run(path):
    for number in range(40):
        result = history.finish(path, record(f"r{number:02d}", float(number), ago=(40 - number) * 3600), 400, True)
    assert [value for _at, value in result["trends"]["host.load"]] == [float(number) for number in range(10, 40)]
    assert [run["id"] for run in result["runs"]] == [f"r{number:02d}" for number in range(10, 40)]
    assert result["runs"][-1]["duration_s"] == 5.0


def test_past_knows_the_newest_of_each_check_and_series_in_order(path):
    history.finish(path, record("a", 1.0, ago=3 * DAY), 400, True)
    history.finish(path, record("c", 3.0, ago=DAY, kind="weekly"), 400, True)
    history.finish(path, record("b", 2.0, ago=2 * DAY), 400, True)
    history.finish(path, record("n", None, ago=60), 400, True)
    past = history.Past(path)
    assert past.last["host.load"]["details"] == {"run": "n"}
    assert [value for _at, value in past.series("host.load", 2.5)] == [2.0, 3.0]
    assert past.series("nothing", 30) == []


def test_past_forgets_after_thirty_days_what_the_last_status_was(path):
    history.finish(path, record("a", ago=31 * DAY), 400, True)
    past = history.Past(path)
    assert past.last == {} and len(past.series("host.load", 60)) == 1


def test_past_without_a_file_is_empty(path):
    for nothing in (None, "", path):
        past = history.Past(nothing)
        assert past.last == {} and past.series("host.load", 30) == []


def test_reading_leaves_no_file_behind(path):
    history.finish(path, record("a"), 400, True)
    before = tree(path)
    history.Past(path).series("host.load", 3)
    history.query(path)
    assert tree(path) == before


def test_threads_may_ask_at_once(path):
    history.finish(path, record("a"), 400, True)
    past, found = history.Past(path), []
    threads = [threading.Thread(target=lambda: found.append(past.series("host.load", 3))) for _unused in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(series) for series in found] == [1] * 16


def test_two_processes_open_runs_at_once(path):
    root = Path(__file__).resolve().parents[2]
    code = ("import sys, time; sys.path.insert(0, sys.argv[1]); import tests.conftest\n"
            "from ansible_collections.trixtech.maintenance.plugins.module_utils import history\n"
            "[history.start(sys.argv[2], f'{sys.argv[3]}{n}', 'daily', 'db1', time.time(), True) for n in range(10)]")
    processes = [subprocess.Popen([sys.executable, "-c", code, str(root), path, name]) for name in "abc"]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
    assert len(history.query(path, limit=100)) == 30


def test_prune_removes_old_runs_with_their_samples_and_interrupted_ones_sooner(path):
    history.finish(path, record("old", ago=100 * DAY), 400, True)
    history.finish(path, record("new", ago=5 * DAY), 400, True)
    start(path, "killed", ago=40 * DAY)
    start(path, "open", ago=60)
    assert history.prune(path, 90, True) == ["old", "killed"]
    assert [run["id"] for run in history.query(path)] == ["open", "new"]
    assert len(history.Past(path).series("host.load", 400)) == 1
    assert history.prune(path, 90, True) == []


def test_prune_makes_no_file(path):
    os.mkdir(os.path.dirname(path))
    assert history.prune(path, 90, True) == [] and not os.path.exists(path)


def test_query_narrows(path):
    for number, kind in enumerate(["daily", "weekly", "daily"]):
        history.finish(path, record(f"r{number}", kind=kind, ago=(10 - number) * DAY), 400, True)
    assert [run["id"] for run in history.query(path, kind="daily")] == ["r2", "r0"]
    assert [run["id"] for run in history.query(path, limit=1)] == ["r2"]
    assert [run["id"] for run in history.query(path, days=9.5)] == ["r2", "r1"]
    assert history.query(path, host="other") == []
    assert history.record(path, "r1")["kind"] == "weekly"
    with pytest.raises(MaintenanceError, match="no finished run"):
        history.record(path, "nothing")


def test_a_newer_schema_is_refused(path):
    start(path, "a")
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    for call in (lambda: history.Past(path), lambda: start(path, "b")):
        with pytest.raises(MaintenanceError, match="newer version"):
            call()


def test_an_older_file_is_brought_up_to_date_by_the_next_write(path, monkeypatch):
    history.finish(path, record("a"), 400, True)
    monkeypatch.setattr(history, "MIGRATIONS", (*history.MIGRATIONS, ("ALTER TABLE runs ADD COLUMN note TEXT",)))
    with pytest.raises(MaintenanceError, match="older version"):
        history.Past(path)
    start(path, "b")
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA user_version").fetchone()[0] == 2
        assert database.execute("SELECT id, note FROM runs ORDER BY started").fetchall() == [("a", None), ("b", None)]


def test_a_migration_that_breaks_leaves_the_file_as_it_was(path, monkeypatch):
    start(path, "a")
    monkeypatch.setattr(history, "MIGRATIONS", (*history.MIGRATIONS, ("CREATE TABLE extra (x)", "NONSENSE")))
    with pytest.raises(MaintenanceError):
        start(path, "b")
    monkeypatch.undo()
    assert [run["id"] for run in history.query(path)] == ["a"]


@pytest.mark.parametrize("content", [b"this is no database at all" * 100, b"\x00" * 4096])
def test_what_is_no_history_is_named_with_the_remedy(path, content):
    os.mkdir(os.path.dirname(path))
    Path(path).write_bytes(content)
    for call in (lambda: history.Past(path), lambda: start(path, "a"), lambda: history.query(path)):
        with pytest.raises(MaintenanceError, match="move it aside") as caught:
            call()
        assert "\n" not in str(caught.value) and path in str(caught.value)
    assert Path(path).read_bytes() == content


def test_a_damaged_page_is_named_with_the_remedy(path):
    for number in range(50):
        history.finish(path, record(f"r{number}", ago=number), 400, True)
    size = os.path.getsize(path)
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))
    with pytest.raises(MaintenanceError, match="move it aside|cannot be used"):
        history.Past(path)


def test_a_file_cut_short_is_named(path):
    history.finish(path, record("a"), 400, True)
    os.truncate(path, 5000)
    with pytest.raises(MaintenanceError, match="move it aside|cannot be used"):
        history.Past(path)


def test_another_process_holding_the_file_is_named(path, monkeypatch):
    start(path, "a")
    monkeypatch.setattr(history, "BUSY_SECONDS", 0.05)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        for call in (lambda: start(path, "b"), lambda: history.Past(path)):
            with pytest.raises(MaintenanceError, match="another run holds it"):
                call()
    finally:
        holder.close()


def test_what_a_killed_writer_left_is_undone_by_the_next(path, tmp_path):
    history.finish(path, record("a"), 400, True)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA cache_size = 1")
    writer.execute("PRAGMA cache_spill = 1")
    writer.execute("BEGIN IMMEDIATE")
    writer.executemany("INSERT INTO runs (id, kind, host, started) VALUES (?, 'daily', 'db1', 1)", [(f"x{n}" * 50,) for n in range(2000)])
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("history.sqlite", "history.sqlite-journal"):  # as the power going off would leave them
        shutil.copy(Path(path).parent / name, copy / name)
    writer.close()
    left = str(copy / "history.sqlite")
    with pytest.raises(MaintenanceError, match="cannot be used"):
        history.Past(left)
    start(left, "b")
    assert [run["id"] for run in history.query(left, limit=5000)] == ["b", "a"]


def test_a_missing_parent_or_a_file_in_the_way_ends_in_one_line_for_writers_and_in_check_mode(tmp_path):
    (tmp_path / "file").write_text("")
    for write in (True, False):
        with pytest.raises(MaintenanceError, match="does not exist.*create it"):
            start(str(tmp_path / "no" / "where" / "history.sqlite"), "a", write=write)
        with pytest.raises(MaintenanceError, match="is no directory"):
            start(str(tmp_path / "file" / "history.sqlite"), "a", write=write)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["file"]


def without_rights(call) -> str:
    """Run call in a process of its own, as nobody where this is root, and return the message of its MaintenanceError."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            if os.geteuid() == 0:
                os.setuid(65534)
            call()
        except MaintenanceError as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as file:
        return file.read()


def test_what_the_remote_user_may_not_write_or_read_is_named():
    with tempfile.TemporaryDirectory() as name:  # not tmp_path, through which nobody may not go
        directory = Path(name)
        path = str(directory / "state" / "history.sqlite")
        directory.chmod(0o555)
        assert "may not write" in without_rights(lambda: start(path, "a"))
        assert "may not write" in without_rights(lambda: start(path, "a", write=False))
        directory.chmod(0o755)
        start(path, "a")
        os.chmod(directory / "state", 0o755)
        os.chmod(path, 0o000)
        assert "may read it" in without_rights(lambda: history.Past(path))


def test_times_survive_storing(path):
    this = record("a")
    history.finish(path, this, 400, True)
    (run,) = history.query(path)
    assert (run["started"], run["finished"]) == (this["started"], this["finished"])
    assert iso(parse_timestamp(timestamp()).timestamp())[-1] == "Z"
    assert iso(1795312800.9996) == "2026-11-22T02:00:01.000Z"
