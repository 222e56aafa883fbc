# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The share of requests that the application answered with a server error (5xx) since the last run.

Counts from a metrics page (Prometheus text) or from an access log of the combined format; the counters, or the place in the log,
are kept in the details of the check. The first look has nothing to start from: it takes what the application has counted since it
started, or what the log holds, and says so. Below a minimum of requests there is no verdict on the share; the count then goes on
from the same place at the next run, so that a quiet application is judged in the end.
"""

from __future__ import annotations

import math
import re
from typing import Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import OK, Check, timestamp
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import access_log, web
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes.base import (
    CannotLook,
    Context,
    Option,
    threshold,
    threshold_options,
)
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import plural, size

TYPE = "app.error_rate"
OPTIONS = {
    "metrics_url": Option("str", doc="The application's metrics page, for example http://127.0.0.1:5000/metrics."),
    "counter": Option("str", default="http_requests_total", doc="The counter of requests on that page; of a histogram, its _count."),
    "status_labels": Option("list", default=["status", "status_code", "code"], doc="Labels that may carry the status (500 or 5xx); "
                            "the first that a line has counts."),
    "access_log": Option("str", doc="An access log in the combined format, instead of metrics_url."),
    "max_bytes": Option("int", default=64 * 1024 * 1024, doc="How much of a log to read at most, in bytes; the newest."),
    "min_requests": Option("int", default=20, doc="Requests below which the share is not judged."),
    **web.OPTIONS,
    **threshold_options(warning=1.0, critical=5.0, unit="percent of all requests"),
}
HINT = "docs/runbook.md#error-rate"
_SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})?\s+(?P<value>\S+)(?:\s+-?\d+)?\s*")
_LABEL = re.compile(r'\s*([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*,?')


def prepare(options: dict) -> None:
    """Raise MaintenanceError for options that cannot work."""
    if bool(options["metrics_url"]) == bool(options["access_log"]):
        raise MaintenanceError(f"check {options['id']}: give either metrics_url or access_log")
    if options["metrics_url"]:
        web.check_url(options["metrics_url"])


def look(context: Context, options: dict) -> list[Check]:
    """Return the one check of this type."""
    now = timestamp()
    source = web.shown(options["metrics_url"]) if options["metrics_url"] else options["access_log"]
    last = context.last_details(options["id"])
    base = last.get("base") if last.get("source") == source else None
    count = _from_metrics if options["metrics_url"] else _from_log
    requests, errors, position, note = count(options, base)
    check = Check(id=options["id"], status=OK, summary="", unit="percent", warning=options["warning"], critical=options["critical"],
                  hint=HINT)
    check.details = {"source": source, "requests": requests, "errors": errors, "base": {**position, "moment": now}}
    if requests < max(1, options["min_requests"]):
        check.summary = (f"{plural(requests, 'request')} {note}, {errors} failed with 5xx: "
                         f"too few to judge ({options['min_requests']} are needed)")
        if base:
            check.details["base"] = base
        return [check]
    share = 100 * errors / requests
    check.value = round(share, 2)
    check.status = threshold(options).judge(share, context.last_status(options["id"]))
    check.summary = f"{errors:,} of {requests:,} requests failed with 5xx ({share:.1f} %) {note}"
    return [check]


def _from_metrics(options: dict, base: Optional[dict]) -> tuple[int, int, dict, str]:
    where = web.shown(options["metrics_url"])
    try:
        answer = web.get(options["metrics_url"], options)
    except web.NoAnswer as error:
        raise CannotLook(f"the metrics page {where} does not answer: {error}") from None
    if answer.status != 200:
        raise CannotLook(f"the metrics page {where} answers {answer.says()}")
    found = counters(answer.text(), options["counter"], options["status_labels"])
    if found is None:
        raise CannotLook(f"{where} has no counter {options['counter']} with a status in {' or '.join(options['status_labels'])}; "
                         "set counter and status_labels")
    total, errors = found  # pylint: disable=unpacking-non-sequence  # it is not None here
    position = {"total": total, "errors": errors}
    if base is None:
        return total, errors, position, "since the application started (first look)"
    if total < base["total"] or errors < base["errors"]:
        return total, errors, position, f"since the application started anew after {_moment(base)}"
    return total - base["total"], errors - base["errors"], position, f"since {_moment(base)}"


def counters(text: str, name: str, labels: list) -> Optional[tuple[int, int]]:
    """Return (all requests, those with a 5xx status) of a page of Prometheus text; None where the counter does not occur with a status."""
    total = errors = 0.0
    seen = False
    for line in text.splitlines():
        sample = _SAMPLE.fullmatch(line) if line.startswith(name) else None
        if sample is None or sample["name"] != name:
            continue
        given = dict(_LABEL.findall(sample["labels"] or ""))
        status = next((given[label] for label in labels if label in given), None)
        try:
            value = float(sample["value"])
        except ValueError:
            continue
        if status is None or not math.isfinite(value):
            continue
        seen = True
        total += value
        errors += value if status.startswith("5") else 0
    return (round(total), round(errors)) if seen else None


def _from_log(options: dict, base: Optional[dict]) -> tuple[int, int, dict, str]:
    found, position = access_log.count(options["access_log"], base or {}, options["max_bytes"])
    note = f"since {_moment(base)}" if base else "in the whole log (first look)"
    if found.lost:
        note += "; the log was rotated and its old part is gone or compressed"
    if found.skipped:
        note += f"; {size(found.skipped)} of it were left out as too much"
    return found.requests, found.errors, position, note


def _moment(base: dict) -> str:
    return base["moment"][:16].replace("T", " ") + " UTC"
