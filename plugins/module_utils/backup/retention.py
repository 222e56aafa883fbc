# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sets stay and which go, and why. No I/O: the plan is made from the sets' times and proofs, and carried out elsewhere.

The rules are restic's: they are ORed; each counts only periods that have a set; a period keeps its newest set; an empty policy is
refused; sets dated in the future stay. Beyond that the newest set, the newest one that was proven, and sets whose manifest cannot be
trusted always stay: what is damaged is for a person to look at.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, field
from typing import Callable, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError

_PERIODS: dict[str, Callable[[datetime.datetime], tuple]] = {
    "hourly": lambda moment: (moment.year, moment.month, moment.day, moment.hour),
    "daily": lambda moment: (moment.year, moment.month, moment.day),
    "weekly": lambda moment: tuple(moment.isocalendar())[:2],
    "monthly": lambda moment: (moment.year, moment.month),
    "yearly": lambda moment: (moment.year,),
}
COUNTS = ("last", *_PERIODS)
_WITHIN = re.compile(r"(\d{1,5})([hdw])")
_UNIT = {"h": datetime.timedelta(hours=1), "d": datetime.timedelta(days=1), "w": datetime.timedelta(weeks=1)}


@dataclass
class Candidate:
    """A set as retention sees it. proven: it was verified or restored, and the last time successfully; damaged: no manifest to trust."""

    id: str
    taken: datetime.datetime
    proven: bool = False
    damaged: bool = False


@dataclass
class Verdict:
    """What becomes of a set, with every reason to keep it; none means that it goes."""

    id: str
    reasons: list = field(default_factory=list)

    @property
    def keep(self) -> bool:
        """Tell whether the set stays."""
        return bool(self.reasons)


def parse_within(text: str) -> datetime.timedelta:
    """Read a time such as 36h, 7d or 4w; MaintenanceError for anything else."""
    match = _WITHIN.fullmatch(text)
    if not match:
        raise MaintenanceError(f"retention: within must look like 36h, 7d or 4w, not {text!r}")
    return int(match.group(1)) * _UNIT[match.group(2)]


def check_policy(policy: dict) -> None:
    """Raise MaintenanceError for a policy that keeps nothing or holds what is no rule."""
    unknown = sorted(set(policy) - {*COUNTS, "within"})
    if unknown:
        raise MaintenanceError(f"retention: there is no rule {', '.join(unknown)}; there are {', '.join(COUNTS)} and within")
    for name in COUNTS:
        value = policy.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise MaintenanceError(f"retention: {name} must be a number of sets, not {value!r}")
    if policy.get("within"):
        parse_within(policy["within"])
    elif not any(policy.get(name) for name in COUNTS):
        raise MaintenanceError("retention: the policy keeps nothing; give at least one of " + ", ".join(COUNTS) + " or within")


def plan(candidates: list, policy: dict, now: datetime.datetime) -> list:
    """Return a Verdict per candidate, newest first. now: aware of its zone. Periods are those of UTC."""
    check_policy(policy)
    newest_first = sorted(candidates, key=lambda item: (item.taken, item.id), reverse=True)
    verdicts = {item.id: Verdict(item.id) for item in newest_first}
    sound = [item for item in newest_first if not item.damaged]
    for item in newest_first:
        if item.damaged:
            verdicts[item.id].reasons.append("damaged: look at it first")
        elif item.taken > now:
            verdicts[item.id].reasons.append("dated in the future")
    if sound:
        verdicts[sound[0].id].reasons.append("newest set")
    proven: Optional[Candidate] = next((item for item in sound if item.proven), None)
    if proven:
        verdicts[proven.id].reasons.append("newest proven set")
    past = [item for item in sound if item.taken <= now]
    for item in past[: policy.get("last") or 0]:
        verdicts[item.id].reasons.append("last")
    for name, period in _PERIODS.items():
        seen: set = set()
        for item in past:
            key = period(item.taken.astimezone(datetime.timezone.utc))
            if key not in seen and len(seen) < (policy.get(name) or 0):
                seen.add(key)
                verdicts[item.id].reasons.append(name)
    if policy.get("within"):
        # restic counts from the newest set, so that a backup that stopped running does not lose its sets one by one
        edge = (past[0].taken if past else now) - parse_within(policy["within"])
        for item in past:
            if item.taken > edge:
                verdicts[item.id].reasons.append(f"within {policy['within']}")
    return [verdicts[item.id] for item in newest_first]
