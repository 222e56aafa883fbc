# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind trixtech.maintenance.run_report; its documentation is in plugins/modules/run_report.py."""

from __future__ import annotations

from typing import Any, Optional

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import utc_now
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.report import collect, output, terminal, verdict

BEGIN, FINISH = "maintenance_begin_result", "maintenance_finish_result"
_OPTIONS = {
    "kind": {"type": "str", "required": True},
    "output_dir": {"type": "path", "required": True},
    "fail_on": {"type": "str", "choices": ["critical", "warning", "never"], "default": "critical"},
    "title": {"type": "str"},
}


class ActionModule(ActionBase):
    """Reads every host's results, prints the summary and writes the report; connects to nothing."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict] = None) -> dict:
        """Return the verdict. A report that cannot be written fails the task, after the summary was printed."""
        result = super().run(tmp, task_vars)
        unused_validation, options = self.validate_argument_spec(argument_spec=_OPTIONS)
        check_mode = bool(self._task.check_mode)
        try:
            report_path, record_path = output.paths(options["output_dir"], options["kind"])
            hosts = _hosts((task_vars or {})["hostvars"], options["kind"])
            report = verdict.build(hosts, options["kind"], options["title"] or "", check_mode, utc_now())
        except MaintenanceError as error:
            raise AnsibleActionFail(str(error)) from error
        problem = None
        if not check_mode:
            try:
                output.write(report, report_path, record_path)
            except MaintenanceError as error:
                problem = error
        note = "check mode: no report is written" if check_mode else "was not written" if problem else ""
        lines = terminal.summary(report, None if note else (report_path, record_path), note)
        _print(lines)
        if problem:
            raise AnsibleActionFail(str(problem)) from problem
        result.update(
            changed=not check_mode,
            status=report.status,
            fails=report.fails(options["fail_on"]),
            message=terminal.message(report, "the summary above" if check_mode else report_path),
            summary=[line for unused_status, line in lines],
            counts=report.counts(),
            hosts=report.record["hosts"],
            record_path=record_path,
            report_path=report_path,
        )
        return result


def _hosts(hostvars: Any, kind: str) -> list:
    """Return the HostRun of every host that took part.

    raw_get leaves out templating: results are data, and 200 hosts' worth of them would take minutes.
    """
    found = []
    for name in hostvars:
        variables = hostvars.raw_get(name)
        host = collect.from_results(name, variables.get(BEGIN), variables.get(FINISH), kind)
        if host:
            found.append(host)
    return found


def _print(lines: list) -> None:
    """Print the summary, each line in the colour that Ansible's configuration has for its status."""
    colours = {"ok": constants.COLOR_OK, "warning": constants.COLOR_CHANGED, "unknown": constants.COLOR_UNREACHABLE,
               "critical": constants.COLOR_ERROR, "skipped": constants.COLOR_SKIP}
    display = Display()
    display.display("")
    for status, line in lines:
        display.display(line, color=colours.get(status))
    display.display("")
