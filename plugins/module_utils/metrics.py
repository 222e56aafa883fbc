# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run records as a file for node_exporter's textfile collector, in the Prometheus text format 0.0.4."""

from __future__ import annotations

import contextlib
import os
import tempfile
from typing import Any

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, OK, SKIPPED, UNKNOWN, WARNING, parse_timestamp
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError

# the order of the monitoring plugins' exit codes, which alert rules are used to; skipped follows
STATUS_VALUES = {OK: 0, WARNING: 1, CRITICAL: 2, UNKNOWN: 3, SKIPPED: 4}
_LEGEND = "0 ok, 1 warning, 2 critical, 3 unknown, 4 skipped"

_HELP = {
    "trixtech_check_status": f"Verdict of the newest observation of a check: {_LEGEND}.",
    "trixtech_check_value": "What the newest observation of a check measured, in its unit.",
    "trixtech_run_timestamp_seconds": "When the newest run of a kind ended, in seconds since 1970.",
    "trixtech_run_status": f"Verdict of the newest run of a kind: {_LEGEND}.",
    "trixtech_run_duration_seconds": "How long the newest run of a kind took.",
    "trixtech_backup_info": "The id of the newest backup set; the value is always 1.",
    "trixtech_backup_timestamp_seconds": "When the newest backup set was made, in seconds since 1970.",
    "trixtech_backup_duration_seconds": "How long making the newest backup set took.",
    "trixtech_backup_bytes": "Size of the newest backup set as it is stored.",
    "trixtech_backup_documents": "Documents in the newest backup set.",
    "trixtech_backup_files": "Files in the newest backup set.",
    "trixtech_backup_restored": "Whether the newest backup set was proved by restoring it: 1 yes, 0 it does not restore; absent if not tried.",
}


def render(records: list[dict]) -> str:
    """Return the text for the newest record of each kind; of a check that stands in several the newest observation counts.

    Every metric is a gauge. What a run says nothing about has no sample: a backup set without files, a run without a backup.
    """
    families: dict[str, dict[str, float]] = {}

    def add(name: str, value: float, **labels: Any) -> None:
        text = ",".join(f'{key}="{escape(str(label))}"' for key, label in labels.items())
        families.setdefault(name, {})[f"{name}{{{text}}}"] = value

    checks: dict[tuple[str, str], dict] = {}
    backups: dict[str, dict] = {}
    for record in sorted(records, key=lambda item: parse_timestamp(item["finished"])):
        host, kind = record["host"], record["kind"]
        add("trixtech_run_timestamp_seconds", parse_timestamp(record["finished"]).timestamp(), host=host, kind=kind)
        add("trixtech_run_status", STATUS_VALUES[record["status"]], host=host, kind=kind)
        add("trixtech_run_duration_seconds", record["duration_s"], host=host, kind=kind)
        checks.update({(check["host"] or host, check["id"]): check for check in record["checks"]})
        if _newest_backup(record["artifacts"]):
            backups[host] = _newest_backup(record["artifacts"])
    for (host, check_id), check in checks.items():
        add("trixtech_check_status", STATUS_VALUES[check["status"]], host=host, check=check_id)
        if check.get("value") is not None:
            add("trixtech_check_value", check["value"], host=host, check=check_id, unit=check.get("unit") or "")
    for host, backup in backups.items():
        add("trixtech_backup_info", 1, host=host, id=backup["id"])
        for name, value in _backup_values(backup).items():
            add(name, value, host=host)
    lines = []
    for name, samples in families.items():
        lines.append(f"# HELP {name} {_HELP[name]}")
        lines.append(f"# TYPE {name} gauge")
        lines.extend(f"{sample} {float(value)!r}" for sample, value in samples.items())
    return "\n".join(lines) + "\n"


def _newest_backup(artifacts: dict) -> dict:
    """Return the newest set that the run knows of, as the last step saw it: a later step may have proved it, or the backup may have failed."""
    known = [artifacts.get("backup") or {}, *(artifacts.get("backup_sets") or [])]
    newest = max((item.get("created") or "" for item in known), default="")
    return next((item for item in reversed(known) if newest and item.get("created") == newest), {})


def _backup_values(backup: dict) -> dict[str, float]:
    values = {f"trixtech_backup_{name}": backup.get(name) for name in ("bytes", "documents", "files")}
    values["trixtech_backup_duration_seconds"] = backup.get("seconds")
    if backup.get("created"):
        values["trixtech_backup_timestamp_seconds"] = parse_timestamp(backup["created"]).timestamp()
    if backup.get("restored"):
        values["trixtech_backup_restored"] = int(bool(backup["restored"].get("ok")))
    return {name: value for name, value in values.items() if value is not None}


def escape(label: str) -> str:
    r"""Return label as the text format wants it between quotes: \, " and the line feed escaped."""
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def publish(path: str, text: str) -> bool:
    """Replace the file at path by text in one step, mode 0644; return whether that changed it.

    The collector reads each *.prom of its directory at any moment, so the text is written beside it under another ending.
    Raises MaintenanceError where the directory is missing or not writable.
    """
    if content(path) == text:
        return False
    directory = os.path.dirname(os.path.abspath(path))
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(path)}.", suffix=".tmp", dir=directory)
    except OSError as error:
        raise MaintenanceError(f"the metrics file {path} cannot be written ({error.strerror}); create {directory} for the remote user, or "
                               "leave maintenance_textfile empty") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(handle, 0o644)
            os.fsync(handle)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    return True


def content(path: str) -> str:
    """Return the text of the file at path, "" for none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""
