# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""backup_verify's core: an unharmed set is never accused, every injury is found."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import random
import shutil
import tarfile

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup import manifest, verify
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import BackupSet, Repository
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError

from .conftest import build


def files_of(path: str) -> list:
    return sorted(os.path.join(directory, name) for directory, unused, names in os.walk(path) for name in names)


def flip(path, dice):
    data = bytearray(open(path, "rb").read())
    data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    open(path, "wb").write(data)


def truncate(path, dice):
    os.truncate(path, dice.randrange(os.path.getsize(path)))


def remove(path, dice):
    os.unlink(path)


def append(path, dice):
    with open(path, "ab") as stream:
        stream.write(bytes(dice.randrange(256) for unused in range(dice.randrange(1, 40))))


def zero(path, dice):
    begin = dice.randrange(os.path.getsize(path))
    data = open(path, "rb").read()
    changed = data[:begin] + b"\0" * min(64, len(data) - begin) + data[begin + 64:]
    open(path, "wb").write(changed if changed != data else data[:-1])


def link_out(path, dice):
    os.unlink(path)
    os.symlink("/etc/hostname", path)


def swap(path, dice):
    others = [other for other in files_of(os.path.dirname(path)) if other != path and open(other, "rb").read() != open(path, "rb").read()]
    if not others:
        return remove(path, dice)
    other = dice.choice(others)
    os.rename(path, path + ".aside")
    os.rename(other, path)
    os.rename(path + ".aside", other)
    return None


def edit_number(path, dice):
    """Change one number of the manifest, as somebody would who wants a set to look right; the seal stays as it was."""
    content = json.load(open(path, encoding="ascii"))
    entry = dice.choice(list(content["namespaces"].values()) + list(content["artifacts"].values()))
    key = dice.choice([key for key, value in entry.items() if isinstance(value, int) and not isinstance(value, bool)])
    entry[key] += dice.choice([-1, 1, 1000])
    open(path, "w", encoding="ascii").write(json.dumps(content, indent=1) + "\n")


INJURIES = [flip, truncate, remove, append, zero, link_out, swap]


def test_an_unharmed_set_is_never_accused(backup_set):
    for level in (verify.HASHES, verify.DOCUMENTS):
        finding = verify.verify(backup_set, level)
        assert finding.problems == [] and finding.complete
    assert finding.documents == 320


def test_hundreds_of_random_injuries_are_all_found(backup_set, tmp_path):
    backup_set.record("documents", True, 1.0, {})
    missed = []
    for seed in range(140):
        dice = random.Random(seed)
        copy = tmp_path / "copy" / backup_set.id
        shutil.rmtree(copy.parent, ignore_errors=True)
        shutil.copytree(backup_set.path, copy, symlinks=True)
        injury = edit_number if seed % 10 == 0 else dice.choice(INJURIES)
        path = str(copy / "manifest.json") if injury is edit_number else dice.choice(files_of(str(copy)))
        # a set without records is a set nobody has verified yet, which is no damage
        if injury is remove and path.endswith("verification.json"):
            continue
        injury(path, dice)
        if not verify.verify(BackupSet(backup_set.id, str(copy), None), verify.DOCUMENTS).problems:
            missed.append((seed, injury.__name__, os.path.basename(path)))
    assert missed == []


def reseal(backup_set, change):
    """Change the manifest and seal it again: what a program would do that is wrong, or an attacker."""
    content = dict(backup_set.manifest)
    change(content)
    manifest.write_sealed(os.path.join(backup_set.path, manifest.MANIFEST), content)


def problems(backup_set, level=verify.DOCUMENTS):
    return verify.verify(backup_set, level).problems


def test_an_older_set_under_a_newer_name_is_found(backup_set):
    newer = "20991231T000000Z-ffff"
    path = os.path.join(os.path.dirname(backup_set.path), newer)
    os.rename(backup_set.path, path)
    assert "belongs to the set" in problems(BackupSet(newer, path, None))[0]


def test_a_wrong_count_under_a_right_seal_is_found(backup_set):
    reseal(backup_set, lambda content: content["namespaces"]["shop.users"].update(documents=19))
    assert "holds 20 documents, the manifest says 19" in problems(backup_set)[0]


def test_a_wrong_digest_under_a_right_seal_is_found(backup_set):
    reseal(backup_set, lambda content: content["namespaces"]["shop.users"].update(digest="crc32-sum64:0000000000000001"))
    assert "digest" in problems(backup_set)[0]


@pytest.mark.parametrize("name", ["../../outside", "/etc/passwd", "db/../../x", "db//x", "manifest.json", "a\0b"])
def test_an_artifact_outside_of_the_set_is_refused(backup_set, name):
    def change(content):
        content["artifacts"][name] = content["artifacts"].pop(content["namespaces"]["shop.users"]["metadata"])
        content["namespaces"]["shop.users"]["metadata"] = name
    reseal(backup_set, change)
    assert "leaves the set" in problems(backup_set)[0]


def test_a_bomb_is_not_decompressed_beyond_what_the_manifest_names(repository, uploads):
    backup_set = build(repository, uploads, "gzip")
    name = backup_set.manifest["namespaces"]["shop.users"]["data"]
    bomb = gzip.compress(b"\0" * 200_000_000, 1)
    open(os.path.join(backup_set.path, name), "wb").write(bomb)
    reseal(backup_set, lambda content: content["artifacts"][name].update(stored_bytes=len(bomb), sha256=hashlib.sha256(bomb).hexdigest(), bytes=1000))
    assert problems(backup_set) == [f"{name}: it holds more than the 1000 bytes the manifest names"]


def test_an_archive_with_a_name_that_climbs_is_found(repository, uploads, tmp_path):
    backup_set = build(repository, uploads, "none")
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("../evil"), io.BytesIO())
    listing = json.dumps({"path": "../evil", "type": "file", "size": 0, "sha256": hashlib.sha256().hexdigest()}).encode() + b"\n"
    for name, data in (("files/uploads.tar", stream.getvalue()), ("files/uploads.list", listing)):
        open(os.path.join(backup_set.path, name), "wb").write(data)
        reseal(backup_set, lambda content, name=name, data=data: content["artifacts"][name].update(
            bytes=len(data), stored_bytes=len(data), sha256=hashlib.sha256(data).hexdigest()))
    assert problems(backup_set) == ["files/uploads.tar: '../evil': its name leaves the archive"]


def test_slices_cover_every_artifact_exactly_once(backup_set):
    findings = [verify.verify(backup_set, verify.HASHES, (number, 4)) for number in range(1, 5)]
    assert sum(item.checked for item in findings) == findings[0].total
    assert not [item for item in findings if item.problems]


def test_an_injury_is_found_by_the_slice_it_lies_in(backup_set):
    flip(files_of(backup_set.path)[0], random.Random(5))
    assert sum(bool(verify.verify(backup_set, verify.HASHES, (number, 3)).problems) for number in range(1, 4)) == 1


@pytest.mark.parametrize("text, wanted", [("", (1, 1)), (None, (1, 1)), ("3/7", (3, 7))])
def test_slices_are_read(text, wanted):
    assert verify.parse_slice(text) == wanted


def test_todays_slice_is_one_of_them():
    number, count = verify.parse_slice("today/7")
    assert count == 7 and 1 <= number <= 7


@pytest.mark.parametrize("text", ["0/7", "8/7", "x/7", "1/0", "today", "1/", "-1/3"])
def test_a_malformed_slice_is_refused(text):
    with pytest.raises(MaintenanceError, match="3/7"):
        verify.parse_slice(text)


def test_records_are_kept_and_bounded(backup_set):
    for number in range(60):
        backup_set.record("hashes", True, number, {})
    assert [record["seconds"] for record in backup_set.records()] == list(range(10, 60))
    assert verify.verify(backup_set, verify.HASHES).problems == []


def test_a_set_that_is_not_there_any_more_is_a_problem(repository: Repository, backup_set):
    shutil.rmtree(backup_set.path)
    assert problems(backup_set) == ["manifest.json is missing"]
