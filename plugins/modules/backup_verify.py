#!/usr/bin/python
# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_verify
short_description: Verify backup sets as they are stored
version_added: 0.1.0
description:
  - Reads stored artifacts and compares them with the manifest - SHA-256, sizes, the structure, number and digest of the documents,
    every member of the file archives - and the manifest with its own seal.
  - Damage is a C(critical) check, not a failure of the task. The result is recorded on each set that was verified completely.
  - An unharmed set is not yet one that restores; that is for M(trixtech.maintenance.restore_test) to prove.
options:
  sets:
    description:
      - Ids of the sets to verify, or V(newest), or V(all).
    type: list
    elements: str
    default: [newest]
  level:
    description:
      - V(hashes) compares the stored bytes only; V(documents) also looks into what they hold.
    type: str
    choices: [hashes, documents]
    default: documents
  slice:
    description:
      - Verify only a part of the artifacts, for repositories too large for one run. V(3/7) is the third of seven slices, V(today/7) the one
        whose turn it is today, so that seven daily runs cover everything.
    type: str
  record:
    description:
      - Record the result on the sets.
    type: bool
    default: true
extends_documentation_fragment:
  - trixtech.maintenance.repository
  - trixtech.maintenance.host
  - trixtech.maintenance.attributes
attributes:
  check_mode:
    support: full
    details: Verifies, but records nothing.
  diff_mode:
    support: none
requirements:
  - zstandard, for sets that are compressed with it
  - pymongo, to look into documents quickly
seealso:
  - module: trixtech.maintenance.backup_set
  - module: trixtech.maintenance.restore_test
author:
  - TrixTech maintainers (@trixtech)
"""

EXAMPLES = r"""
- name: Verify the newest set
  trixtech.maintenance.backup_verify:
    repository: /backup/trixtech

- name: Verify all sets, a seventh of them every day
  trixtech.maintenance.backup_verify:
    repository: /backup/trixtech
    sets: [all]
    slice: today/7
"""

RETURN = r"""
checks:
  description: One check, C(backup.verify); its value is the number of problems, its details name them.
  returned: success
  type: list
  elements: dict
actions:
  description: The verification records that were written.
  returned: success
  type: list
  elements: dict
findings:
  description: What was found in each set.
  returned: success
  type: list
  elements: dict
  sample: [{"id": "20261123T020000Z-7c1f", "problems": [], "checked": 19, "total": 19}]
artifacts:
  description: The repository's sets under C(backup_sets), for the run record.
  returned: success
  type: dict
status:
  description: The status of the check.
  returned: success
  type: str
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.trixtech.maintenance.plugins.module_utils import glue
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup import summary, verify
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import Repository
from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import Action


def work(module: AnsibleModule) -> dict:
    """Verify the sets and record what was found."""
    params = module.params
    slice_ = verify.parse_slice(params["slice"])
    repository = Repository(params["repository"])
    rehearsal = module.check_mode and not repository.begun()
    if not rehearsal:
        repository.require()
    findings, actions, begin = [], [], time.monotonic()
    for backup_set in repository.choose(params["sets"]):
        set_begin = time.monotonic()
        finding = verify.verify(backup_set, params["level"], slice_)
        findings.append(finding)
        if params["record"] and not module.check_mode and (finding.problems or finding.complete):
            backup_set.record(params["level"], not finding.problems, time.monotonic() - set_begin, {"problems": finding.problems[:5]})
            actions.append(Action("backup.record_verification", backup_set.path, f"recorded the verification on set {backup_set.id}"))
    check = summary.of_verification(findings, time.monotonic() - begin, params["slice"], rehearsal)
    return {
        "changed": bool(actions),
        "checks": [check.as_dict()],
        "actions": [action.as_dict() for action in actions],
        "findings": [
            {"id": item.backup_set.id, "problems": item.problems, "checked": item.checked, "total": item.total} for item in findings
        ],
        "artifacts": {"backup_sets": repository.describe(summary.SETS_IN_RECORD)},
    }


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "sets": {"type": "list", "elements": "str", "default": ["newest"]},
            "level": {"type": "str", "choices": ["hashes", "documents"], "default": "documents"},
            "slice": {"type": "str"},
            "record": {"type": "bool", "default": True},
            **glue.REPOSITORY_OPTION,
            **glue.HOST_OPTION,
        },
        supports_check_mode=True,
    )
    glue.run(module, work)


if __name__ == "__main__":
    main()
