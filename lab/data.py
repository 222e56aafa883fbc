# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents of the lab's database: a pure function of the seed, the number of bookings and the day it is made on.

The collections have the faults of the real ones: bookings has no index but _id, users carry no last login, notifications
and sessions vanish under TTL indexes, and money is kept as double in one place and as Decimal128 in another.
"""

from __future__ import annotations

import datetime
import hashlib
import random
import uuid
from typing import Any, Iterator

from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp

DAY = datetime.timedelta(days=1)
HISTORY_DAYS = 400
NOTIFICATION_TTL_SECONDS = 30 * 86400
STATUSES = ("pending", "confirmed", "completed", "cancelled")
SLOTS = tuple(f"{hour:02d}:{minute:02d}" for hour in range(8, 18) for minute in (0, 30))
FIRST = ("Ana", "Björn", "Chidi", "Dalia", "Emeka", "Fatou", "Grace", "Hiroshi", "Ines", "Jürgen", "Kofi", "Léa", "Marie", "Noor", "Олег", "美咲")
LAST = ("Adeyemi", "Bauer", "Cruz", "Dubois", "Eriksson", "Fischer", "García", "Haddad", "Ibrahim", "Jansen", "Kowalski", "López", "Müller", "N'Diaye")
CATEGORIES = ("repair", "installation", "consulting", "training", "cleaning")
NOTES = ("", "", "", "please ring twice", "second visit", "wheelchair access needed", "bringt Gerät mit", "paiement sur place", "ground floor ☎ first")


class Generator:
    """Makes all documents of one lab. today: midnight UTC of the day the lab is made; the newest booking is made on it."""

    def __init__(self, seed: int, bookings: int, today: datetime.datetime, password_hash: str) -> None:
        self.random = random.Random(f"trixtech-{seed}")
        self.bookings = bookings
        self.today = today
        self.password_hash = password_hash
        self.user_ids = [self._id(HISTORY_DAYS * DAY + index * DAY / 100) for index in range(max(20, bookings // 10))]
        self.service_ids = [self._id((HISTORY_DAYS + 30) * DAY) for _unused in range(40)]

    def _id(self, ago: datetime.timedelta) -> ObjectId:
        seconds = int((self.today - ago).timestamp())
        return ObjectId(seconds.to_bytes(4, "big") + self.random.randbytes(8))

    def users(self) -> Iterator[dict]:
        """Customers, some staff, and one administrator; every thirtieth is not active."""
        for index, identifier in enumerate(self.user_ids):
            name = f"{self.random.choice(FIRST)} {self.random.choice(LAST)}"
            yield {
                "_id": identifier,
                "name": name,
                "email": f"customer{index:05d}@example.com",
                "phone": f"+49 30 {self.random.randrange(10**6, 10**7)}",
                "role": "admin" if index == 0 else "staff" if index < 6 else "customer",
                "passwordHash": self.password_hash,
                "isActive": index % 30 != 29,
                "address": {"street": f"Main Street {self.random.randrange(1, 200)}", "zip": f"{self.random.randrange(10000, 99999)}"},
                "tags": self.random.sample(("newsletter", "vip", "late payer", "business"), self.random.randrange(3)),
                "avatar": f"avatars/{index:03d}.jpg" if index < 60 else None,
                "createdAt": identifier.generation_time,
                "updatedAt": identifier.generation_time,
                "__v": 0,
            }

    def services(self) -> Iterator[dict]:
        """What can be booked."""
        for index, identifier in enumerate(self.service_ids):
            category = CATEGORIES[index % len(CATEGORIES)]
            yield {
                "_id": identifier,
                "name": f"{category.capitalize()} {index + 1}",
                "description": f"Our {category} service number {index + 1}, at your place or ours.",
                "category": category,
                "durationMinutes": self.random.choice((30, 60, 90)),
                "price": float(self.random.randrange(20, 300)) + 0.99,
                "location": {"type": "Point", "coordinates": [13.4 + self.random.random() / 10, 52.5 + self.random.random() / 10]},
                "isActive": index % 13 != 12,
                "createdAt": identifier.generation_time,
                "__v": 0,
            }

    def booking_list(self) -> list[dict]:
        """All bookings, oldest first. Those of the past are done or cancelled, mostly; those to come are not."""
        made = []
        number = self.random
        for index in range(self.bookings):
            ago = HISTORY_DAYS * DAY * (1 - (index + 1) / self.bookings)
            identifier = self._id(ago)
            created = self.today - ago
            date = created + DAY * number.randrange(0, 40)
            weights = (1, 3, 0, 1) if date >= self.today else (1, 2, 80, 12)
            made.append({
                "_id": identifier,
                "customerId": self.user_ids[int(len(self.user_ids) * number.random() ** 2)],
                "serviceId": number.choice(self.service_ids),
                "bookingDate": date.replace(hour=0, minute=0, second=0, microsecond=0),
                "timeSlot": number.choice(SLOTS),
                "status": number.choices(STATUSES, weights)[0],
                "price": number.randrange(2000, 30000) / 100,
                "participants": number.randrange(1, 5),
                "notes": number.choice(NOTES),
                "reminders": [{"kind": "mail", "hoursBefore": 24, "sent": date < self.today}],
                "rating": number.randrange(1, 6) if date < self.today and number.random() < 0.3 else None,
                "createdAt": created,
                "updatedAt": created,
                "__v": 0,
            })
        return made

    def payments(self, bookings: list[dict]) -> Iterator[dict]:
        """One for each completed booking and half of the confirmed ones; its sum is the booking's price."""
        for booking in bookings:
            if booking["status"] == "completed" or (booking["status"] == "confirmed" and self.random.random() < 0.5):
                yield {
                    "_id": uuid.UUID(bytes=self.random.randbytes(16), version=4),
                    "bookingId": booking["_id"],
                    "amount": Decimal128(f"{booking['price']:.2f}"),
                    "currency": "EUR",
                    "method": self.random.choice(("card", "cash", "transfer")),
                    "transactionId": f"tx_{self.random.getrandbits(64):016x}",
                    "cents": Int64(round(booking["price"] * 100)),
                    "signature": Binary(self.random.randbytes(32)),
                    "createdAt": booking["createdAt"],
                }

    def notifications(self, bookings: list[dict]) -> Iterator[dict]:
        """For the bookings of the last days; the TTL index removes them 30 days after their making."""
        limit = self.today - 29 * DAY
        for booking in bookings:
            if booking["createdAt"] >= limit:
                yield {"_id": self._id(self.today - booking["createdAt"]), "userId": booking["customerId"], "bookingId": booking["_id"],
                       "kind": "booking-received", "read": self.random.random() < 0.7, "createdAt": booking["createdAt"]}

    def sessions(self) -> Iterator[dict]:
        """Some that last another week or more."""
        for index in range(min(100, len(self.user_ids))):
            yield {"_id": self._id(DAY), "token": hashlib.sha256(self.random.randbytes(16)).hexdigest(), "userId": self.user_ids[index],
                   "userAgent": "Mozilla/5.0", "expiresAt": self.today + DAY * (7 + index % 30), "createdAt": self.today - DAY}

    def settings(self) -> Iterator[dict]:
        """One document with every BSON type that is in use, and some that are awkward."""
        yield {
            "_id": "types", "double": 1.5, "not_a_number": float("nan"), "infinity": float("-inf"), "minus_zero": -0.0,
            "string": "Grüße 日本 \u0000 end", "empty": "", "object": {}, "array": [1, "two", [3.0, {"four": None}]],
            "binary": Binary(b"\x00\x01\xff"), "uuid": uuid.UUID(int=1), "user_defined": Binary(b"x", 0x80),
            "object_id": ObjectId("65a000000000000000000001"), "true": True, "false": False,
            "date": datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.timezone.utc),
            "before_1970": datetime.datetime(1901, 1, 1, tzinfo=datetime.timezone.utc), "null": None,
            "regex": Regex("^tri(x|ks)", "i"), "reference": DBRef("users", self.user_ids[0]), "code": Code("function () { return 1; }"),
            "scoped_code": Code("return n;", {"n": 1}), "int32": 42, "timestamp": Timestamp(1700000000, 7), "int64": Int64(2**62),
            "decimal": Decimal128("1234567890.123456789"), "min_key": MinKey(), "max_key": MaxKey(),
        }
        yield {"_id": "field names", "with.dot": 1, "mit Leerzeichen": 2, "ключ": 3}
        yield {"_id": "opening", "days": {day: {"from": "08:00", "to": "18:00"} for day in ("mon", "tue", "wed", "thu", "fri")}}
        yield {"_id": "logo", "data": Binary(self.random.randbytes(200_000)), "contentType": "image/png"}

    def activity(self) -> Iterator[dict]:
        """For the capped collection: what staff did last."""
        for index in range(300):
            yield {"at": self.today - DAY * (300 - index) / 50, "who": self.user_ids[index % 6], "what": self.random.choice(("login", "confirm", "cancel"))}


def fill(database: Any, generator: Generator) -> dict[str, int]:
    """Write all documents and indexes into an empty database; return the number of documents by collection."""
    bookings = generator.booking_list()
    content: dict[str, list[dict]] = {
        "users": list(generator.users()),
        "services": list(generator.services()),
        "bookings": bookings,
        "payments": list(generator.payments(bookings)),
        "notifications": list(generator.notifications(bookings)),
        "sessions": list(generator.sessions()),
        "settings": list(generator.settings()),
        "activity": list(generator.activity()),
    }
    database.create_collection("activity", capped=True, size=1024 * 1024, max=1000)
    database.create_collection("services", collation={"locale": "en", "strength": 2})
    for name, documents in content.items():
        if documents:
            database[name].insert_many(documents, ordered=False)
    database.users.create_index("email", unique=True)
    database.services.create_index([("location", "2dsphere")])
    database.services.create_index([("name", "text"), ("description", "text")], collation={"locale": "simple"})
    database.payments.create_index("bookingId")
    database.payments.create_index("transactionId", unique=True, sparse=True)
    database.notifications.create_index("createdAt", expireAfterSeconds=NOTIFICATION_TTL_SECONDS)
    database.notifications.create_index([("userId", 1), ("createdAt", -1)], partialFilterExpression={"read": False})
    database.sessions.create_index("expiresAt", expireAfterSeconds=0)
    database.sessions.create_index("token", unique=True)
    database.create_collection("open_bookings", viewOn="bookings", pipeline=[{"$match": {"status": {"$in": ["pending", "confirmed"]}}}])
    return {name: len(documents) for name, documents in content.items()}
