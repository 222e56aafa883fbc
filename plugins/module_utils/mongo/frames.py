# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BSON as bytes: batches cut out of raw server replies, documents cut out of dump files, their structure, their digest.

Documents are never decoded, only cut. They are cut as bytes: a memoryview each is no quicker to make, and wakes the garbage collector,
which took a tenth of a dump's processor time. Layouts are those of bsonspec.org, version 1.1.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from typing import Iterable, Iterator, Optional

_INT32 = struct.Struct("<i")
_INT64 = struct.Struct("<q")
_TIMESTAMP = struct.Struct("<II")

SMALLEST = 5  # an empty document: its length and the closing zero
# a stored document has at most 16 MiB; the server allows itself 16 KiB more (BSONObjMaxInternalSize)
LARGEST = 16 * 1024 * 1024 + 16 * 1024
DEEPEST = 200  # the server refuses more than 180 levels (BSONDepth::kDefaultMaxAllowableDepth is 200)

# bytes of the values whose size the type alone decides
_FIXED = {0x01: 8, 0x06: 0, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16, 0xFF: 0, 0x7F: 0}


class BadBson(ValueError):
    """The bytes are not what the format asks for; says where and why."""


@dataclass
class Batch:
    """One reply of find or getMore: cursor 0 means that nothing follows; cluster_time is (seconds, increment) or None."""

    cursor: int
    documents: list
    cluster_time: Optional[tuple]


def cut_batch(reply: bytes) -> Batch:
    """Cut a find or getMore reply into its documents. Raises BadBson for anything else."""
    view = memoryview(reply)
    cursor_id, documents, cluster_time = None, None, None
    for kind, name, begin, end in _elements(view, 0, len(view)):
        if name == b"cursor" and kind == 0x03:
            for inner, key, first, last in _elements(view, begin, end):
                if key == b"id" and inner == 0x12:
                    cursor_id = _INT64.unpack_from(view, first)[0]
                elif key in (b"firstBatch", b"nextBatch") and inner == 0x04:
                    documents = _cut_array(reply, first, last)
                elif key == b"atClusterTime" and inner == 0x11:
                    increment, seconds = _TIMESTAMP.unpack_from(view, first)
                    cluster_time = (seconds, increment)
    if cursor_id is None or documents is None:
        raise BadBson("the reply has no cursor with a batch")
    return Batch(cursor_id, documents, cluster_time)


def _cut_array(reply: bytes, begin: int, end: int) -> list:
    # An array is a document whose keys are "0", "1", ...: between two documents lie the type byte, the digits and a zero.
    # This loop is the hot path of every dump; it makes one slice per document and nothing else.
    documents: list = []
    append, unpack = documents.append, _INT32.unpack_from
    position, last, width, count, next_width = begin + 4, end - 1, 3, 0, 10
    while position < last:
        if count == next_width:
            width, next_width = width + 1, next_width * 10
        position += width
        stop = position + unpack(reply, position)[0]
        append(reply[position:stop])
        position = stop
        count += 1
    if position != last:
        raise BadBson("the batch does not end where it should")
    return documents


def _elements(view: memoryview, begin: int, end: int) -> Iterator[tuple]:
    """Yield (type, name, begin, end of the value) for each element of the document in view[begin:end]."""
    if end - begin < SMALLEST or _INT32.unpack_from(view, begin)[0] != end - begin or view[end - 1] != 0:
        raise BadBson(f"no document at byte {begin}: its length is wrong or its closing zero is missing")
    position, last = begin + 4, end - 1
    while position < last:
        kind = view[position]
        name_begin = position + 1
        position = _after_zero(view, name_begin, last)
        size = _value_size(view, kind, position, last)
        if size < 0 or position + size > last:
            raise BadBson(f"an element of type 0x{kind:02x} at byte {position} leaves its document")
        yield kind, bytes(view[name_begin : position - 1]), position, position + size
        position += size


def _after_zero(view: memoryview, begin: int, last: int) -> int:
    position = begin
    while position < last:
        if view[position] == 0:
            return position + 1
        position += 1
    raise BadBson(f"a name at byte {begin} has no end")


def _value_size(view: memoryview, kind: int, position: int, last: int) -> int:
    """Return how many bytes the value takes; checks the inner lengths and terminators that strings and code have."""
    if kind in _FIXED:
        return _FIXED[kind]
    if kind == 0x0B:  # regular expression: two names
        return _after_zero(view, _after_zero(view, position, last), last) - position
    if position + 4 > last:
        return -1
    length = _INT32.unpack_from(view, position)[0]
    if kind in (0x03, 0x04):
        return length
    if kind in (0x02, 0x0D, 0x0E, 0x0C):  # string, code, symbol, and DBPointer: a string with an ObjectId behind it
        if length < 1 or position + 4 + length > last or view[position + 3 + length] != 0:
            raise BadBson(f"a string at byte {position} has a wrong length or no closing zero")
        return 4 + length + (12 if kind == 0x0C else 0)
    if kind == 0x05:
        return 5 + length if length >= 0 else -1
    if kind == 0x0F:  # code with scope
        return length
    raise BadBson(f"there is no element type 0x{kind:02x} (byte {position})")


def check_structure(document: memoryview) -> None:
    """Walk a document with all its parts; raises BadBson. Values are not interpreted (a date out of range is no damage)."""
    pending = [(0, len(document), 1)]
    while pending:
        begin, end, depth = pending.pop()
        if depth > DEEPEST:
            raise BadBson(f"more than {DEEPEST} levels")
        for kind, unused_name, first, last in _elements(document, begin, end):
            if kind in (0x03, 0x04):
                pending.append((first, last, depth + 1))
            elif kind == 0x08 and document[first] > 1:
                raise BadBson(f"a boolean at byte {first} is neither true nor false")
            elif kind == 0x05 and document[first + 4] == 0x02:  # the old binary subtype repeats its length
                if last - first < 9 or _INT32.unpack_from(document, first + 5)[0] != last - first - 9:
                    raise BadBson(f"a binary at byte {first} disagrees about its length")
            elif kind == 0x0F:
                code = first + 4
                scope = code + _value_size(document, 0x0D, code, last)
                if scope >= last:
                    raise BadBson(f"code at byte {first} has no scope")
                pending.append((scope, last, depth + 1))


class Splitter:
    """Cuts a stream of bytes, fed in chunks of any size, into documents (the .bson file format of mongodump)."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list:
        """Return the documents that are complete now; raises BadBson at a length that cannot be."""
        data = self._rest + chunk if self._rest else chunk
        documents: list = []
        position, end = 0, len(data)
        while end - position >= 4:
            length = _INT32.unpack_from(data, position)[0]
            if not SMALLEST <= length <= LARGEST:
                raise BadBson(f"a document claims to have {length} bytes")
            stop = position + length
            if stop > end:
                break
            if data[stop - 1] != 0:
                raise BadBson("a document has no closing zero")
            documents.append(data[position:stop])
            position = stop
        self._rest = data[position:]
        return documents

    def close(self) -> None:
        """Raise BadBson if bytes are left over."""
        if self._rest:
            raise BadBson(f"the stream ends inside a document ({len(self._rest)} bytes left over)")


@dataclass
class Digest:
    """Count, bytes and an order-independent digest of documents.

    The digest is the sum of the documents' CRC-32 modulo 2**64. It costs a tenth of a cryptographic hash and is there to tell
    whether a restored collection holds the same documents in whatever order: a document that is missing, doubled or
    changed shows (one changed document escapes once in 2**32). Against tampering there is the SHA-256 of the artifact.
    """

    documents: int = 0
    bytes: int = 0
    total: int = 0

    def add(self, documents: Iterable) -> None:
        """Take a batch of documents in."""
        documents = list(documents)
        self.documents += len(documents)
        self.bytes += sum(map(len, documents))
        self.total = (self.total + sum(map(zlib.crc32, documents))) & 0xFFFFFFFFFFFFFFFF

    def text(self) -> str:
        """Return the digest as it stands in manifests, for example crc32-sum64:00000a3f5c2b9e01."""
        return f"crc32-sum64:{self.total:016x}"


DIGEST = re.compile(r"crc32-sum64:[0-9a-f]{16}")
