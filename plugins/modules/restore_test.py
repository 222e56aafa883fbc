#!/usr/bin/python
# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: restore_test
short_description: Prove a backup set by restoring it into a throwaway mongod
version_added: 0.1.0
description:
  - Starts a sandbox - a mongod with its own directory, reachable through a unix socket only - restores the databases of a set into it, and
    compares what it then holds with the manifest. The live server is not connected to.
  - The rungs, each only after the one before held - the SHA-256 of every artifact; every document loads; number and digest of the documents
    of each collection; index specifications and collection options; C(validate).
  - A rung that breaks is a C(critical) check with its cause, not a failure of the task. The result is recorded on the set.
  - The sandbox is removed in the end, and killed by the kernel should the module be killed.
options:
  set:
    description:
      - Id of the set, or V(newest).
    type: str
    default: newest
  mongod:
    description:
      - The mongod binary for the sandbox, as a path or a name on the search path. It must not be older than the server that was dumped.
    type: str
    default: mongod
  work_dir:
    description:
      - Directory below which the sandbox lives while it is needed. It must have room for the restored data.
    type: path
    default: /var/tmp
  parallel:
    description:
      - How many collections are restored and compared at the same time.
    type: int
    default: 2
  cache_gb:
    description:
      - Size of the sandbox's cache in GB.
    type: float
    default: 0.25
  start_timeout:
    description:
      - Seconds after which the sandbox's mongod must answer.
    type: float
    default: 60.0
  record:
    description:
      - Record the result on the set.
    type: bool
    default: true
extends_documentation_fragment:
  - trixtech.maintenance.repository
  - trixtech.maintenance.host
  - trixtech.maintenance.attributes
attributes:
  check_mode:
    support: full
    details: Looks at the set, the mongod binary and the free space; starts and restores nothing.
  diff_mode:
    support: none
requirements:
  - pymongo >= 4.3
  - zstandard, for sets that are compressed with it
  - mongod on the managed host
seealso:
  - module: trixtech.maintenance.backup_set
  - module: trixtech.maintenance.backup_verify
author:
  - TrixTech maintainers (@trixtech)
"""

EXAMPLES = r"""
- name: Restore the newest set and see whether all of it is there
  trixtech.maintenance.restore_test:
    repository: /backup/trixtech
  register: proof

- name: Stop unless it was
  ansible.builtin.assert:
    that: proof.status == 'ok'
    fail_msg: "{{ proof.checks[0].summary }}"
"""

RETURN = r"""
checks:
  description: One check, C(backup.restore); its value is the seconds the restore took, its details hold the rungs.
  returned: success
  type: list
  elements: dict
actions:
  description: The restore and its record.
  returned: success
  type: list
  elements: dict
rungs:
  description: The rungs in order, up to the first that broke.
  returned: success
  type: list
  elements: dict
  sample: [{"name": "load", "ok": true, "seconds": 0.4, "summary": "45,210 documents of 9 namespaces loaded"}]
artifacts:
  description: The repository's sets under C(backup_sets), for the run record.
  returned: success
  type: dict
status:
  description: The status of the check.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.trixtech.maintenance.plugins.module_utils import glue
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import Repository
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore import evidence


def work(module: AnsibleModule) -> dict:
    """Run the restore test."""
    params = module.params
    repository = Repository(params["repository"])
    if module.check_mode and not repository.begun():
        return evidence.nothing_yet(repository)
    repository.require()
    settings = evidence.Settings(params["mongod"], params["work_dir"], params["parallel"], params["cache_gb"], params["start_timeout"])
    return evidence.run(repository, repository.find(params["set"]), settings, record=params["record"], dry_run=module.check_mode)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "set": {"type": "str", "default": "newest"},
            "mongod": {"type": "str", "default": "mongod"},
            "work_dir": {"type": "path", "default": "/var/tmp"},
            "parallel": {"type": "int", "default": 2},
            "cache_gb": {"type": "float", "default": 0.25},
            "start_timeout": {"type": "float", "default": 60.0},
            "record": {"type": "bool", "default": True},
            **glue.REPOSITORY_OPTION,
            **glue.HOST_OPTION,
        },
        supports_check_mode=True,
    )
    glue.run(module, work)


if __name__ == "__main__":
    main()
