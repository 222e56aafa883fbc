# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and inserting raw documents against a real mongod: at the limits of a command, and left in the middle."""

from __future__ import annotations

import bson
import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import dump, frames, load
from tests.integration import mongod


@pytest.fixture(name="client", scope="module")
def _client():
    with mongod.running() as server:
        yield server.client


def read(client, collection: str) -> frames.Digest:
    digest = frames.Digest()
    for batch in dump.Reader(client).batches("shop", collection):
        digest.add(batch)
    return digest


@pytest.mark.parametrize("senders", [1, 3])
def test_what_is_too_much_for_one_command_is_sent_in_several(client, senders):
    """More documents than a command may hold, more bytes, and a document of nearly 16 MiB, which fills one alone."""
    collection = f"limits{senders}"
    small = [bson.encode({"_id": number}) for number in range(120_000)]
    large = [bson.encode({"_id": f"large {number}", "data": bson.Binary(bytes(9_000_000))}) for number in range(4)]
    largest = [bson.encode({"_id": "largest", "data": bson.Binary(bytes(16 * 1024 * 1024 - 60))})]
    wanted = frames.Digest()
    wanted.add(small + large + largest)
    assert load.insert(client.shop, collection, [small, large, [], largest], senders) == 120_005
    assert read(client, collection) == wanted


def test_a_capped_collection_keeps_its_order_with_one_sender(client):
    load.create_collection(client.shop, "ordered", {"capped": True, "size": 1_000_000})
    documents = [bson.encode({"_id": number}) for number in range(5000)]
    load.insert(client.shop, "ordered", (documents[begin : begin + 7] for begin in range(0, 5000, 7)))
    assert [bson.decode(document)["_id"] for batch in dump.Reader(client).batches("shop", "ordered") for document in batch] == list(range(5000))


@pytest.mark.parametrize("senders", [1, 3])
def test_the_servers_refusal_ends_an_insert(client, senders):
    twice = [[bson.encode({"_id": 1})], [bson.encode({"_id": number}) for number in range(10)]]
    with pytest.raises(MaintenanceError, match="the server refused a document: E11000"):
        load.insert(client.shop, f"refused{senders}", twice, senders)


def test_a_row_that_does_not_arrive_whole_is_told():
    """A driver that took a row for one document would lose the others; the server's count shows it."""
    class OneOnly:
        name = "shop"

        @staticmethod
        def command(_command):
            return {"n": 1, "ok": 1.0}

    with pytest.raises(MaintenanceError, match="took 1 of 2 documents"):
        load.insert(OneOnly, "rows", [[bson.encode({}), bson.encode({})]])


def test_reading_that_is_given_up_leaves_no_cursor(client):
    load.insert(client.shop, "many", [[bson.encode({"_id": number}) for number in range(dump.BATCH * 5)]])
    batches = dump.Reader(client).batches("shop", "many")
    assert len(next(batches)) == dump.BATCH
    batches.close()
    assert client.admin.command("serverStatus")["metrics"]["cursor"]["open"]["total"] == 0
