#!/usr/bin/python
# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_set
short_description: Make a backup set of databases and files
version_added: 0.1.0
description:
  - Captures MongoDB databases and directories together in one set with a manifest. A set appears in the repository complete, by one rename,
    or not at all; what a killed run leaves is removed by the next one.
  - On a replica set of MongoDB 5.0 or later all collections are read at one cluster time, through snapshot reads. On a standalone server
    each collection is read as it is when its turn comes, and the manifest says C(consistent=false). Capped collections cannot be read
    at a past cluster time; they are read a moment later, and the manifest names them.
  - The files are captured after the database.
  - The database part is laid out as C(mongodump) lays it out; C(docs/backup_format.md) shows how to restore it by hand.
  - Sharded clusters are refused; use Percona Backup for MongoDB for them.
options:
  databases:
    description:
      - The databases to dump; all but C(admin), C(config) and C(local) if empty.
    type: list
    elements: str
    default: []
  files:
    description:
      - Directories and files to capture beside the databases. A link is followed here, but not below.
      - One that does not exist gives a warning; the set is made nevertheless.
    type: list
    elements: path
    default: []
  compression:
    description:
      - How artifacts are compressed. V(zstd) needs the Python library zstandard on the managed host. What is compressed with V(gzip) can be
        read by C(mongorestore --gzip) directly.
    type: str
    choices: [zstd, gzip, none]
    default: zstd
  compression_level:
    description:
      - Level of the compression; 1 for V(zstd) and 6 for V(gzip) if not given.
    type: int
  parallel:
    description:
      - How many collections are read at the same time.
    type: int
    default: 2
  lock_wait:
    description:
      - Seconds to wait for another writer of the repository to end, before the task fails and says who that is.
    type: float
    default: 0.0
  git_root:
    description:
      - Checkout of the application, whose commit is written into the manifest.
    type: path
  application:
    description:
      - Name of the application, for the manifest.
    type: str
  retention:
    description:
      - Which sets stay once the new one is there. A set goes if no rule keeps it; the rules are those of restic. Everything stays if empty.
      - The newest set, the newest one that was verified or restored, sets with a damaged manifest and sets dated in the future always stay.
      - If no set could be made, none is removed.
    type: dict
    default: {}
    suboptions:
      within:
        description: Keep all sets that are younger than this, counted from the newest one, for example V(36h), V(7d) or V(4w).
        type: str
      last:
        description: Keep so many of the newest sets.
        type: int
      hourly:
        description: Keep the newest set of each of so many hours that have one.
        type: int
      daily:
        description: Keep the newest set of each of so many days that have one. Days, weeks and months are those of UTC.
        type: int
      weekly:
        description: Keep the newest set of each of so many weeks that have one.
        type: int
      monthly:
        description: Keep the newest set of each of so many months that have one.
        type: int
      yearly:
        description: Keep the newest set of each of so many years that have one.
        type: int
  shrink_warning:
    description:
      - Give a warning when the set holds fewer than this percentage of the documents, or of the files, of the set before; what was deleted by
        mistake is noticed while older sets still hold it. 0 turns it off.
    type: int
    default: 50
extends_documentation_fragment:
  - trixtech.maintenance.repository
  - trixtech.maintenance.mongodb
  - trixtech.maintenance.host
  - trixtech.maintenance.attributes
attributes:
  check_mode:
    support: full
    details: Connects, and looks at rights, paths and free space; writes nothing.
  diff_mode:
    support: full
requirements:
  - pymongo >= 4.3
  - zstandard, for C(compression=zstd)
seealso:
  - module: trixtech.maintenance.backup_verify
  - module: trixtech.maintenance.restore_test
author:
  - TrixTech maintainers (@trixtech)
"""

EXAMPLES = r"""
- name: Back up the booking system
  trixtech.maintenance.backup_set:
    repository: /backup/trixtech
    uri: "{{ vault_mongodb_maintenance_uri }}"
    databases: [trixtech]
    files: [/app/uploads]
    lock_wait: 300
    retention:
      within: 7d
      monthly: 12
  register: backup

- name: Say what was made
  ansible.builtin.debug:
    msg: "{{ backup.backup_set.id }} with {{ backup.backup_set.documents }} documents"
"""

RETURN = r"""
backup_set:
  description: The new set as M(trixtech.maintenance.backup_set_info) describes it; null in check mode.
  returned: success
  type: dict
  sample: {"id": "20261123T020000Z-7c1f", "bytes": 4827125, "documents": 45210, "consistent": true}
checks:
  description: C(backup.set) (the size, and whether it shrank), C(backup.duration), C(backup.files) and C(backup.retention).
  returned: success
  type: list
  elements: dict
actions:
  description: What was done, or in check mode would be.
  returned: success
  type: list
  elements: dict
artifacts:
  description: The set under C(backup), for the run record.
  returned: success
  type: dict
status:
  description: The worst status of the checks.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.trixtech.maintenance.plugins.module_utils import glue
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup import application, create, retention, summary
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import Repository
from ansible_collections.trixtech.maintenance.plugins.module_utils.version import VERSION


def work(module: AnsibleModule) -> dict:
    """Make the set and judge it."""
    params = module.params
    plan = create.Plan(
        repository=Repository(params["repository"]),
        uri=params["uri"],
        host=params["host"] or "",
        databases=params["databases"],
        sources=params["files"],
        compression=params["compression"],
        level=params["compression_level"],
        parallel=params["parallel"],
        timeout=params["timeout"],
        lock_wait=params["lock_wait"],
        retention={name: value for name, value in params["retention"].items() if value is not None},
        application={"name": params["application"], "commit": application.commit(params["git_root"]) if params["git_root"] else None},
        collection_version=VERSION,
    )
    outcome = create.create(plan, dry_run=module.check_mode)
    return summary.of_creation(plan, outcome, params["shrink_warning"])


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "databases": {"type": "list", "elements": "str", "default": []},
            "files": {"type": "list", "elements": "path", "default": []},
            "compression": {"type": "str", "choices": ["zstd", "gzip", "none"], "default": "zstd"},
            "compression_level": {"type": "int"},
            "parallel": {"type": "int", "default": 2},
            "lock_wait": {"type": "float", "default": 0.0},
            "git_root": {"type": "path"},
            "application": {"type": "str"},
            "retention": {
                "type": "dict",
                "default": {},
                "options": {"within": {"type": "str"}, **{name: {"type": "int"} for name in retention.COUNTS}},
            },
            "shrink_warning": {"type": "int", "default": 50},
            **glue.REPOSITORY_OPTION,
            **glue.MONGODB_OPTIONS,
            **glue.HOST_OPTION,
        },
        supports_check_mode=True,
    )
    glue.run(module, work)


if __name__ == "__main__":
    main()
