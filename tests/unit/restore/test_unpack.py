# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpacking: what was captured comes back as it was, and no archive writes outside its directory."""

from __future__ import annotations

import hashlib
import io
import os
import random
import stat
import tarfile

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore import unpack


def member(name, kind=tarfile.REGTYPE, link="", data=b"", mode=0o644):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size, info.mode, info.mtime = kind, link, len(data), mode, 1_700_000_000
    info.uid, info.gid = os.geteuid(), os.getegid()
    return info, data


ROOT = member(".", tarfile.DIRTYPE, mode=0o750)


def take(tmp_path, *members, content=10_000, data=None):
    """Pack members, and unpack them into tmp_path/in; the archive lies in another directory."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, text in members:
            tar.addfile(info, io.BytesIO(text))
    data = packed.getvalue() if data is None else data
    archive, inside = tmp_path / "set" / "x.tar", tmp_path / "in"
    archive.parent.mkdir(exist_ok=True)
    archive.write_bytes(data)
    inside.mkdir(exist_ok=True)
    return unpack.unpack(str(archive), {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}, content, str(inside))


def test_files_directories_and_links_come_back(tmp_path):
    left_out = take(tmp_path, ROOT, member("d", tarfile.DIRTYPE, mode=0o500), member("d/f", data=b"text", mode=0o600),
                    member("d/l", tarfile.SYMTYPE, "../g"), member("g", data=b"g"))
    inside = tmp_path / "in"
    assert left_out == [] and (inside / "d" / "f").read_bytes() == b"text" and (inside / "d" / "l").read_bytes() == b"g"
    assert stat.S_IMODE(inside.stat().st_mode) == 0o750 and stat.S_IMODE((inside / "d").stat().st_mode) == 0o500
    assert stat.S_IMODE((inside / "d" / "f").stat().st_mode) == 0o600 and (inside / "d" / "f").stat().st_mtime == 1_700_000_000
    (inside / "d").chmod(0o700)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can keep owners")
def test_owners_come_back_for_root(tmp_path):
    info, text = member("f", data=b"f", mode=0o4755)
    info.uid, info.gid = 12345, 23456
    take(tmp_path, ROOT, (info, text))
    status = (tmp_path / "in" / "f").stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (12345, 23456, 0o4755)


def test_a_single_file_needs_no_root(tmp_path):
    take(tmp_path, member("only", data=b"1"))
    assert (tmp_path / "in" / "only").read_bytes() == b"1"


HOSTILE = {
    "climbs": [ROOT, member("../out", data=b"x")],
    "climbs in the middle": [ROOT, member("d", tarfile.DIRTYPE), member("d/../../out", data=b"x")],
    "absolute": [ROOT, member("/tmp/trixtech-hostile", data=b"x")],
    "empty part": [ROOT, member("a//b", data=b"x")],
    "through a link": [ROOT, member("l", tarfile.SYMTYPE, ".."), member("l/out", data=b"x")],
    "through a link inside": [ROOT, member("d", tarfile.DIRTYPE), member("l", tarfile.SYMTYPE, "d"), member("l/f", data=b"x")],
    "link over a directory": [ROOT, member("d", tarfile.DIRTYPE), member("d", tarfile.SYMTYPE, ".."), member("d/out", data=b"x")],
    "file over a link": [ROOT, member("l", tarfile.SYMTYPE, "../out"), member("l", data=b"x")],
    "root is a link": [member(".", tarfile.SYMTYPE, "..")],
    "hard link": [ROOT, member("h", tarfile.LNKTYPE, "../set/x.tar")],
    "device": [ROOT, member("n", tarfile.CHRTYPE)],
    "pipe": [ROOT, member("p", tarfile.FIFOTYPE)],
    "no directory": [ROOT, member("a/b", data=b"x")],
    "more than it says": [ROOT, member("a", data=b"x" * 6000), member("b", data=b"x" * 6000)],
}


def outside(tmp_path):
    return sorted(str(path) for path in tmp_path.rglob("*") if (tmp_path / "in") not in path.parents)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused_and_writes_nothing_outside(tmp_path, name):
    with pytest.raises(MaintenanceError, match="x.tar cannot be unpacked"):
        take(tmp_path, *HOSTILE[name])
    assert outside(tmp_path) == [str(tmp_path / "in"), str(tmp_path / "set"), str(tmp_path / "set" / "x.tar")]
    assert not os.path.exists("/tmp/trixtech-hostile")


@pytest.mark.parametrize("target", ["/etc", "..", "../set", "d/../..", "./..", "", "d/./../..", "d//../.."])
def test_links_that_lead_out_are_left_out_and_told(tmp_path, target):
    assert take(tmp_path, ROOT, member("d", tarfile.DIRTYPE), member("l", tarfile.SYMTYPE, target)) == [f"l -> {target}"]
    assert os.listdir(tmp_path / "in") == ["d"]


@pytest.mark.parametrize(("name", "target", "inside"), [
    ("l", "a", True), ("l", "a/b/", True), ("d/l", "..", True), ("d/l", "../a..b", True), ("d/e/l", "../../x/y", True), ("d/l", "..a", True),
    ("d/l", "../..", False), ("d/l", "../../x", False), ("d/l", "a/../b", False), ("l", "../l", False), ("d/l", "/d/l", False), ("d/l", "...", True),
])
def test_where_links_lead(name, target, inside):
    assert unpack.stays_inside(name, target) is inside


def test_a_cut_archive_is_refused(tmp_path):
    take(tmp_path, ROOT, member("f", data=b"x" * 5000))
    (tmp_path / "in" / "f").unlink()
    with pytest.raises(MaintenanceError, match="cannot be unpacked"):
        take(tmp_path, data=(tmp_path / "set" / "x.tar").read_bytes()[:3000])


def test_an_archive_with_another_hash_is_refused(tmp_path):
    take(tmp_path, ROOT)
    (tmp_path / "other").mkdir()
    with pytest.raises(MaintenanceError, match="SHA-256"):
        unpack.unpack(str(tmp_path / "set" / "x.tar"), {"bytes": 10**6, "sha256": "0" * 64}, 10**6, str(tmp_path / "other"))


def test_random_archives_never_write_outside(tmp_path):
    """Names and links put together at random from parts that climb, repeat and lead through each other."""
    parts, kinds = ["a", "b", "..", ".", "", "c"], [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE]
    for seed in range(400):
        dice = random.Random(seed)
        members = [ROOT] + [member("/".join(dice.choice(parts) for unused in range(dice.randrange(1, 4))) or "x", dice.choice(kinds),
                                   "/".join(dice.choice(parts) for unused in range(dice.randrange(1, 4)))) for unused in range(8)]
        base = tmp_path / str(seed)
        base.mkdir()
        try:
            take(base, *members)
        except MaintenanceError:
            pass
        assert outside(base) == [str(base / "in"), str(base / "set"), str(base / "set" / "x.tar")]
        for path in (base / "in").rglob("*"):
            if path.is_symlink():
                real = os.path.realpath(path)
                assert real == str(base / "in") or real.startswith(str(base / "in") + "/"), (seed, path, os.readlink(path))
