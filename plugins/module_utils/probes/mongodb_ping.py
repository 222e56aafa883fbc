# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether MongoDB answers, down to its data.

Connects to the host of the URI itself, then reads one document of the application's database, because a frozen server still
accepts connections, and one with a broken disk still answers "ping". No answer is critical. Where the server answers but lets
the maintenance user not in, the database may serve the application well, but nobody can tell: that is unknown.
"""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.mongo import client
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import mongodb
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import Context, Option, threshold, threshold_options
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import duration, one_line

TYPE = "mongodb.ping"
OPTIONS = {
    **threshold_options(warning=1000, critical=None, unit="milliseconds for one round trip and one read"),
    "database": Option("str", default="", doc="The database to read from; the first that is not MongoDB's own unless given."),
}
HINT = "docs/runbook.md#database-down"


def look(context: Context, options: dict) -> list[Check]:
    """Return the one check of this type."""
    try:
        mongodb.server(context, options)  # connecting is not part of the round trip
        begin = time.monotonic()
        version, where = mongodb.run(context, options, lambda mongo: _read(mongo, options["database"]))
        elapsed = (time.monotonic() - begin) * 1000
    except mongodb.Down as error:
        return [Check(id=options["id"], status=CRITICAL, summary=one_line(error), warning=options["warning"],
                      critical=options["critical"], unit="ms", hint=HINT)]
    read = f"a read of {where} took" if where else "there is no collection to read yet; a round trip took"
    return [
        Check(
            id=options["id"],
            status=threshold(options).judge(elapsed, context.last_status(options["id"])),
            summary=f"MongoDB {version} answers; {read} {duration(elapsed / 1000)}",
            value=round(elapsed, 1),
            unit="ms",
            warning=options["warning"],
            critical=options["critical"],
            hint=HINT,
            details={"version": version, "read": where},
        )
    ]


def _read(mongo: Any, name: str) -> tuple[str, str]:
    """Read one document's _id; return the server's version and the namespace that was read ("" where there is none)."""
    admin = mongodb.database(mongo, "admin")
    version = admin.command("buildInfo")["version"]
    if not name:
        found = admin.command("listDatabases", nameOnly=True)["databases"]
        name = min((item["name"] for item in found if item["name"] not in mongodb.INTERNAL_DATABASES), default="")
    if not name:
        return version, ""
    database = mongodb.database(mongo, name)
    listed = database.command("listCollections", nameOnly=True, authorizedCollections=True, filter={"type": "collection"})
    collection = min((item["name"] for item in listed["cursor"]["firstBatch"] if not item["name"].startswith("system.")), default="")
    if not collection:
        return version, ""
    try:
        database[collection].find_one({}, {"_id": 1})
    except client.pymongo.errors.ExecutionTimeout as error:
        # the server talks, but its data does not come: to the application that is as good as down
        raise mongodb.Down(f"a read of {name}.{collection} does not come back: {client.explain_error(error)}") from error
    return version, f"{name}.{collection}"
