# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What a module promises: attributes (to be completed by the module) or attributes.info for those that only look."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and say truthfully what it would do, without changing anything.
  diff_mode:
    description: Returns what would change, or has changed, when run in diff mode.
  platform:
    description: Target operating systems.
    platforms: posix
    support: full
  action_group:
    description: Use C(group/trixtech.maintenance.all) in C(module_defaults) to set options for all modules of the collection.
    membership: [trixtech.maintenance.all]
    support: full
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    description: Changes nothing, so that it does the same in check mode.
    support: full
  diff_mode:
    description: Changes nothing, so that there is nothing to compare.
    support: N/A
  platform:
    description: Target operating systems.
    platforms: posix
    support: full
  action_group:
    description: Use C(group/trixtech.maintenance.all) in C(module_defaults) to set options for all modules of the collection.
    membership: [trixtech.maintenance.all]
    support: full
"""
