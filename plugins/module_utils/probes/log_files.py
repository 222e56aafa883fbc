# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading log files on from where the last run ended, whatever rotation did to them meanwhile.

A place in a file is its inode, the offset, and hashes of the bytes at its beginning and before the offset. A file that still
has these bytes at these places is the same one, under whatever name: renamed (logrotate) or copied before it was emptied
(copytruncate, pm2-logrotate).
"""

from __future__ import annotations

import glob
import gzip
import hashlib
import os
import stat
import sys
import time
import zlib
from dataclasses import dataclass, field
from typing import BinaryIO, Callable, Iterator, Optional

SAMPLE = 256  # bytes that are hashed at either end
LONGEST_LINE = 65536  # a longer one is taken in pieces
MOST_SIBLINGS = 2000  # names in a directory that are looked at for a file that was rotated away
LARGEST_GZIP = 512 * 2**20  # bytes inside; a larger one takes too long to wind forward
COMPRESSED = (".gz", ".zst", ".xz", ".bz2", ".zip")


@dataclass
class Found:
    """A log file that is there."""

    path: str
    inode: int
    size: int
    changed: float


@dataclass
class Search:
    """What expand() found: files, newest first; patterns that match nothing; what cannot be read, with the reason."""

    files: list[Found] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    not_yet: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


@dataclass
class Budget:
    """What one run may still read: bytes, and the moment (time.monotonic) at which it has to end."""

    bytes: int
    deadline: float


@dataclass
class Reading:
    """The end of a reading, in bytes: the offset to go on from, what was skipped for good, what is left for lack of time."""

    offset: int
    skipped: int
    left: int


def is_pattern(path: str) -> bool:
    """Tell whether a path has wildcards."""
    return glob.has_magic(path)


def expand(patterns: list[str]) -> Search:
    """Return the regular files that paths and glob patterns name, each once; compressed ones are left out.

    A pattern whose directory is there may match later, when the first error is written; a plain path is missing.
    """
    search, seen = Search(), set()
    for pattern in patterns:
        pattern = os.path.expanduser(pattern)
        paths = sorted(glob.glob(pattern, recursive=True)) if is_pattern(pattern) else [pattern]
        found = False
        for path in paths:
            if path.endswith(COMPRESSED) and path != pattern:
                continue
            try:
                facts = os.stat(path)
                if stat.S_ISREG(facts.st_mode) and not os.access(path, os.R_OK):
                    raise PermissionError(13, "permission denied")
            except FileNotFoundError:
                continue
            except OSError as error:
                search.unreadable.append(f"{path} ({(error.strerror or str(error)).lower()})")
                found = True
                continue
            found = True
            if not stat.S_ISREG(facts.st_mode):
                if not is_pattern(pattern):
                    search.unreadable.append(f"{path} (no regular file)")
            elif (facts.st_dev, facts.st_ino) not in seen:
                seen.add((facts.st_dev, facts.st_ino))
                search.files.append(Found(path, facts.st_ino, facts.st_size, facts.st_mtime))
        if not found:
            directory = _fixed_part(pattern)
            if not is_pattern(pattern) or not os.path.isdir(directory):
                search.missing.append(pattern)
            elif not os.access(directory, os.R_OK | os.X_OK):
                search.unreadable.append(f"{directory} (permission denied)")
            else:
                search.not_yet.append(pattern)
    search.files.sort(key=lambda item: item.changed, reverse=True)
    return search


def place(path: str, inode: int, offset: int) -> dict:
    """Return where a reading ended, as plain data for continues()."""
    with open(path, "rb") as file:
        return {"inode": inode, "offset": offset, "head": _hash(file, 0, min(SAMPLE, offset)),
                "tail": _hash(file, max(0, offset - SAMPLE), min(SAMPLE, offset))}


def continues(path: str, known: dict) -> bool:
    """Tell whether the file at path, gzip or not, still holds what stood before the known place."""
    offset = known["offset"]
    length = min(SAMPLE, offset)
    try:
        if not offset <= _size(path) <= (LARGEST_GZIP if _is_gzip(path) else sys.maxsize):
            return False
        with _open(path) as file:
            return _hash(file, 0, length) == known["head"] and _hash(file, offset - length, length) == known["tail"]
    except (OSError, EOFError, zlib.error):
        return False


def match(found: Found, known: dict[str, dict]) -> Optional[str]:
    """Return the name under which the last run knew this file, or None; a copy of a known file is that file."""
    own = known.get(found.path)
    if own and own["inode"] == found.inode and continues(found.path, own):
        return found.path
    for name, item in known.items():
        if item["inode"] == found.inode and continues(found.path, item):
            return name
    for name, item in known.items():
        # an empty place is everybody's; and a file that goes on under its own name has not moved here
        if item["offset"] and continues(found.path, item) and not _still_there(name, item):
            return name
    return None


def rotated(path: str, known: dict, since: float) -> Optional[str]:
    """Return the file beside path that holds what was at the known place, changed after since (epoch seconds); None for none."""
    if not known["offset"]:
        return None
    for name in _siblings(os.path.dirname(path) or "."):
        try:
            facts = os.lstat(name)
        except OSError:
            continue
        if name != path and stat.S_ISREG(facts.st_mode) and facts.st_mtime >= since - 1 and continues(name, known):
            return name
    return None


def read(path: str, start: int, budget: Budget, feed: Callable[[str], None], whole: bool = False) -> Reading:
    """Feed the complete lines from start on, and take what was read from the budget.

    Where there is more than the budget, the newest part is read. whole: nobody writes to this file any more, its last line ends.
    """
    end = _size(path)
    with _open(path) as file:
        offset = max(start, end - budget.bytes)
        skipped = offset - start
        if skipped:
            file.seek(max(0, offset - 1))
            offset += len(file.readline(LONGEST_LINE)) - 1  # to the next beginning of a line
        file.seek(offset)
        begin = offset
        number = left = 0
        while offset < end:
            line = file.readline(min(LONGEST_LINE, end - offset))
            if not line or (line[-1:] != b"\n" and len(line) < LONGEST_LINE and not whole):
                break
            offset += len(line)
            feed(line.decode("utf-8", "replace"))
            number += 1
            if number % 1000 == 0 and time.monotonic() > budget.deadline:
                left = end - offset
                break
        budget.bytes = max(0, budget.bytes - (offset - begin))
        return Reading(offset, skipped, left)


def _is_gzip(path: str) -> bool:
    return path.endswith(".gz")


def _open(path: str) -> BinaryIO:
    return gzip.open(path, "rb") if _is_gzip(path) else open(path, "rb")


def _size(path: str) -> int:
    """Return the bytes of a file, of a compressed one those inside: gzip keeps them in its last four bytes (RFC 1952)."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if _is_gzip(path):
            file.seek(max(0, size - 4))
            size = int.from_bytes(file.read(4), "little")
        return size


def _fixed_part(pattern: str) -> str:
    """Return the deepest directory of a pattern that has no wildcard in it."""
    directory = os.path.dirname(pattern)
    while is_pattern(directory):
        directory = os.path.dirname(directory)
    return directory or "."


def _hash(file: BinaryIO, start: int, length: int) -> str:
    file.seek(start)
    return hashlib.sha256(file.read(length)).hexdigest()[:16]


def _still_there(path: str, known: dict) -> bool:
    try:
        return os.stat(path).st_ino == known["inode"] and continues(path, known)
    except OSError:
        return False


def _siblings(directory: str) -> Iterator[str]:
    try:
        with os.scandir(directory) as entries:
            for number, entry in enumerate(entries):
                if number >= MOST_SIBLINGS:
                    return
                yield os.path.join(directory, entry.name)
    except OSError:
        return
