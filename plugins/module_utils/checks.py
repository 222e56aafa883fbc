# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vocabulary of the collection: checks, actions, statuses and thresholds. No I/O.

Whatever observes returns checks; whatever acts returns actions.
"""

from __future__ import annotations

import datetime
from dataclasses import asdict, dataclass, field
from typing import Any, Iterable, Optional

OK = "ok"
WARNING = "warning"
CRITICAL = "critical"
UNKNOWN = "unknown"
SKIPPED = "skipped"

# From harmless to worst. "unknown" stands above "warning": what cannot be seen may be anything.
SEVERITY = (SKIPPED, OK, WARNING, UNKNOWN, CRITICAL)


def worst(statuses: Iterable[str]) -> str:
    """Return the worst of statuses; "unknown" for none at all, because no data is not good news."""
    found = list(statuses)
    if not found:
        return UNKNOWN
    return max(found, key=SEVERITY.index)


def is_failure(status: str, fail_on: str) -> bool:
    """Tell whether a verdict fails a run under C(maintenance_fail_on).

    fail_on is "critical", "warning" (then warning, unknown and critical fail) or "never".
    """
    if fail_on == "never":
        return False
    if fail_on not in (WARNING, CRITICAL):
        raise ValueError(f"fail_on must be critical, warning or never, not {fail_on!r}")
    return SEVERITY.index(status) >= SEVERITY.index(fail_on)


def utc_now() -> datetime.datetime:
    """Return the time now in UTC, aware of its zone."""
    return datetime.datetime.now(datetime.timezone.utc)


def timestamp(moment: Optional[datetime.datetime] = None) -> str:
    """Write a moment (default: now) as ISO 8601 in UTC with milliseconds, for example 2026-11-23T02:00:01.250Z."""
    moment = (moment or utc_now()).astimezone(datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def parse_timestamp(text: str) -> datetime.datetime:
    """Read what timestamp() wrote; ValueError for anything that carries no zone."""
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError(f"the time {text!r} has no zone")
    return moment


@dataclass
class Check:
    """One observation with a verdict. The fields are the check contract of docs/architecture.md.

    id:       stable and dotted, the key in history; an instance stands in brackets: host.disk[/srv]
    summary:  one line a person can act on
    value:    the measured number in C(unit), or None
    warning, critical: the thresholds that were applied, or None
    hint:     where the remedy stands, for example docs/runbook.md#connections
    """

    id: str
    status: str
    summary: str
    value: Optional[float] = None
    unit: Optional[str] = None
    warning: Optional[float] = None
    critical: Optional[float] = None
    hint: Optional[str] = None
    details: dict = field(default_factory=dict)
    host: Optional[str] = None
    started: Optional[str] = None
    duration_ms: Optional[int] = None

    def __post_init__(self) -> None:
        if self.status not in SEVERITY:
            raise ValueError(f"{self.status!r} is no status; one of {', '.join(SEVERITY)} is")

    def as_dict(self) -> dict:
        """Return plain JSON-able data, every field present."""
        return asdict(self)


@dataclass
class Action:
    """One change that was made, or in check mode would be made.

    kind: what was done, dotted (backup.publish); target: what it was done to.
    """

    kind: str
    target: str
    summary: str
    changed: bool = True
    details: dict = field(default_factory=dict)
    host: Optional[str] = None

    def as_dict(self) -> dict:
        """Return plain JSON-able data, every field present."""
        return asdict(self)


@dataclass(frozen=True)
class Threshold:
    """Two limits, each with a trip and a clear value, so that a value on the edge does not flap.

    above=True: high values are bad, a limit trips at value >= limit. above=False: low values are bad.
    A status that has tripped holds until the value is on the good side of the clear value. Clear values
    that are not given lie 5 percent of the limit on the good side (Netdata keeps trip and clear apart likewise).
    """

    warning: Optional[float] = None
    critical: Optional[float] = None
    warning_clear: Optional[float] = None
    critical_clear: Optional[float] = None
    above: bool = True

    def __post_init__(self) -> None:
        if self.warning is not None and self.critical is not None and self._past(self.warning, self.critical) \
                and self.warning != self.critical:
            side = "below" if self.above else "above"
            raise ValueError(f"the warning limit {self.warning:g} must not lie {'above' if self.above else 'below'} the "
                             f"critical limit {self.critical:g}: move it {side} that")
        for name, limit, clear in (("warning", self.warning, self.warning_clear),
                                   ("critical", self.critical, self.critical_clear)):
            if limit is not None and clear is not None and clear != limit and self._past(clear, limit):
                raise ValueError(f"{name}_clear {clear:g} lies on the bad side of the {name} limit {limit:g}")

    def _past(self, value: float, limit: float) -> bool:
        return value >= limit if self.above else value <= limit

    def _clear(self, limit: float, clear: Optional[float]) -> float:
        if clear is not None:
            return clear
        return limit - abs(limit) * 0.05 if self.above else limit + abs(limit) * 0.05

    def judge(self, value: float, last: Optional[str] = None) -> str:
        """Return ok, warning or critical for value, given the last status of the same check (or None)."""
        for status, limit, clear, holds in (
            (CRITICAL, self.critical, self.critical_clear, last == CRITICAL),
            (WARNING, self.warning, self.warning_clear, last in (WARNING, CRITICAL)),
        ):
            if limit is None:
                continue
            if self._past(value, limit) or (holds and self._past(value, self._clear(limit, clear))):
                return status
        return OK


def overall(checks: Iterable[Any]) -> str:
    """Return the worst status of checks, given as Check objects or as their dicts; skipped ones only if all are."""
    return worst(item.status if isinstance(item, Check) else item["status"] for item in checks)
