# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cutting, walking and digesting BSON."""

from __future__ import annotations

import datetime
import random

import bson
import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import frames

EVERY_TYPE = bson.encode({
    "double": 1.5, "string": "grün", "document": {"a": {"b": {}}}, "array": [1, [2, {"c": None}]], "binary": bson.Binary(b"\0\1", 5),
    "old_binary": bson.Binary(b"\0\1", 2), "object_id": bson.ObjectId(), "true": True, "false": False,
    "date": datetime.datetime(2026, 1, 1), "null": None, "regex": bson.Regex("^a.*", "im"), "code": bson.Code("f()"),
    "scoped": bson.Code("f()", {"x": 1}), "int32": 1, "timestamp": bson.Timestamp(1, 2), "int64": bson.Int64(2**40),
    "decimal": bson.Decimal128("1.50"), "min": bson.MinKey(), "max": bson.MaxKey(), "pointer": bson.DBRef("c", 1), "": "",
})


def documents(count: int) -> list:
    return [bson.encode({"_id": number, "text": "x" * (number % 40), "nested": [{"n": number}]}) for number in range(count)]


def reply(batch: list, cursor: int = 0, name: str = "firstBatch", at: object = None) -> bytes:
    content: dict = {"cursor": {name: [bson.decode(item) for item in batch], "id": bson.Int64(cursor), "ns": "a.b"}, "ok": 1.0}
    if at:
        content["cursor"]["atClusterTime"] = at
    content["operationTime"] = bson.Timestamp(1, 1)
    return bson.encode(content)


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 99, 100, 101, 1000, 1234])
def test_a_batch_is_cut_at_every_width_of_the_array_keys(count):
    batch = frames.cut_batch(reply(documents(count), cursor=7, name="nextBatch"))
    assert [bytes(item) for item in batch.documents] == documents(count)
    assert batch.cursor == 7 and batch.cluster_time is None


def test_the_cluster_time_of_a_reply_is_read():
    assert frames.cut_batch(reply([], at=bson.Timestamp(1790000000, 12))).cluster_time == (1790000000, 12)


@pytest.mark.parametrize("content", [b"", b"\x05\0\0\0\0", bson.encode({"ok": 0.0}), bson.encode({"cursor": {"id": bson.Int64(1)}}), b"\xff" * 40])
def test_what_is_no_reply_is_refused(content):
    with pytest.raises((frames.BadBson, ValueError)):
        frames.cut_batch(content)


def test_every_type_passes_the_walk():
    frames.check_structure(memoryview(EVERY_TYPE))


def test_the_walk_agrees_with_the_driver_about_damage():
    """Whatever bson.decode finds structurally wrong the walk finds too: no injury that the driver sees may pass."""
    lenient = bson.codec_options.CodecOptions(unicode_decode_error_handler="replace",
                                              datetime_conversion=bson.codec_options.DatetimeConversion.DATETIME_MS)
    dice, missed = random.Random(1), []
    for unused in range(3000):
        injured = bytearray(EVERY_TYPE)
        injured[dice.randrange(len(injured))] ^= 1 << dice.randrange(8)
        try:
            bson.decode(bytes(injured), lenient)
        except (bson.errors.BSONError, ValueError, OverflowError) as error:
            reason = str(error)
        else:
            continue
        try:
            frames.check_structure(memoryview(bytes(injured)))
        except frames.BadBson:
            continue
        missed.append(reason)
    # the driver also refuses values that are no structure: text that is no UTF-8 in a name, a flag of a regular expression
    assert not [reason for reason in missed if "utf" not in reason.lower() and "unicode" not in reason.lower()]


def test_absurd_depth_is_refused_without_recursion():
    document = b"\x05\0\0\0\0"
    for unused in range(5000):
        inner = b"\x03a\0" + document
        document = (len(inner) + 5).to_bytes(4, "little") + inner + b"\0"
    with pytest.raises(frames.BadBson, match="levels"):
        frames.check_structure(memoryview(document))


def test_a_stream_is_split_whatever_its_chunks():
    wanted, dice = documents(500), random.Random(2)
    data, splitter, found = b"".join(wanted), frames.Splitter(), []
    while data:
        cut = dice.randint(1, 3000)
        found += [bytes(item) for item in splitter.feed(data[:cut])]
        data = data[cut:]
    splitter.close()
    assert found == wanted


@pytest.mark.parametrize("data, message", [
    (b"\x04\0\0\0", "claims"), (b"\xff\xff\xff\x7f", "claims"), (b"\x06\0\0\0\0\x01", "closing zero"),
])
def test_a_stream_of_something_else_is_refused(data, message):
    with pytest.raises(frames.BadBson, match=message):
        frames.Splitter().feed(data)


def test_a_stream_that_ends_early_is_refused():
    splitter = frames.Splitter()
    splitter.feed(documents(3)[0][:-1])
    with pytest.raises(frames.BadBson, match="left over"):
        splitter.close()


def test_the_digest_does_not_depend_on_order_or_batches():
    one, other = frames.Digest(), frames.Digest()
    one.add(documents(100))
    shuffled = documents(100)
    random.Random(3).shuffle(shuffled)
    for item in shuffled:
        other.add([item])
    assert one == other and one.documents == 100 and frames.DIGEST.fullmatch(one.text())


def test_the_digest_tells_a_changed_a_doubled_and_a_swapped_document():
    base = frames.Digest()
    base.add(documents(50))
    changed = documents(50)
    changed[7] = changed[7].replace(b"xxxxxxx", b"xxxxxxy")
    doubled = documents(50)
    doubled[3] = doubled[4]
    for content in (changed, doubled):
        other = frames.Digest()
        other.add(content)
        assert other.text() != base.text()
