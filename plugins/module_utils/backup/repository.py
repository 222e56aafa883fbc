# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory that holds backup sets: what is in it, how a set appears in it, what a killed run left."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
import secrets
import shutil
from dataclasses import dataclass
from typing import Any, Iterator, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup import manifest as manifests
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.lock import Lock
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.retention import Candidate
from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import parse_timestamp, timestamp, utc_now
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import size

PARTIAL = ".partial-"
NEWEST = "newest"
# what a set remembers of its verifications
RECORDS_KEPT = 50


@dataclass
class BackupSet:
    """One published set. manifest is None, and problem says why, where it cannot be trusted."""

    id: str
    path: str
    manifest: Optional[dict]
    problem: Optional[str] = None

    def taken(self) -> datetime.datetime:
        """Return the moment the set stands for: the start of its backup, in UTC."""
        if self.manifest:
            return parse_timestamp(self.manifest["started"])
        return datetime.datetime.strptime(self.id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)

    def records(self) -> list:
        """Return the set's verification records, oldest first; Damaged if their file was changed."""
        path = os.path.join(self.path, manifests.VERIFICATION)
        if not os.path.lexists(path):
            return []
        records = manifests.read_sealed(path).get("records")
        if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
            raise manifests.Damaged(f"{manifests.VERIFICATION} holds no records")
        return records

    def proven(self) -> bool:
        """Tell whether the set was verified or restored, and the last time successfully."""
        try:
            records = self.records()
        except manifests.Damaged:
            return False
        return bool(records and records[-1].get("ok"))

    def record(self, kind: str, good: bool, seconds: float, details: dict) -> None:
        """Add a verification record. kind: hashes, documents or restore; seconds: how long it took."""
        with _locked_directory(self.path):
            try:
                records = self.records()
            except manifests.Damaged:
                records = []  # the verification that finds this has said so; from here on it can be trusted again
            records.append({"kind": kind, "ok": good, "at": timestamp(), "seconds": round(seconds, 3), "details": details})
            manifests.write_sealed(os.path.join(self.path, manifests.VERIFICATION), {"format": 1, "records": records[-RECORDS_KEPT:]})

    def describe(self) -> dict:
        """Return what is worth knowing about the set, for people and reports."""
        try:
            records, records_problem = self.records(), None
        except manifests.Damaged as error:
            records, records_problem = [], str(error)
        last = records[-1] if records else None
        content: dict[str, Any] = self.manifest or {}
        totals = content.get("totals", {})
        return {
            "id": self.id,
            "path": self.path,
            "complete": self.manifest is not None,
            "problem": self.problem or records_problem,
            "created": timestamp(self.taken()),
            "age_seconds": round((utc_now() - self.taken()).total_seconds()),
            "seconds": content.get("seconds"),
            "bytes": totals.get("stored_bytes"),
            "data_bytes": totals.get("bytes"),
            "documents": totals.get("documents"),
            "namespaces": len(content["namespaces"]) if content else None,
            "files": totals.get("files"),
            "consistent": content.get("mongodb", {}).get("consistent"),
            "compression": content.get("compression", {}).get("kind"),
            "host": content.get("host"),
            "verified": last and {key: last.get(key) for key in ("kind", "ok", "at", "seconds")},
            "restored": next(({key: item.get(key) for key in ("ok", "at", "seconds")} for item in reversed(records)
                              if item.get("kind") == "restore"), None),
        }


class Repository:
    """A repository at path. Reading needs no lock: sets appear by one rename and are never changed afterwards."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.sets_path = os.path.join(path, "sets")

    def require(self) -> None:
        """Raise MaintenanceError if there is no readable repository here."""
        if not os.path.isdir(self.sets_path):
            raise MaintenanceError(f"there is no backup repository at {self.path}; the first run of backup_set makes one")
        if not os.access(self.sets_path, os.R_OK | os.X_OK):
            raise MaintenanceError(f"the backup repository {self.path} may not be read by this user; become the user that makes backups")

    def begun(self) -> bool:
        """Tell whether a set was ever begun here. In check mode, where nobody makes one, a missing repository is no error yet."""
        return os.path.lexists(self.sets_path)

    def prepare(self) -> None:
        """Make the repository's directories (0700); one line if that is not possible."""
        parent = os.path.dirname(os.path.abspath(self.path))
        if not os.path.isdir(self.path) and not os.path.isdir(parent):
            raise MaintenanceError(f"the backup repository {self.path} cannot be made: {parent} does not exist; mount or create it first")
        try:
            os.makedirs(self.sets_path, mode=0o700, exist_ok=True)
            if os.stat(self.path).st_uid == os.geteuid():
                os.chmod(self.path, 0o700)
                os.chmod(self.sets_path, 0o700)
        except OSError as error:
            raise MaintenanceError(f"the backup repository {self.path} cannot be made: {error.strerror}; "
                                   "check the path, its owner and that its file system is writable") from None
        if not os.access(self.path, os.W_OK | os.X_OK) or not os.access(self.sets_path, os.W_OK | os.X_OK):
            raise MaintenanceError(f"the backup repository {self.path} is not writable for this user; change its owner or become another user")

    def lock(self, purpose: str, wait: float) -> Lock:
        """Return the writer's lock; wait in seconds."""
        return Lock(os.path.join(self.path, ".lock"), purpose, wait)

    def sets(self) -> list:
        """Return all sets by age, oldest first; those without a trustworthy manifest have a problem instead."""
        if not os.path.lexists(self.sets_path):
            return []
        self.require()
        found = []
        for entry in os.scandir(self.sets_path):
            if not manifests.SET_ID.fullmatch(entry.name) or not entry.is_dir(follow_symlinks=False):
                continue
            try:
                found.append(BackupSet(entry.name, entry.path, manifests.read_manifest(entry.path)))
            except manifests.Damaged as error:
                found.append(BackupSet(entry.name, entry.path, None, str(error)))
        return sorted(found, key=lambda item: (item.taken(), item.id))

    def find(self, wanted: str) -> BackupSet:
        """Return the set with this id, or the newest one; MaintenanceError tells what there is."""
        found = self.sets()
        if wanted == NEWEST and found:
            return found[-1]
        for item in found:
            if item.id == wanted:
                return item
        if not found:
            raise MaintenanceError(f"the repository {self.path} holds no backup set yet; run backup_set first")
        raise MaintenanceError(f"the repository {self.path} has no set {wanted!r}; the newest is {found[-1].id}")

    def choose(self, wanted: list) -> list:
        """Return the sets named by ids, "newest" or "all"; none where the repository is empty and no id was named."""
        found = self.sets()
        if "all" in wanted:
            return found
        if not found and wanted == [NEWEST]:
            return []
        return [self.find(name) for name in dict.fromkeys(wanted)]

    def describe(self, limit: int = 0) -> list:
        """Return the descriptions of the newest sets, newest first; limit 0 for all."""
        found = self.sets()[::-1]
        return [item.describe() for item in (found[:limit] if limit else found)]

    def candidates(self) -> list:
        """Return the sets as retention sees them."""
        return [Candidate(item.id, item.taken(), item.proven(), damaged=item.manifest is None) for item in self.sets()]

    def remove(self, set_id: str) -> None:
        """Remove a set: out of the sets by one rename, so that a killed removal leaves no half set. The lock must be held."""
        going = os.path.join(self.path, f"{PARTIAL}{set_id}")
        os.rename(os.path.join(self.sets_path, set_id), going)
        manifests.sync_directory(self.sets_path)
        shutil.rmtree(going)

    def sweep(self) -> list:
        """Remove what killed runs left; return the names. The lock must be held: every partial set then has no owner."""
        left = [entry.path for entry in os.scandir(self.path) if entry.name.startswith(PARTIAL)]
        for path in left:
            if os.path.islink(path):
                os.unlink(path)
            else:
                shutil.rmtree(path)
        return [os.path.basename(path) for path in left]

    def require_space(self, needed: int) -> None:
        """Raise MaintenanceError unless needed bytes are free for this user."""
        free = shutil.disk_usage(self.path).free
        if free < needed:
            raise MaintenanceError(f"the repository {self.path} has {size(free)} free and the next set needs about {size(needed)}; "
                                   "remove old sets, shorten retention or give it more room")

    def begin(self) -> "Partial":
        """Make the directory of a set that is being written."""
        set_id = utc_now().strftime("%Y%m%dT%H%M%SZ-") + secrets.token_hex(2)
        path = os.path.join(self.path, PARTIAL + set_id)
        os.mkdir(path, 0o700)
        return Partial(set_id, path, self)


@dataclass
class Partial:
    """A set that is being written: it counts for nothing until publish()."""

    id: str
    path: str
    repository: Repository

    def directory(self, relative: str) -> str:
        """Make a directory inside the set and return its path."""
        path = self.path
        for part in relative.split("/"):  # makedirs would give the ones between the mode of the umask
            path = os.path.join(path, part)
            with contextlib.suppress(FileExistsError):
                os.mkdir(path, 0o700)
        return path

    def publish(self, content: dict) -> BackupSet:
        """Write the manifest, make everything durable, and let the set appear by one rename; then move "latest" to it."""
        manifests.write_sealed(os.path.join(self.path, manifests.MANIFEST), content)
        for directory, unused_directories, unused_files in os.walk(self.path):
            manifests.sync_directory(directory)
        final = os.path.join(self.repository.sets_path, self.id)
        os.rename(self.path, final)
        manifests.sync_directory(self.repository.sets_path)
        link = os.path.join(self.repository.path, PARTIAL + "latest")
        os.symlink(os.path.join("sets", self.id), link)
        os.replace(link, os.path.join(self.repository.path, "latest"))
        manifests.sync_directory(self.repository.path)
        return BackupSet(self.id, final, content)

    def discard(self) -> None:
        """Remove everything written so far."""
        shutil.rmtree(self.path, ignore_errors=True)


@contextlib.contextmanager
def _locked_directory(path: str) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
