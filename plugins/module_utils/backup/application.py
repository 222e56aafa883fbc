# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which version of the application a set belongs to: the commit its git checkout stands at."""

from __future__ import annotations

import os
import re
from typing import Optional

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def commit(git_root: str) -> Optional[str]:
    """Return the commit HEAD names, or None where there is no checkout.

    The files are read rather than git called: git refuses a checkout of another owner, and may not be installed.
    """
    directory = os.path.join(git_root, ".git")
    head = _read(os.path.join(directory, "HEAD"))
    if head.startswith("ref: "):
        reference = head[5:]
        head = _read(os.path.join(directory, reference)) or _packed(directory, reference)
    return head if _COMMIT.fullmatch(head) else None


def _packed(directory: str, reference: str) -> str:
    for line in _read(os.path.join(directory, "packed-refs")).splitlines():
        value, unused, name = line.partition(" ")
        if name == reference:
            return value
    return ""


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read(1024 * 1024).strip()
    except OSError:
        return ""
