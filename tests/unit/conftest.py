# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which unit tests are collected under the Python of an old managed host."""

from __future__ import annotations

import sys

# These read the tree with YAML or load Ansible, which are the controller's; it has Python 3.11 or later.
if sys.version_info < (3, 11):
    collect_ignore_glob = ["test_docs.py", "test_layers.py", "test_roles.py", "test_tools.py", "filter", "action"]
