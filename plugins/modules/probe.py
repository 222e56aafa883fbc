#!/usr/bin/python
# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: probe
short_description: Look at a host, its application and its database, and judge what is seen
version_added: 0.1.0
description:
  - Runs a list of checks concurrently, each inside its own time-out and all inside a total one, and returns a verdict for each.
  - A check that cannot look is C(unknown), never C(ok). A finding never fails the task; only bad options do.
  - Changes nothing on the host. It never starts a PM2 daemon, sets no profiling level and leaves no connection open.
  - The check types and their options are listed in C(docs/checks.md).
options:
  checks:
    description:
      - The checks to run. Each is a dictionary with C(type), optionally C(id) and C(timeout) (seconds), and the options of its type.
    type: list
    elements: dict
    required: true
  overrides:
    description:
      - Options per check type that hold for every check of that type unless the check itself says otherwise, for example thresholds.
    type: dict
    default: {}
  secrets:
    description:
      - Options of checks that are secret, per C(id) or C(type) of the check, for example the password of C(smtp.connect).
      - They are refused in O(checks), which is logged.
    type: dict
    default: {}
  uri:
    description:
      - URI of the maintenance user for the C(mongodb.*) checks.
    type: str
  repository:
    description:
      - Directory of the backup repository for the C(backup.*) checks.
    type: path
  history:
    description:
      - The SQLite file that M(trixtech.maintenance.run_history) writes; only read here. Growth, degradation, "since the last run"
        and the clear values of thresholds need it. Without it, or where it does not exist yet, each check stands alone.
    type: path
  total_timeout:
    description:
      - Seconds after which the module returns whatever it has; what has not answered is C(unknown).
    type: float
    default: 45.0
extends_documentation_fragment:
  - trixtech.maintenance.host
  - trixtech.maintenance.attributes.info
seealso:
  - module: trixtech.maintenance.run_history
author:
  - TrixTech maintainers (@trixtech)
"""

EXAMPLES = r"""
- name: Look at disk space, the load and the application
  trixtech.maintenance.probe:
    history: /var/lib/trixtech-maintenance/history.sqlite
    checks:
      - type: host.disk
        path: /
      - type: host.disk
        path: /srv
        warning: 85
      - type: host.load
      - type: app.http
        url: http://127.0.0.1:5000/api/health
      - type: smtp.connect
        host: mail.example.com
        username: trixtech
    overrides:
      host.load:
        warning: 3
        critical: 6
    secrets:
      smtp.connect:
        password: "{{ app_smtp_password }}"
  register: result

- name: Say what was found
  ansible.builtin.debug:
    msg: "{{ result.checks | rejectattr('status', 'eq', 'ok') | map(attribute='summary') }}"
"""

RETURN = r"""
checks:
  description: One entry per observation, in the order asked for.
  returned: success
  type: list
  elements: dict
  sample:
    - id: host.load
      host: app1
      status: ok
      summary: load 0.42 over 15 minutes on 2 processors
      value: 0.21
      unit: load per processor
      warning: 2.0
      critical: 4.0
      hint: docs/runbook.md#load
      details: {"processors": 2}
      started: "2026-11-23T02:00:01.000Z"
      duration_ms: 1
status:
  description: The worst status of all checks (critical, unknown, warning, ok, skipped).
  returned: success
  type: str
  sample: ok
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.trixtech.maintenance.plugins.module_utils import glue, history
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import base, runner


def work(module: AnsibleModule) -> dict:
    """Run the checks of the task."""
    params = module.params
    if not params["checks"]:
        raise MaintenanceError("checks is empty: list at least one check, for example {type: host.disk, path: /}")
    module.no_log_values.update(runner.misplaced_secrets(params["checks"], params["overrides"]))
    planned = runner.plan(params["checks"], params["overrides"], params["secrets"])
    past = history.Past(params["history"])
    context = base.Context(mongodb_uri=params["uri"], repository=params["repository"], last=past.last, series=past.series)
    return {"checks": [check.as_dict() for check in runner.run(planned, context, params["total_timeout"])]}


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "checks": {"type": "list", "elements": "dict", "required": True},
            "overrides": {"type": "dict", "default": {}},
            "secrets": {"type": "dict", "default": {}, "no_log": True},
            "uri": {"type": "str", "no_log": True},
            "repository": {"type": "path"},
            "history": {"type": "path"},
            "total_timeout": {"type": "float", "default": 45.0},
            **glue.HOST_OPTION,
        },
        supports_check_mode=True,
    )
    glue.run(module, work)


if __name__ == "__main__":
    main()
