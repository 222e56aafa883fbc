# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backup and restore test against a real mongod: what is restored is what was dumped, whatever happens meanwhile."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import bson
import pytest
import zstandard

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup import create, summary, verify
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import Repository
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import frames
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore import sandbox
from tests.integration import mongod
from tests.integration.shop import fill, plan, prove
from tools import environment

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(name="server", scope="module")
def _server():
    with mongod.running() as server:
        fill(server.client)
        yield server


@pytest.mark.parametrize("compression", ["zstd", "gzip", "none"])
def test_a_set_restores_to_what_was_dumped(server, tmp_path, compression):
    repository = Repository(str(tmp_path / "backup"))
    outcome = create.create(plan(server, repository, compression=compression))
    content = outcome.backup_set.manifest
    assert content["mongodb"]["cluster_time"] and content["mongodb"]["read_apart"] == ["shop.events"]
    assert content["namespaces"]["shop.bookings"]["documents"] == 20000 == server.client.shop.bookings.count_documents({})
    assert verify.verify(outcome.backup_set, verify.DOCUMENTS).problems == []
    result = prove(repository)
    assert result["checks"][0]["status"] == "ok", result["checks"][0]["summary"]
    assert [rung["name"] for rung in result["rungs"]] == ["artifacts", "load", "documents", "indexes", "validate"]
    assert repository.find("newest").describe()["restored"]["ok"] is True
    assert not [name for name in os.listdir("/tmp") if name.startswith(sandbox.PREFIX)]


@pytest.mark.parametrize("compression", ["zstd", "gzip"])
def test_the_vendors_tool_restores_a_set(server, tmp_path, compression):
    """Should this collection ever be lost: the steps of docs/backup_format.md bring the data back."""
    repository = Repository(str(tmp_path / "backup"))
    made = create.create(plan(server, repository, compression=compression)).backup_set
    dump = shutil.copytree(os.path.join(made.path, "db"), tmp_path / "restore")
    if compression == "zstd":
        for path in dump.rglob("*.zst"):
            with open(path, "rb") as packed, open(path.with_suffix(""), "wb") as plain:
                zstandard.ZstdDecompressor().copy_stream(packed, plain)
            path.unlink()
    with mongod.running(replica_set=False) as other:
        arguments = [str(environment.mongo_tools() / "mongorestore"), "--uri", other.uri, *(["--gzip"] if compression == "gzip" else []), str(dump)]
        outcome = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert outcome.returncode == 0, outcome.stderr
        for name, entry in made.manifest["namespaces"].items():
            if entry["type"] == "collection":
                digest = frames.Digest()
                digest.add(document.raw for document in other.client.shop.get_collection(
                    name.split(".", 1)[1], bson.codec_options.CodecOptions(bson.raw_bson.RawBSONDocument)).find())
                # a TTL collection loses documents by itself on a server that is not ours
                assert entry["ttl"] or digest.text() == entry["digest"], name
        wanted = {index["name"] for index in made.manifest["namespaces"]["shop.bookings"]["indexes"]}
        assert set(other.client.shop.bookings.index_information()) == wanted
        assert other.client.shop.confirmed.count_documents({}) == server.client.shop.confirmed.count_documents({})
        assert other.client.shop.metrics.count_documents({}) == 500


def test_all_namespaces_are_read_at_one_moment(server, tmp_path):
    """Money moves between two collections in transactions while dumps run: each restored sum is right."""
    bank, accounts = server.client.bank, 50
    server.client.drop_database("bank")
    bank.left.insert_many({"_id": number, "money": 100} for number in range(accounts))
    bank.right.insert_many({"_id": number, "money": 100} for number in range(accounts))
    stop, moved, dice = threading.Event(), [0], random.Random(7)

    def move(session):
        account, amount = dice.randrange(accounts), dice.randrange(1, 50)
        bank.left.update_one({"_id": account}, {"$inc": {"money": -amount}}, session=session)
        bank.right.update_one({"_id": account}, {"$inc": {"money": amount}}, session=session)

    def work():
        with server.client.start_session() as session:
            while not stop.is_set():
                session.with_transaction(move)
                moved[0] += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for number in range(15):
            made = create.create(plan(server, Repository(str(tmp_path / str(number))), databases=["bank"], compression="none")).backup_set
            total = 0
            for name in ("left", "right"):
                data = Path(made.path, made.manifest["namespaces"][f"bank.{name}"]["data"]).read_bytes()
                total += sum(document["money"] for document in bson.decode_all(data))
            assert total == accounts * 200
            assert made.manifest["mongodb"]["consistent"] is True
    finally:
        stop.set()
        thread.join()
        server.client.drop_database("bank")
    assert moved[0] > 15  # otherwise nothing was shown


def test_a_standalone_server_is_dumped_and_called_inconsistent(tmp_path):
    with mongod.running(replica_set=False) as alone:
        alone.client.shop.a.insert_one({})
        made = create.create(plan(alone, Repository(str(tmp_path / "backup")))).backup_set
    assert made.manifest["mongodb"]["consistent"] is False and made.manifest["mongodb"]["cluster_time"] is None


SCRIPT = """
import sys
sys.path[:0] = [{root!r}, {root!r} + "/tests"]
import conftest
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup import create
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import Repository
print("begin", flush=True)
create.create(create.Plan(Repository({repository!r}), {uri!r}, "test", databases=["shop"], sources=[{files!r}], parallel=2))
print("end", flush=True)
"""


def start(server, repository, files):
    code = SCRIPT.format(root=str(ROOT), repository=repository.path, uri=server.uri, files=str(files))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begin\n"
    return process


def test_kill_9_at_any_moment_leaves_no_half_set(server, tmp_path):
    repository, files, dice = Repository(str(tmp_path / "backup")), tmp_path / "files", random.Random(11)
    files.mkdir()
    for number in range(200):
        (files / str(number)).write_bytes(os.urandom(20000))
    repository.prepare()
    process = start(server, repository, files)
    begin = time.monotonic()
    assert process.wait() == 0
    whole = time.monotonic() - begin
    killed_in_the_middle = 0
    for unused in range(25):
        process = start(server, repository, files)
        time.sleep(dice.random() * whole)
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed_in_the_middle += any(name.startswith(".partial") for name in os.listdir(repository.path))
        for item in repository.sets():
            assert item.problem is None and verify.verify(item, verify.HASHES).problems == []
        newest = os.path.realpath(os.path.join(repository.path, "latest"))
        assert os.path.isdir(newest)
    assert killed_in_the_middle  # otherwise nothing was shown
    last = create.create(plan(server, repository, sources=[str(files)]))
    assert verify.verify(last.backup_set, verify.DOCUMENTS).problems == []
    assert not [name for name in os.listdir(repository.path) if name.startswith(".partial")]


def test_two_backups_at_once(server, tmp_path):
    repository = Repository(str(tmp_path / "backup"))
    repository.prepare()
    with repository.lock("backup_set", 0):
        with pytest.raises(MaintenanceError, match="in use: backup_set on"):
            create.create(plan(server, repository))
    results = []
    threads = [threading.Thread(target=lambda: results.append(create.create(plan(server, repository, lock_wait=60.0)))) for unused in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 2 == len(repository.sets())
    assert all(item.problem is None for item in repository.sets())


def test_a_server_that_dies_in_mid_dump_leaves_nothing(tmp_path):
    repository = Repository(str(tmp_path / "backup"))
    with mongod.running() as dying:
        blob = os.urandom(100_000)
        dying.client.shop.big.insert_many({"blob": blob, "n": number} for number in range(1500))
        caught = []

        def run():
            try:
                create.create(plan(dying, repository))
            except MaintenanceError as error:
                caught.append(str(error))

        thread = threading.Thread(target=run)
        thread.start()
        while not list(Path(repository.path).glob(".partial-*/db/shop/big.bson.zst")) and thread.is_alive():
            time.sleep(0.001)
        dying.process.kill()
        thread.join()
    assert len(caught) == 1 and "\n" not in caught[0] and "MongoDB" in caught[0]
    assert repository.sets() == [] and not list(Path(repository.path).glob(".partial-*"))


@pytest.fixture(name="small_disk")
def _small_disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    path = tmp_path / "disk"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=90m", "tmpfs", str(path)], check=True)
    yield path
    subprocess.run(["umount", str(path)], check=True)


def test_a_disk_that_fills_up_in_mid_backup_leaves_the_older_sets(server, small_disk, tmp_path):
    repository = Repository(str(small_disk / "backup"))
    first = create.create(plan(server, repository, databases=["shop"])).backup_set  # small, so that the estimate is
    huge = tmp_path / "huge"
    huge.write_bytes(os.urandom(95_000_000))
    with pytest.raises(MaintenanceError, match="is full; the unfinished set was removed"):
        create.create(plan(server, repository, sources=[str(huge)]))
    assert [item.id for item in repository.sets()] == [first.id]
    assert verify.verify(first, verify.DOCUMENTS).problems == [] and not list(small_disk.glob("backup/.partial*"))


def test_a_disk_without_room_is_refused_before_the_first_byte(server, small_disk):
    (small_disk / "other").write_bytes(b"x" * 30_000_000)
    repository = Repository(str(small_disk / "backup"))
    with pytest.raises(MaintenanceError, match="free and the next set needs"):
        create.create(plan(server, repository))
    assert repository.sets() == []


def test_check_mode_writes_nothing_and_says_what_is_missing(server, tmp_path):
    repository = Repository(str(tmp_path / "backup"))
    outcome = create.create(plan(server, repository, sources=["/nowhere"]), dry_run=True)
    assert outcome.backup_set is None and outcome.estimate > 0 and outcome.missing == ["/nowhere"] and not os.path.exists(repository.path)
    with pytest.raises(MaintenanceError, match="there is no database typo"):
        create.create(plan(server, repository, databases=["typo"]), dry_run=True)
    with pytest.raises(MaintenanceError, match="does not exist"):
        create.create(plan(server, Repository("/not/mounted/backup")), dry_run=True)


def test_old_sets_go_once_the_new_one_is_there_and_only_then(server, tmp_path):
    repository = Repository(str(tmp_path / "backup"))
    sets = [create.create(plan(server, repository)).backup_set.id for unused in range(4)]
    repository.find(sets[0]).record("restore", True, 1.0, {})
    rehearsed = create.create(plan(server, repository, retention={"last": 2}), dry_run=True)
    assert {verdict.id for verdict in rehearsed.verdicts if not verdict.keep} == set(sets[1:3]) and len(repository.sets()) == 4
    with pytest.raises(MaintenanceError, match="no database"):
        create.create(plan(server, repository, retention={"last": 1}, databases=["typo"]))
    with pytest.raises(MaintenanceError, match="keeps nothing"):
        create.create(plan(server, repository, retention={"last": 0}))
    assert len(repository.sets()) == 4
    outcome = create.create(plan(server, repository, retention={"last": 2}))
    # the first one is the newest that was proven
    assert {item.id for item in repository.sets()} == {sets[0], sets[3], outcome.backup_set.id}
    result = summary.of_creation(plan(server, repository, retention={"last": 2}), outcome, 50)
    assert [action["kind"] for action in result["actions"]] == ["backup.publish", "backup.remove", "backup.remove"]


def test_a_set_that_shrank_is_told(tmp_path):
    repository, files = Repository(str(tmp_path / "backup")), tmp_path / "files"
    files.mkdir()
    (files / "a").write_text("a")
    with mongod.running() as shrinking:
        settings = plan(shrinking, repository, sources=[str(files), "/no/such/uploads"])
        shrinking.client.shop.bookings.insert_many({"n": number} for number in range(100))
        first = summary.of_creation(settings, create.create(settings), 50)
        shrinking.client.shop.bookings.delete_many({"n": {"$lt": 60}})
        second = summary.of_creation(settings, create.create(settings), 50)
    assert [(check["id"], check["status"]) for check in first["checks"]] == [("backup.set", "ok"), ("backup.duration", "ok"), ("backup.files", "warning")]
    assert second["checks"][0]["status"] == "warning" and "40 documents, the one before 100" in second["checks"][0]["summary"]
