# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of a backup set, the seal that shows every edit of it, and the record of its verifications. Format 1 is final.

docs/backup_format.md describes the files for people who have to restore without this collection.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import Any

from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo.frames import DIGEST

FORMAT = 1
MANIFEST = "manifest.json"
VERIFICATION = "verification.json"
# 10,000 collections with 20 indexes each stay far below; a larger file is not read into memory
LARGEST = 256 * 1024 * 1024

SET_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(r"[^/\0]+")


class Damaged(MaintenanceError):
    """A set is not what was written: says which file and how."""


def seal(content: dict) -> bytes:
    """Return content as JSON with the SHA-256 of itself as its last entry."""
    body = {key: value for key, value in content.items() if key != "sha256"}
    return _encode({**body, "sha256": hashlib.sha256(_encode(body)).hexdigest()})


def _encode(content: dict) -> bytes:
    # ASCII only, so that file names that are no valid UTF-8 survive as escapes
    return (json.dumps(content, indent=1, ensure_ascii=True) + "\n").encode("ascii")


def unseal(data: bytes, name: str) -> dict:
    """Return the content of sealed JSON; Damaged if a single byte of data is not what seal() wrote."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        raise Damaged(f"{name} is not readable JSON") from None
    if not isinstance(content, dict) or seal(content) != data:
        raise Damaged(f"{name} was changed after it was written (its seal does not match)")
    return content


def read_sealed(path: str) -> dict:
    """Read a sealed JSON file; Damaged if it is missing, too large, a link, or changed."""
    name = os.path.basename(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Damaged(f"{name} is missing") from None
    except OSError as error:
        raise Damaged(f"{name} cannot be read: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as stream:
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Damaged(f"{name} is larger than {LARGEST} bytes")
    return unseal(data, name)


def write_sealed(path: str, content: dict) -> None:
    """Write sealed JSON so that a reader sees the old file or the new one, never a part; mode 0600, synced."""
    temporary = f"{path}.new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(seal(content))
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, path)
    sync_directory(os.path.dirname(path))


def sync_directory(path: str) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_manifest(directory: str) -> dict:
    """Read and check the manifest of the set in directory; Damaged says what is wrong with it."""
    content = read_sealed(os.path.join(directory, MANIFEST))
    if content.get("format") != FORMAT:
        raise Damaged(f"{MANIFEST} has format {content.get('format')!r}; this version reads format {FORMAT}")
    problem = _wrong(content)
    if problem:
        raise Damaged(f"{MANIFEST} is not a manifest: {problem}")
    if content["id"] != os.path.basename(os.path.normpath(directory)):
        raise Damaged(f"{MANIFEST} belongs to the set {content['id']}, not to this directory")
    return content


def safe_path(path: Any) -> bool:
    """Tell whether path is relative, and stays below the directory it is joined to."""
    return (isinstance(path, str) and bool(path) and not path.startswith("/") and "\0" not in path
            and all(part not in ("", ".", "..") for part in path.split("/")))


def _wrong(content: dict) -> str:
    """Return what is wrong with the structure of a manifest, or an empty string. A seal proves no meaning, only identity."""
    for key, kind in (("id", str), ("host", str), ("started", str), ("finished", str), ("mongodb", dict), ("compression", dict),
                      ("artifacts", dict), ("namespaces", dict), ("files", dict), ("totals", dict)):
        if not isinstance(content.get(key), kind):
            return f"{key} is missing or no {kind.__name__}"
    if not SET_ID.fullmatch(content["id"]):
        return "its id is malformed"
    for path, artifact in content["artifacts"].items():
        if not safe_path(path) or path in (MANIFEST, VERIFICATION):
            return f"the artifact name {path!r} leaves the set"
        if not (isinstance(artifact, dict) and _count(artifact.get("bytes")) and _count(artifact.get("stored_bytes"))
                and isinstance(artifact.get("sha256"), str) and _SHA256.fullmatch(artifact["sha256"])):
            return f"the artifact {path} has no sizes or no SHA-256"
    named = set()
    for name, namespace in content["namespaces"].items():
        if not (isinstance(namespace, dict) and "." in name and _count(namespace.get("documents")) and _count(namespace.get("bytes"))
                and isinstance(namespace.get("indexes"), list) and isinstance(namespace.get("options"), dict)
                and isinstance(namespace.get("digest"), str) and DIGEST.fullmatch(namespace["digest"])):
            return f"the namespace {name} is incomplete"
        named.update(path for path in (namespace.get("data"), namespace.get("metadata")) if path is not None)
    for name, archive in content["files"].items():
        if not (isinstance(archive, dict) and _PART.fullmatch(name) and _count(archive.get("entries"))):
            return f"the archive {name!r} is incomplete"
        named.update((archive.get("archive"), archive.get("list")))
    if named != set(content["artifacts"]):
        return "artifacts and what refers to them differ"
    return ""


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
