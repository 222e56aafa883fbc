# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our side of a measurement: one process that calls the core as the module does, so that its start and its imports count too.

    python -m tests.performance.ours dump URI zstd|none REPOSITORY
    python -m tests.performance.ours restore URI REPOSITORY
    python -m tests.performance.ours verify hashes|documents REPOSITORY
"""

from __future__ import annotations

import sys

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup import create, manifest, verify
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import Repository
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import client as mongo
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore import ladder


def main(arguments: list) -> int:
    """Do one piece of work and say what came of it."""
    work, first, repository = arguments[0], arguments[1], Repository(arguments[-1])
    try:
        if work == "dump":
            outcome = create.create(create.Plan(repository, first, host="bench", compression=arguments[2]))
            print(outcome.backup_set.manifest["totals"])
        elif work == "restore":
            _restore(repository.find("newest"), first)
        else:
            finding = verify.verify(repository.find("newest"), first)
            if finding.problems:
                raise MaintenanceError(finding.problems[0])
            print(f"{finding.bytes} bytes verified")
    except MaintenanceError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _restore(backup_set, uri: str) -> None:
    """Load the set and build its indexes, no more and no less than mongorestore does; the other rungs are tests of what was loaded."""
    with mongo.connect(uri, socket_timeout=3600) as client, mongo.driver_errors():
        print(ladder._load(client, backup_set, manifest.read_manifest(backup_set.path), 2, ladder.Climb()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
