# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup set made without a server, for tests of everything that happens to sets afterwards."""

from __future__ import annotations

import json
import os
from pathlib import Path

import bson
import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup import artifact, files
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import BackupSet, Repository
from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import timestamp
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import frames


def write(partial, path, data, kind):
    writer = artifact.Writer(os.path.join(partial.path, path), kind)
    writer.write(data)
    return writer.close()


def build(repository: Repository, uploads: Path, compression: str = "zstd", count: int = 300) -> BackupSet:
    """Write a set with two collections and an archive, through the same writers that backup_set uses."""
    repository.prepare()
    partial = repository.begin()
    partial.directory("db/shop")
    artifacts, namespaces = {}, {}
    for name, size in (("bookings", count), ("users", 20)):
        documents = [bson.encode({"_id": number, "name": f"{name} {number}", "n": [number, {"x": None}]}) for number in range(size)]
        digest = frames.Digest()
        digest.add(documents)
        data, metadata = f"db/shop/{name}.bson{artifact.SUFFIX[compression]}", f"db/shop/{name}.metadata.json"
        artifacts[data] = write(partial, data, b"".join(documents), compression)
        indexes = [{"v": {"$numberInt": "2"}, "key": {"_id": {"$numberInt": "1"}}, "name": "_id_"}]
        artifacts[metadata] = write(partial, metadata, json.dumps({"indexes": indexes, "options": {}}).encode(), "none")
        namespaces[f"shop.{name}"] = {"type": "collection", "data": data, "metadata": metadata, "documents": digest.documents,
                                      "bytes": digest.bytes, "digest": digest.text(), "indexes": indexes, "options": {}, "ttl": False}
    captures = {}
    captures["uploads"], parts = files.capture(partial, "uploads", str(uploads), compression, None)
    artifacts.update(parts)
    return partial.publish({
        "format": 1, "id": partial.id, "host": "test", "started": timestamp(), "finished": timestamp(), "seconds": 0.1,
        "mongodb": {"consistent": True}, "compression": {"kind": compression, "level": None}, "namespaces": namespaces, "files": captures,
        "artifacts": artifacts,
        "totals": {"documents": count + 20, "files": captures["uploads"]["files"],
                   "bytes": sum(item["bytes"] for item in artifacts.values()),
                   "stored_bytes": sum(item["stored_bytes"] for item in artifacts.values())},
    })


@pytest.fixture(name="uploads")
def _uploads(tmp_path) -> Path:
    uploads = tmp_path / "uploads"
    (uploads / "2026" / "empty").mkdir(parents=True)
    for number in range(12):
        (uploads / "2026" / f"photo {number} ü.jpg").write_bytes(bytes([number]) * (number * 1000))
    (uploads / "link").symlink_to("2026/photo 1 ü.jpg")
    (uploads / os.fsdecode(b"not-utf8-\xff")).write_bytes(b"odd name")
    os.link(uploads / "2026" / "photo 3 ü.jpg", uploads / "hard link")
    return uploads


@pytest.fixture(name="repository")
def _repository(tmp_path) -> Repository:
    return Repository(str(tmp_path / "backup"))


@pytest.fixture(name="backup_set", params=["zstd", "gzip", "none"])
def _backup_set(request, repository, uploads) -> BackupSet:
    return build(repository, uploads, request.param)
