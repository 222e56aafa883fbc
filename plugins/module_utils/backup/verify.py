# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifying a set as it is stored: hashes, structure of every document, archive listings. Reads only."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tarfile
import zlib
from dataclasses import dataclass, field
from typing import Any, Iterator, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup import manifest as manifests
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.artifact import CHUNK, Reader
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import BackupSet
from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import utc_now
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import LibraryMissing, MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import frames

try:
    import bson
    from bson.codec_options import CodecOptions, DatetimeConversion

    # accepts what servers store and Python cannot hold (dates after 9999, text that is no UTF-8): only structure is in question
    _LENIENT = CodecOptions(unicode_decode_error_handler="replace", datetime_conversion=DatetimeConversion.DATETIME_MS)
except ImportError:
    bson = None

HASHES, DOCUMENTS = "hashes", "documents"
_SLICE = re.compile(r"(\d{1,4}|today)/(\d{1,4})")


@dataclass
class Finding:
    """What verification found in one set. problems: one line each, artifact first; checked counts artifacts looked at."""

    backup_set: BackupSet
    problems: list = field(default_factory=list)
    checked: int = 0
    total: int = 0
    bytes: int = 0
    documents: int = 0

    @property
    def complete(self) -> bool:
        """Tell whether all artifacts of the set were looked at."""
        return self.checked == self.total


def parse_slice(text: Optional[str]) -> tuple:
    """Read "3/7" (the third of seven slices) or "today/7" (the day's turn, so that seven days cover everything).

    Returns (number, count), (1, 1) for none. MaintenanceError says what is wrong.
    """
    if not text:
        return 1, 1
    match = _SLICE.fullmatch(text)
    if match:
        count = int(match.group(2))
        if count >= 1:
            number = utc_now().toordinal() % count + 1 if match.group(1) == "today" else int(match.group(1))
            if 1 <= number <= count:
                return number, count
    raise MaintenanceError(f"the slice {text!r} is none; write 3/7 for the third of seven, or today/7")


def verify(backup_set: BackupSet, level: str, slice_: tuple = (1, 1), only: Optional[set] = None) -> Finding:
    """Verify the artifacts of a set that belong to the slice (number, count), or of these only; level is HASHES or DOCUMENTS."""
    finding = Finding(backup_set)
    try:
        content = manifests.read_manifest(backup_set.path)
    except manifests.Damaged as error:
        finding.problems.append(str(error))
        return finding
    finding.problems.extend(_surprises(backup_set, content))
    owners = {item["data"]: item for item in content["namespaces"].values() if item["data"]}
    listings = {item["list"]: {} for item in content["files"].values()}
    archives = {item["archive"]: item for item in content["files"].values()}
    finding.total = len(content["artifacts"])
    number, count = slice_
    # by the hash of the name, so that an artifact is in the same slice of every set
    chosen = [path for path in content["artifacts"] if zlib.crc32(path.encode("utf-8", "surrogateescape")) % count == number - 1]
    chosen = [path for path in chosen if only is None or path in only]
    # an archive is compared with its list, so the lists of chosen archives are read first, whatever their slice
    needed = {archives[path]["list"] for path in chosen if path in archives} if level == DOCUMENTS else set()
    for path in sorted(needed.union(chosen), key=lambda path: path not in listings):
        finding.checked += path in chosen
        try:
            problem = _artifact(backup_set.path, path, content, level, finding, owners, listings, archives)
        except LibraryMissing:
            raise
        except (MaintenanceError, frames.BadBson) as error:
            problem = str(error)
        except OSError as error:
            problem = f"it cannot be read: {error.strerror}"
        if problem:
            finding.problems.append(f"{path}: {problem}")
    return finding


def _surprises(backup_set: BackupSet, content: dict) -> list:
    """Return what is in the directory and should not be, or is of another kind than a file."""
    expected = set(content["artifacts"]) | {manifests.MANIFEST, manifests.VERIFICATION}
    problems = []
    for directory, names, file_names in os.walk(backup_set.path):
        for name in names + file_names:
            path = os.path.join(directory, name)
            relative = os.path.relpath(path, backup_set.path)
            if os.path.islink(path):
                problems.append(f"{relative}: it is a link; a set holds none")
            elif name in file_names and relative not in expected:
                problems.append(f"{relative}: the manifest does not know this file")
    try:
        backup_set.records()
    except manifests.Damaged as error:
        problems.append(str(error))
    return problems


def _artifact(root: str, path: str, content: dict, level: str, finding: Finding, owners: dict, listings: dict, archives: dict) -> str:
    """Read one artifact once; return what is wrong with it, or an empty string."""
    expected = content["artifacts"][path]
    full = os.path.join(root, path)
    if not os.path.lexists(full):
        return "it is missing"
    if not os.path.isfile(full) or os.path.islink(full):
        return "it is no plain file"
    stored = os.path.getsize(full)
    if stored != expected["stored_bytes"]:
        return f"it has {stored} bytes, the manifest says {expected['stored_bytes']}"
    reader = Reader(full)
    problem = ""
    if level == HASHES:
        reader.skim()
    else:
        chunks = reader.chunks(expected["bytes"])
        try:
            problem = _content(path, chunks, finding, owners, listings, archives)
            for unused in chunks:
                pass
        except (MaintenanceError, frames.BadBson) as error:
            problem = str(error)
        finally:
            chunks.close()  # hashes what is left of the stored file
    finding.bytes += reader.stored_bytes
    if reader.sha256 != expected["sha256"]:
        return "its SHA-256 differs from the manifest's: the stored bytes have changed" + (f" ({problem})" if problem else "")
    if not problem and level == DOCUMENTS and reader.bytes != expected["bytes"]:
        return f"it decompresses to {reader.bytes} bytes, the manifest says {expected['bytes']}"
    return problem


def _content(path: str, chunks: Any, finding: Finding, owners: dict, listings: dict, archives: dict) -> str:
    """Look into an artifact by what it is; return what is wrong, or an empty string."""
    if path in owners:
        return _documents(chunks, owners[path], finding)
    if path in listings:
        listings[path], problem = read_listing(chunks)
        return problem
    if path in archives:
        return _archive(chunks, archives[path], listings[archives[path]["list"]])
    return _metadata(chunks)


def _documents(chunks: Iterator[bytes], owner: dict, finding: Finding) -> str:
    digest, splitter = frames.Digest(), frames.Splitter()
    for chunk in chunks:
        documents = splitter.feed(chunk)
        digest.add(documents)
        for document in documents:
            check_document(document)
    splitter.close()
    finding.documents += digest.documents
    if digest.documents != owner["documents"]:
        return f"it holds {digest.documents} documents, the manifest says {owner['documents']}"
    if digest.text() != owner["digest"]:
        return "the digest of its documents differs from the manifest's"
    return ""


def check_document(document: memoryview) -> None:
    """Check the structure of a document by the driver's C code, and by our own walk what that refuses; raises BadBson."""
    if bson is not None:
        try:
            bson.decode(document, _LENIENT)
            return
        except (bson.errors.BSONError, ValueError, OverflowError):
            pass
    frames.check_structure(document)


def _metadata(chunks: Iterator[bytes]) -> str:
    try:
        content = json.loads(b"".join(chunks))
    except (ValueError, RecursionError):
        return "it is not readable JSON"
    return "" if isinstance(content, dict) and "indexes" in content and "options" in content else "it describes no collection"


def read_listing(chunks: Iterator[bytes]) -> tuple:
    """Read a list of files; return ({path: entry}, problem)."""
    entries: dict = {}
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            try:
                entry = json.loads(line)
                entries[entry["path"]] = entry
            except (ValueError, KeyError, TypeError, RecursionError):
                return entries, "it has a line that is no entry"
    return entries, "it ends inside a line" if rest else ""


class Stream:
    """Lets tarfile read from chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, b""

    def read(self, count: int) -> bytes:
        while len(self._rest) < count:
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            self._rest += chunk
        data, self._rest = self._rest[:count], self._rest[count:]
        return data


def _archive(chunks: Iterator[bytes], entry: dict, listing: dict) -> str:
    """List an archive and compare every member with the list; names and links must stay inside."""
    seen = 0
    try:
        with tarfile.open(fileobj=Stream(chunks), mode="r|", bufsize=CHUNK, encoding="utf-8") as tar:  # type: ignore[call-overload]
            for member in tar:
                seen += 1
                problem = _member(tar, member, listing.get(member.name))
                if problem:
                    return f"{member.name!r}: {problem}"
                tar.members = []  # tarfile keeps every header it has seen; a large archive must not fill the memory
    except (tarfile.TarError, ValueError) as error:
        return f"it cannot be listed: {error}"
    if seen != entry["entries"] or seen != len(listing):
        return f"it has {seen} entries, its list {len(listing)}, the manifest says {entry['entries']}"
    return ""


def _member(tar: tarfile.TarFile, member: tarfile.TarInfo, listed: Any) -> str:
    if not listed:
        return "its list does not know it"
    if member.name != "." and not manifests.safe_path(member.name):
        return "its name leaves the archive"
    if member.isdir():
        return "" if listed.get("type") == "directory" else "it is a directory, its list says otherwise"
    if member.issym():
        return "" if listed.get("type") == "link" and listed.get("target") == member.linkname else "its link leads elsewhere than its list says"
    if not member.isreg():
        return "it is neither file nor directory nor link"
    if listed.get("type") != "file" or listed.get("size") != member.size:
        return "its size differs from its list"
    return "" if _sha256(tar, member) == listed.get("sha256") else "its content differs from its list"


def _sha256(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    digest = hashlib.sha256()
    stream = tar.extractfile(member)
    while stream is not None:
        data = stream.read(CHUNK)
        if not data:
            break
        digest.update(data)
    return digest.hexdigest()
