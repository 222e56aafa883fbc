# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database with everything that is hard to carry, for the tests of backup and restore."""

from __future__ import annotations

import datetime

import bson
import bson.datetime_ms

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup import create
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore import evidence
from tools import environment


def fill(client):
    """Make a database with everything that is hard to carry."""
    shop = client.shop
    now = datetime.datetime(2026, 11, 23, tzinfo=datetime.timezone.utc)
    shop.bookings.insert_many({"n": number, "text": "x" * (number % 300), "at": now, "nested": [{"z": number}]} for number in range(20000))
    shop.bookings.create_index([("n", 1), ("text", -1)])
    shop.bookings.create_index("nested.z", partialFilterExpression={"at": {"$gt": now}}, collation={"locale": "de", "strength": 2})
    shop.users.create_index("email", unique=True, sparse=True)
    shop.types.insert_one({
        "double": 1.5, "binary": bson.Binary(b"\0", 5), "id": bson.ObjectId(), "date": now, "null": None, "regex": bson.Regex("a", "i"),
        "code": bson.Code("f"), "scoped": bson.Code("f", {"x": 1}), "int": 1, "long": bson.Int64(1), "stamp": {"inner": bson.Timestamp(1, 2)},
        "decimal": bson.Decimal128("1.10"), "min": bson.MinKey(), "max": bson.MaxKey(), "ref": bson.DBRef("a", 1),
        "far": bson.datetime_ms.DatetimeMS(2**60),
    })
    shop.notes.create_index("until", expireAfterSeconds=3600)
    shop.notes.insert_one({"until": now - datetime.timedelta(days=1)})  # expired: it must not vanish while it is counted
    shop.create_collection("events", capped=True, size=100000, validator={"$jsonSchema": {"required": ["kind"]}})
    shop.events.insert_many({"kind": number} for number in range(10))
    shop.create_collection("metrics", timeseries={"timeField": "at", "metaField": "host"})
    shop.metrics.insert_many({"at": now + datetime.timedelta(seconds=number), "host": "a", "v": number} for number in range(500))
    shop.create_collection("empty")
    shop.create_collection("german", collation={"locale": "de", "strength": 1})
    shop.german.create_index([("name", "text")], collation={"locale": "simple"}, weights={"name": 3})
    shop.german.create_index("inherits")
    shop.german.create_index("plain", collation={"locale": "simple"})
    shop.german.insert_one({"name": "Grüße", "inherits": 1})
    for keys, options in (([("hashed", "hashed")], {}), ([("place", "2dsphere")], {}), ([("$**", 1)], {}), ([("unseen", -1)], {"hidden": True})):
        shop.places.create_index(keys, **options)
    shop.places.insert_one({"place": {"type": "Point", "coordinates": [1, 2]}})
    shop.command({"create": "confirmed", "viewOn": "bookings", "pipeline": [{"$match": {"n": {"$gt": 5}}}]})
    shop["odd.näme %20 x"].insert_one({"x": 1})


def plan(server, repository, **more):
    return create.Plan(repository, server.uri, "test", databases=more.pop("databases", ["shop"]), timeout=5.0, **more)


def prove(repository, tmp="/tmp"):
    return evidence.run(repository, repository.find("newest"), evidence.Settings(str(environment.mongod()), tmp))
