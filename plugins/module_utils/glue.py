# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file of module_utils that imports Ansible: shared options, and the way from a core function to exit_json."""

from __future__ import annotations

import time
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import overall, timestamp
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import one_line

# name of this host in checks; documented in doc_fragments/host.py
HOST_OPTION: dict[str, Any] = {"host": {"type": "str"}}

# documented in doc_fragments/repository.py
REPOSITORY_OPTION: dict[str, Any] = {"repository": {"type": "path", "required": True}}

# documented in doc_fragments/mongodb.py
MONGODB_OPTIONS: dict[str, Any] = {
    "uri": {"type": "str", "required": True, "no_log": True},
    "timeout": {"type": "float", "default": 10.0},
}


def run(module: AnsibleModule, work: Callable[[AnsibleModule], dict]) -> None:
    """Call work(module) and exit with its result; a MaintenanceError becomes the module's one-line failure.

    A result that has checks gets their overall status, started and duration_ms, and each check the name of the host.
    """
    started, begin = timestamp(), time.monotonic()
    try:
        result = work(module)
    except MaintenanceError as error:
        module.fail_json(msg=one_line(error, 600))
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        module.fail_json(msg=one_line(f"the operating system refused{where}: {error.strerror or error}; "
                                      "check that the path exists and that the remote user may use it", 600))
    result.setdefault("changed", False)
    if "checks" in result:
        for item in (*result["checks"], *result.get("actions", ())):
            item["host"] = item.get("host") or module.params.get("host")
        result.setdefault("status", overall(result["checks"]))
        result.update(started=started, duration_ms=round((time.monotonic() - begin) * 1000))
    module.exit_json(**result)
