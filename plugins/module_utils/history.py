# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run records in a SQLite file on the managed host.

Three tables: runs (one row a run, its record as JSON), samples (one row a check and run, so that a series costs no JSON), and
latest (the newest dict of each check). The journal is SQLite's rollback journal and not a write-ahead log: writes are one short
transaction a run, and a reader of a write-ahead log leaves files beside the database even where it promised to change nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from typing import Iterator, Optional
from urllib.parse import quote

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import parse_timestamp
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import one_line

BUSY_SECONDS = 10.0
LAST_DAYS = 30.0
TREND_POINTS = 30
RUNS_SHOWN = 30
INTERRUPTED = "interrupted"
INTERRUPTED_DAYS = 30.0  # a run that never finished holds nothing but its beginning
DAY = 86400.0

# Step n brings a file from schema version n (SQLite's user_version) to n + 1. Never change a released step: add one.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE runs (id TEXT PRIMARY KEY, kind TEXT NOT NULL, host TEXT NOT NULL, started REAL NOT NULL, finished REAL, "
        "status TEXT, record TEXT)",
        "CREATE INDEX runs_by_kind ON runs (kind, host, finished)",
        "CREATE TABLE samples (run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE, check_id TEXT NOT NULL, at REAL NOT NULL, "
        "status TEXT NOT NULL, value REAL)",
        "CREATE INDEX samples_by_check ON samples (check_id, at)",
        "CREATE INDEX samples_by_run ON samples (run)",
        "CREATE TABLE latest (check_id TEXT PRIMARY KEY, at REAL NOT NULL, body TEXT NOT NULL)",
    ),
)

_SUMMARY = "SELECT id, kind, host, started, finished, status FROM runs"


class Past:
    """What earlier runs saw, for those who look now. Read only, from any thread; empty where there is no file yet.

    last: check id -> the newest dict of that check out of the finished runs of the last LAST_DAYS days.
    Raises MaintenanceError where there is a file but it cannot be read: a history that is silently missing would hide growth,
    degradation and restarts behind "first run".
    """

    def __init__(self, path: Optional[str]) -> None:
        self._path = path
        self.last: dict[str, dict] = {}
        with _reading(path) as database:
            if database:
                rows = database.execute("SELECT check_id, body FROM latest WHERE at >= ?", (time.time() - LAST_DAYS * DAY,))
                self.last = {check_id: json.loads(body) for check_id, body in rows}

    def series(self, check_id: str, days: float) -> list[tuple[float, float]]:
        """Return (epoch seconds, value) of a check over the last days, oldest first, without the runs that had no value."""
        with _reading(self._path) as database:
            return _series(database, check_id, days) if database else []


def start(path: str, run: str, kind: str, host: str, at: float, write: bool) -> dict:
    """Open a run and return the one before it: {previous, interrupted}; write=False only tells.

    previous:    id, status and finished of the last finished run of the same kind, or None.
    interrupted: runs of the same kind that were opened and never finished; each is told once, and marked.
    A run that is told as interrupted and finishes after all is a finished run.
    """
    with _opened(path, write) as database:
        if not database:
            return {"previous": None, "interrupted": []}
        scope = (kind, host)
        row = database.execute(_SUMMARY + " WHERE kind = ? AND host = ? AND finished IS NOT NULL ORDER BY finished DESC LIMIT 1",
                               scope).fetchone()
        previous = _run(row) if row else None
        rows = database.execute(_SUMMARY + " WHERE kind = ? AND host = ? AND finished IS NULL AND status IS NULL ORDER BY started", scope)
        interrupted = [{key: _run(row)[key] for key in ("id", "kind", "started")} for row in rows.fetchall()]
        if write:
            with _transaction(database):
                database.executemany("UPDATE runs SET status = ? WHERE id = ?", [(INTERRUPTED, item["id"]) for item in interrupted])
                database.execute("INSERT INTO runs (id, kind, host, started) VALUES (?, ?, ?, ?)", (run, kind, host, at))
    return {"previous": previous and {key: previous[key] for key in ("id", "status", "finished")}, "interrupted": interrupted}


def finish(path: str, record: dict, keep_days: float, write: bool) -> dict:
    """Store a run record with its samples in one transaction; return {changed, trends, runs, pruned, shown}.

    Storing the same record again changes nothing; another one of the same run replaces it. write=False only tells.
    trends: check id -> the newest TREND_POINTS [epoch, value], oldest first, this run's included.
    runs:   the last RUNS_SHOWN finished runs of the kind, oldest first, this one included.
    pruned: ids of the runs that prune() would remove, and this does. shown: the newest record of each kind, for metrics.
    """
    body = json.dumps(record, sort_keys=True)
    begun, ended = _epoch(record["started"]), _epoch(record["finished"])
    samples = [(check["id"], _epoch(check["started"]) if check.get("started") else ended, check) for check in record["checks"]]
    points = [(check_id, at, float(check["value"])) for check_id, at, check in samples if check.get("value") is not None]
    this = _run((record["id"], record["kind"], record["host"], begun, ended, record["status"]))
    with _opened(path, write) as database:
        if not database:
            return {"changed": True, "trends": {check_id: [[at, value]] for check_id, at, value in points}, "runs": [this],
                    "pruned": [], "shown": [record]}
        trends = {
            check_id: [list(row) for row in reversed(database.execute(
                "SELECT at, value FROM samples WHERE check_id = ? AND value IS NOT NULL AND run <> ? ORDER BY at DESC LIMIT ?",
                (check_id, record["id"], TREND_POINTS - 1)).fetchall())] + [[at, value]]
            for check_id, at, value in points
        }
        rows = database.execute(
            _SUMMARY + " WHERE kind = ? AND host = ? AND finished IS NOT NULL AND id <> ? ORDER BY finished DESC LIMIT ?",
            (record["kind"], record["host"], record["id"], RUNS_SHOWN - 1)).fetchall()
        stored = database.execute("SELECT record FROM runs WHERE id = ?", (record["id"],)).fetchone()
        old = _old(database, keep_days)
        changed = not stored or stored[0] != body or bool(old)
        if write and changed:
            with _transaction(database):
                _store(database, record, body, begun, ended, samples)
                _remove(database, old)
        shown = [*_newest_of_other_kinds(database, record), record]
    return {"changed": changed, "trends": trends, "runs": [_run(row) for row in reversed(rows)] + [this], "pruned": old, "shown": shown}


def _newest_of_other_kinds(database: sqlite3.Connection, record: dict) -> list[dict]:
    kinds = [row[0] for row in database.execute("SELECT DISTINCT kind FROM runs WHERE kind <> ?", (record["kind"],))]
    rows = [database.execute("SELECT record FROM runs WHERE kind = ? AND host = ? AND finished IS NOT NULL ORDER BY finished DESC LIMIT 1",
                             (kind, record["host"])).fetchone() for kind in kinds]
    return [json.loads(row[0]) for row in rows if row]


def _store(database: sqlite3.Connection, record: dict, body: str, begun: float, ended: float,
           samples: list[tuple[str, float, dict]]) -> None:
    database.execute("DELETE FROM samples WHERE run = ?", (record["id"],))
    database.execute("INSERT OR REPLACE INTO runs (id, kind, host, started, finished, status, record) VALUES (?, ?, ?, ?, ?, ?, ?)",
                     (record["id"], record["kind"], record["host"], begun, ended, record["status"], body))
    database.executemany("INSERT INTO samples (run, check_id, at, status, value) VALUES (?, ?, ?, ?, ?)",
                         [(record["id"], check_id, at, check["status"], check.get("value")) for check_id, at, check in samples])
    for check_id, at, check in samples:
        newer = database.execute("SELECT 1 FROM latest WHERE check_id = ? AND at > ?", (check_id, at)).fetchone()
        if not newer:
            database.execute("INSERT OR REPLACE INTO latest (check_id, at, body) VALUES (?, ?, ?)", (check_id, at, json.dumps(check)))


def prune(path: str, keep_days: float, write: bool) -> list[str]:
    """Remove the runs that began more than keep_days ago, and those never finished after INTERRUPTED_DAYS; return their ids.

    write=False only tells.
    """
    with _opened(path, write, create=False) as database:
        if not database:
            return []
        old = _old(database, keep_days)
        if write and old:
            with _transaction(database):
                _remove(database, old)
        return old


def query(path: str, kind: Optional[str] = None, host: Optional[str] = None, limit: int = 30, days: Optional[float] = None) -> list[dict]:
    """Return the newest runs, newest first, each with id, kind, host, started, finished, status and duration_s.

    A run that is open has finished None; one that was found open by a later run has the status "interrupted".
    """
    with _reading(path) as database:
        if not database:
            return []
        rows = database.execute(
            _SUMMARY + " WHERE (?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR host = ?2) AND started >= ?3 ORDER BY started DESC LIMIT ?4",
            (kind, host, 0 if days is None else time.time() - days * DAY, limit))
        return [_run(row) for row in rows]


def record(path: str, run: str) -> dict:
    """Return the stored record of a run; MaintenanceError where there is no finished run of that id."""
    with _reading(path) as database:
        row = database.execute("SELECT record FROM runs WHERE id = ?", (run,)).fetchone() if database else None
    if not row or not row[0]:
        raise MaintenanceError(f"there is no finished run {run} in {path}; list the runs without run_id to see their ids")
    return json.loads(row[0])


def _series(database: sqlite3.Connection, check_id: str, days: float) -> list[tuple[float, float]]:
    rows = database.execute("SELECT at, value FROM samples WHERE check_id = ? AND value IS NOT NULL AND at >= ? ORDER BY at",
                            (check_id, time.time() - days * DAY))
    return list(rows)


def _old(database: sqlite3.Connection, keep_days: float) -> list[str]:
    now = time.time()
    rows = database.execute("SELECT id FROM runs WHERE started < ? OR (finished IS NULL AND started < ?) ORDER BY started",
                            (now - keep_days * DAY, now - INTERRUPTED_DAYS * DAY))
    return [row[0] for row in rows]


def _remove(database: sqlite3.Connection, ids: list[str]) -> None:
    database.executemany("DELETE FROM runs WHERE id = ?", [(item,) for item in ids])  # their samples go with them
    database.execute("DELETE FROM latest WHERE check_id NOT IN (SELECT check_id FROM samples)")


def _run(row: tuple) -> dict:
    begun, ended = row[3], row[4]
    return {"id": row[0], "kind": row[1], "host": row[2], "started": _iso(begun), "finished": None if ended is None else _iso(ended),
            "status": row[5], "duration_s": None if ended is None else round(ended - begun, 1)}


def _epoch(text: str) -> float:
    return round(parse_timestamp(text).timestamp(), 3)


def _iso(epoch: float) -> str:
    seconds, milliseconds = divmod(round(epoch * 1000), 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{milliseconds:03d}Z"


@contextlib.contextmanager
def _reading(path: Optional[str]) -> Iterator[Optional[sqlite3.Connection]]:
    """Open the file read only; None where there is none, or nothing in it yet."""
    if not path or not os.path.lexists(path):
        yield None
        return
    with _errors(path), contextlib.closing(_connect(path, "ro")) as database:
        version = _version(database, path)
        if 0 < version < len(MIGRATIONS):
            raise MaintenanceError(f"the history {path} is of an older version; the next run (not in check mode) brings it up to date")
        yield database if version else None


@contextlib.contextmanager
def _opened(path: str, write: bool, create: bool = True) -> Iterator[Optional[sqlite3.Connection]]:
    """Open the file, for writing only if write says so; then it is made (unless create is False) and brought up to date first."""
    if not write or not (create or os.path.lexists(path)):
        _check_place(path)
        with _reading(path) as database:  # pylint: disable=contextmanager-generator-missing-cleanup  # _reading closes by itself
            yield database
        return
    _make(path)
    with _errors(path), contextlib.closing(_connect(path, "rw")) as database:
        database.execute("PRAGMA foreign_keys = ON")
        _migrate(database, path)
        yield database


def _connect(path: str, mode: str) -> sqlite3.Connection:
    # isolation_level None: transactions are where the code says so, not where the driver guesses
    return sqlite3.connect(f"file:{quote(os.path.abspath(path))}?mode={mode}", uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def _version(database: sqlite3.Connection, path: str) -> int:
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise MaintenanceError(f"the history {path} was written by a newer version of the collection (schema {version}, this one knows "
                               f"{len(MIGRATIONS)}); update the collection on the controller")
    return version


def _migrate(database: sqlite3.Connection, path: str) -> None:
    if _version(database, path) == len(MIGRATIONS):
        return
    with _transaction(database):  # the version is read again inside: another run may have been faster
        version = _version(database, path)
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                database.execute(statement)
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


@contextlib.contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _check_place(path: str) -> None:
    """Raise MaintenanceError where the file could not be made or written; changes nothing."""
    directory = os.path.dirname(os.path.abspath(path))
    if not os.path.lexists(directory):
        parent = os.path.dirname(directory)
        if not os.path.isdir(parent):
            raise MaintenanceError(f"{parent} does not exist, so that {directory} for the history cannot be made; create it, or set "
                                   "app_state_dir to a directory on this host")
        directory = parent
    if not os.path.isdir(directory):
        raise MaintenanceError(f"{directory} is no directory; set app_state_dir to a directory on this host")
    if not os.access(path if os.path.exists(path) else directory, os.W_OK) or not os.access(directory, os.W_OK | os.X_OK):
        raise MaintenanceError(f"the remote user may not write the history {path}; give it the directory, run with become, or set "
                               "app_state_dir to a directory it may write")


def _make(path: str) -> None:
    """Make the directory (0700; its parent must exist) and the empty file (0600) unless they are there."""
    _check_place(path)
    with contextlib.suppress(FileExistsError):
        os.mkdir(os.path.dirname(os.path.abspath(path)), 0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600))


@contextlib.contextmanager
def _errors(path: str) -> Iterator[None]:
    """Turn what SQLite raises into a line that says what to do."""
    try:
        yield
    except sqlite3.OperationalError as error:
        reason = one_line(error, 120)
        remedy = {
            "locked": "another run holds it; try again when that has ended",
            "unable to open": "check that it is a file and that the remote user may read it",
            "readonly": "a run was killed while writing it; one run that may write (not in check mode) repairs it",
            "full": "free some space on its file system",
        }
        advice = next((text for word, text in remedy.items() if word in reason), "check the disk, or move the file aside")
        raise MaintenanceError(f"the history {path} cannot be used ({reason}): {advice}") from None
    except (sqlite3.DatabaseError, ValueError) as error:
        raise MaintenanceError(f"the history {path} is damaged or no history at all ({one_line(error, 120)}); move it aside and the "
                               "next run begins a new one") from None
