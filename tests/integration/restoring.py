# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of backup_restore have in common."""

from __future__ import annotations

import os

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup import manifest
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore import restore


def order(repository, server=None, **more):
    """Return the order to restore from a repository into a server."""
    return restore.Order(repository, uri=server.uri if server else None, timeout=5.0, host="test", **more)


def by_id(result):
    """Return a result's checks by their ids."""
    return {check["id"]: check for check in result["checks"]}


def reseal(made, change):
    """Change a set's manifest and seal it again."""
    change(made.manifest)
    manifest.write_sealed(os.path.join(made.path, manifest.MANIFEST), made.manifest)
