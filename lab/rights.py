# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rights of the maintenance user, as data. docs/rights.md justifies each one and shows the same role for mongosh.

No right writes anywhere. tests/integration/test_lab.py holds this file and the document together.
"""

from __future__ import annotations

USER = "maintenance"
ROLE = "trixtechMaintenance"

CLUSTER_ACTIONS = ["getParameter", "inprog", "listDatabases", "replSetGetConfig", "replSetGetStatus", "serverStatus"]
DATABASE_ACTIONS = ["collStats", "dbStats", "find", "indexStats", "listCollections", "listIndexes"]
ADMIN_ACTIONS = ["dbStats"]
OPLOG_ACTIONS = ["collStats", "find"]
PROFILE_ACTIONS = ["find"]
# what "every collection of a database" does not cover: stored functions, and the buckets of time-series collections
SCRIPT_ACTIONS = ["find", "listIndexes"]
BUCKET_ACTIONS = ["collStats", "find", "listIndexes"]


def role(databases: list[str]) -> dict:
    """Return the createRole command (for the database admin) that lets a user look at and back up these databases."""
    privileges = [
        {"resource": {"cluster": True}, "actions": CLUSTER_ACTIONS},
        {"resource": {"db": "admin", "collection": ""}, "actions": ADMIN_ACTIONS},
        {"resource": {"db": "local", "collection": "oplog.rs"}, "actions": OPLOG_ACTIONS},
    ]
    for database in databases:
        privileges += [
            {"resource": {"db": database, "collection": ""}, "actions": DATABASE_ACTIONS},
            {"resource": {"db": database, "collection": "system.profile"}, "actions": PROFILE_ACTIONS},
            {"resource": {"db": database, "collection": "system.js"}, "actions": SCRIPT_ACTIONS},
            {"resource": {"db": database, "system_buckets": ""}, "actions": BUCKET_ACTIONS},
        ]
    return {"createRole": ROLE, "privileges": privileges, "roles": []}
