# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""backup_restore against real mongods: what is restored is what the set holds, and what is not confirmed stays untouched."""

from __future__ import annotations

import datetime
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import bson
import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup import create
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import Repository
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import frames
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore import fill as filling
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore import restore, selection
from tests.integration import mongod
from tests.integration.restoring import by_id, order, reseal
from tests.integration.shop import fill, plan

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(name="origin", scope="module")
def _origin(tmp_path_factory):
    """A server with the difficult database, and a set of it with files."""
    directory = tmp_path_factory.mktemp("origin")
    uploads = directory / "uploads"
    (uploads / "deep").mkdir(parents=True)
    (uploads / "deep" / "a.txt").write_text("a")
    (uploads / "link").symlink_to("deep/a.txt")
    with mongod.running() as server:
        fill(server.client)
        server.client.shop.command({"create": "weather", "timeseries": {"timeField": "at"}, "expireAfterSeconds": 10**9})
        server.client.shop.weather.insert_one({"at": datetime.datetime(2026, 11, 23)})
        server.client.shop["system.js"].insert_one({"_id": "f", "value": bson.Code("function() {}")})
        repository = Repository(str(directory / "backup"))
        create.create(plan(server, repository, sources=[str(uploads)], compression="none"))
        yield server, repository, uploads


@pytest.fixture(name="made")
def _made(origin, tmp_path):
    """A set of a test's own, which it may spoil."""
    repository = Repository(str(tmp_path / "backup"))
    return create.create(plan(origin[0], repository, sources=[str(origin[2])], compression="none")).backup_set, repository


@pytest.fixture(name="target", scope="module")
def _server():
    with mongod.running() as server:
        yield server


@pytest.fixture(name="empty")
def _empty(target):
    """The second server, with nothing in it."""
    for name in target.client.list_database_names():
        if name not in ("admin", "config", "local"):
            target.client.drop_database(name)
    return target


def documents(server, namespace, buckets=False):
    database, name = namespace.split(".", 1)
    digest = frames.Digest()
    raw = bson.codec_options.CodecOptions(bson.raw_bson.RawBSONDocument)
    digest.add(document.raw for document in server.client[database].get_collection(("system.buckets." if buckets else "") + name, raw).find())
    return digest.documents, digest.text()


def state(server):
    """All that a server holds, for comparison."""
    found = {}
    for database in server.client.list_database_names():
        if database not in ("admin", "config", "local"):
            for info in server.client[database].list_collections():
                name = f"{database}.{info['name']}"
                found[name] = (info["type"], info["info"].get("uuid"), None if info["type"] != "collection" else documents(server, name))
    return found


def assert_equal_to(content, server, database="shop"):
    for name, entry in content["namespaces"].items():
        collection = name.split(".", 1)[1]
        if entry["data"] and not entry["ttl"]:  # expired documents vanish from a server that is not ours
            assert documents(server, f"{database}.{collection}", entry["type"] == "timeseries") == (entry["documents"], entry["digest"]), name
    assert not [info for info in server.client[database].list_collection_names() if selection.TEMPORARY.fullmatch(info)]


def test_a_whole_set_goes_into_an_empty_server_and_a_second_time_changes_nothing(origin, empty):
    unused, repository, unused_uploads = origin
    result = restore.run(order(repository, empty))
    content = repository.find("newest").manifest
    assert result["changed"] and by_id(result)["restore.documents"]["status"] == "ok"
    assert by_id(result)["restore.documents"]["value"] == content["totals"]["documents"]
    assert_equal_to(content, empty)
    assert empty.client.shop.confirmed.count_documents({}) == origin[0].client.shop.confirmed.count_documents({})
    assert [info["options"]["expireAfterSeconds"] for info in empty.client.shop.list_collections(filter={"name": "weather"})] == [10**9]
    before = state(empty)
    empty.client.shop.notes.insert_one({})  # TTL: may have lost its document, which is a difference
    again = restore.run(order(repository, empty, namespaces=[name for name in content["namespaces"] if name != "shop.notes"]))
    assert not again["changed"] and by_id(again)["restore.documents"]["details"]["there_already"] == len(content["namespaces"]) - 1
    before.pop("shop.notes")
    after = state(empty)
    after.pop("shop.notes")
    assert after == before


def test_one_collection_goes_beside_the_live_one_under_another_name(origin, empty):
    empty.client.shop.bookings.insert_one({"live": 1})
    result = restore.run(order(origin[1], empty, namespaces=["shop.bookings"], rename={"shop.bookings": "shop.bookings_old"}))
    entry = origin[1].find("newest").manifest["namespaces"]["shop.bookings"]
    assert documents(empty, "shop.bookings_old") == (entry["documents"], entry["digest"])
    assert empty.client.shop.bookings.count_documents({}) == 1 and empty.client.shop.list_collection_names() != []
    assert {index["name"] for index in entry["indexes"]} == set(empty.client.shop.bookings_old.index_information())
    assert by_id(result)["restore.documents"]["details"]["left_alone"] == ["shop.bookings"]
    assert result["diff"]["before"] == "" and result["diff"]["after"] == "shop.bookings_old: 20,000 documents\n"


def test_a_database_goes_under_another_name(origin, empty):
    restore.run(order(origin[1], empty, databases=["shop"], rename={"shop": "copy"}))
    assert_equal_to(origin[1].find("newest").manifest, empty, "copy")
    assert "shop" not in empty.client.list_database_names()


def occupy(server):
    shop = server.client.shop
    shop.bookings.insert_many({"live": number} for number in range(7))
    shop.create_collection("empty", capped=True, size=4096)
    shop.create_collection("metrics", timeseries={"timeField": "t"})
    shop.metrics.insert_one({"t": server.client.admin.command("hello")["localTime"]})
    shop.command({"create": "confirmed", "viewOn": "bookings", "pipeline": []})
    shop.command({"create": "users", "viewOn": "bookings", "pipeline": []})
    shop.other.insert_one({"stays": True})


@pytest.mark.parametrize("confirm", [[], ["shop_copy"], ["bookings"]])
def test_what_holds_data_is_refused_without_its_name(origin, empty, confirm):
    occupy(empty)
    before = state(empty)
    with pytest.raises(MaintenanceError, match="write confirm: .*shop.*bookings 7 documents") as refused:
        restore.run(order(origin[1], empty, confirm=confirm))
    assert "nothing was changed" in str(refused.value) and "\n" not in str(refused.value) and "users a view" in str(refused.value)
    assert "empty" not in str(refused.value) and state(empty) == before


def test_confirmed_data_of_every_kind_is_replaced_and_saved_before(origin, empty, made):
    occupy(empty)
    result = restore.run(order(made[1], empty, confirm=["shop"], safety_set=True))
    assert_equal_to(made[0].manifest, empty)
    assert empty.client.shop.other.count_documents({}) == 1
    assert "shop.bookings: 7 documents\n" in result["diff"]["before"] and "shop.users: a view\n" in result["diff"]["before"]
    safety = made[1].find(result["restored"]["safety_set"]).manifest
    assert safety["namespaces"]["shop.bookings"]["documents"] == 7 and safety["namespaces"]["shop.users"]["type"] == "view"
    # "newest" goes on meaning the set that was restored, not the one that was made of what it replaced
    assert made[1].find("newest").id != made[0].id and restore.find(order(made[1])).id == made[0].id
    # and the safety set brings back what was there
    restore.run(order(made[1], empty, set_id=result["restored"]["safety_set"], confirm=["shop"]))
    assert empty.client.shop.bookings.count_documents({}) == 7 and empty.client.shop.users.count_documents({}) == 7


def test_without_anything_to_lose_no_safety_set_is_made(made, empty):
    result = restore.run(order(made[1], empty, safety_set=True))
    assert result["restored"]["safety_set"] is None and len(made[1].sets()) == 1


def test_check_mode_says_what_it_would_do_and_changes_nothing(made, empty, tmp_path):
    occupy(empty)
    before = state(empty)
    files = [{"archive": "uploads", "destination": str(tmp_path / "restored")}]
    with pytest.raises(MaintenanceError, match="write confirm: .*shop"):
        restore.run(order(made[1], empty, databases=["shop"]), dry_run=True)
    result = restore.run(order(made[1], empty, databases=["shop"], files=files, confirm=["shop"], safety_set=True), dry_run=True)
    assert result["changed"] and {check["status"] for check in result["checks"]} == {"skipped"}
    assert all("would" in action["summary"] for action in result["actions"])
    assert "shop.bookings: 20,000 documents\n" in result["diff"]["after"]
    assert {"backup.publish", "restore.namespace", "restore.files"} == {action["kind"] for action in result["actions"]}
    assert state(empty) == before and len(made[1].sets()) == 1 and sorted(os.listdir(tmp_path)) == ["backup"]


def rewrite(made, name, change):
    """Put other documents into a set, with artifact and hash in order: only counts and digests can tell."""
    path = made.manifest["namespaces"][name]["data"]
    data = b"".join(change([bytes(item) for item in frames.Splitter().feed(Path(made.path, path).read_bytes())]))
    Path(made.path, path).write_bytes(data)
    reseal(made, lambda content: content["artifacts"][path].update(bytes=len(data), stored_bytes=len(data), sha256=hashlib.sha256(data).hexdigest()))


def test_a_changed_byte_is_found_before_anything_is_written(made, empty):
    path = Path(made[0].path, made[0].manifest["namespaces"]["shop.bookings"]["data"])
    data = bytearray(path.read_bytes())
    data[-10] ^= 1
    path.write_bytes(data)
    with pytest.raises(MaintenanceError, match="damaged, nothing was changed.*SHA-256"):
        restore.run(order(made[1], empty))
    assert state(empty) == {}
    # what is not damaged can still be restored
    restore.run(order(made[1], empty, namespaces=["shop.german"]))
    assert list(state(empty)) == ["shop.german"]


@pytest.mark.parametrize("name", ["shop.bookings", "shop.metrics"])
def test_a_wrong_digest_stops_before_the_rename(made, empty, name):
    occupy(empty)
    before = state(empty)
    rewrite(made[0], name, lambda found: found[:-1])
    with pytest.raises(MaintenanceError, match="documents after the restore, the manifest says"):
        restore.run(order(made[1], empty, confirm=["shop"]))
    assert state(empty) == before


def test_a_missing_index_stops_before_the_rename(origin, empty, monkeypatch):
    occupy(empty)
    before = state(empty)
    # the index is in the manifest, but does not come into being: as if the server had not built it
    monkeypatch.setattr(filling.load, "create_indexes", lambda database, collection, indexes, options: None)
    with pytest.raises(MaintenanceError, match="is missing after the restore"):
        restore.run(order(origin[1], empty, confirm=["shop"]))
    assert state(empty) == before


@pytest.mark.parametrize(("more", "message"), [
    ({"databases": ["shopp"]}, "the database shopp is not among"),
    ({"namespaces": ["shop.booking"]}, "the namespace shop.booking is not among"),
    ({"set_id": "20200101T000000Z-0000"}, "has no set"),
    ({"files": [{"archive": "nothing", "destination": "/tmp/x"}]}, "no files archive 'nothing'; it holds uploads"),
    ({"rename": {"shop": "admin"}}, "belongs to the server"),
])
def test_bad_input_ends_in_one_line(origin, empty, more, message):
    with pytest.raises(MaintenanceError, match=message) as refused:
        restore.run(order(origin[1], empty, **more))
    assert "\n" not in str(refused.value) and state(empty) == {}


def test_without_uri_databases_are_refused(origin):
    with pytest.raises(MaintenanceError, match="the option uri is missing"):
        restore.run(order(origin[1]))


@pytest.fixture(name="guarded", scope="module")
def _guarded(tmp_path_factory):
    server = mongod.replica_set_of_one(tmp_path_factory.mktemp("guarded"))
    with server.client("root", mongod.ROOT_PASSWORD) as client:
        roles = [{"role": role, "db": "copy"} for role in ("readWrite", "dbAdmin")]
        client.admin.command("createRole", "buckets", roles=[], privileges=[
            {"resource": {"db": "copy", "system_buckets": ""}, "actions": ["bypassDocumentValidation", "find", "insert"]}])
        client.admin.command("createUser", "reader", pwd="secret-1", roles=[{"role": "read", "db": "copy"}])
        client.admin.command("createUser", "writer", pwd="secret-1", roles=roles)
        client.admin.command("createUser", "full", pwd="secret-1", roles=[*roles, "buckets"])
    yield server
    server.stop()


@pytest.mark.parametrize(("user", "message"), [
    ("reader", "the user reader may not bypassDocumentValidation.* on the database copy.*readWrite and dbAdmin on copy"),
    ("writer", "the user writer may not .* on the buckets of time-series collections in copy"),
    ("", "asks for a user"),
])
def test_a_user_without_rights_is_told_what_is_missing(origin, guarded, user, message):
    what = restore.Order(origin[1], uri=guarded.uri(user, "secret-1"), databases=["shop"], rename={"shop": "copy"}, timeout=5.0)
    for dry_run in (True, False):
        with pytest.raises(MaintenanceError, match=message) as refused:
            restore.run(what, dry_run=dry_run)
        assert "secret-1" not in str(refused.value)
    with guarded.client("root", mongod.ROOT_PASSWORD) as client:
        assert "copy" not in client.list_database_names()


def test_the_documented_rights_are_enough(origin, guarded, tmp_path):
    uri = guarded.uri("full", "secret-1")
    restore.run(restore.Order(origin[1], uri=uri, rename={"shop": "copy"}))
    made = Repository(str(tmp_path / "backup"))
    create.create(plan(origin[0], made))
    with guarded.client("full", "secret-1") as client:
        assert client.copy.bookings.count_documents({}) == 20000 and client.copy.metrics.count_documents({}) == 500
        client.copy.bookings.delete_one({})
    result = restore.run(restore.Order(made, uri=uri, namespaces=["shop.bookings"], rename={"shop": "copy"}, confirm=["copy"], safety_set=True))
    assert result["restored"]["namespaces"] == 1
    assert made.find(result["restored"]["safety_set"]).manifest["namespaces"]["copy.bookings"]["documents"] == 19999


SCRIPT = """
import sys
sys.path[:0] = [{root!r}, {root!r} + "/tests"]
import conftest
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import Repository
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore import restore
print("begin", flush=True)
restore.run(restore.Order(Repository({repository!r}), uri={uri!r}, databases=["shop"], confirm={confirm!r},
                          files=[{{"archive": "uploads", "destination": {destination!r}}}]))
"""


def start(repository, server, destination, confirm):
    code = SCRIPT.format(root=str(ROOT), repository=repository.path, uri=server.uri, destination=str(destination), confirm=confirm)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begin\n"
    return process


def wait_until_filling(process, server):
    mongod.wait_for(lambda: process.poll() is not None or any(map(selection.TEMPORARY.fullmatch, server.client.shop.list_collection_names())))


@pytest.mark.parametrize("live", [False, True])
def test_kill_9_at_any_moment_leaves_no_half_collection(origin, target, tmp_path, live):
    """Under each target's name stands what was there before or all of the set; a repetition completes it."""
    repository, dice = origin[1], random.Random(5)
    content = repository.find("newest").manifest
    whole, caught = 0.0, 0
    for number in range(8):
        target.client.drop_database("shop")
        destination = tmp_path / f"uploads-{number}"
        if live:
            target.client.shop.bookings.insert_many({"live": count} for count in range(7))
            target.client.shop.create_collection("metrics", timeseries={"timeField": "t"})
            target.client.shop.metrics.insert_one({"t": target.client.admin.command("hello")["localTime"]})
        confirm = ["shop"] if live else []
        process = start(repository, target, destination, confirm)
        begin = time.monotonic()
        if number == 0:
            assert process.wait() == 0
            whole = time.monotonic() - begin
            continue
        if number % 2:  # half of the moments lie where collections are being filled
            wait_until_filling(process, target)
        time.sleep(dice.random() * whole / (1 + number % 2))
        process.send_signal(signal.SIGKILL)
        process.wait()
        present = {info["name"]: info["type"] for info in target.client.shop.list_collections()}
        caught += any(selection.TEMPORARY.fullmatch(name) for name in present)
        marked = {selection.TEMPORARY.fullmatch(name)["name"] for name in present if ".trixtech_restoring_" in name}
        for name, entry in content["namespaces"].items():
            short = name.split(".", 1)[1]
            if short in present and entry["data"] and not entry["ttl"] and short not in marked:
                found = documents(target, name, entry["type"] == "timeseries")
                assert found == (entry["documents"], entry["digest"]) or live and found[0] == {"bookings": 7, "metrics": 1}.get(short), name
        assert not destination.exists() or sorted(os.listdir(destination)) == ["deep", "link"]
        process = start(repository, target, destination, confirm)
        assert process.wait() == 0
        assert_equal_to(content, target)
        assert (destination / "link").read_text() == "a" and os.listdir(tmp_path).count(destination.name) == 1
        assert not [name for name in os.listdir(tmp_path) if "trixtech_restore" in name]
    assert caught  # otherwise nothing was shown


def test_a_half_filled_time_series_collection_is_known_by_its_mark(origin, empty):
    """What a kill in mid-filling leaves: the collection in its place, and the mark beside it."""
    item = selection.Item("", {}, "shop", "metrics")
    empty.client.shop.create_collection("metrics", timeseries={"timeField": "at", "metaField": "host"})
    empty.client.shop.metrics.insert_one({"at": datetime.datetime(2026, 1, 1), "host": "a"})
    with pytest.raises(MaintenanceError, match="confirm: .*shop"):
        restore.run(order(origin[1], empty, namespaces=["shop.metrics"]))
    empty.client.shop.create_collection(selection.temporary(item, "20200101T000000Z-0000", "restoring"))
    result = restore.run(order(origin[1], empty, namespaces=["shop.metrics"]))
    assert empty.client.shop.metrics.count_documents({}) == 500
    assert {"restore.sweep", "restore.namespace"} == {action["kind"] for action in result["actions"]}
    assert sorted(empty.client.shop.list_collection_names()) == ["metrics", "system.buckets.metrics", "system.views"]
