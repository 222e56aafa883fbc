# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each mongodb.* check against a real server, sound and broken."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time

import pymongo
import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import base, runner
from tests.integration.mongod import APP, ROOT_PASSWORD, Mongod, free_port, replica_set_of_one, wait_for

TYPES = ["mongodb.cache", "mongodb.connections", "mongodb.oplog_window", "mongodb.ping", "mongodb.replication",
         "mongodb.slow_operations", "mongodb.storage"]
PROBE = ("probe", "probe-Zr8Qm2")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    found = replica_set_of_one(tmp_path_factory.mktemp("one"), "--oplogSize", "2", "--maxConns", "40",
                               "--setParameter", "ttlMonitorEnabled=false")
    yield found
    found.stop()


@pytest.fixture
def standalone(tmp_path):
    found = Mongod(tmp_path / "db")
    yield found
    found.stop()


def look(uri, *types, last=None, series=None, **options):
    """Run the checks of the types with the same options; return them by type."""
    context = base.Context(mongodb_uri=uri, last=last or {}, **({"series": series} if series else {}))
    found = runner.run(runner.plan([{"type": name, **options} for name in types], {}), context, 40)
    for shared in context._shared.values():  # a module's process ends here, and its connections with it; a test's goes on
        if isinstance(shared.value, pymongo.MongoClient):
            shared.value.close()
    return {check.id: check for check in found}


def one(uri, name, **options):
    return look(uri, name, **options)[name]


def test_least_privilege_is_enough_for_every_check(server):
    found = look(server.uri(*PROBE), *TYPES)
    assert {name: (check.status, check.summary) for name, check in found.items() if check.status != "ok"} == {}
    assert all(check.summary and check.hint.startswith("docs/runbook.md#") for check in found.values())
    json.dumps([check.as_dict() for check in found.values()])
    assert f"{APP}.bookings" in found["mongodb.ping"].summary
    assert list(found["mongodb.storage"].details["databases"]) == [APP]
    assert "profiler" not in found["mongodb.slow_operations"].summary


def test_nobody_listens(server):
    uri = f"mongodb://probe:probe-Zr8Qm2@127.0.0.1:{free_port()}/"
    found = look(uri, *TYPES)
    ping = found.pop("mongodb.ping")
    assert ping.status == "critical" and "nothing listens" in ping.summary
    assert {check.status for check in found.values()} == {"unknown"}
    assert all("could not look" in check.summary and "nothing listens" in check.summary for check in found.values())


def test_unknown_host():
    ping = one("mongodb://probe:probe-Zr8Qm2@nowhere.invalid/", "mongodb.ping", timeout=3)
    assert ping.status == "critical" and "nowhere.invalid" in ping.summary


@pytest.mark.parametrize("timeout", [10, 3])
def test_frozen_server(server, timeout):
    server.freeze()
    try:
        found = look(server.uri(*PROBE), *TYPES, timeout=timeout)
    finally:
        server.thaw()
    ping = found.pop("mongodb.ping")
    assert ping.status == "critical" and "frozen" in ping.summary
    assert {check.status for check in found.values()} == {"unknown"}
    # the same words in all of them: one wait was shared, and no check ran into its own time-out
    assert all("does not answer" in check.summary for check in found.values())


def test_server_frozen_after_the_connection_was_made(server):
    context = base.Context(mongodb_uri=server.uri(*PROBE))
    first = runner.run(runner.plan([{"type": "mongodb.ping"}], {}), context, 20)
    assert first[0].status == "ok"
    server.freeze()
    try:
        found = runner.run(runner.plan([{"type": name} for name in TYPES], {}), context, 20)
    finally:
        server.thaw()
    assert [(check.id, check.status) for check in found if check.status == "critical"] == [("mongodb.ping", "critical")]
    assert {check.status for check in found if check.id != "mongodb.ping"} == {"unknown"}


def test_wrong_password_is_unknown_everywhere(server):
    found = look(server.uri("probe", "not-the-password"), *TYPES)
    assert {check.status for check in found.values()} == {"unknown"}
    assert all("refused the user or the password" in check.summary for check in found.values())
    assert "not-the-password" not in str(found)


def test_application_user_lacks_rights(server):
    found = look(server.uri("application", "app-Vx3Tn9"), *TYPES)
    assert found["mongodb.ping"].status == "ok", found["mongodb.ping"].summary
    for name in ("mongodb.connections", "mongodb.cache"):
        assert found[name].status == "unknown" and "may not run serverStatus on the database admin" in found[name].summary
    assert found["mongodb.replication"].status == "unknown" and "replSetGetStatus" in found["mongodb.replication"].summary
    assert found["mongodb.slow_operations"].status == "unknown"
    assert found["mongodb.storage"].status == "unknown"
    assert "app-Vx3Tn9" not in str(found)


def test_no_user_where_one_is_needed(server):
    found = one(f"mongodb://{server.address}/", "mongodb.connections")
    assert found.status == "unknown" and "names none" in found.summary


@pytest.mark.parametrize("uri", ["mongodb://probe:pass/word@127.0.0.1:1/", "postgres://probe:word@127.0.0.1", "mongodb://", ""])
def test_malformed_uri(uri):
    found = look(uri, *TYPES)
    assert {check.status for check in found.values()} == {"unknown"}
    assert "word@" not in str(found)


def test_uri_of_several_hosts(server):
    uri = f"mongodb://probe:probe-Zr8Qm2@127.0.0.1:{free_port()},{server.address}/?replicaSet=rs0&authSource=admin"
    assert one(uri, "mongodb.ping").status == "ok"


def test_connections_run_out(server):
    # mongod allows 40 here
    with contextlib.ExitStack() as stack:
        def occupy(count):
            for _number in range(count):
                stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))

        def current():
            return one(server.uri(*PROBE), "mongodb.connections").details["current"]

        wait_for(lambda: current() < 15)
        occupy(34 - current())
        used = one(server.uri(*PROBE), "mongodb.connections")
        assert used.details["current"] + used.details["available"] == 40
        assert used.status == "warning" and "look for a pool" in used.summary, used.summary
        assert one(server.uri(*PROBE), "mongodb.connections", warning=50, critical=60).status == "critical"

        def refused():
            occupy(20)  # again, for the server frees the connections of the last look when it finds the time
            ping = one(server.uri(*PROBE), "mongodb.ping", timeout=3)
            return ping.status == "critical" and "connections may be in use" in ping.summary

        wait_for(refused)
    wait_for(lambda: one(server.uri(*PROBE), "mongodb.connections").status == "ok")


def test_slow_operation_is_named_without_its_values(server):
    done = threading.Event()

    def slow():
        with server.client("application", "app-Vx3Tn9", appname="shop") as client:
            with contextlib.suppress(Exception):
                list(client[APP].bookings.find({"customer": {"$ne": "Erika Mustermann"}, "$where": "sleep(100) || true"}))
        done.set()

    with server.client("root", ROOT_PASSWORD) as root:
        threading.Thread(target=slow, daemon=True).start()
        wait_for(lambda: one(server.uri(*PROBE), "mongodb.slow_operations", seconds=0.5).value)
        found = one(server.uri(*PROBE), "mongodb.slow_operations", seconds=0.5)
        assert found.status == "warning"
        assert f"find on {APP}.bookings for" in found.summary and "COLLSCAN" in found.summary
        assert "Erika" not in json.dumps(found.as_dict())
        assert one(server.uri(*PROBE), "mongodb.slow_operations", seconds=0.5, critical=1).status == "critical"
        assert one(server.uri(*PROBE), "mongodb.slow_operations", seconds=600).status == "ok"
        root.admin.command("killOp", op=int(found.details["longest"][0]["opid"]))
    assert done.wait(30)


def test_profiled_operations_are_counted_since_the_last_run(server):
    with server.client("root", ROOT_PASSWORD) as root:
        root[APP].command("profile", 2, slowms=0)
        try:
            root[APP].bookings.count_documents({"number": {"$gt": 3}})
            in_all = one(server.uri(*PROBE), "mongodb.slow_operations")
            later = one(server.uri(*PROBE), "mongodb.slow_operations",
                        last={"mongodb.slow_operations": {"status": "ok", "started": "2999-01-01T00:00:00.000Z", "details": {}}})
        finally:
            root[APP].command("profile", 0, slowms=100)
            root[APP].drop_collection("system.profile")
    assert in_all.details["profiled"] >= 1 and "in all" in in_all.summary
    assert later.details["profiled"] == 0 and "since the last run" in later.summary


def test_unreadable_profiler_is_said(server):
    with server.client("root", ROOT_PASSWORD) as root:
        root.admin.command("createUser", "watcher", pwd="watch-Ge4", roles=[{"role": "clusterMonitor", "db": "admin"}])
        root["other"].things.insert_one({"a": 1})
        # clusterMonitor may read every profile; a user with inprog alone may not
        root.admin.command("createRole", "bare", roles=[], privileges=[
            {"resource": {"cluster": True}, "actions": ["inprog", "listDatabases"]}])
        root.admin.command("createUser", "bare", pwd="bare-Hs5", roles=["bare"])
        watcher = one(server.uri("watcher", "watch-Ge4"), "mongodb.slow_operations")
        bare = one(server.uri("bare", "bare-Hs5"), "mongodb.slow_operations")
        root.drop_database("other")
    assert watcher.details["profiler_unreadable"] == []
    assert bare.details["profiler_unreadable"] == ["other", APP] and "cannot be read" in bare.summary


def test_storage_tells_growth_and_time_to_full(server):
    now = time.time()
    calm = one(server.uri(*PROBE), "mongodb.storage")
    total, free = calm.value, calm.details["file_system_free"]
    assert "growth not known" in calm.summary and calm.details["days_to_full"] is None

    def grown(days_left):
        """A history in which the databases grew so much a day that the free space lasts for days_left."""
        return lambda check_id, days: [(now - day * 86400, total - day * free / days_left) for day in (6, 5, 4, 3, 2, 1)]

    for days_left, status in ((30, "ok"), (10, "warning"), (2, "critical")):
        found = one(server.uri(*PROBE), "mongodb.storage", series=grown(days_left))
        assert found.status == status, found.summary
        assert found.details["days_to_full"] == pytest.approx(days_left, rel=0.05)
        assert (found.value >= found.warning) == (status != "ok")
        assert (found.value >= found.critical) == (status == "critical")
    # a history of minutes tells nothing
    short = one(server.uri(*PROBE), "mongodb.storage", series=lambda check_id, days: [(now - 60, 0.0), (now - 30, total / 2)])
    assert short.status == "ok" and short.details["growth_per_day"] is None


def test_storage_of_named_databases(server):
    found = one(server.uri(*PROBE), "mongodb.storage", databases=[APP])
    assert list(found.details["databases"]) == [APP] and found.value > 0


def test_cache_limits(server):
    with server.client("application", "app-Vx3Tn9") as client:
        client[APP].bookings.update_many({}, {"$set": {"touched": True}})
        found = one(server.uri(*PROBE), "mongodb.cache", warning=0.00001, critical=50)
        assert found.status == "warning" and "the disk does not keep up" in found.summary
        assert one(server.uri(*PROBE), "mongodb.cache", warning=0.000001, critical=0.00001).status == "critical"
    # a first look compares with the server's start; one after a restart may not go below zero
    assert found.details["evicted_since_last_run"] == found.details["evicted_by_application"]


def test_oplog_that_was_full_is_short(server):
    young = one(server.uri(*PROBE), "mongodb.oplog_window")
    assert young.status == "ok" and "all there ever was" in young.summary
    with server.client("application", "app-Vx3Tn9") as client:
        blob = "x" * 100_000

        def full():
            client[APP].big.insert_many([{"blob": blob} for _number in range(10)])
            found = one(server.uri(*PROBE), "mongodb.oplog_window")
            return found.details["used_percent"] >= 85

        wait_for(full)
        found = one(server.uri(*PROBE), "mongodb.oplog_window")
        assert found.status == "critical" and "replSetResizeOplog" in found.summary
        assert one(server.uri(*PROBE), "mongodb.oplog_window", warning=1e-7, critical=1e-8).status == "ok"


def test_standalone_has_nothing_to_replicate(standalone):
    found = look(standalone.uri(), *TYPES)
    assert {name: check.status for name, check in found.items() if check.status != "ok"} == {
        "mongodb.replication": "skipped", "mongodb.oplog_window": "skipped"}
    assert "standalone" in found["mongodb.replication"].summary
    assert "no collection to read yet" in found["mongodb.ping"].summary


def test_set_that_was_never_initiated(tmp_path):
    server = Mongod(tmp_path / "db", "--replSet", "rs0")
    try:
        found = one(server.uri(), "mongodb.replication")
        assert found.status == "critical" and "rs.initiate()" in found.summary
        assert one(server.uri(), "mongodb.oplog_window").status == "unknown"
    finally:
        server.stop()


def test_three_members(tmp_path):
    """Lag, a configured delay, a lost member, a lost majority: one set for all, because starting it is what costs."""
    members: list[Mongod] = []
    try:
        members += [Mongod(tmp_path / f"m{number}", "--replSet", "rs0", "--oplogSize", "50") for number in range(3)]
        primary, hidden, plain = members
        primary.initiate(members, m1={"hidden": True, "secondaryDelaySecs": 3600})
        uri = primary.uri()
        wait_for(lambda: one(uri, "mongodb.replication").status == "ok")

        with primary.client() as client, plain.client() as lagging:
            def locked():
                with contextlib.suppress(pymongo.errors.OperationFailure):  # until its initial sync is on disk
                    return lagging.admin.command("fsync", lock=True)["ok"]

            wait_for(locked)  # holds back its applying, not its heartbeats
            moment = time.time()
            while time.time() < moment + 4:
                # one acknowledgement: a majority would wait for those that are held back
                client.get_database(APP, write_concern=pymongo.WriteConcern(1)).bookings.insert_one({"number": 1})
                time.sleep(0.2)
            found = one(uri, "mongodb.replication", warning=2, critical=1000)
            assert found.status == "warning" and found.value >= 2
            assert f"{plain.address} is" in found.summary and "behind the primary" in found.summary
            assert one(uri, "mongodb.replication", warning=1, critical=2).status == "critical"
            # the secondary knows of its own lag, too
            assert one(plain.uri(), "mongodb.replication", warning=2, critical=1000).status == "warning"
            lagging.admin.command("fsyncUnlock")
            wait_for(lambda: one(uri, "mongodb.replication", warning=2, critical=1000).status == "ok")
            delayed = next(item for item in one(uri, "mongodb.replication").details["members"] if item["name"] == hidden.address)
            assert delayed["hidden"] and delayed["delay_s"] == 3600 and delayed["lag_s"] == 0

        plain.stop()
        wait_for(lambda: one(uri, "mongodb.replication").status == "warning")
        found = one(uri, "mongodb.replication")
        assert f"{plain.address} is not reachable" in found.summary

        hidden.stop()
        wait_for(lambda: one(uri, "mongodb.replication").status == "critical")
        wait_for(lambda: "no primary" in one(uri, "mongodb.replication").summary)
        assert "only 1 of 3 voting members are up" in one(uri, "mongodb.replication").summary
        assert one(uri, "mongodb.ping").status == "ok"  # reads are still served
    finally:
        for member in members:
            member.stop()
