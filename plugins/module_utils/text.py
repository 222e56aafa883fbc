# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text for people: sizes, durations, and the redaction of secrets. No I/O."""

from __future__ import annotations

import re

# user:password@ in any URI; the password may hold anything but @, / and white space
_URI_PASSWORD = re.compile(r"(?P<head>[a-z][a-z0-9+.-]*://[^\s/:@]*):(?P<secret>[^\s/@]+)@", re.IGNORECASE)
_NAMED_SECRET = re.compile(
    r"(?P<head>[\w.-]*(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|authorization)"
    r"[\w.-]*[\"']?\s*[=:]\s*)(?P<secret>\"[^\"]*\"|'[^']*'|(?:Bearer\s+|Basic\s+)?[^\s,;&\"']+)",
    re.IGNORECASE,
)
HIDDEN = "********"


def redact(text: object) -> str:
    """Return text with passwords in URIs and values of secret-looking names replaced by asterisks."""
    text = _URI_PASSWORD.sub(rf"\g<head>:{HIDDEN}@", str(text))
    return _NAMED_SECRET.sub(rf"\g<head>{HIDDEN}", text)


def one_line(text: object, limit: int = 300) -> str:
    """Return text redacted, on one line, at most limit characters."""
    line = " ".join(redact(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def size(count: float) -> str:
    """Write a number of bytes with a binary prefix: 512 B, 1.5 KiB, 2.0 GiB."""
    sign, count = ("-", -count) if count < 0 else ("", count)
    if count < 1024:
        return f"{sign}{count:.0f} B"
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        count /= 1024
        if count < 1024 or unit == "TiB":
            break
    return f"{sign}{count:.1f} {unit}"


def duration(seconds: float) -> str:
    """Write seconds as a person would: 340 ms, 12 s, 4 min, 3 h 20 min, 6 days."""
    if seconds < 0:
        return "-" + duration(-seconds)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{round(seconds / 86400)} days"


def plural(count: int, singular: str, plural_form: str = "") -> str:
    """Write a count with its noun: 1 check, 3 checks, 2 entries."""
    return f"{count:,} {singular if count == 1 else plural_form or singular + 's'}"
