#!/usr/bin/python
# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: run_history
short_description: Keep run records in SQLite on the managed host
version_added: 0.1.0
description:
  - Opens a run and closes it with its record, so that a run that was killed is known as such; tells what earlier runs saw; removes what
    is too old. Optionally exports the newest verdicts for the textfile collector of node_exporter.
  - The file and the mapping of statuses to numbers are described in C(docs/history.md).
options:
  state:
    description:
      - V(started) opens a run and returns its id and the run before it.
      - V(finished) stores the record of a run, removes runs that are too old, writes O(textfile), and returns trends. Storing the same
        record again changes nothing.
      - V(queried) returns runs, the values of one check, or one record.
      - V(pruned) removes runs that are too old.
    type: str
    choices: [started, finished, queried, pruned]
    required: true
  database:
    description:
      - The SQLite file. V(started) and V(finished) make it with mode 0600 where it does not exist, and its directory with mode 0700; the
        parent of the directory must exist.
      - One file belongs to one host of the inventory.
    type: path
    required: true
  kind:
    description:
      - The kind of the run, for example V(daily). Required with O(state=started); narrows O(state=queried).
    type: str
  run_id:
    description:
      - Return the record of this run. Only with O(state=queried).
    type: str
  record:
    description:
      - The run record (C(docs/architecture.md)). Required with O(state=finished).
    type: dict
  keep_days:
    description:
      - Remove runs that began longer ago than this. Only with O(state=finished) and O(state=pruned).
    type: int
    default: 400
  textfile:
    description:
      - Write the newest verdicts and values to this file in the Prometheus text format, replaced in one step, mode 0644.
        Its name must end in C(.prom), and its directory must exist. Only with O(state=finished).
    type: path
  limit:
    description:
      - Return so many runs at most. Only with O(state=queried).
    type: int
    default: 30
  check:
    description:
      - Return the values of the check with this id as RV(series). Only with O(state=queried).
    type: str
  days:
    description:
      - Look so far back. Only with O(state=queried).
    type: float
    default: 400.0
extends_documentation_fragment:
  - trixtech.maintenance.host
  - trixtech.maintenance.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
seealso:
  - module: trixtech.maintenance.probe
author:
  - TrixTech maintainers (@trixtech)
"""

EXAMPLES = r"""
- name: Open a run
  trixtech.maintenance.run_history:
    state: started
    kind: daily
    host: "{{ inventory_hostname }}"
    database: /var/lib/trixtech-maintenance/history.sqlite
  register: begin

- name: Show how the disk filled over the last quarter
  trixtech.maintenance.run_history:
    state: queried
    database: /var/lib/trixtech-maintenance/history.sqlite
    check: host.disk[/]
    days: 90
  register: disk

- name: Remove runs older than two years
  trixtech.maintenance.run_history:
    state: pruned
    database: /var/lib/trixtech-maintenance/history.sqlite
    keep_days: 730
"""

RETURN = r"""
run_id:
  description: The id of the run that was opened, or in check mode would be.
  returned: with O(state=started)
  type: str
  sample: 20261123T020000Z-7c1f
started:
  description: When it was opened.
  returned: with O(state=started)
  type: str
  sample: "2026-11-23T02:00:00.000Z"
previous:
  description: The last finished run of the same kind (C(id), C(status), C(finished)), or null.
  returned: with O(state=started)
  type: dict
  sample: {"id": "20261122T020000Z-11aa", "status": "ok", "finished": "2026-11-22T02:00:41.000Z"}
interrupted:
  description: Runs of the same kind that were opened and never finished (C(id), C(kind), C(started)). Each is told once.
  returned: with O(state=started)
  type: list
  elements: dict
trends:
  description: By check id, the newest 30 pairs of epoch seconds and value, oldest first, this run's included.
  returned: with O(state=finished)
  type: dict
  sample: {"host.load": [[1795312800.0, 0.2], [1795399200.0, 0.3]]}
runs:
  description:
    - The last 30 finished runs of this kind, oldest first, this one included; or with O(state=queried) the newest runs, newest first.
    - Each has C(id), C(kind), C(host), C(started), C(finished), C(status) and C(duration_s). A run that is open has no C(finished); one
      that was interrupted has the status C(interrupted).
  returned: with O(state=finished) and O(state=queried)
  type: list
  elements: dict
series:
  description: Pairs of epoch seconds and value, oldest first.
  returned: with O(state=queried) and O(check)
  type: list
  elements: list
  sample: [[1795312800.0, 41.5], [1795399200.0, 41.9]]
record:
  description: The record that was stored, or asked for.
  returned: with O(state=finished), and with O(state=queried) and O(run_id)
  type: dict
pruned:
  description: The ids of the runs that were removed, or in check mode would be.
  returned: with O(state=finished) and O(state=pruned)
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.trixtech.maintenance.plugins.module_utils import glue, history, metrics
from ansible_collections.trixtech.maintenance.plugins.module_utils import record as run_record
from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import timestamp, utc_now
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError


def started(module: AnsibleModule) -> dict:
    """Open a run."""
    params, moment = module.params, utc_now()
    run = run_record.run_id(moment)
    past = history.start(params["database"], run, params["kind"], params["host"], moment.timestamp(), not module.check_mode)
    return {"changed": True, "run_id": run, "started": timestamp(moment), **past,
            "diff": [_diff(params["database"], "", f"run {run} ({params['kind']}) opened\n")]}


def finished(module: AnsibleModule) -> dict:
    """Store a record and export metrics."""
    params = module.params
    record, textfile = params["record"], params["textfile"]
    if textfile and not textfile.endswith(".prom"):
        raise MaintenanceError(f"textfile must end in .prom, or node_exporter does not read it; {textfile} does not")
    result = history.finish(params["database"], record, params["keep_days"], not module.check_mode)
    diff = [_diff(params["database"], "".join(f"run {run}\n" for run in result["pruned"]),
                  f"run {record['id']} ({record['kind']}): {record['status']}\n" if result["changed"] else "")]
    changed, shown = result.pop("changed"), result.pop("shown")
    if textfile:
        before, after = metrics.content(textfile), metrics.render(shown)
        diff.append(_diff(textfile, before, after))
        changed = (before != after if module.check_mode else metrics.publish(textfile, after)) or changed
    return {"changed": changed, "diff": diff, "record": record, **result}


def queried(module: AnsibleModule) -> dict:
    """Return runs, a series, or a record."""
    params = module.params
    result: dict = {"runs": history.query(params["database"], params["kind"], params["host"], params["limit"], params["days"])}
    if params["check"]:
        result["series"] = history.Past(params["database"]).series(params["check"], params["days"])
    if params["run_id"]:
        result["record"] = history.record(params["database"], params["run_id"])
    return result


def pruned(module: AnsibleModule) -> dict:
    """Remove old runs."""
    params = module.params
    removed = history.prune(params["database"], params["keep_days"], not module.check_mode)
    return {"changed": bool(removed), "pruned": removed,
            "diff": [_diff(params["database"], "".join(f"run {run}\n" for run in removed), "")]}


def _diff(path: str, before: str, after: str) -> dict:
    return {"before_header": path, "after_header": path, "before": before, "after": after}


def work(module: AnsibleModule) -> dict:
    """Do what state asks for."""
    if module.params["keep_days"] < 1:
        raise MaintenanceError(f"keep_days must be at least 1, not {module.params['keep_days']}")
    return {"started": started, "finished": finished, "queried": queried, "pruned": pruned}[module.params["state"]](module)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["started", "finished", "queried", "pruned"], "required": True},
            "database": {"type": "path", "required": True},
            "kind": {"type": "str"},
            "run_id": {"type": "str"},
            "record": {"type": "dict"},
            "keep_days": {"type": "int", "default": 400},
            "textfile": {"type": "path"},
            "limit": {"type": "int", "default": 30},
            "check": {"type": "str"},
            "days": {"type": "float", "default": 400.0},
            **glue.HOST_OPTION,
        },
        required_if=[("state", "started", ["kind", "host"]), ("state", "finished", ["record"])],
        supports_check_mode=True,
    )
    glue.run(module, work)


if __name__ == "__main__":
    main()
