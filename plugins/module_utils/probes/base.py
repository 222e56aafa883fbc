# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every check type is made of: its options, the context it looks through, and "could not look"."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, Callable, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import Threshold
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError


class CannotLook(MaintenanceError):
    """The probe could not look; its check becomes "unknown" with this message."""


@dataclass(frozen=True)
class Option:
    """One option of a check type. kind: str, int, float, bool, list or dict."""

    kind: str
    default: Any = None
    required: bool = False
    secret: bool = False
    doc: str = ""


_KINDS: dict[str, tuple] = {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,), "list": (list,), "dict": (dict,)}

# every check type has these beside its own
COMMON_OPTIONS = {
    "type": Option("str", required=True, doc="The check type."),
    "id": Option("str", doc="Another id than the type's own, for two checks of one type."),
    "timeout": Option("float", default=10.0, doc="Seconds this check may take; after them it is unknown."),
}


def threshold_options(warning: Optional[float], critical: Optional[float], unit: str) -> dict[str, Option]:
    """Return the four options of a threshold: warning, critical and their clear values, in unit."""
    return {
        "warning": Option("float", default=warning, doc=f"Limit for a warning, in {unit}."),
        "critical": Option("float", default=critical, doc=f"Limit for critical, in {unit}."),
        "warning_clear": Option("float", doc="Where a warning ends again; 5 percent of the limit on the good side unless given."),
        "critical_clear": Option("float", doc="Where critical ends again; 5 percent of the limit on the good side unless given."),
    }


def threshold(options: dict, above: bool = True) -> Threshold:
    """Build the Threshold from the options that threshold_options() declared."""
    return Threshold(options["warning"], options["critical"], options["warning_clear"], options["critical_clear"], above)


def validate(given: dict, declared: dict[str, Option], overrides: dict, secrets: Optional[dict] = None) -> dict:
    """Return given completed by overrides (per check type), secrets and the defaults; MaintenanceError names what is wrong.

    A secret option is taken from secrets only: what stands among the others would be written to the host's log.
    """
    name = given.get("id") or given.get("type")
    if not isinstance(overrides, dict):
        raise MaintenanceError(f"the overrides of {given.get('type')} must be a dictionary of its options, for example {{warning: 85}}")
    declared = {**COMMON_OPTIONS, **declared}
    merged = {**overrides, **given, **(secrets or {})}
    for key in merged:
        if key not in declared:
            raise MaintenanceError(f"check {name}: there is no option {key!r}; it takes {', '.join(sorted(map(str, declared)))}")
        if declared[key].secret and key not in (secrets or {}):
            raise MaintenanceError(f"check {name}: the option {key!r} is a secret and would be logged; move it into the module's option "
                                   f"secrets, below {name}")
    result = {}
    for key, option in declared.items():
        value = merged.get(key)
        if value is None:
            if option.required:
                raise MaintenanceError(f"check {name}: the option {key!r} is missing ({option.doc})")
            result[key] = option.default
            continue
        result[key] = _coerce(name, key, option, value)
    return result


def _coerce(name: Any, key: str, option: Option, value: Any) -> Any:
    if isinstance(value, str) and option.kind in ("int", "float"):  # Jinja in older cores hands numbers over as text
        try:
            return {"int": int, "float": float}[option.kind](value)
        except ValueError:
            pass
    wrong_bool = isinstance(value, bool) and option.kind in ("int", "float")
    if not isinstance(value, _KINDS[option.kind]) or wrong_bool:
        shown = "a secret" if option.secret else repr(value)
        raise MaintenanceError(f"check {name}: the option {key!r} must be a {option.kind}, not {shown}")
    return value


@dataclass
class Context:
    """What the probes of one call share: settings of the host, the last run, and values fetched once.

    mongodb_uri: the maintenance URI. repository: the backup repository's path, or None.
    last: the checks of the last recorded run of any kind, by id (the newest occurrence of each id), as dicts.
    series: function (check id, days) -> list of (epoch seconds, value), oldest first, from history.
    """

    mongodb_uri: Optional[str] = None
    repository: Optional[str] = None
    last: dict[str, dict] = field(default_factory=dict)
    series: Callable[[str, float], list[tuple[float, float]]] = lambda check_id, days: []
    _shared: dict[Any, "_Once"] = field(default_factory=dict)
    _lock: Any = field(default_factory=threading.Lock)

    def last_status(self, check_id: str) -> Optional[str]:
        """Return the status the check had in the last run, or None."""
        return self.last.get(check_id, {}).get("status")

    def last_details(self, check_id: str) -> dict:
        """Return the details the check kept in the last run ({} for none): where "since the last run" is remembered.

        A check that could not look carries on what it knew before, under "kept".
        """
        details = self.last.get(check_id, {}).get("details") or {}
        return details.get("kept") or details

    def once(self, key: Any, fetch: Callable[[], Any]) -> Any:
        """Return fetch()'s value, called once per run whatever the number of probes that ask; its error is shared too."""
        with self._lock:
            once = self._shared.setdefault(key, _Once())
        return once.get(fetch)


class _Once:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.done = False
        self.value: Any = None
        self.error: Optional[Exception] = None

    def get(self, fetch: Callable[[], Any]) -> Any:
        with self.lock:
            if not self.done:
                try:
                    self.value = fetch()
                except Exception as error:  # pylint: disable=broad-except  # kept and raised again for every asker
                    self.error = error
                self.done = True
        if self.error:
            raise self.error
        return self.value
