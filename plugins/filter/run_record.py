# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: run_record
short_description: Build a run record out of what the steps of a run returned
version_added: 0.1.0
description:
  - Joins the registered results of a run's steps into the run record of C(docs/architecture.md).
  - A step that broke becomes the critical check C(run.step[name]); one whose needs were not met becomes a skipped one.
positional: _input
options:
  _input:
    description: The steps in order, each with C(name), C(role), C(result) (name of the registered variable) and C(needs) (names of steps).
    type: list
    elements: dict
    required: true
  begin:
    description: The registered result of M(trixtech.maintenance.run_history) with O(trixtech.maintenance.run_history#module:state=started).
    type: dict
    required: true
  kind:
    description: The kind of the run.
    type: str
    required: true
  host:
    description: The host's name in the inventory.
    type: str
    required: true
  results:
    description: The registered results, by the name of their variable.
    type: dict
    required: true
  errors:
    description: By the name of a step, the error of a step that broke outside its module.
    type: dict
    default: {}
  check_mode:
    description: Whether the run was made in check mode.
    type: bool
    default: false
author:
  - TrixTech maintainers (@trixtech)
"""

EXAMPLES = r"""
- name: Show what a run would be recorded as
  ansible.builtin.debug:
    msg: "{{ steps | trixtech.maintenance.run_record(begin=begin, kind='daily', host=inventory_hostname, results=results) }}"
  vars:
    results: {probe_result: "{{ probe_result }}"}
    steps:
      - {name: health, role: trixtech.maintenance.probe, result: probe_result, needs: []}
"""

RETURN = r"""
_value:
  description: The run record.
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Optional

from ansible.errors import AnsibleFilterError

from ansible_collections.trixtech.maintenance.plugins.module_utils import record
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.version import VERSION


def run_record(steps: list, begin: dict, kind: str, host: str, results: dict, errors: Optional[dict] = None,
               check_mode: bool = False) -> dict:
    """Call record.build(); its MaintenanceError becomes the filter's."""
    try:
        return record.build(_plain(begin), kind, str(host), _plain(steps), _plain(results), collection=VERSION, errors=_plain(errors or {}),
                            check_mode=check_mode)
    except MaintenanceError as error:
        raise AnsibleFilterError(str(error)) from error


def _plain(value: Any) -> Any:
    """Return value in plain dicts and lists: those that ansible-core 2.19 hands over cannot be copied by their own type."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file."""
        return {"run_record": run_record}
