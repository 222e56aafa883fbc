# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lines of an application's log are errors: JSON lines by their level, plain ones by words at the right places. No I/O.

A trace of many lines is one error. What is told of an error has neither numbers nor e-mail addresses nor secrets in it.
"""

from __future__ import annotations

import datetime
import functools
import json
import re
from typing import Any, Optional, Union

from ansible_collections.trixtech.maintenance.plugins.module_utils.text import one_line

# more than these different messages are counted together, so that memory stays bounded
MOST_MESSAGES = 1000
# after so many errors they are only counted: telling them apart costs 60 microseconds each
MOST_READ = 20_000
OTHER_MESSAGES = "other messages"

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_TIME = re.compile(r"[\[(]?(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,6})\d*)?\s?(Z|[+-]\d\d:?\d\d)?[\])]?:? ?")
_SYSLOG = re.compile(r"([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d) \S+ [^\s:]+: ?")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ACCESS = re.compile(r"\S+ \S+ \S+ \[\d\d/[A-Z][a-z]{2}/\d{4}:")  # common and combined log format

# winston, bunyan, pino, log4j, syslog and Python's logging between them
_BAD = frozenset(["ERROR", "ERR", "FATAL", "CRITICAL", "CRIT", "SEVERE", "PANIC", "EMERG", "EMERGENCY", "ALERT"])
_CALM = frozenset(["INFO", "INFORMATION", "WARN", "WARNING", "DEBUG", "TRACE", "NOTICE", "VERBOSE", "SILLY", "HTTP", "LOG", "FINE"])
_LEVELS = ("level", "severity", "levelname", "lvl", "log.level")
# a logger's prefix: in brackets, a name with a colon or bar behind it, with a number in it, or without any letter
_PREFIX = re.compile(r"^[\[(<]|[:|]$|\d|^[\W_]*$")
_NAMED = re.compile(r"(?:^|[\s(\[])(?:[\w.$]*(?:Error|Exception)|error|ERROR|FATAL)(?: \[\w+\])?:(?:\s|$)")
_OPENING = re.compile(r"(?:Error \w+|[Ff]atal|Uncaught|Unhandled\w*|panic)\b")
# no line without one of these can be an error of its own; looked for before anything that costs more
_HINTS = ("err", "fatal", "crit", "sever", "panic", "emerg", "alert", "exception", "unhandled", "uncaught", "stack", '"s":"e', '"s":"f')
_NUMERIC_LEVEL = re.compile(r'level"\s*:\s*"?[5-9]\d')
_BROKEN_OFF = re.compile(r'"(?:level|severity)"\s*:\s*"(?:error|fatal|critical)"', re.IGNORECASE)
_TRACEBACK = "Traceback (most recent call last)"
_CHAINED = ("During handling of the above exception", "The above exception was the direct cause")

_MAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_IDENTITY = re.compile(r"\b(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|0x[0-9a-fA-F]+|[0-9a-fA-F]{16,})\b|(?<![A-Za-z_\d])\d+")


class Counter:
    """Counts the errors in the lines it is fed, over any number of files.

    style: auto, json or plain. pattern: a compiled expression that decides in place of the rules for plain lines, or None.
    ignore: compiled expressions; a line that one of them finds is no error.
    """

    def __init__(self, style: str = "auto", pattern: Optional[re.Pattern[str]] = None, ignore: tuple[re.Pattern[str], ...] = ()) -> None:
        self.style = style
        self.pattern = pattern
        self.ignore = ignore
        self.messages: dict[str, int] = {}
        self.total = 0
        self.begin_file()

    def begin_file(self, since: Optional[float] = None, untimed: bool = True) -> None:
        """Forget the lines before. since: epoch seconds before which nothing counts. untimed: count what has no time, too."""
        self.since, self.untimed = since, untimed
        self.first: Optional[float] = None  # time of the first line that had one
        self.newest: Union[float, re.Match[str], None] = None  # and of the last one
        self.head: Optional[str] = None  # the last line that may turn out to head a stack trace
        self.after_error = self.in_traceback = self.chained = False
        self.pending = False  # a Python traceback whose last line, the message, is still to come

    def end_file(self) -> None:
        """Count what the file ended in the middle of."""
        if self.pending:
            self._count(_TRACEBACK)
            self.pending = False

    def feed(self, line: str) -> None:
        """Take the next line."""
        if "\x1b" in line:
            line = _ANSI.sub("", line)
        line = line.rstrip()
        if not line:
            return
        found = _TIME.match(line) or _SYSLOG.match(line)
        if found:
            if self.since is not None:
                self._see(found)
            line = line[found.end():]
        if not line or line[0] in " \t}])":
            self._continuation(line)
            return
        hinted = _hinted(line.lower())
        if self.style != "plain" and line[0] == "{":
            self._json(line, hinted)
        elif self.style == "json":
            self.after_error, self.head = False, None
        else:
            self._plain(line, hinted)

    def _continuation(self, line: str) -> None:
        if self.head is not None and line.lstrip().startswith("at "):  # the stack trace of JavaScript and Java
            head, self.head = self.head, None
            self.after_error = verdict(head) is not False
            if self.after_error:
                self._count(head)

    def _plain(self, line: str, hinted: bool) -> None:
        if self.in_traceback:  # the first line that is not indented is the exception itself
            self.in_traceback = False
            if self.pending:
                self.pending = False
                self._count(line)
            self.after_error = True
            return
        if line.startswith(_CHAINED):
            self.chained = True
            return
        if line.startswith(_TRACEBACK):
            self.in_traceback = True
            self.pending = not (self.after_error or self.chained)
            self.chained = False
            return
        if self.after_error and line.startswith("Caused by:"):
            return
        bad = bool(self.pattern.search(line)) if self.pattern else hinted and verdict(line)
        ignored = self._ignored(line)
        self.after_error = bool(bad) and not ignored
        self.head = None if bad or ignored or self.pattern else line
        if self.after_error:
            self._count(line)

    def _json(self, line: str, hinted: bool) -> None:
        self.head, self.after_error = None, False
        if not hinted and (self.since is None or self.first is not None):
            return
        try:
            document = json.loads(line)
        except ValueError:  # broken off when the process died, or when the line was too long
            message = "an error whose line is broken off" if _BROKEN_OFF.search(line) else None
        else:
            if self.since is not None:
                self._see(json_time(document))
            message = json_error(document)
        if message is not None and not self._ignored(line):
            self._count(message)

    def _ignored(self, line: str) -> bool:
        return any(expression.search(line) for expression in self.ignore)

    def _see(self, found: Union[float, re.Match[str], None]) -> None:
        """Take note of a time; only the first is worked out at once, the last one when an error needs it."""
        if found is not None:
            self.newest = found
            if self.first is None:
                self.first = _epoch(found)

    def _counts(self) -> bool:
        """Tell whether an error here is new enough to count."""
        if self.since is None:
            return True
        moment = _epoch(self.newest) if self.newest else None
        return self.untimed if moment is None else moment >= self.since

    def _count(self, line: str) -> None:
        if not self._counts():
            return
        self.total += 1
        key = template(line) if self.total <= MOST_READ else OTHER_MESSAGES
        if key not in self.messages and len(self.messages) >= MOST_MESSAGES:
            key = OTHER_MESSAGES
        self.messages[key] = self.messages.get(key, 0) + 1


def _hinted(low: str) -> bool:
    for hint in _HINTS:  # a loop, for it takes half the time of any() and a tenth of one expression with alternatives
        if hint in low:
            return True
    return _NUMERIC_LEVEL.search(low) is not None


def verdict(line: str) -> Optional[bool]:
    """Tell whether a plain line, its time taken off, is an error: by its level, else by how its message begins.

    True for an error, False for a line whose level says that it is none, None where nothing is said.

    Before the level there may be numbers, names in brackets and separators, as loggers write them.
    """
    line = line[:300]
    if _ACCESS.match(line):
        return False
    words = line.split()
    for position, token in enumerate(words[:8]):
        word = token.strip("[]()<>{}|:,;*-!")
        level = word.upper()
        marked = word != token or word == level
        if level in _BAD and marked:
            return True
        if marked and (level in _CALM or (level.endswith("WARNING") and not level.startswith("UNHANDLED"))):
            return False
        if not _PREFIX.search(token):  # then the message begins here
            opening = _OPENING.match(" ".join(words[position:position + 2]))
            return True if opening or _NAMED.search(line) else None
    return True if _NAMED.search(line) else None


def json_error(document: dict) -> Optional[str]:
    """Return the message of a JSON log line that is an error, None for any other.

    Levels as words, or numbers from 50 on (bunyan, pino); MongoDB's own s: E or F. Without a level, a stack or an error says it.
    """
    level = next((document[name] for name in _LEVELS if document.get(name) is not None), None)
    if level is None and isinstance(document.get("log"), dict):  # Elastic Common Schema
        level = document["log"].get("level")
    if level is None and isinstance(document.get("t"), dict):
        level = {"E": "error", "F": "fatal"}.get(document.get("s", ""), "info")
    if level is None:
        bad = any(document.get(name) for name in ("stack", "err", "error", "exception"))
    elif isinstance(level, (int, float)) and not isinstance(level, bool):
        bad = level >= 50
    else:
        bad = str(level).upper() in _BAD
    if not bad:
        return None
    for name in ("message", "msg", "err", "error", "exception", "stack"):
        value = document.get(name)
        if isinstance(value, dict):
            value = value.get("message")
        if value and isinstance(value, str):
            return value.splitlines()[0]
    return "an error without a message"


def json_time(document: dict) -> Optional[float]:
    """Return the time of a JSON log line in epoch seconds, or None."""
    for name in ("timestamp", "time", "ts", "@timestamp", "date", "datetime", "t"):
        value: Any = document.get(name)
        if isinstance(value, dict):  # MongoDB's own
            value = value.get("$date")
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value / 1000 if value > 1e11 else float(value)  # milliseconds, as pino writes them
        found = _TIME.match(value) if isinstance(value, str) else None
        if found:
            return _epoch(found)
    return None


@functools.lru_cache(maxsize=4096)
def template(message: str) -> str:
    """Return a message without what differs from one time to the next, and without e-mail addresses and secrets."""
    return one_line(_IDENTITY.sub("#", _MAIL.sub("(address)", one_line(message[:2000], 400))), 160)


def _epoch(found: Union[float, re.Match[str]]) -> Optional[float]:
    """Return the epoch seconds of a match of _TIME or _SYSLOG; a time without a zone is this host's local time."""
    if isinstance(found, float):
        return found
    try:
        if found.re is _SYSLOG:
            month, day, hour, minute, second = found.groups()
            now = datetime.datetime.now()
            moment = datetime.datetime(now.year, _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second))
            if moment > now + datetime.timedelta(days=1):  # no year is written: December's lines, read in January
                moment = moment.replace(year=now.year - 1)
            return moment.timestamp()
        *numbers, fraction, zone = found.groups()
        moment = datetime.datetime(*map(int, numbers), microsecond=int((fraction or "0").ljust(6, "0")))
        if zone:
            moment = moment.replace(tzinfo=_zone(zone))
        return moment.timestamp()
    except (ValueError, OverflowError):
        return None


def _zone(text: str) -> datetime.timezone:
    if text == "Z":
        return datetime.timezone.utc
    digits = text[1:].replace(":", "")
    shift = datetime.timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return datetime.timezone(shift if text[0] == "+" else -shift)
