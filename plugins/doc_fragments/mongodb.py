# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The connection options (glue.MONGODB_OPTIONS)."""

    DOCUMENTATION = r"""
options:
  uri:
    description:
      - Connection string of the maintenance user, whose rights C(docs/rights.md) lists.
      - Keep it in a vault; it is never logged, nor shown on a command line.
    type: str
    required: true
  timeout:
    description:
      - Seconds to wait for a server to be found, for a connection and for each short command.
    type: float
    default: 10.0
"""
