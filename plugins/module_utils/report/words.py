# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers, times, areas and hints in words. No I/O."""

from __future__ import annotations

import datetime
import re
from typing import Any, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import parse_timestamp, utc_now
from ansible_collections.trixtech.maintenance.plugins.module_utils.report.collect import number
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import duration, size

# in the order of the report; an area that is not here follows, by name, before "run"
AREAS = {
    "app": "Application",
    "pm2": "Processes (PM2)",
    "mongodb": "Database (MongoDB)",
    "host": "Host",
    "smtp": "E-mail",
    "tls": "Certificates",
    "backup": "Backup",
    "logs": "Logs",
    "run": "The run itself",
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HINT = re.compile(r"(?:\./)?(?:[\w.-]+/)*(?P<page>[\w-]+)\.(?:md|html|rst)(?:#(?P<part>[\w.-]+))?")


def area(check_id: str) -> str:
    """Return the area of a check: what stands before the first dot of its id."""
    return re.split(r"[.\[]", check_id, maxsplit=1)[0]


def depth(check_id: str) -> int:
    """Return the sort key that puts what lies underneath first: a full disk stops the database, and that the application."""
    order = ("host", "mongodb", "pm2", "app", "smtp", "tls")
    name = area(check_id)
    return order.index(name) if name in order else len(order)


def area_order(name: str) -> tuple:
    """Return the sort key of an area."""
    order = list(AREAS)
    return (order.index(name), "") if name in order and name != "run" else (len(order), name) if name != "run" else (len(order) + 1, "")


def moment(text: Any) -> Optional[datetime.datetime]:
    """Read a timestamp; None for whatever is none."""
    try:
        return parse_timestamp(text).astimezone(datetime.timezone.utc)
    except (ValueError, TypeError, AttributeError, OverflowError):
        return None


def from_epoch(seconds: float) -> Optional[datetime.datetime]:
    """Return the moment of an epoch time; None for one outside the calendar."""
    try:
        return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None


def day(when: datetime.datetime) -> str:
    """Write a date, the same in every locale: 23 Nov 2026."""
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


def date_time(when: Optional[datetime.datetime]) -> str:
    """Write a moment: 23 Nov 2026, 02:00 UTC; "at an unknown time" for None."""
    return f"{day(when)}, {when:%H:%M} UTC" if when else "at an unknown time"


def age(when: Any, now: datetime.datetime) -> str:
    """Write how long before now a timestamp lies: 3 h 20 min ago."""
    then = moment(when)
    if then is None:
        return "at an unknown time"
    seconds = (now - then).total_seconds()
    return "just now" if seconds < 1 else f"{duration(seconds)} ago"


def plain(value: float) -> str:
    """Write a number with no more digits than one reads: 412, 82.4, 0.021, 12,345, 1.2e+20."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    if isinstance(value, int) and abs(value) < 10**15:
        return f"{value:,}"
    if abs(value) >= 1e15 or 0 < abs(value) < 1e-4:
        return f"{float(value):.3g}"
    text = f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3g}"
    return text


def quantity(value: Any, unit: Optional[str]) -> str:
    """Write a measured value with its unit; an empty string for no value."""
    value = number(value)
    if value is None:
        return ""
    unit = unit or ""
    if unit == "bytes":
        return size(value)
    if unit in ("seconds", "s"):
        return duration(value) if value else "0 s"
    if unit in ("ms", "milliseconds"):
        return f"{plain(round(value, 1))} ms"
    if unit == "percent" or unit.startswith("percent "):
        return f"{plain(value)} %"
    if value == 1 and unit.endswith("s"):
        unit = unit[:-2] if unit.endswith("sses") else unit[:-1]
    return f"{plain(value)} {unit}".rstrip()


def limits(check: dict) -> list[str]:
    """Write the thresholds that were applied: warning 80 %, critical 90 %. A counted unit stands at the value already."""
    unit = check["unit"] if check["unit"] in ("bytes", "seconds", "s", "ms", "percent") else None
    named = [(name, quantity(check[name], unit)) for name in ("warning", "critical")]
    return [f"{name} {limit}" for name, limit in named if limit]


def remedy(hint: Any) -> str:
    """Write where the remedy stands, as text and not as a link that is dead elsewhere: docs/runbook.md#oplog-window -> runbook: oplog window."""
    if not hint:
        return ""
    found = _HINT.fullmatch(str(hint))
    if not found:
        return str(hint)
    part = found["part"]
    return f"{found['page']}: {part.replace('-', ' ').replace('_', ' ')}" if part else found["page"]


def run_id(now: Optional[datetime.datetime] = None) -> str:
    """Return the id of a run that no host took part in."""
    return f"{now or utc_now():%Y%m%dT%H%M%SZ}-none"
