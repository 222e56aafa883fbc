# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the report where it belongs: files 0600, directories it makes 0700, each file appearing whole."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile

from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.report.page import render
from ansible_collections.trixtech.maintenance.plugins.module_utils.report.verdict import Report


def paths(output_dir: str, kind: str) -> tuple[str, str]:
    """Return the paths of the report and of the record; MaintenanceError for a kind that is no plain name."""
    if not kind or kind.startswith(".") or not kind.replace("_", "").replace("-", "").replace(".", "").isalnum():
        raise MaintenanceError(f"kind is {kind!r}: it names a directory, so write letters, digits, - and _ only, for example daily")
    directory = os.path.join(os.path.abspath(os.path.expanduser(output_dir)), kind)
    return os.path.join(directory, "report.html"), os.path.join(directory, "record.json")


def record_text(report: Report) -> str:
    """Return record.json."""
    return json.dumps(report.record, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def write(report: Report, report_path: str, record_path: str) -> None:
    """Write both files; MaintenanceError says what is in the way."""
    try:
        _make_directory(os.path.dirname(record_path))
        _write(record_path, record_text(report))
        _write(report_path, render(report))
    except OSError as error:
        raise MaintenanceError(f"the report cannot be written to {os.path.dirname(record_path)}: {error.strerror or error} "
                               f"({error.filename}); set output_dir to a directory on the controller that this user may write") from error


def _make_directory(path: str) -> None:
    """Make path and what is missing above it, each 0700 (os.makedirs gives its mode to the last one only)."""
    if os.path.isdir(path):
        return
    _make_directory(os.path.dirname(path))
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)


def _write(path: str, content: str) -> None:
    handle, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(path)}.", dir=os.path.dirname(path))  # made with 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
