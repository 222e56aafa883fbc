# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the application answers.

One request to its liveness path. No connection, no answer in time, another status than expected, or a body without the expected
text is critical. Such a path often answers without its database; app.deep looks further. A redirect is not followed.
"""

from __future__ import annotations

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import web
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import Context, Option, threshold, threshold_options
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import one_line

TYPE = "app.http"
OPTIONS = {
    "url": Option("str", required=True, doc="What to ask for, for example http://127.0.0.1:5000/api/health."),
    "expect_status": Option("list", default=[200], doc="Statuses that mean well."),
    "expect_body": Option("str", doc="Text that has to occur in the body."),
    **web.OPTIONS,
    **threshold_options(warning=None, critical=None, unit="milliseconds for one answer"),
}
HINT = "docs/runbook.md#application-down"


def prepare(options: dict) -> None:
    """Raise MaintenanceError for options that cannot work."""
    web.check_url(options["url"])


def look(context: Context, options: dict) -> list[Check]:
    """Return the one check of this type."""
    where = web.shown(options["url"])
    check = Check(id=options["id"], status=CRITICAL, summary="", unit="ms", warning=options["warning"], critical=options["critical"],
                  hint=HINT)
    try:
        answer = web.get(options["url"], options)
    except web.NoAnswer as error:
        check.summary = f"{where} does not answer: {error}"
        return [check]
    check.value = round(answer.milliseconds, 1)
    check.details = {"status": answer.status}
    if answer.status not in options["expect_status"]:
        check.summary = f"{where} answers {answer.says()} instead of {' or '.join(map(str, options['expect_status']))}"
    elif options["expect_body"] is not None and options["expect_body"] not in answer.text():
        check.summary = f"{where} answers {answer.status}, but without {one_line(options['expect_body'], 60)!r} in its body"
    else:
        check.status = threshold(options).judge(answer.milliseconds, context.last_status(options["id"]))
        check.summary = f"{where} answers {answer.status} in {answer.milliseconds:.0f} ms"
    return [check]
