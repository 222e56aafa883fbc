# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hosts of a run reported, made plain: one HostRun per host, cleaned of secrets and of whatever could disturb a page. No I/O."""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass, field
from typing import Any, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import SEVERITY, UNKNOWN, Action, Check, worst
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import HIDDEN, one_line, redact

# the check that stands for a host whose record is not there
HOST_CHECK = "run.host"
HINT = "docs/runbook.md#unreachable"

_ANSI = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
# control characters but tab and line feed, and the marks that turn the direction of writing around
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass
class HostRun:
    """One host's part of a run. record: its run record, or None with the reason why there is none.

    trends: check id -> [(epoch seconds, value), ...], oldest first. runs: its last runs, newest first.
    """

    name: str
    record: Optional[dict] = None
    reason: str = ""
    trends: dict[str, list] = field(default_factory=dict)
    runs: list[dict] = field(default_factory=list)

    @property
    def checks(self) -> list[dict]:
        """The host's checks; one of its own that is unknown where nothing was looked at."""
        if self.record and self.record["checks"]:
            return self.record["checks"]
        reason = self.reason or "the run made no check on this host"
        return [Check(HOST_CHECK, UNKNOWN, reason, hint=HINT, host=self.name).as_dict()]

    @property
    def status(self) -> str:
        """The worst of the record's own verdict and its checks; unknown where there is no record."""
        return worst([*(check["status"] for check in self.checks), *([self.record["status"]] if self.record else [])])

    def part(self, name: str) -> list[dict]:
        """Return the record's steps or actions."""
        return self.record[name] if self.record else []


def from_results(name: str, begin: Any, finish: Any, kind: str) -> Optional[HostRun]:
    """Build the HostRun from the results registered by the frame's begin and finish; None if the host was not part of this run.

    begin, finish: what run_history returned (or how the task ended otherwise), finish None where the host never came so far.
    """
    if not isinstance(begin, dict):
        return None
    finish = finish if isinstance(finish, dict) else {}
    record = finish.get("record")
    if isinstance(record, dict) and record.get("kind", kind) != kind and begin.get("run_id") in (None, record.get("id")):
        return None  # the host's last run was one of another kind, in an earlier play
    reason = _why_not(begin, finish, record)
    if reason:
        return HostRun(str(name), None, clean(one_line(reason)))
    trends = finish.get("trends") if isinstance(finish.get("trends"), dict) else {}
    runs = [clean(run) for run in _dicts(finish.get("runs"))]
    return HostRun(
        name=str(name),
        record=_record(clean(record), str(name)),
        trends={str(key): points(series) for key, series in trends.items() if isinstance(series, (list, tuple))},
        runs=sorted(runs, key=lambda run: str(run.get("started")), reverse=True),
    )


def _why_not(begin: dict, finish: dict, record: Any) -> str:
    """Return why there is no record to go by, or an empty string."""
    if begin.get("unreachable"):
        return f"the host could not be reached: {_reason(begin)}"
    if isinstance(record, dict):
        if begin.get("run_id") and record.get("id") != begin["run_id"]:
            return "the run began and did not finish; only the record of another run is at hand"
        return "" if isinstance(record.get("checks"), list) else "the run's record cannot be read: it has no list of checks"
    if begin.get("failed"):
        return f"the run could not begin: {_reason(begin)}"
    if finish.get("unreachable"):
        return f"the host was lost before the run finished: {_reason(finish)}"
    if finish.get("failed"):
        return f"the run could not be finished: {_reason(finish)}"
    return "the run began and did not finish: the host reported no record"


def _reason(result: dict) -> str:
    """Return the message of a task that failed; a list of messages is joined."""
    message = result.get("msg") or "no reason was given"
    return "; ".join(map(str, message)) if isinstance(message, (list, tuple)) else str(message)


def _dicts(value: Any) -> list[dict]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, (list, tuple)) else []


def _record(record: dict, name: str) -> dict:
    """Return the record with every field that is drawn present, and the host on each check, action and step."""
    record["status"] = _status(record)
    record["steps"] = [{"name": "?", "role": None, "changed": False, "started": None, "duration_ms": None, "error": None,
                        **step, "status": _status(step), "host": name} for step in _dicts(record.get("steps"))]
    empty_check, empty_action = Check("run.check", UNKNOWN, "").as_dict(), Action("?", "", "").as_dict()
    record["checks"] = [{**empty_check, **check, "status": _status(check), "host": check.get("host") or name}
                        for check in _dicts(record["checks"])]
    record["actions"] = [{**empty_action, **action, "host": action.get("host") or name} for action in _dicts(record.get("actions"))]
    record["artifacts"] = record["artifacts"] if isinstance(record.get("artifacts"), dict) else {}
    record["previous"] = record["previous"] if isinstance(record.get("previous"), dict) else None
    return record


def _status(item: dict) -> str:
    return item["status"] if item.get("status") in SEVERITY else UNKNOWN


def points(series: Any) -> list[tuple[float, float]]:
    """Return the pairs of finite numbers in series, in order of time."""
    kept = []
    for point in series:
        if isinstance(point, (list, tuple)) and len(point) == 2 and number(point[0]) is not None and number(point[1]) is not None:
            kept.append((float(point[0]), float(point[1])))
    return sorted(kept)


def number(value: Any) -> Optional[float]:
    """Return value if it is a finite number (a bool is none), else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:  # an int beyond what a float holds
        return None


def clean(value: Any) -> Any:
    """Return plain JSON-able data: secrets redacted, terminal codes and control characters gone, numbers that are none as None.

    Redaction belongs where text is made; this is the second net under it.
    """
    if isinstance(value, str):
        return _clean_text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, dict):
        return {str(key): HIDDEN if item and isinstance(item, str) and _names_secret(str(key)) else clean(item)
                for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(item) for item in value]
    return _clean_text(str(value))


def _clean_text(text: str) -> str:
    if not text.isprintable():
        text = _CONTROL.sub("", _ANSI.sub("", text))
    # what text.redact looks for has one of these; most text has none, and a run on 200 hosts has 100,000 texts
    return redact(text) if ":" in text or "=" in text else str(text)


@functools.lru_cache(maxsize=4096)
def _names_secret(key: str) -> bool:
    probe = f'{key}="x"'
    return redact(probe) != probe
