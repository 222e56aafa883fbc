# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files in a set: directories and single files as tar streams, with a list of what was captured.

The list is one JSON object a line: path, type (file, directory, link), mode, uid, gid, mtime, and size and sha256 of files,
target of links, changed: true where a file changed while it was read.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import tarfile
from dataclasses import dataclass, field
from typing import Any, Iterator, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.artifact import CHUNK, SUFFIX, Writer
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import Partial
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError


@dataclass
class Capture:
    """What was captured of one source. skipped: sockets, devices and the like, which no archive can bring back."""

    source: str
    entries: int = 0
    files: int = 0
    bytes: int = 0
    changed: list = field(default_factory=list)
    skipped: list = field(default_factory=list)


def archive_names(sources: list) -> dict:
    """Return a name for each source, from its last path component, numbered where two are alike."""
    names: dict = {}
    for source in sources:
        base = re.sub(r"[^A-Za-z0-9._-]", "_", os.path.basename(os.path.normpath(source))).lstrip(".") or "root"
        name, number = base, 2
        while name in names:
            name, number = f"{base}-{number}", number + 1
        names[name] = source
    return names


def capture(partial: Partial, name: str, source: str, compression: str, level: Optional[int]) -> tuple:
    """Write files/<name>.tar and its list into the set; return (entry for manifest.files, artifacts).

    source may be a directory, a file, or a link to one. Raises MaintenanceError if something below it cannot be read.
    """
    partial.directory("files")
    suffix = SUFFIX[compression]
    archive, listing = f"files/{name}.tar{suffix}", f"files/{name}.list{suffix}"
    root = os.path.realpath(source)
    content = Capture(source)
    tar_writer = Writer(os.path.join(partial.path, archive), compression, level)
    list_writer = Writer(os.path.join(partial.path, listing), compression, level)
    try:
        with tarfile.open(fileobj=tar_writer, mode="w|", format=tarfile.PAX_FORMAT, bufsize=CHUNK, encoding="utf-8") as tar:  # type: ignore[call-overload]
            for path, relative in _walk(root):
                entry = _add(tar, path, relative, content)
                if entry:
                    content.entries += 1
                    list_writer.write(json.dumps(entry, sort_keys=True).encode("ascii") + b"\n")
        artifacts = {archive: tar_writer.close(), listing: list_writer.close()}
    except PermissionError as error:
        raise MaintenanceError(f"{error.filename} may not be read by this user; a backup without it would not be complete: "
                               "become a user that may read all uploads") from None
    finally:
        tar_writer.abandon()
        list_writer.abandon()
    entry = {"source": source, "archive": archive, "list": listing, "entries": content.entries, "files": content.files,
             "bytes": content.bytes, "changed": content.changed[:100], "skipped": content.skipped[:100]}
    return entry, artifacts


def measure(source: str) -> int:
    """Return the bytes of all files below source, for the free-space check."""
    return sum(os.lstat(path).st_size for path, unused in _walk(os.path.realpath(source)) if not os.path.islink(path))


def _walk(root: str) -> Iterator[tuple]:
    """Yield (path, name in the archive), directories before what is in them, names sorted. Links are not followed."""
    if not os.path.isdir(root):
        yield root, os.path.basename(root)
        return
    pending = [(root, ".")]
    while pending:
        path, relative = pending.pop()
        yield path, relative
        if os.path.isdir(path) and not os.path.islink(path):
            prefix = "" if relative == "." else f"{relative}/"
            pending.extend((os.path.join(path, name), prefix + name) for name in sorted(os.listdir(path), reverse=True))


def _add(tar: tarfile.TarFile, path: str, relative: str, content: Capture) -> Optional[dict]:
    """Add one entry to the archive and return its line for the list; None if it vanished or cannot be archived."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        content.changed.append(relative)
        return None
    info = tarfile.TarInfo(relative)
    info.mode, info.uid, info.gid, info.mtime = stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, status.st_mtime
    line: dict[str, Any] = {"path": relative, "mode": f"{info.mode:04o}", "uid": info.uid, "gid": info.gid, "mtime": status.st_mtime}
    if stat.S_ISDIR(status.st_mode):
        info.type = tarfile.DIRTYPE
        tar.addfile(info)
        return {**line, "type": "directory"}
    if stat.S_ISLNK(status.st_mode):
        info.type, info.linkname = tarfile.SYMTYPE, os.readlink(path)
        tar.addfile(info)
        return {**line, "type": "link", "target": info.linkname}
    if not stat.S_ISREG(status.st_mode):
        content.skipped.append(relative)
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        content.changed.append(relative)
        return None
    with os.fdopen(descriptor, "rb") as stream:
        before = os.fstat(descriptor)
        info.size = before.st_size
        source = _SteadyFile(stream)
        tar.addfile(info, source)  # type: ignore[arg-type]  # only read(size) is called
        after = os.fstat(descriptor)
    line.update(type="file", size=info.size, sha256=source.hash.hexdigest())
    if source.padded or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        line["changed"] = True
        content.changed.append(relative)
    content.files += 1
    content.bytes += info.size
    return line


class _SteadyFile:
    """Hashes a file while tarfile reads it, and fills up with zeros where it became shorter meanwhile (GNU tar does likewise)."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.hash = hashlib.sha256()
        self.padded = False

    def read(self, count: int) -> bytes:
        data = self._stream.read(count)
        if len(data) < count:
            self.padded = True
            data = data.ljust(count, b"\0")
        self.hash.update(data)
        return data
