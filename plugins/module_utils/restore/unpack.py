# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpacking an archive of a set into a directory of our own: nothing is ever written outside it, whatever the archive says.

Directories are made before what is in them and nothing takes the place of another entry, so that no name leads through a link.
"""

from __future__ import annotations

import os
import re
import tarfile
from typing import Any

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.artifact import CHUNK, Reader
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.manifest import safe_path
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.verify import Stream
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError

ROOT = "."
# "../" only in front: then the target is what the words say, whatever other links there are
_INNER_LINK = re.compile(r"(?:\.\./)*(?:\.\.|(?!\.\.(?:/|$))[^/]+(?:/(?!\.\.(?:/|$))[^/]+)*)/?")


def stays_inside(name: str, target: str) -> bool:
    """Tell whether the link name, with this target, leads to something below the archive's root."""
    if not _INNER_LINK.fullmatch(target):
        return False
    ups = [part for part in target.split("/") if part == ".."]
    return len(ups) <= name.count("/")


def unpack(path: str, artifact: dict, content: int, directory: str) -> list:
    """Unpack the archive at path into the existing empty directory; return the links that were left out because they lead outside.

    artifact: its entry in the manifest; content: the bytes of all its files, beyond which it is refused (a bomb). Owners are set where
    this process may do that. MaintenanceError for everything that the backup does not write; the directory is then to be thrown away.
    """
    reader = Reader(path)
    name = os.path.basename(path)
    chunks = reader.chunks(artifact["bytes"])
    try:
        with tarfile.open(fileobj=Stream(chunks), mode="r|", bufsize=CHUNK, encoding="utf-8") as tar:  # type: ignore[call-overload]
            left_out = _Unpacker(directory, name, content).take(tar)
        for unused in chunks:
            pass
    except (tarfile.TarError, ValueError) as error:
        raise MaintenanceError(f"{name} cannot be unpacked: {error}") from None
    finally:
        chunks.close()  # hashes what is left of the stored file
    if reader.sha256 != artifact["sha256"]:
        raise MaintenanceError(f"{name}: the stored bytes are not those that were written (SHA-256 differs)")
    return left_out


class _Unpacker:
    def __init__(self, directory: str, archive: str, content: int) -> None:
        self._directory, self._archive, self._room = directory, archive, content
        self._seen: set = set()
        self._made: dict = {"": None}  # directories, with their entry once they have one
        self._left_out: list = []

    def take(self, tar: tarfile.TarFile) -> list:
        for member in tar:
            self._check(member)
            self._seen.add(member.name)
            path = os.path.join(self._directory, member.name)
            if member.name == ROOT:
                self._made[""] = member
            elif member.isdir():
                os.mkdir(path, 0o700)
                self._made[member.name] = member
            elif member.issym():
                self._link(member, path)
            else:
                self._file(tar, member, path)
            tar.members = []  # tarfile keeps every header it has seen; a large archive must not fill the memory
        # modes and times of directories last: a directory that may not be written to must be filled, too
        for name, entry in reversed(list(self._made.items())):
            if entry is not None:
                _dress(os.path.join(self._directory, name) if name else self._directory, entry)
        return self._left_out

    def _check(self, member: tarfile.TarInfo) -> None:
        problem = ""
        if member.name != ROOT and not safe_path(member.name):
            problem = "its name leaves the archive"
        elif member.name in self._seen:
            problem = "it is there twice"
        elif member.name != ROOT and os.path.dirname(member.name) not in self._made:
            problem = "the directory it lies in does not come before it"
        elif member.name == ROOT and not member.isdir():
            problem = "the root is no directory"
        elif member.issparse() or not (member.isreg() or member.isdir() or member.issym()):
            problem = "it is neither file nor directory nor link"
        elif member.isreg() and member.size > self._room:
            problem = "the archive holds more than the manifest says"
        if problem:
            raise MaintenanceError(f"{self._archive} cannot be unpacked: {member.name!r}: {problem}")

    def _link(self, member: tarfile.TarInfo, path: str) -> None:
        if not stays_inside(member.name, member.linkname):
            self._left_out.append(f"{member.name} -> {member.linkname}")
            return
        os.symlink(member.linkname, path)
        if os.geteuid() == 0:
            os.lchown(path, member.uid, member.gid)

    def _file(self, tar: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
        self._room -= member.size
        source: Any = tar.extractfile(member)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "wb") as stream:
            while True:
                data = source.read(CHUNK)
                if not data:
                    break
                stream.write(data)
        _dress(path, member)


def _dress(path: str, member: tarfile.TarInfo) -> None:
    """Give what was made its owner, mode and time. Only root can keep owners, and set-user-id bits belong to an owner."""
    if os.geteuid() == 0:
        os.chown(path, member.uid, member.gid)
        os.chmod(path, member.mode & 0o7777)
    else:
        os.chmod(path, member.mode & 0o777)
    os.utime(path, (member.mtime, member.mtime))
