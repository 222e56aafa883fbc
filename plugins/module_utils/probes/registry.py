# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All check types. A new one is a file beside this one and its name in the import below.

The import is written out because Ansible packs only what a module imports by name; tests/unit/probes/test_registry.py
fails where the list and the folder differ. Each file has:

TYPE      the check type, for example "host.disk"
OPTIONS   its options, name -> base.Option
INSTANCE  optional: the option whose value stands in brackets in the id, for types that are used several times a host
ABOVE     optional: False where low values are bad
prepare   optional: prepare(options) raises MaintenanceError for values that cannot work, before the first check of the list runs
look      look(context, options) -> list of Check; raises base.CannotLook (or MaintenanceError) where it cannot see
"""

from __future__ import annotations

from typing import Any

from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import (
    app_deep,
    app_error_rate,
    app_http,
    app_response_time,
    backup_age,
    backup_integrity,
    host_cpu,
    host_disk,
    host_load,
    host_memory,
    host_oom,
    host_swap,
    logs_errors,
    mongodb_cache,
    mongodb_connections,
    mongodb_oplog_window,
    mongodb_ping,
    mongodb_replication,
    mongodb_slow_operations,
    mongodb_storage,
    pm2_memory,
    pm2_process,
    smtp_connect,
    tls_expiry,
)

TYPES: dict[str, Any] = {
    module.TYPE: module
    for module in (
        app_deep,
        app_error_rate,
        app_http,
        app_response_time,
        backup_age,
        backup_integrity,
        host_cpu,
        host_disk,
        host_load,
        host_memory,
        host_oom,
        host_swap,
        logs_errors,
        mongodb_cache,
        mongodb_connections,
        mongodb_oplog_window,
        mongodb_ping,
        mongodb_replication,
        mongodb_slow_operations,
        mongodb_storage,
        pm2_memory,
        pm2_process,
        smtp_connect,
        tls_expiry,
    )
}


def find(check_type: Any) -> Any:
    """Return the file that implements check_type; MaintenanceError names the known types otherwise."""
    try:
        return TYPES[check_type]
    except (KeyError, TypeError):
        raise MaintenanceError(f"there is no check type {check_type!r}; there are {', '.join(sorted(TYPES))}") from None
