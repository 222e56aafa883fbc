# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts requests and server errors in an access log of the combined (or common) format, from where the last look ended.

A position is {"inode", "offset", "start"}: the file by its inode, how far it was read, and a checksum of its first bytes, so that a
file that was cut to nothing and grew again, or an inode that was given away again, is not taken for the old one.
"""

from __future__ import annotations

import os
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Iterator, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import CannotLook

# 127.0.0.1 - - [23/Nov/2026:02:00:01 +0000] "GET /api/health HTTP/1.1" 200 52 ...
_LINE = re.compile(rb'^\S+ \S+ .*?\[[^\]\n]+\] "(?:[^"\\\n]|\\.)*" ([1-5]\d\d) ', re.MULTILINE)
_START_BYTES = 256
_CHUNK_BYTES = 1024 * 1024


@dataclass
class Count:
    """What was found between two positions. skipped: bytes left out because there were too many to read."""

    requests: int = 0
    errors: int = 0
    lines: int = 0
    skipped: int = 0
    rotated: bool = False
    lost: bool = False


def count(path: str, last: dict, max_bytes: int) -> tuple[Count, dict]:
    """Return what was written to the log since the position last ({} for its beginning), and the new position.

    After a rotation the rest of the old file is read, too, where it lies beside the log uncompressed; lost says that it does not.
    At most max_bytes of each file are read, the newest ones. CannotLook for a log that cannot be read, or of another format.
    """
    found = Count()
    try:
        with open(path, "rb") as handle:
            begin = 0
            if last:
                if _is_same(handle, last):
                    begin = last["offset"]
                else:
                    found.rotated = True
                    _count_old(path, last, max_bytes, found)
            offset = _count_file(handle, begin, max_bytes, found)
            position = {"inode": os.fstat(handle.fileno()).st_ino, "offset": offset, "start": _start(handle, offset)}
    except FileNotFoundError:
        raise CannotLook(f"there is no access log {path}; check its path") from None
    except OSError as error:
        raise CannotLook(f"the access log {path} cannot be read: {error.strerror}; the remote user needs to be allowed to") from None
    if found.lines and not found.requests:
        raise CannotLook(f"no line of {path} is of the combined log format; use metrics_url, or log in that format")
    return found, position


def _count_old(path: str, last: dict, max_bytes: int, found: Count) -> None:
    for candidate in _neighbours(path):
        try:
            with open(candidate, "rb") as handle:
                if _is_same(handle, last):
                    _count_file(handle, last["offset"], max_bytes, found)
                    return
        except OSError:
            continue
    found.lost = True


def _neighbours(path: str) -> Iterator[Path]:
    log = Path(path)
    yield from sorted(item for item in log.parent.iterdir() if item.name.startswith(log.name) and item != log)


def _start(handle: BinaryIO, offset: int) -> int:
    handle.seek(0)
    return zlib.crc32(handle.read(min(offset, _START_BYTES)))


def _is_same(handle: BinaryIO, last: dict) -> bool:
    status = os.fstat(handle.fileno())
    return status.st_ino == last["inode"] and status.st_size >= last["offset"] and _start(handle, last["offset"]) == last["start"]


def _count_file(handle: BinaryIO, begin: int, max_bytes: int, found: Count) -> int:
    """Count from begin to the end of the last whole line; return that position."""
    size = os.fstat(handle.fileno()).st_size
    rest: Optional[bytes] = b""
    if size - begin > max_bytes:
        found.skipped += size - max_bytes - begin
        begin = size - max_bytes
        rest = None  # the first line is likely cut
    handle.seek(begin)
    position = begin
    while position < size:
        chunk = handle.read(min(_CHUNK_BYTES, size - position))
        if not chunk:
            break
        position += len(chunk)
        whole, newline, tail = chunk.rpartition(b"\n")
        if not newline:
            rest = None if rest is None else rest + chunk
            continue
        if rest is None:
            whole = whole.partition(b"\n")[2]
        else:
            whole = rest + whole
        rest = tail
        if not whole:
            continue
        statuses = _LINE.findall(whole + b"\n")
        found.lines += whole.count(b"\n") + 1
        found.requests += len(statuses)
        found.errors += sum(status >= b"500" for status in statuses)
    return position - len(rest or b"")
