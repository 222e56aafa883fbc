# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import time

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, OK, SKIPPED, UNKNOWN, WARNING
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import host_disk

DAY = 86400.0


def growing(check_id, per_day, days=10, until=50.0):
    now = time.time()
    return {check_id: [(now - (days - number) * DAY, until - (days - number) * per_day) for number in range(days)]}


@pytest.fixture
def mount(tmp_path):
    """Return a real small file system: 4 MiB and 64 inodes."""
    if os.geteuid() != 0:
        pytest.skip("mounting a tmpfs needs root")
    point = tmp_path / "small disk"
    point.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,nr_inodes=64", "none", str(point)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine does not let root mount a tmpfs: {done.stderr.strip()}")
    yield point
    subprocess.run(["umount", "-l", str(point)], check=True)


@pytest.fixture
def statvfs(monkeypatch):
    """Return a function that fixes what the kernel says of a file system of 1000 blocks of 4096 bytes and 100 inodes."""
    def fix(free=600, available=500, inodes=100, inodes_free=90):
        found = os.statvfs_result((4096, 4096, 1000, free, available, inodes, inodes_free, inodes_free, 0, 255))
        monkeypatch.setattr(host_disk.os, "statvfs", lambda path: found)
    return fix


def test_as_df_counts(look, tmp_path):
    space, inodes = look({"type": "host.disk", "path": str(tmp_path)})
    assert space.id == f"host.disk[{tmp_path}]" and inodes.id == f"host.inodes[{tmp_path}]"
    df = subprocess.run(["df", "--output=pcent", str(tmp_path)], capture_output=True, text=True, check=True).stdout.split()[-1]
    assert abs(space.value - float(df.rstrip("%"))) <= 2  # df rounds up, and others write meanwhile


def test_what_is_kept_for_root_is_not_free(look, statvfs):
    statvfs(free=600, available=100)
    space, _inodes = look({"type": "host.disk", "path": "/"})
    assert space.value == 80.0 and space.status == WARNING


@pytest.mark.parametrize(("available", "status"), [(500, OK), (100, WARNING), (44, CRITICAL), (0, CRITICAL)])
def test_limits_of_the_guide(look, statvfs, available, status):
    statvfs(free=600, available=available)
    space, _inodes = look({"type": "host.disk", "path": "/"})
    assert space.status == status
    assert f"{space.value:.0f} % full" in space.summary and "free" in space.summary


def test_a_real_disk_that_fills(look, mount):
    assert [check.status for check in look({"type": "host.disk", "path": str(mount), "mounted": True})] == [OK, OK]
    (mount / "big").write_bytes(bytes(int(3.7 * 1024 * 1024)))
    space, inodes = look({"type": "host.disk", "path": str(mount)})
    assert space.status == CRITICAL and 90 <= space.value <= 95 and "small disk is 9" in space.summary
    assert inodes.status == OK


def test_a_real_disk_without_inodes(look, mount):
    for number in range(60):
        (mount / str(number)).touch()
    space, inodes = look({"type": "host.disk", "path": str(mount)})
    assert space.status == OK
    assert inodes.status == CRITICAL and "of its inodes" in inodes.summary and inodes.hint == "docs/runbook.md#inodes"


def test_no_fixed_number_of_inodes(look, statvfs):
    statvfs(inodes=0, inodes_free=0)
    _space, inodes = look({"type": "host.disk", "path": "/"})
    assert inodes.status == SKIPPED


def test_full_soon_is_a_warning_below_the_limit(look, statvfs):
    statvfs(free=300, available=300)
    (space, _inodes) = look({"type": "host.disk", "path": "/"}, series=growing("host.disk[/]", 6.0, until=70.0))
    assert space.status == WARNING
    assert "full in 5 days" in space.summary
    assert space.details["time_to_full_seconds"] == pytest.approx(5 * DAY, rel=0.02)


@pytest.mark.parametrize("per_day", [3.0, 0.0, -6.0])
def test_not_full_soon(look, statvfs, per_day):
    statvfs(free=300, available=300)
    (space, _inodes) = look({"type": "host.disk", "path": "/"}, series=growing("host.disk[/]", per_day, until=70.0))
    assert space.status == OK


def test_growth_over_hours_is_noise(look, statvfs):
    statvfs(free=300, available=300)
    now = time.time()
    series = {"host.disk[/]": [(now - 600 * number, 70.0 - number) for number in range(9, 0, -1)]}
    (space, _inodes) = look({"type": "host.disk", "path": "/"}, series=series)
    assert space.status == OK and space.details["time_to_full_seconds"] is None


def test_another_id(look):
    assert [check.id for check in look({"type": "host.disk", "path": "/", "id": "root"})] == ["root", "root.inodes"]


def test_what_is_not_there(look, tmp_path):
    (check,) = look({"type": "host.disk", "path": str(tmp_path / "none")})
    assert check.status == UNKNOWN and "No such file" in check.summary


def test_not_a_mount_point(look, tmp_path):
    (check,) = look({"type": "host.disk", "path": str(tmp_path), "mounted": True})
    assert check.status == UNKNOWN and "is not mounted" in check.summary


def test_in_fstab_but_not_mounted(look, tmp_path, monkeypatch):
    point = tmp_path / "back up"
    (point / "sets").mkdir(parents=True)
    fstab = tmp_path / "fstab"
    fstab.write_text(f"# comment {point}\n/dev/sda1 / ext4 defaults 0 1\nnone none swap sw 0 0\n"
                     f"/dev/sdb1 {str(point).replace(' ', chr(92) + '040')} ext4 defaults 0 2\n")
    monkeypatch.setattr(host_disk, "FSTAB", fstab)
    for path in (point, point / "sets"):
        (check,) = look({"type": "host.disk", "path": str(path)})
        assert check.status == UNKNOWN and "is not mounted" in check.summary
    assert len(look({"type": "host.disk", "path": str(tmp_path)})) == 2
