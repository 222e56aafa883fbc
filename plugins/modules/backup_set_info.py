#!/usr/bin/python
# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_set_info
short_description: List the backup sets of a repository
version_added: 0.1.0
description:
  - Returns what backup sets there are, how old and how large they are, and when they were last verified or restored.
  - Reads manifests only. Whether the bytes behind them are unharmed is for M(trixtech.maintenance.backup_verify) to say.
options:
  limit:
    description:
      - How many sets to return, newest first; 0 for all.
    type: int
    default: 0
extends_documentation_fragment:
  - trixtech.maintenance.repository
  - trixtech.maintenance.attributes.info
seealso:
  - module: trixtech.maintenance.backup_set
author:
  - TrixTech maintainers (@trixtech)
"""

EXAMPLES = r"""
- name: See what there is
  trixtech.maintenance.backup_set_info:
    repository: /backup/trixtech
    limit: 7
  register: backups

- name: Stop unless a set of the last day was restored successfully
  ansible.builtin.assert:
    that: backups.backup_sets | selectattr('restored') | selectattr('restored.ok') | selectattr('age_seconds', '<', 86400) | list
"""

RETURN = r"""
backup_sets:
  description: The sets, newest first. One whose manifest cannot be trusted has C(complete=false) and a C(problem).
  returned: success
  type: list
  elements: dict
  sample:
    - id: 20261123T020000Z-7c1f
      path: /backup/trixtech/sets/20261123T020000Z-7c1f
      complete: true
      problem: null
      created: "2026-11-23T02:00:00.120Z"
      age_seconds: 3600
      seconds: 1.4
      bytes: 4827125
      data_bytes: 18003456
      documents: 45210
      namespaces: 9
      files: 203
      consistent: true
      compression: zstd
      host: db1
      verified: {"kind": "restore", "ok": true, "at": "2026-11-23T02:00:09.000Z", "seconds": 2.1}
      restored: {"ok": true, "at": "2026-11-23T02:00:09.000Z", "seconds": 2.1}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.trixtech.maintenance.plugins.module_utils import glue
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import Repository


def work(module: AnsibleModule) -> dict:
    """List the sets."""
    repository = Repository(module.params["repository"])
    repository.require()
    return {"backup_sets": repository.describe(module.params["limit"])}


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={"limit": {"type": "int", "default": 0}, **glue.REPOSITORY_OPTION},
        supports_check_mode=True,
    )
    glue.run(module, work)


if __name__ == "__main__":
    main()
