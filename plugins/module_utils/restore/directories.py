# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restoring directories: what stands at the destination, the new one beside it, and the exchange by rename."""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import shutil
import stat
from dataclasses import dataclass, field
from typing import Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup import files, verify
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.artifact import CHUNK, Reader
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.manifest import sync_directory
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import BackupSet
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore.selection import digits
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore.target import ABSENT, EMPTY, EQUAL, HOLDS
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore.unpack import stays_inside, unpack
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import plural, size

# room left beside the content, for directories and the file system's own
_RESERVE = 16 * 1024 * 1024
# os.sync() would wait for every file system of the host, and fsync for each single file
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass
class Place:
    """One archive and where it goes. path: the destination with links followed; count and bytes: what is there now."""

    archive: str
    destination: str
    path: str
    entry: dict
    state: str
    count: int = 0
    bytes: int = 0
    left_out: list = field(default_factory=list)
    kept: Optional[str] = None

    def temporary(self, set_id: str) -> str:
        """Return the directory beside the destination that the archive is unpacked into."""
        return f"{self.path}.trixtech_restore_{digits(set_id)}"

    def before(self, set_id: str) -> str:
        """Return where the old content is kept."""
        return f"{self.path}.before-{set_id}"


def choose(content: dict, wanted: list) -> list:
    """Return (archive, destination, entry) for each of the wanted archives; MaintenanceError for one that the set does not hold."""
    chosen: list = []
    for item in wanted:
        entry = content["files"].get(item["archive"])
        if entry is None:
            raise MaintenanceError(f"the set has no files archive {item['archive']!r}; it holds {', '.join(sorted(content['files'])) or 'none'}")
        destination = item["destination"].rstrip("/")
        if not os.path.isabs(item["destination"]) or not destination:
            raise MaintenanceError(f"the destination {item['destination']!r} of {item['archive']} must be an absolute path, and not the root directory")
        path = os.path.realpath(destination)
        for other, other_path, unused in chosen:
            other_path = os.path.realpath(other_path)
            if path == other_path or path.startswith(other_path + "/") or other_path.startswith(path + "/"):
                raise MaintenanceError(f"the destinations of {other} and {item['archive']} lie in each other; choose others")
        chosen.append((item["archive"], destination, entry))
    return chosen


def look(backup_set: BackupSet, chosen: list) -> list:
    """Return the places with what is there now. MaintenanceError where a destination cannot be made."""
    places = []
    for archive, destination, entry in chosen:
        path = os.path.realpath(destination)  # a link stays; what it leads to is replaced
        parent = os.path.dirname(path)
        if not os.path.isdir(parent):
            raise MaintenanceError(f"{destination} cannot be made: {parent} does not exist; make it first")
        if not os.access(parent, os.W_OK | os.X_OK):
            raise MaintenanceError(f"{destination} cannot be replaced: {parent} is not writable for this user; become its owner or root")
        if os.path.ismount(path):
            raise MaintenanceError(f"{destination} is a mount point, which cannot be replaced by rename; restore into a directory below it, or beside it")
        free = shutil.disk_usage(parent).free
        if free < entry["bytes"] + _RESERVE:
            raise MaintenanceError(f"the file system of {destination} has {size(free)} free and the archive {archive} needs "
                                   f"{size(entry['bytes'] + _RESERVE)}; make room first")
        place = Place(archive, destination, path, entry, ABSENT)
        if os.path.lexists(path):
            place.count, place.bytes = _measure(path)
            place.state = EMPTY if not place.count else EQUAL if _equal(backup_set, entry, path) else HOLDS
        if place.state == HOLDS and os.path.lexists(place.before(backup_set.id)):
            raise MaintenanceError(f"{place.before(backup_set.id)} is there already, from an earlier restore of this set, and would be overwritten; "
                                   "move it away or remove it")
        places.append(place)
    return places


def unconfirmed(places: list, confirm: list) -> dict:
    """Return for each destination that holds something and that confirm does not name how much that is."""
    return {
        place.destination: f"{place.destination} holds {plural(place.count, 'entry', 'entries')} with {size(place.bytes)}"
        for place in places if place.state == HOLDS and not {place.destination, place.destination + "/"} & set(confirm)
    }


def stage(backup_set: BackupSet, places: list) -> None:
    """Unpack every archive that is not there already beside its destination; what a killed restore left there goes first."""
    for place in places:
        _sweep(place)
        if place.state == EQUAL:
            continue
        temporary = place.temporary(backup_set.id)
        os.mkdir(temporary, 0o700)
        archive = place.entry["archive"]
        place.left_out = unpack(os.path.join(backup_set.path, archive), backup_set.manifest["artifacts"][archive],  # type: ignore[index]
                                place.entry["bytes"], temporary)
        _sync_file_system(temporary)  # all that was unpacked is on disk before the first of it counts


def exchange(backup_set: BackupSet, places: list) -> None:
    """Let what was unpacked take its place; the old content is kept beside it."""
    for place in places:
        if place.state == EQUAL:
            continue
        temporary = place.temporary(backup_set.id)
        listed = _listing(backup_set, place.entry)
        # an archive of a single file has no root, only the file
        new = temporary if "." in listed or not listed else os.path.join(temporary, next(iter(listed)))
        if place.state == HOLDS:
            os.rename(place.path, place.before(backup_set.id))
            place.kept = place.before(backup_set.id)
        elif place.state == EMPTY and os.path.isdir(place.path):
            os.rmdir(place.path)
        os.rename(new, place.path)
        if new != temporary:
            os.rmdir(temporary)
        sync_directory(os.path.dirname(place.path))


def discard(backup_set: BackupSet, places: list) -> None:
    """Remove what was unpacked and did not take its place."""
    for place in places:
        _remove(place.temporary(backup_set.id))


def _sync_file_system(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _LIBC.syncfs(descriptor):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
    finally:
        os.close(descriptor)


def _remove(path: str) -> None:
    if os.path.islink(path) or os.path.isfile(path):
        os.unlink(path)
    elif os.path.isdir(path):
        os.chmod(path, 0o700)
        for directory, directories, unused in os.walk(path):
            for name in directories:
                if not os.path.islink(os.path.join(directory, name)):
                    os.chmod(os.path.join(directory, name), 0o700)  # what was unpacked may not be writable for its owner
        shutil.rmtree(path)


def _sweep(place: Place) -> None:
    """Remove what killed restores, of whatever set, left beside the destination."""
    parent, name = os.path.split(place.path)
    for entry in list(os.scandir(parent)):
        if re.fullmatch(re.escape(name) + r"\.trixtech_restore_\d{14}[0-9a-f]{4}", entry.name):
            _remove(entry.path)


def _measure(path: str) -> tuple:
    """Return how many entries are at path (a directory's content; 1 for a file that is not empty) and their bytes."""
    if not os.path.isdir(path):
        found = os.lstat(path).st_size
        return int(found > 0), found
    count = sum(len(directories) + len(names) for unused, directories, names in os.walk(path))
    return count, files.measure(path)


def _listing(backup_set: BackupSet, entry: dict) -> dict:
    """Return {path: line} of an archive's list, without the links that are not restored because they lead outside."""
    limit = backup_set.manifest["artifacts"][entry["list"]]["bytes"]  # type: ignore[index]
    listed, problem = verify.read_listing(Reader(os.path.join(backup_set.path, entry["list"])).chunks(limit))
    if problem:
        raise MaintenanceError(f"{entry['list']}: {problem}")
    return {path: line for path, line in listed.items() if line.get("type") != "link" or stays_inside(path, str(line.get("target")))}


def _equal(backup_set: BackupSet, entry: dict, root: str) -> bool:
    """Tell whether what is at root is what the archive holds: the same names, kinds, modes, link targets and contents."""
    listed = _listing(backup_set, entry)
    if "." not in listed and len(listed) == 1:
        return os.path.isfile(root) and _same(root, next(iter(listed.values())))
    if not os.path.isdir(root):
        return False
    seen = set()
    for directory, directories, names in os.walk(root):
        for name in (*directories, *names):
            path = os.path.join(directory, name)
            relative = os.path.relpath(path, root)
            if not _same(path, listed.get(relative)):
                return False
            seen.add(relative)
    return seen == set(listed) - {"."}


def _same(path: str, line: Optional[dict]) -> bool:
    status = os.lstat(path)
    if line is None:
        return False
    if stat.S_ISLNK(status.st_mode):
        return line.get("type") == "link" and line.get("target") == os.readlink(path)
    if f"{stat.S_IMODE(status.st_mode):04o}" != line.get("mode"):
        return False
    if stat.S_ISDIR(status.st_mode):
        return line.get("type") == "directory"
    if not stat.S_ISREG(status.st_mode) or line.get("type") != "file" or line.get("size") != status.st_size:
        return False
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while True:
            data = stream.read(CHUNK)
            if not data:
                return digest.hexdigest() == line.get("sha256")
            digest.update(data)
