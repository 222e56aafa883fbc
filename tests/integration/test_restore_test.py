# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The restore test against a real mongod: it goes red for each rung, and leaves nothing behind."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import bson
import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup import create, manifest
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import Repository
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import frames
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore import evidence, ladder, sandbox
from tests.integration import mongod
from tests.integration.shop import fill, plan, prove
from tools import environment

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(name="server", scope="module")
def _server():
    with mongod.running() as server:
        fill(server.client)
        yield server


@pytest.fixture(name="made")
def _made(server, tmp_path):
    repository = Repository(str(tmp_path / "backup"))
    return create.create(plan(server, repository, compression="none")).backup_set, repository


def reseal(made, change):
    change(made.manifest)
    manifest.write_sealed(os.path.join(made.path, manifest.MANIFEST), made.manifest)


def broken(repository):
    check = prove(repository)["checks"][0]
    assert check["status"] == "critical"
    assert repository.find("newest").records()[-1]["ok"] is False
    return check["summary"]


def entry_of(made, name):
    return made.manifest["namespaces"][name]


def rewrite(made, name, change):
    """Put other documents into a set, with artifact and hash in order: only counts and digests can tell."""
    path = entry_of(made, name)["data"]
    data = b"".join(change([bytes(item) for item in frames.Splitter().feed(Path(made.path, path).read_bytes())]))
    Path(made.path, path).write_bytes(data)
    reseal(made, lambda content: content["artifacts"][path].update(bytes=len(data), stored_bytes=len(data), sha256=hashlib.sha256(data).hexdigest()))


def test_the_restore_test_goes_red_for_a_missing_document(made):
    rewrite(made[0], "shop.bookings", lambda documents: documents[:-1])
    assert "shop.bookings has 19,999 documents after the restore, the manifest says 20,000" in broken(made[1])


def test_the_restore_test_goes_red_for_a_changed_document(made):
    rewrite(made[0], "shop.events", lambda documents: [bson.encode({**bson.decode(documents[0]), "kind": 99}), *documents[1:]])
    assert "not the same ones" in broken(made[1])


def test_the_restore_test_goes_red_for_a_changed_file(made):
    path = Path(made[0].path, entry_of(made[0], "shop.bookings")["data"])
    data = bytearray(path.read_bytes())
    data[-10] ^= 1
    path.write_bytes(data)
    assert "SHA-256" in broken(made[1])


def test_the_restore_test_goes_red_for_a_missing_index(made, monkeypatch):
    # the index is in the manifest, but does not come into being: as if the server had not built it
    monkeypatch.setattr(ladder.load, "create_indexes", lambda database, collection, indexes, options: None)
    assert "is missing after the restore" in broken(made[1])


def test_the_restore_test_goes_red_for_other_options(made):
    def change(content):
        content["namespaces"]["shop.events"]["options"]["size"] = {"$numberInt": "200448"}
    real = ladder.load.create_collection
    reseal(made[0], change)
    ladder.load.create_collection = lambda database, name, options: real(database, name, {**options, **({"size": 300032} if name == "events" else {})})
    try:
        assert "options are not as the manifest says" in broken(made[1])
    finally:
        ladder.load.create_collection = real


def test_the_restore_test_goes_red_when_the_sandbox_dies(made, monkeypatch):
    real = ladder.climb

    def climb(backup_set, uri, parallel):
        import pymongo

        with pymongo.MongoClient(uri) as client:
            os.kill(client.admin.command("serverStatus")["pid"], signal.SIGKILL)
        return real(backup_set, uri, parallel)

    monkeypatch.setattr(evidence.ladder, "climb", climb)
    assert "MongoDB" in broken(made[1])


def test_a_set_with_a_changed_manifest_is_not_restored(made):
    with open(os.path.join(made[0].path, "manifest.json"), "a", encoding="ascii") as stream:
        stream.write("\n")
    check = prove(made[1])["checks"][0]
    assert check["status"] == "critical" and "seal" in check["summary"]


def test_a_missing_mongod_says_what_to_do(made):
    with pytest.raises(MaintenanceError, match="there is no mongod at 'no-such-mongod'"):
        evidence.run(made[1], made[0], evidence.Settings("no-such-mongod", "/tmp"))


def test_a_mongod_that_ends_at_once_is_quoted(made, tmp_path):
    script = tmp_path / "mongod"
    script.write_text("#!/bin/sh\nexit 48\n")
    script.chmod(0o755)
    with pytest.raises(MaintenanceError, match="ended at its start"):
        evidence.run(made[1], made[0], evidence.Settings(str(script), "/tmp"))


def test_check_mode_of_the_restore_test_starts_nothing(made):
    result = evidence.run(made[1], made[0], evidence.Settings(str(environment.mongod()), "/tmp"), dry_run=True)
    assert result["checks"][0]["status"] == "skipped" and made[0].records() == []


def test_a_killed_restore_test_leaves_no_mongod(tmp_path):
    """The kernel kills the sandbox with its maker; the next start removes what lies on disk."""
    work = Path(f"/tmp/tt-kill-{os.getpid()}")
    work.mkdir()
    code = ("import sys, time; sys.path[:0] = [%r, %r]; import conftest\n"
            "from ansible_collections.trixtech.maintenance.plugins.module_utils.restore.sandbox import sandbox\n"
            "with sandbox(%r, %r) as place:\n    print(place.process.pid, flush=True); time.sleep(60)\n")
    process = subprocess.Popen([sys.executable, "-c", code % (str(ROOT), str(ROOT / "tests"), str(environment.mongod()), str(work))],
                               stdout=subprocess.PIPE, text=True)
    try:
        pid = int(process.stdout.readline())
        process.kill()
        process.wait()
        deadline = time.monotonic() + 20
        while os.path.exists(f"/proc/{pid}/exe") and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not os.path.exists(f"/proc/{pid}/exe") or open(f"/proc/{pid}/stat", encoding="ascii").read().split()[2] == "Z"
        assert len(list(work.iterdir())) == 1
        assert len(sandbox.sweep(str(work))) == 1 and not list(work.iterdir())
    finally:
        process.kill()
        shutil.rmtree(work)
