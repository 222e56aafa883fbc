# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys
import types

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, OK, UNKNOWN, WARNING
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import host_cpu, host_oom, memory

GIB = 1024 ** 3
BOOT = "6c1f0d6e-0000-4000-8000-000000000001"


@pytest.fixture
def psutil_says(monkeypatch):
    """Return a function that fixes what psutil says of memory and swap, in GiB."""
    def fix(total=16.0, available=8.0, swap=0.0, swap_used=0.0):
        monkeypatch.setattr(memory, "psutil", types.SimpleNamespace(
            virtual_memory=lambda: types.SimpleNamespace(total=int(total * GIB), available=int(available * GIB)),
            swap_memory=lambda: types.SimpleNamespace(total=int(swap * GIB), used=int(swap_used * GIB))))
    return fix


def write(directory, **files):
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (directory / name.replace("__", ".")).write_text(text)


@pytest.fixture
def no_cgroups(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "CGROUPS", tmp_path / "none")


# memory

def test_real_memory(look):
    (check,) = look({"type": "host.memory"})
    assert 0 < check.value < 100 and "memory in use" in check.summary


@pytest.mark.parametrize(("available", "status"), [(8.0, OK), (3.0, WARNING), (2.0, CRITICAL)])
def test_memory_limits(look, psutil_says, no_cgroups, available, status):
    psutil_says(available=available)
    (check,) = look({"type": "host.memory"})
    assert check.status == status
    assert f"({check.value:.0f} %)" in check.summary and "of 16.0 GiB" in check.summary


def test_container_limit_of_cgroup_2(look, psutil_says, monkeypatch, tmp_path):
    psutil_says()
    write(tmp_path, memory__max=f"{GIB}\n", memory__current=f"{GIB * 95 // 100}\n", memory__stat=f"anon 5\ninactive_file {GIB // 20}\n")
    monkeypatch.setattr(memory, "CGROUPS", tmp_path)
    (check,) = look({"type": "host.memory"})
    assert check.value == pytest.approx(90.0, abs=0.1) and check.status == CRITICAL
    assert "container" in check.summary and check.details["total_bytes"] == GIB


def test_container_limit_of_cgroup_1(look, psutil_says, monkeypatch, tmp_path):
    psutil_says()
    write(tmp_path / "memory", memory__limit_in_bytes=f"{GIB}\n", memory__usage_in_bytes=f"{GIB // 2}\n",
          memory__stat=f"total_inactive_file {GIB // 4}\n")
    monkeypatch.setattr(memory, "CGROUPS", tmp_path)
    (check,) = look({"type": "host.memory"})
    assert check.value == 25.0 and check.details["container"] is True


@pytest.mark.parametrize("limit", ["max", "9223372036854771712"])
def test_no_container_limit(look, psutil_says, monkeypatch, tmp_path, limit):
    psutil_says()
    write(tmp_path, memory__max=limit, memory__current="5", memory__stat="")
    monkeypatch.setattr(memory, "CGROUPS", tmp_path)
    (check,) = look({"type": "host.memory"})
    assert check.value == 50.0 and check.details["container"] is False


@pytest.mark.parametrize("check_type", ["host.memory", "host.swap", "host.cpu"])
def test_psutil_is_missing(look, monkeypatch, check_type):
    monkeypatch.setattr(memory, "PSUTIL_ERROR", "Traceback\nImportError: No module named 'psutil'")
    (check,) = look({"type": check_type})
    assert check.status == UNKNOWN
    assert "psutil is missing" in check.summary and "pip install psutil" in check.summary


# swap

@pytest.mark.parametrize(("used", "status"), [(0.0, OK), (1.0, WARNING), (2.6, CRITICAL)])
def test_swap_limits(look, psutil_says, used, status):
    psutil_says(swap=4.0, swap_used=used)
    (check,) = look({"type": "host.swap"})
    assert check.status == status and "of 4.0 GiB swap in use" in check.summary


def test_no_swap(look, psutil_says):
    psutil_says()
    (check,) = look({"type": "host.swap"})
    assert (check.status, check.value, check.summary) == (OK, None, "this host has no swap")


# cpu

class Times(types.SimpleNamespace):
    """Processor times as psutil hands them out: a named tuple in all but name."""

    def __iter__(self):
        return iter(vars(self).values())


def busy(monkeypatch, share, own=0.0):
    zero = dict.fromkeys(("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest", "guest_nice"), 0.0)
    samples = iter([Times(**zero), Times(**{**zero, "user": share, "guest": 5.0, "idle": 90.0 - share, "iowait": 10.0})])
    clocks = iter([(0.0,) * 5, (own, 0.0, 0.0, 0.0, 0.0)])
    monkeypatch.setattr(host_cpu, "os", types.SimpleNamespace(times=lambda: next(clocks), cpu_count=lambda: 2, getpid=os.getpid))
    monkeypatch.setattr(memory, "psutil", types.SimpleNamespace(cpu_times=lambda: next(samples)))
    monkeypatch.setattr(host_cpu, "top", lambda psutil, seconds: [["mongod", 7, 180.0]])


def test_real_cpu(look):
    (check,) = look({"type": "host.cpu", "seconds": 0.1})
    assert 0 <= check.value <= 100 and "processors in use" in check.summary


@pytest.mark.parametrize(("share", "status"), [(76.0, OK), (86.0, WARNING), (90.0, CRITICAL)])
def test_cpu_limits_and_the_process_that_uses_most(look, monkeypatch, share, status):
    busy(monkeypatch, share)
    (check,) = look({"type": "host.cpu", "seconds": 0.0, "critical": 90.0})
    assert check.status == status, check.summary
    assert ("most by mongod (pid 7), 180 % of one" in check.summary) == (status != OK)


def test_cpu_does_not_count_itself(look, monkeypatch):
    busy(monkeypatch, 90.0, own=50.0)
    (check,) = look({"type": "host.cpu", "seconds": 0.0})
    assert check.status == OK and check.value < 50


def test_top_names_a_process_that_computes():
    psutil = pytest.importorskip("psutil", reason="psutil is not installed")
    worker = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        found = []
        for _unused in range(20):  # a busy machine may not let it run at once
            found = [pid for _name, pid, share in host_cpu.top(psutil, 0.2, count=50) if share > 5]
            if worker.pid in found:
                break
        assert worker.pid in found
    finally:
        worker.kill()
        worker.wait()


# processes killed for lack of memory

@pytest.fixture
def kernel(monkeypatch, tmp_path):
    """Return a function that fixes what the kernel says."""
    def fix(kills, boot=BOOT, log=None):
        (tmp_path / "vmstat").write_text(f"nr_free_pages 12\noom_kill {kills}\nnuma_hit 3\n" if kills is not None else "nr_free_pages 12\n")
        (tmp_path / "boot_id").write_text(boot + "\n")
        if log is not None:
            (tmp_path / "kmsg").write_bytes(log)
        monkeypatch.setattr(host_oom, "VMSTAT", tmp_path / "vmstat")
        monkeypatch.setattr(host_oom, "BOOT_ID", tmp_path / "boot_id")
        monkeypatch.setattr(host_oom, "KERNEL_LOG", str(tmp_path / "kmsg"))
    return fix


LOG = b"""6,1,2,-;booted
3,5,6,-;Out of memory: Killed process 99 (postgres) total-vm:12kB
3,6,7,-;Memory cgroup out of memory: Killed process 4711 (node /srv/app) total-vm:9kB, anon-rss:2kB
"""


def test_real_kernel(look):
    (check,) = look({"type": "host.oom"})
    assert check.status in (OK, WARNING) and check.details["boot"]


def test_none_killed(look, kernel):
    kernel(0)
    (check,) = look({"type": "host.oom"})
    assert check.status == OK and check.value == 0


def test_killed_since_the_last_run(look, kernel):
    kernel(2)
    first = look({"type": "host.oom"})
    assert first[0].status == OK and first[0].value == 0  # nobody knows when that was
    assert first[0].summary == "2 processes killed for lack of memory since the host has booted (first look)"
    second = look({"type": "host.oom"}, first)
    assert second[0].status == OK and second[0].value == 0
    kernel(3, log=LOG)
    third = look({"type": "host.oom"}, second)
    assert third[0].status == WARNING and third[0].value == 1
    assert third[0].summary == "1 process killed for lack of memory since the last run, the last one was node /srv/app"


def test_critical_when_asked_for(look, kernel):
    kernel(1)
    first = look({"type": "host.oom"})
    kernel(3)
    assert look({"type": "host.oom", "critical": 2}, first)[0].status == CRITICAL


def test_after_a_reboot(look, kernel):
    kernel(5)
    first = look({"type": "host.oom"})
    kernel(1, boot=BOOT[:-1] + "2")
    (check,) = look({"type": "host.oom"}, first)
    assert check.status == WARNING and check.value == 1 and "since the host has booted" in check.summary and "first look" not in check.summary


def test_an_old_kernel(look, kernel):
    kernel(None)
    (check,) = look({"type": "host.oom"})
    assert check.status == UNKNOWN and "4.13" in check.summary
