# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data to measure with: years of bookings, payments and users, a pure function of seed and size, in a mongod's files that are kept.

Sizes and repetition are those of the real system: two bookings in three are old and done, notes are mostly empty, identifiers and
money are what does not compress. bookings takes seven tenths of the bytes and has five secondary indexes.
"""

from __future__ import annotations

import datetime
import hashlib
import random
import sys
from pathlib import Path
from typing import Any, Iterator

import pymongo
from bson import Decimal128, Int64, ObjectId

from lab.data import FIRST, LAST, NOTES, SLOTS, STATUSES
from tests.integration.mongod import Mongod, wait_for
from tools import environment

DATABASE = "trixtech"
SEED = 3
_BATCH = 5000
_BEGIN = datetime.datetime(2021, 1, 1, tzinfo=datetime.timezone.utc)
_MEGABYTE = 1_000_000
# bytes that one document takes, measured; the share of each collection in the whole
_COLLECTIONS = {"bookings": (822, 0.70), "payments": (238, 0.20), "users": (369, 0.10)}
# the five of the guide's application: customer's list, service's calendar, the day's work, the newest, the number on the letter
BOOKING_INDEXES = (
    [("customerId", 1), ("status", 1)], [("serviceId", 1), ("bookingDate", 1)], [("status", 1), ("bookingDate", -1)],
    [("createdAt", -1)], [("reference", 1)],
)


def database_files(megabytes: int) -> Path:
    """Return the dbpath of a replica set of one that holds about so many megabytes (10**6) of documents; made when missing."""
    with open(__file__, "rb") as stream:
        key = environment.digest(str(SEED), hashlib.sha256(stream.read()).hexdigest())
    return environment.entry(f"bench-bookings-{megabytes}-{key}", lambda directory: _build(directory, megabytes))


def serve(megabytes: int) -> Mongod:
    """Start a server on the data, primary of its replica set, with a cache that holds most of it; the caller stops it."""
    server = Mongod(database_files(megabytes), "--replSet", "rs0", "--oplogSize", "64")
    with server.client() as client:
        roomy(client)
        # the port is another one each time, and a member that is not in its own configuration serves nobody
        configuration = client.admin.command({"replSetGetConfig": 1})["config"]
        configuration["members"][0]["host"] = server.address
        client.admin.command({"replSetReconfig": configuration, "force": True})
        wait_for(lambda: client.admin.command("hello")["isWritablePrimary"])
    return server


def roomy(client: Any) -> None:
    """Give a server a cache of 2 GB, so that the disk is not what is measured."""
    client.admin.command({"setParameter": 1, "wiredTigerEngineRuntimeConfig": "cache_size=2GB"})


def _build(directory: Path, megabytes: int) -> None:
    server = Mongod(directory)  # standalone, so that the oplog does not get a copy of everything
    with server.client() as client:
        roomy(client)
        fill(client[DATABASE], megabytes)
    _end(server)
    server = Mongod(directory, "--replSet", "rs0", "--oplogSize", "64")
    server.initiate([server])
    _end(server)


def _end(server: Mongod) -> None:
    server.process.terminate()
    if server.process.wait():
        raise RuntimeError(f"mongod ended with status {server.process.returncode}; see {server.directory / 'out'}")


def fill(database: Any, megabytes: int) -> None:
    """Write the collections and then their indexes."""
    dice = random.Random(f"bench-{SEED}")
    counts = {name: int(megabytes * _MEGABYTE * share / size) for name, (size, share) in _COLLECTIONS.items()}
    users = [_identifier(dice, number * 40) for number in range(counts["users"])]
    services = [_identifier(dice, number) for number in range(60)]
    makers = {
        "users": _users(dice, users),
        "bookings": _bookings(dice, users, services, counts["bookings"]),
        "payments": _payments(dice, users, counts["payments"]),
    }
    for name, documents in makers.items():
        batch: list = []
        for document in documents:
            batch.append(document)
            if len(batch) == _BATCH:
                database[name].insert_many(batch)
                batch = []
        if batch:
            database[name].insert_many(batch)
        print(f"bench: {counts[name]:,} {name} written", file=sys.stderr, flush=True)
    database.bookings.create_indexes([pymongo.IndexModel(keys) for keys in BOOKING_INDEXES])
    database.payments.create_index("bookingId")
    database.users.create_index("email", unique=True)


def _identifier(dice: random.Random, second: int) -> ObjectId:
    return ObjectId((int(_BEGIN.timestamp()) + second).to_bytes(4, "big") + dice.randbytes(8))


def _users(dice: random.Random, identifiers: list) -> Iterator[dict]:
    for number, identifier in enumerate(identifiers):
        first, last = dice.choice(FIRST), dice.choice(LAST)
        yield {
            "_id": identifier, "name": f"{first} {last}", "email": f"{first.lower()}.{last.lower()}{number}@example.com",
            "phone": f"+49 30 {dice.randrange(10**6, 10**7)}", "role": "customer", "passwordHash": f"$2b$10${dice.getrandbits(318):053x}"[:60],
            "isActive": dice.random() < 0.96,
            "address": {"street": f"Main Street {dice.randrange(1, 200)}", "zip": f"{dice.randrange(10000, 99999)}", "city": "Berlin"},
            "tags": dice.sample(("newsletter", "vip", "late payer", "business"), dice.randrange(3)),
            "createdAt": identifier.generation_time, "updatedAt": identifier.generation_time, "__v": 0,
        }


def _bookings(dice: random.Random, users: list, services: list, count: int) -> Iterator[dict]:
    staff = users[:12]
    step = 5 * 365 * 86400 / count
    for number in range(count):
        created = _BEGIN + datetime.timedelta(seconds=number * step, milliseconds=dice.randrange(1000))
        date = created.replace(hour=0, minute=0, second=0, microsecond=0) + datetime.timedelta(days=dice.randrange(40))
        net = dice.randrange(2000, 30000)
        status = dice.choices(STATUSES, (1, 2, 80, 12))[0]
        yield {
            "_id": _identifier(dice, int(number * step)),
            "reference": f"TT-{created:%y%m}-{number:08d}",
            "customerId": users[int(len(users) * dice.random() ** 2)],
            "serviceId": dice.choice(services),
            "bookingDate": date, "timeSlot": dice.choice(SLOTS), "status": status,
            "price": {"net": net / 100, "vat": round(net * 0.19) / 100, "currency": "EUR"},
            "participants": dice.randrange(1, 5),
            "contact": {"name": f"{dice.choice(FIRST)} {dice.choice(LAST)}", "phone": f"+49 30 {dice.randrange(10**6, 10**7)}"},
            "location": {"type": "Point", "coordinates": [13.4 + dice.random() / 10, 52.5 + dice.random() / 10]},
            "notes": dice.choice(NOTES),
            "cancelToken": f"{dice.getrandbits(160):040x}",  # in the link of the confirmation mail
            "source": {"ip": f"10.{dice.randrange(256)}.{dice.randrange(256)}.{dice.randrange(256)}", "requestId": f"{dice.getrandbits(64):016x}"},
            "reminders": [{"kind": "mail", "hoursBefore": 24, "sent": True}, {"kind": "sms", "hoursBefore": 2, "sent": status == "completed"}],
            "history": [
                {"at": created, "from": None, "to": "pending", "by": "customer"},
                {"at": created + datetime.timedelta(seconds=dice.randrange(90000)), "from": "pending", "to": status, "by": dice.choice(staff)},
            ],
            "createdAt": created, "updatedAt": created + datetime.timedelta(seconds=dice.randrange(90000)), "__v": 1,
        }


def _payments(dice: random.Random, users: list, count: int) -> Iterator[dict]:
    for number in range(count):
        cents = dice.randrange(2000, 30000)
        identifier = _identifier(dice, number * 30)
        yield {
            "_id": identifier, "bookingId": _identifier(dice, number * 30), "customerId": dice.choice(users),
            "amount": Decimal128(f"{cents / 100:.2f}"), "cents": Int64(cents), "currency": "EUR",
            "method": dice.choice(("card", "cash", "transfer")), "transactionId": f"tx_{dice.getrandbits(96):024x}",
            "state": "settled", "createdAt": identifier.generation_time, "__v": 0,
        }
