# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measuring processes beside each other on a machine that is not quiet: what one run cost, medians, the result's file, the table."""

from __future__ import annotations

import datetime
import json
import os
import platform
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from tools import environment

ROOT = environment.ROOT
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Cost:
    """What one process and its children took: seconds, and megabytes (10**6) of memory at most.

    server_cpu: processor seconds of the mongod that it talked to. synced, synced_cpu: wall and cpu with the time that it took to sync
    what it had written to disk.
    others: share of the machine's processors that everybody else took meanwhile.
    """

    cpu: float
    wall: float
    memory: float
    server_cpu: float
    synced: float
    synced_cpu: float
    others: float


@dataclass
class Row:
    """One contender at one piece of work, with a Cost for each round; stored: megabytes (10**6) that it left on disk, or read."""

    work: str
    contender: str
    costs: list = field(default_factory=list)
    stored: float = 0.0

    def median(self, name: str) -> float:
        """Return the median of a field of Cost."""
        return statistics.median(getattr(cost, name) for cost in self.costs)

    def as_dict(self) -> dict:
        """Return the row as it stands in the result's file."""
        def spread(name: str) -> dict:
            values = [getattr(cost, name) for cost in self.costs]
            return {"median": round(statistics.median(values), 2), "low": round(min(values), 2), "high": round(max(values), 2)}

        names = {"cpu_seconds": "cpu", "wall_seconds": "wall", "on_disk_cpu_seconds": "synced_cpu", "on_disk_wall_seconds": "synced",
                 "memory_mb": "memory", "server_cpu_seconds": "server_cpu"}
        return {"work": self.work, "contender": self.contender, "rounds": len(self.costs), "stored_mb": round(self.stored, 1),
                **{title: spread(name) for title, name in names.items()}}


def measure(argv: list, server_pid: Optional[int] = None, output: Optional[Path] = None) -> Cost:
    """Run argv to its end; RuntimeError with its last words where it fails. output: what it writes, to be synced afterwards."""
    os.sync()  # what the one before left in memory is not to be written in this one's time
    server, busy, begin = _cpu_of(server_pid), _busy(), time.monotonic()
    variables = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{environment.collections_path()}"}
    process = subprocess.Popen(argv, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    with process.stderr as stream:  # type: ignore[union-attr]
        words = stream.read().decode(errors="replace")
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - begin
    if process.returncode:
        raise RuntimeError(f"{' '.join(argv[:4])} ... ended with status {process.returncode}: {words[-800:]}")
    cpu, server_cpu = usage.ru_utime + usage.ru_stime, _cpu_of(server_pid) - server
    others = max(0.0, _busy() - busy - cpu - server_cpu) / (wall * (os.cpu_count() or 1))
    own = time.process_time()
    for file in output.rglob("*") if output else ():
        if file.is_file():
            with file.open("rb") as stored:
                os.fsync(stored.fileno())
    return Cost(cpu, wall, usage.ru_maxrss * 1024 / 1e6, server_cpu, time.monotonic() - begin, cpu + time.process_time() - own, others)


def stored_megabytes(directory: Path) -> float:
    """Return the size of all files below a directory; links do not count."""
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file() and not file.is_symlink()) / 1e6


def _cpu_of(pid: Optional[int]) -> float:
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICK  # utime and stime


def _busy() -> float:
    user, nice, system, _idle, _wait, irq, softirq = (int(number) for number in Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + softirq) / _TICK


def machine(rows: list, **more: Any) -> dict:
    """Return what is to be known of the machine, and when and beside what was measured."""
    names = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    others = [cost.others for row in rows for cost in row.costs]
    return {
        "processor": names[0] if names else platform.machine(), "cores": os.cpu_count(), "memory_gb": round(memory / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}", "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "load_of_others": {"median": round(statistics.median(others), 2), "high": round(max(others), 2)}, **more,
    }


def write(name: str, result: dict) -> Path:
    """Write .lab/bench/<name>.json."""
    directory = Path(os.environ.get("LAB_DIR") or ROOT / ".lab") / "bench"
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / f"{name}.json"
    temporary = target.with_suffix(".new")
    temporary.write_text(json.dumps(result, indent=1) + "\n")
    temporary.replace(target)
    return target


def render(name: str, text: str) -> None:
    """Put text between the marks <!-- name --> and <!-- /name --> of docs/performance.md."""
    page = ROOT / "docs" / "performance.md"
    before, rest = page.read_text().split(f"<!-- {name} -->\n", 1)
    _old, after = rest.split(f"<!-- /{name} -->", 1)
    page.write_text(f"{before}<!-- {name} -->\n{text}<!-- /{name} -->{after}")
