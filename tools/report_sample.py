#!/usr/bin/env python3
# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws sample reports, to be looked at: python3 tools/report_sample.py [directory] [--pictures].

With --pictures, Chromium (on PATH) takes each page as wide as a phone and as a desk, light and dark, and prints it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)

# pylint: disable=wrong-import-position
import tests.conftest  # noqa: F401  # makes the collection importable by its name

# isort: split
from ansible_collections.trixtech.maintenance.plugins.module_utils.report import output, page, terminal, verdict
from ansible_collections.trixtech.maintenance.tests.unit.report import sample

QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--hide-scrollbars")
# Chromium's window is never narrower than 500 pixels, so that a phone is a frame of 360 inside the picture
PHONE, DESK = 360, 1280


def samples() -> dict[str, verdict.Report]:
    """Return each sample by its name."""
    fresh = sample.daily(history=0)
    runs = {
        "ok": [sample.daily()],
        "first": [fresh],
        "frozen": [sample.frozen()],
        "statuses": [sample.every_status()],
        "fleet": sample.fleet(),
        "unreachable": [sample.unreachable("lab1")],
        "empty": [],
    }
    return {name: verdict.build(hosts, "daily", "", name == "first", sample.NOW) for name, hosts in runs.items()}


def shoot(page_path: Path) -> None:
    """Take the pictures of one page."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        raise SystemExit("there is no Chromium on PATH; apt-get install chromium, or leave out --pictures")
    frame = page_path.with_suffix(".phone.html")
    frame.write_text(f'<body style="margin:0"><iframe src="{page_path.name}" style="border:0;width:{PHONE}px;height:6000px"></iframe>')
    height = {"fleet": 5200}.get(page_path.stem, 4200)
    for name, path, extra in (
        ("desk", page_path, [f"--window-size={DESK},{height}"]),
        ("dark", page_path, [f"--window-size={DESK},{height}", "--blink-settings=preferredColorScheme=0"]),
        ("phone", frame, ["--window-size=500,6000"]),
    ):
        _run(chromium, path, [*extra, f"--screenshot={page_path.with_suffix(f'.{name}.png')}"])
    _run(chromium, page_path, ["--no-pdf-header-footer", f"--print-to-pdf={page_path.with_suffix('.pdf')}"])
    frame.unlink()


def _run(chromium: str, path: Path, options: list[str]) -> None:
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run([chromium, *QUIET, f"--user-data-dir={profile}", *options, path.as_uri()], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)


def main(arguments: list[str]) -> None:
    """Draw all samples into the directory (default .lab/samples)."""
    names = [argument for argument in arguments if not argument.startswith("--")]
    directory = Path(names[0] if names else ROOT / ".lab" / "samples").resolve()
    directory.mkdir(parents=True, exist_ok=True)
    for name, report in samples().items():
        target = directory / f"{name}.html"
        target.write_text(page.render(report), encoding="utf-8")
        target.with_suffix(".json").write_text(output.record_text(report), encoding="utf-8")
        print(f"--- {target}")
        for unused_status, line in terminal.summary(report, (str(target), str(target.with_suffix(".json")))):
            print(line)
        if "--pictures" in arguments:
            shoot(target)


if __name__ == "__main__":
    main(sys.argv[1:])
