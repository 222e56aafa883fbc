# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The option that names the backup repository (glue.REPOSITORY_OPTION)."""

    DOCUMENTATION = r"""
options:
  repository:
    description:
      - Directory of the backup repository.
    type: path
    required: true
"""
