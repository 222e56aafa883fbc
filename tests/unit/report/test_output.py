# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files: whole, private, and in their place."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.report import collect, output, verdict
from ansible_collections.trixtech.maintenance.tests.unit.report import sample


def report(*hosts: collect.HostRun) -> verdict.Report:
    """Build the daily report over hosts."""
    return verdict.build(list(hosts), "daily", "", False, sample.NOW)


def test_files(tmp_path: Path) -> None:
    """Directories that are made 0700, files 0600, whole, nothing beside them; what was there is replaced."""
    directory = tmp_path / "a" / "b"
    html_path, json_path = output.paths(str(directory), "daily")
    before = os.umask(0o022)
    try:
        output.write(report(sample.frozen()), html_path, json_path)
        output.write(report(sample.daily()), html_path, json_path)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "a", directory, directory / "daily")} == {0o700}
    assert sorted(path.name for path in (directory / "daily").iterdir()) == ["record.json", "report.html"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (directory / "daily").iterdir()} == {0o600}
    assert json.loads(Path(json_path).read_text(encoding="utf-8"))["status"] == "ok"
    assert Path(html_path).read_text(encoding="utf-8").endswith("</html>\n")


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """One line says what to do; the report of before is whole, and no temporary file stays."""
    html_path, json_path = output.paths(str(tmp_path), "daily")
    output.write(report(sample.daily()), html_path, json_path)
    os.unlink(html_path)
    os.mkdir(html_path)  # cannot be replaced by a file, whoever tries
    with pytest.raises(MaintenanceError, match="cannot be written to .*set output_dir to a directory"):
        output.write(report(sample.frozen()), html_path, json_path)
    assert sorted(os.listdir(os.path.dirname(json_path))) == ["record.json", "report.html"]


@pytest.mark.parametrize("kind", ["", "..", ".x", "a/b", "a b", "../x"])
def test_kind_names_a_directory(kind: str) -> None:
    """It cannot lead out of output_dir."""
    with pytest.raises(MaintenanceError, match="names a directory"):
        output.paths("/out", kind)
