#!/usr/bin/python
# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: run_report
short_description: Report a run over all its hosts, on the controller
version_added: 0.1.0
description:
  - Takes the run record of every host out of what the role C(maintenance) has registered there (C(maintenance_begin_result) and
    C(maintenance_finish_result)), prints a summary, writes C(record.json) and one self-contained C(report.html), and returns the verdict.
  - A host that could not be reached, or whose run did not come to its end, is C(unknown) with the reason. So is a run without hosts.
  - Does not fail because of what was found. The verdict is in RV(fails), so that the task after this one can fail the play.
  - The files have mode 0600 and appear whole; directories that it has to make have mode 0700. See C(docs/report.md).
options:
  kind:
    description:
      - The kind of the run, for example V(daily). It names the directory of the report.
      - A host whose last record is of another kind took part in an earlier play and not in this run; it is left out.
    type: str
    required: true
  output_dir:
    description:
      - Directory on the controller; the report is written to a directory in it that is named after O(kind).
    type: path
    required: true
  fail_on:
    description:
      - Which verdicts make RV(fails) true. With V(warning), these are warning, unknown and critical.
      - A run that no host took part in has proved nothing, nor has one about a host that could not be reached. Both fail, too, unless
        this is V(never).
    type: str
    choices: [critical, warning, never]
    default: critical
  title:
    description:
      - Heading of the report. Made from O(kind) where it is not given.
    type: str
extends_documentation_fragment:
  - trixtech.maintenance.attributes
attributes:
  check_mode:
    support: full
    details: Prints the summary, returns the verdict and writes nothing.
  diff_mode:
    support: none
  action:
    description: Runs as an action plugin on the controller and connects to no host.
    support: full
notes:
  - Run it once, on C(localhost), in a play after the one that worked on the hosts.
  - The same run at another time gives the same bytes but for the time, so the task is C(changed) whenever it writes.
seealso:
  - module: trixtech.maintenance.run_history
author:
  - TrixTech maintainers (@trixtech)
"""

EXAMPLES = r"""
- name: Report the daily run
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Write the report and print its summary
      trixtech.maintenance.run_report:
        kind: daily
        output_dir: /var/lib/trixtech-maintenance/reports
        fail_on: critical
      register: report

    - name: Fail if something is critical
      ansible.builtin.fail:
        msg: "{{ report.message }}"
      when: report.fails
"""

RETURN = r"""
status:
  description: The worst status of all checks on all hosts (critical, unknown, warning, ok, skipped).
  returned: success
  type: str
  sample: warning
fails:
  description: Whether that is bad enough for O(fail_on).
  returned: success
  type: bool
  sample: false
message:
  description: The verdict on one line, with the path of the report.
  returned: success
  type: str
  sample: "Warning on db1 since 21 Nov 2026, 02:00 UTC (3 runs): 412 of 500 connections in use (82 %). See /srv/reports/daily/report.html"
summary:
  description: The lines that were printed.
  returned: success
  type: list
  elements: str
counts:
  description: The number of checks per status.
  returned: success
  type: dict
  sample: {"critical": 0, "unknown": 0, "warning": 1, "ok": 27, "skipped": 1}
hosts:
  description: The status of each host.
  returned: success
  type: dict
  sample: {"db1": "warning"}
record_path:
  description: Where C(record.json) is; in check mode, where it would be.
  returned: success
  type: str
  sample: /srv/reports/daily/record.json
report_path:
  description: Where C(report.html) is; in check mode, where it would be.
  returned: success
  type: str
  sample: /srv/reports/daily/report.html
"""
