# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors in log files since the last run.

Reads each file on from where the last run ended, through rotation, copying and emptying; the first run looks at the last hours
of files whose lines have times, and begins at the end of the others. JSON lines are judged by their level, plain ones by a level
or an exception at the beginning of the message; a stack trace is one error. Where not all could be read the check says so, and is
never ok. The most frequent message is shown without numbers, e-mail addresses and secrets.
"""

from __future__ import annotations

import fnmatch
import os
import re
import time
from dataclasses import dataclass, field
from typing import Any, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import (
    OK,
    SKIPPED,
    UNKNOWN,
    Check,
    parse_timestamp,
    timestamp,
    worst,
)
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import log_files
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import Context, Option, threshold, threshold_options
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.log_lines import Counter
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import duration, one_line, plural, size

TYPE = "logs.errors"
OPTIONS = {
    **threshold_options(warning=1, critical=50, unit="errors since the last run"),
    "paths": Option("list", required=True, doc="Log files, as paths or glob patterns; compressed files are left out."),
    "format": Option("str", default="auto", doc="json, plain, or auto: each line as what it looks like."),
    "pattern": Option("str", doc="A regular expression for errors in plain lines, in place of the built-in rules."),
    "ignore": Option("list", doc="Regular expressions; lines in which one is found are no errors."),
    "optional": Option("bool", default=False, doc="Files may be missing: without any the check is skipped, not unknown."),
    "first_hours": Option("float", default=24.0, doc="How many hours back the first run looks."),
    "max_megabytes": Option("float", default=64.0, doc="MiB read in a run; of more, only the newest, and the check is unknown."),
    "max_files": Option("int", default=50, doc="How many files are read in a run, the most recently changed ones."),
}
HINT = "docs/runbook.md#errors-in-log"


@dataclass
class Outcome:
    """What a run remembers and has to tell beside the count."""

    places: dict[str, dict] = field(default_factory=dict)
    from_the_end: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    unread: int = 0
    left: int = 0
    files_left: int = 0


def prepare(options: dict) -> None:
    """Refuse what cannot be read as a regular expression, a format or a path."""
    if options["format"] not in ("auto", "json", "plain"):
        raise MaintenanceError(f"check {options['id'] or TYPE}: the format must be auto, json or plain, not {options['format']!r}")
    if not all(isinstance(path, str) and path for path in options["paths"]):
        raise MaintenanceError(f"check {options['id'] or TYPE}: paths must be a list of texts, for example [/srv/app/logs/*.log]")
    for expression in (options["pattern"], *(options["ignore"] or ())):
        try:
            re.compile(expression or "")
        except (re.error, TypeError) as error:
            raise MaintenanceError(f"check {options['id'] or TYPE}: {expression!r} is no regular expression ({error})") from None


def look(context: Context, options: dict) -> list[Check]:
    """Return the one check of this type."""
    begun, started = time.time(), timestamp()
    before = context.last_details(options["id"])
    search = log_files.expand(options["paths"])
    counter = Counter(options["format"], re.compile(options["pattern"]) if options["pattern"] else None,
                      tuple(map(re.compile, options["ignore"] or ())))
    budget = log_files.Budget(int(options["max_megabytes"] * 2**20), time.monotonic() + options["timeout"] * 0.7)
    outcome = _read_all(search, before, counter, budget, options)
    since = _looked(before) or begun - options["first_hours"] * 3600
    count = counter.total
    status, remarks = _remarks(search, outcome, options)
    if status != SKIPPED:
        judged = threshold(options).judge(count, context.last_status(options["id"]))
        status = worst([status, judged])
    messages = sorted(counter.messages.items(), key=lambda item: (-item[1], item[0]))
    return [
        Check(
            id=options["id"],
            status=status,
            summary=one_line("; ".join([*_found(count, messages, search, begun - since, options, outcome), *remarks]), 600),
            value=count,
            unit="errors",
            warning=options["warning"],
            critical=options["critical"],
            hint=HINT,
            details={
                "messages": [{"message": message, "count": number} for message, number in messages[:5]],
                "missing": search.missing, "not_yet": search.not_yet, "unreadable": search.unreadable,
                "from_the_end": outcome.from_the_end, "unread_bytes": outcome.unread + outcome.left,
                "looked": started, "paths": options["paths"], "files": outcome.places,
            },
        )
    ]


def _found(count: int, messages: list[tuple[str, int]], search: log_files.Search, seconds: float, options: dict,
           outcome: Outcome) -> list[str]:
    """Return the first part of the summary: the number, the period, the most frequent message."""
    if not search.files:
        return []
    least = "at least " if outcome.unread or outcome.left or outcome.files_left or outcome.lost else ""
    number = min(len(search.files), options["max_files"])
    first = f"{least}{plural(count, 'error') if count else 'no error'} in {plural(number, 'log file')} in the last {duration(seconds)}"
    if not count:
        return [first.replace("at least no error", "no error seen")]
    message, times = messages[0]
    return [f"{first}, most often ({times:,}): {message}"]


def _remarks(search: log_files.Search, outcome: Outcome, options: dict) -> tuple[str, list[str]]:
    """Return the status that comes from what could not be read, and what is to be said of it."""
    status, remarks = OK, []
    if search.unreadable:
        status = UNKNOWN
        remarks.append(f"cannot be read: {', '.join(search.unreadable[:5])}; let the remote user read them")
    if not search.files and not search.unreadable:
        absent = ", ".join([*search.missing, *search.not_yet][:5])
        # a pattern in a directory that is there may match later: some applications open their error log at the first error
        if options["optional"] or not search.missing:
            return SKIPPED, [f"no log file yet: {absent}"]
        return UNKNOWN, [f"could not look: no log file at {absent}; correct the paths, or set optional where there may be none"]
    if search.missing:
        status = status if options["optional"] else UNKNOWN
        remarks.append(f"missing: {', '.join(search.missing[:5])}")
    if search.not_yet:
        remarks.append(f"nothing there yet: {', '.join(search.not_yet[:5])}")
    if outcome.from_the_end:
        remarks.append(f"{plural(len(outcome.from_the_end), 'file')} without times, read from the end on from now")
    for amount, text in ((outcome.unread, f"{size(outcome.unread)} were skipped (max_megabytes is {options['max_megabytes']:g})"),
                         (outcome.left, f"{size(outcome.left)} are left for the next run, the time was up"),
                         (outcome.files_left, f"{plural(outcome.files_left, 'changed file')} beyond max_files not read")):
        if amount:
            status = UNKNOWN
            remarks.append(text)
    if outcome.lost:
        status = UNKNOWN
        remarks.append(f"{', '.join(outcome.lost[:3])} began anew, and what was written before is nowhere beside it; add to paths where "
                       "it is rotated to")
    return status, remarks


def _read_all(search: log_files.Search, before: dict, counter: Counter, budget: log_files.Budget, options: dict) -> Outcome:
    known: dict[str, dict] = before.get("files") or {}
    looked = _looked(before)
    chosen, rest = search.files[:options["max_files"]], search.files[options["max_files"]:]
    since_first = time.time() - options["first_hours"] * 3600
    outcome = Outcome(files_left=sum(1 for item in rest if item.changed >= (looked or since_first)))
    names = {item.path: log_files.match(item, known) for item in chosen}
    # first what was rotated away under another name, for it is gone by the next run
    for path in sorted(set(known) - set(filter(None, names.values()))):
        _finish(path, known[path], looked or 0.0, counter, budget, outcome, here=os.path.exists(path))
    for item in chosen:
        name, since = names[item.path], None
        if name:
            start = known[name]["offset"]
        elif item.path in known:  # emptied or replaced: what is in it was written since
            start = 0
        elif looked is not None and _was_wanted(item.path, before):  # appeared since, unless nobody has written to it
            start = 0 if item.changed >= looked - 2 else item.size
        else:
            since = since_first
            start = 0 if item.changed >= since else item.size
        try:
            _take(item, start, counter, budget, outcome, since)
        except OSError as error:  # rotated away this very moment, or a broken disk
            search.unreadable.append(f"{item.path} ({error.strerror or error})")
    return outcome


def _take(item: log_files.Found, start: int, counter: Counter, budget: log_files.Budget, outcome: Outcome, since: Optional[float]) -> None:
    """Read a file from start on. since: for a first look, the epoch seconds before which nothing counts, nor what has no time."""
    counter.begin_file(since, untimed=since is None)
    reading = log_files.read(item.path, start, budget, counter.feed)
    counter.end_file()
    if since is not None and counter.first is None:
        if start < item.size:
            outcome.from_the_end.append(item.path)
    elif since is None or counter.first >= since:  # else what was skipped is older than what was asked for
        outcome.unread += reading.skipped
    outcome.left += reading.left
    outcome.places[item.path] = log_files.place(item.path, item.inode, reading.offset)


def _finish(path: str, place: dict, looked: float, counter: Counter, budget: log_files.Budget, outcome: Outcome, here: bool) -> None:
    """Read the end of a file that was rotated away; say that it is lost where it was emptied without a copy."""
    found = log_files.rotated(path, place, looked)
    if found:
        counter.begin_file()
        reading = log_files.read(found, place["offset"], budget, counter.feed, whole=True)
        counter.end_file()
        outcome.unread += reading.skipped + reading.left
    elif here and place["offset"]:
        outcome.lost.append(path)


def _was_wanted(path: str, before: dict) -> bool:
    """Tell whether the last run would have read this file, had it been there."""
    return any(fnmatch.fnmatch(path, os.path.expanduser(pattern)) for pattern in before.get("paths") or ())


def _looked(before: dict[str, Any]) -> Optional[float]:
    return parse_timestamp(before["looked"]).timestamp() if before.get("looked") else None
