# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make bench-backup: dump, restore and verify beside MongoDB's own tools, on the same data and the same server, in turn.

BENCH_MB: size of the data in megabytes (default 1700). BENCH_ROUNDS: how often (default 5). BENCH_DIR: where dumps and throwaway
servers are put (default: the cache). Processor time is the whole process's, start and imports included.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Optional

import pymongo
import zstandard

from tests.integration.mongod import Mongod
from tests.performance import bookings
from tests.performance.measure import ROOT, Row, machine, measure, render, stored_megabytes, write
from tools import environment

# of 1, 2 and 4 insertion workers 2 had the best time and no more processor time than 1
WORKERS = "2"
OURS = [sys.executable, "-m", "tests.performance.ours"]
COMPRESSED, PLAIN, RESTORE, VERIFY = "dump, compressed", "dump, plain", "restore, compressed", "verify"


class Bench:
    """The data's server, a directory for what is made, and the rows."""

    def __init__(self, server: Mongod, directory: Path) -> None:
        self.tools, self.server, self.directory = environment.mongo_tools(), server, directory
        self.rows: dict[tuple[str, str], Row] = {}

    def round(self, number: int) -> None:
        """Let every contender work once; who begins changes from round to round."""
        pairs = [
            [lambda: self.mongodump(COMPRESSED, "mongodump --gzip", "--gzip"), lambda: self.dump(COMPRESSED, "zstd level 1", "zstd")],
            [lambda: self.mongodump(PLAIN, "mongodump"), lambda: self.dump(PLAIN, "no compression", "none")],
            [self.mongorestore, self.restore],
            [lambda: self.verify("hashes"), lambda: self.verify("documents")],
        ]
        for pair in pairs:
            for contender in pair if number % 2 else reversed(pair):
                contender()

    def mongodump(self, work: str, name: str, *options: str) -> None:
        """--oplog, because a dump of a live replica set without it is of no single moment; ours is of one by its snapshot."""
        self._dump(work, name, [str(self.tools / "mongodump"), "--quiet", "--uri", self._uri(self.server), "--oplog", *options, "--out"])

    def dump(self, work: str, name: str, compression: str) -> None:
        """Make a set in a new repository."""
        self._dump(work, f"trixtech, {name}", [*OURS, "dump", self._uri(self.server), compression])

    def _dump(self, work: str, name: str, argv: list) -> None:
        output = self._place(name)
        shutil.rmtree(output, ignore_errors=True)
        row = self._record(work, name, [*argv, str(output)], self.server.process.pid, output)
        row.stored = stored_megabytes(output)

    def mongorestore(self) -> None:
        """What mongodump --gzip wrote, into an empty server."""
        source = self._place("mongodump --gzip")
        self._restore("mongorestore --gzip", source, lambda uri: [
            str(self.tools / "mongorestore"), "--quiet", "--uri", uri, "--gzip", "--numInsertionWorkersPerCollection", WORKERS, str(source)])

    def restore(self) -> None:
        """Our compressed set, into an empty server."""
        source = self._place("trixtech, zstd level 1")
        self._restore("trixtech", source, lambda uri: [*OURS, "restore", uri, str(source)])

    def _restore(self, name: str, source: Path, command) -> None:
        with tempfile.TemporaryDirectory(dir=self.directory) as directory:
            target = Mongod(Path(directory))
            try:
                with target.client() as client:
                    bookings.roomy(client)
                self._record(RESTORE, name, command(self._uri(target)), target.process.pid).stored = stored_megabytes(source)
                self._compare(target)
            finally:
                target.stop()

    def _compare(self, target: Mongod) -> None:
        with self.server.client() as old, target.client() as new:
            for name in ("bookings", "payments", "users"):
                before, after = (client[bookings.DATABASE][name] for client in (old, new))
                if before.estimated_document_count() != after.estimated_document_count() or set(before.index_information()) != set(after.index_information()):
                    raise RuntimeError(f"{name} was not restored as it was")

    def verify(self, level: str) -> None:
        """Our compressed set."""
        source = self._place("trixtech, zstd level 1")
        self._record(VERIFY, f"trixtech, {level}", [*OURS, "verify", level, str(source)]).stored = stored_megabytes(source)

    def _record(self, work: str, name: str, argv: list, server: Optional[int] = None, output: Optional[Path] = None) -> Row:
        cost = measure(argv, server, output)
        row = self.rows.setdefault((work, name), Row(work, name))
        row.costs.append(cost)
        print(f"  {work:20} {name:26} {cost.cpu:6.2f} s cpu {cost.wall:6.2f} s wall {cost.synced:6.2f} s on disk {cost.memory:5.0f} MB"
              f"   others {cost.others:.0%}", flush=True)
        return row

    def _place(self, name: str) -> Path:
        return self.directory / name.replace(" ", "_")

    @staticmethod
    def _uri(server: Mongod) -> str:
        return f"{server.uri()}?directConnection=true"

    def ratios(self) -> dict[str, float]:
        """Return ours divided by the peer's, by the names of the design."""
        result = {}
        for name, work, ours, peer in (
            ("dump_compressed", COMPRESSED, "trixtech, zstd level 1", "mongodump --gzip"),
            ("dump_plain", PLAIN, "trixtech, no compression", "mongodump"),
            ("restore_compressed", RESTORE, "trixtech", "mongorestore --gzip"),
        ):
            one, other = self.rows[work, ours], self.rows[work, peer]
            result[f"{name}_cpu"] = one.median("cpu") / other.median("cpu")
            result[f"{name}_wall"] = one.median("wall") / other.median("wall")
            if work != RESTORE:
                result[f"{name}_on_disk_cpu"] = one.median("synced_cpu") / other.median("synced_cpu")
                result[f"{name}_on_disk_wall"] = one.median("synced") / other.median("synced")
                result[f"{name}_size"] = one.stored / other.stored
        for level in ("hashes", "documents"):
            row = self.rows[VERIFY, f"trixtech, {level}"]
            result["verify_mb_per_s" if level == "hashes" else "verify_documents_mb_per_s"] = row.stored / row.median("cpu")
        return {name: round(value, 3) for name, value in result.items()}

    def result(self, megabytes: int, rounds: int) -> dict:
        """Return all that is known after so many rounds, in the form of .lab/bench/backup.json."""
        rows = sorted(self.rows.values(), key=lambda row: [COMPRESSED, PLAIN, RESTORE, VERIFY].index(row.work))
        return {
            "machine": machine(rows, data_mb=megabytes, rounds=rounds),
            "versions": versions(self),
            "rows": [row.as_dict() for row in rows],
            "ratios": self.ratios(),
        }


def table(result: dict) -> str:
    """Return the result as Markdown."""
    where, ratios = result["machine"], result["ratios"]
    lines = [
        f"Measured on {where['date']}: {where['data_mb']} MB of bookings, {where['rounds']} rounds in turn, on {where['cores']} cores ({where['processor']}, "
        f"{where['system']}, {where['memory_gb']} GB).",
        f"Other work on the machine took {where['load_of_others']['median']:.0%} of its processors meanwhile, {where['load_of_others']['high']:.0%} at worst.",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in result["versions"].items()) + ".",
        "",
        "| work | contender | CPU s | wall s | on disk: CPU s, wall s | MB | memory MB | server's CPU s |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in result["rows"]:
        cells = [f"{row[name]['median']:g} ({row[name]['low']:g}–{row[name]['high']:g})" for name in ("cpu_seconds", "wall_seconds")]
        on_disk = f"{row['on_disk_cpu_seconds']['median']:g}, {row['on_disk_wall_seconds']['median']:g}" if row["work"].startswith("dump") else ""
        server = f"{row['server_cpu_seconds']['median']:g}" if row["work"] != VERIFY else ""
        cells += [on_disk, f"{row['stored_mb']:g}", f"{row['memory_mb']['high']:.0f}", server]
        lines.append(f"| {row['work']} | {row['contender']} | {' | '.join(cells)} |")
    lines += ["", "| ratio, ours to the peer's | measured | goal |", "| --- | --- | --- |"]
    lines += [f"| {name} | {value:g} | {GOALS.get(name, '')} |" for name, value in ratios.items()]
    return "\n".join(lines) + "\n"


GOALS = {
    "dump_compressed_cpu": "≤ 0.30", "dump_compressed_wall": "≤ 0.40", "dump_compressed_size": "≤ 1", "dump_plain_cpu": "≤ 0.45", "dump_plain_wall": "≤ 0.60",
    "restore_compressed_cpu": "≤ 0.40", "restore_compressed_wall": "≤ 0.75", "verify_mb_per_s": "≥ 500",
}


def versions(bench: Bench) -> dict[str, str]:
    """Return the versions of all that took part."""
    tool = subprocess.run([str(bench.tools / "mongodump"), "--version"], capture_output=True, text=True, check=True).stdout.split()
    with bench.server.client() as client:
        server = client.server_info()["version"]
    # the tools of the Go module do not know their release
    return {"mongod": server, "mongodump": next((word for word in tool if word[0].isdigit()), "100.10.0 (built from its Go module)"),
            "pymongo": pymongo.version, "zstandard": zstandard.__version__, "Python": sys.version.split()[0]}


def main() -> int:
    """Measure, write the result and the table."""
    megabytes, rounds = int(os.environ.get("BENCH_MB", "1700")), int(os.environ.get("BENCH_ROUNDS", "5"))
    server = bookings.serve(megabytes)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-backup-", dir=os.environ.get("BENCH_DIR") or environment.cache()) as directory:
            bench = Bench(server, Path(directory))
            for number in range(1, rounds + 1):
                print(f"round {number} of {rounds}", flush=True)
                bench.round(number)
                result = bench.result(megabytes, number)
                target = write("backup", result)  # after each round: what was measured stays, should the rest be cut off
                render("bench-backup", table(result))
    finally:
        server.stop()
    print(f"\n{table(result)}\nwritten to {target} and {ROOT / 'docs' / 'performance.md'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
