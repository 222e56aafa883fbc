# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""backup_restore and directories: replaced whole or not at all, and nothing is written elsewhere, whatever the archive says."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup import create
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import Repository
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore import restore
from tests.integration import mongod
from tests.integration.restoring import by_id, order, reseal
from tests.integration.shop import plan


@pytest.fixture(name="server", scope="module")
def _server():
    with mongod.running(replica_set=False) as server:
        server.client.shop.a.insert_one({})
        yield server


@pytest.fixture(name="made")
def _made(server, tmp_path_factory, tmp_path):
    uploads = tmp_path_factory.mktemp("app") / "uploads"
    (uploads / "deep").mkdir(parents=True)
    (uploads / "deep" / "a.txt").write_text("a")
    (uploads / "link").symlink_to("deep/a.txt")
    repository = Repository(str(tmp_path / "backup"))
    return create.create(plan(server, repository, sources=[str(uploads)], compression="none")).backup_set, repository


def test_files_are_replaced_only_when_confirmed_and_the_old_ones_stay(made, tmp_path):
    destination, files = tmp_path / "uploads", [{"archive": "uploads", "destination": str(tmp_path / "uploads")}]
    destination.mkdir()
    restore.run(order(made[1], files=files))  # an empty directory holds nothing
    assert (destination / "deep" / "a.txt").read_text() == "a" and os.readlink(destination / "link") == "deep/a.txt"
    assert not restore.run(order(made[1], files=files))["changed"]
    (destination / "new.txt").write_text("new")
    with pytest.raises(MaintenanceError, match=f"write confirm: {destination}, for {destination} holds 4 entries with "):
        restore.run(order(made[1], files=files))
    result = restore.run(order(made[1], files=files, confirm=[str(destination)]))
    assert result["changed"] and not (destination / "new.txt").exists()
    assert Path(f"{destination}.before-{made[0].id}", "new.txt").read_text() == "new"
    assert by_id(result)[f"restore.files[{destination}]"]["details"]["kept"] == f"{destination}.before-{made[0].id}"
    (destination / "newer.txt").write_text("newer")
    with pytest.raises(MaintenanceError, match="is there already"):
        restore.run(order(made[1], files=files, confirm=[str(destination)]))
    assert (destination / "newer.txt").exists() and sorted(os.listdir(tmp_path)) == ["backup", "uploads", f"uploads.before-{made[0].id}"]


def pack_hostile(made, members):
    """Put another archive into a set, with list, hashes and manifest in order: only its content is hostile."""
    packed, lines = io.BytesIO(), []
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, link in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link
            tar.addfile(info)
            lines.append({"path": name, "type": {tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "link"}.get(kind, "file"), "target": link, "size": 0,
                          "mode": "0644", "sha256": hashlib.sha256().hexdigest()})
    entry = made.manifest["files"]["uploads"]

    def change(content):
        entry["entries"] = len(lines)
        for path, data in ((entry["archive"], packed.getvalue()), (entry["list"], b"".join(json.dumps(line).encode() + b"\n" for line in lines))):
            Path(made.path, path).write_bytes(data)
            content["artifacts"][path].update(bytes=len(data), stored_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    reseal(made, change)


@pytest.mark.parametrize("members", [
    [(".", tarfile.DIRTYPE, ""), ("../out", tarfile.REGTYPE, "")],
    [(".", tarfile.DIRTYPE, ""), ("l", tarfile.SYMTYPE, ".."), ("l/out", tarfile.REGTYPE, "")],
    [(".", tarfile.DIRTYPE, ""), ("h", tarfile.LNKTYPE, "/etc/hostname")],
    [("/tmp/trixtech-hostile", tarfile.REGTYPE, "")],
])
def test_a_hostile_archive_writes_nothing_outside(made, tmp_path, members):
    destination = tmp_path / "place" / "uploads"
    destination.mkdir(parents=True)
    (destination / "mine").write_text("mine")
    pack_hostile(made[0], members)
    with pytest.raises(MaintenanceError):
        restore.run(order(made[1], files=[{"archive": "uploads", "destination": str(destination)}], confirm=[str(destination)]))
    assert os.listdir(tmp_path / "place") == ["uploads"] and (destination / "mine").read_text() == "mine"
    assert sorted(os.listdir(tmp_path)) == ["backup", "place"] and not os.path.exists("/tmp/trixtech-hostile")


def test_a_link_that_leads_out_is_left_out_with_a_warning(made, tmp_path):
    pack_hostile(made[0], [(".", tarfile.DIRTYPE, ""), ("out", tarfile.SYMTYPE, "/etc"), ("in", tarfile.SYMTYPE, "x")])
    files = [{"archive": "uploads", "destination": str(tmp_path / "uploads")}]
    check = restore.run(order(made[1], files=files))["checks"][0]
    assert check["status"] == "warning" and "out -> /etc" in check["summary"] and os.listdir(tmp_path / "uploads") == ["in"]


def test_a_destination_that_is_a_link_stays_one(made, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "uploads").symlink_to("real")
    restore.run(order(made[1], files=[{"archive": "uploads", "destination": str(tmp_path / "uploads")}]))
    assert os.readlink(tmp_path / "uploads") == "real" and (tmp_path / "real" / "deep" / "a.txt").exists()


@pytest.mark.parametrize(("destination", "message"), [
    ("/", "not the root"), ("relative", "absolute"), ("/proc", "mount point"), ("/no/such/place", "does not exist"),
])
def test_impossible_destinations_are_refused(made, destination, message):
    with pytest.raises(MaintenanceError, match=message):
        restore.run(order(made[1], files=[{"archive": "uploads", "destination": destination}]))
