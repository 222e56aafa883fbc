# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception the core raises for what an operator can mend."""

from __future__ import annotations


class MaintenanceError(Exception):
    """What is wrong and what to do, in one line without secrets; a module turns it into its failure message."""


class LibraryMissing(MaintenanceError):
    """A Python library the work needs is not there on the managed host."""

    def __init__(self, library: str, reason: object) -> None:
        super().__init__(f"the Python library {library} is missing on this host ({reason}); install it for the Python that "
                         f"runs the modules (pip install {library}), or point ansible_python_interpreter at a virtual "
                         "environment that has it")
