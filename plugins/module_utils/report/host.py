# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the report that belong to one host: checks by area, backups, steps, actions and last runs. No I/O."""

from __future__ import annotations

from typing import Any, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import CRITICAL, OK, SEVERITY, SKIPPED, UNKNOWN
from ansible_collections.trixtech.maintenance.plugins.module_utils.report import picture, verdict, words
from ansible_collections.trixtech.maintenance.plugins.module_utils.report.collect import HostRun, number
from ansible_collections.trixtech.maintenance.plugins.module_utils.report.markup import Markup, joined, tag
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import duration, one_line, plural, size

_FACTS = 8
_BACKUPS = 14
_RUNS = 14
_ACTIONS = 40


def status(name: str, label: str = "") -> Markup:
    """Return a status as mark and word."""
    return tag("span", picture.icon(name), label or name, class_=f"status s-{name}")


def sections(report: verdict.Report, host: HostRun, pictures: bool, heading: str) -> Markup:
    """Return all parts of one host. heading: h2 where the page is about this host alone, h3 inside a host's box.

    pictures: whether trends are drawn (a page of many hosts leaves those of the ok ones out).
    """
    record: dict = host.record or {}
    changes = "Changes that would be made" if report.record["check_mode"] else "Changes made"
    parts = [
        ("Checks" if heading == "h2" else "", checks_by_area(host, pictures)),
        ("Backup history", backups(record, report)),
        ("What ran, and how long", steps(host)),
        (changes, actions(host, report.record["check_mode"])),
        ("Last runs of this kind", last_runs(host)),
    ]
    return Markup("".join((tag(heading, title) if title else "") + content for title, content in parts if content))


def checks_by_area(host: HostRun, pictures: bool) -> Markup:
    """Return the checks, area by area in the order of words.AREAS, each area in the order of the record."""
    areas: dict[str, list[dict]] = {}
    for check in host.checks:
        areas.setdefault(words.area(check["id"]), []).append(check)
    return Markup("".join(
        tag("h3", words.AREAS.get(name, name)) + tag("ul", [check_row(host, check, pictures) for check in areas[name]], class_="sheet")
        for name in sorted(areas, key=words.area_order)
    ))


def check_row(host: HostRun, check: dict, pictures: bool) -> Markup:
    """Return one check: status, summary and facts, value with its limits, trend."""
    measured = number(check["value"]) is not None
    value, limits = words.quantity(check["value"], check["unit"]), words.limits(check)
    trend: Any = None
    if pictures and measured:
        trend = picture.sparkline(verdict.trend_of(host, check), check["unit"], check["warning"], check["critical"])
        trend = trend or tag("span", "no history yet", class_="soft small")
    return tag(
        "li",
        status(check["status"]),
        tag("div", check["summary"], tag("div", tag("span", check["id"], class_="id soft")),
            facts(check) if check["status"] in verdict.BAD else None, class_="what"),
        tag("div", [tag("b", value), [tag("div", limit) for limit in limits]] if measured else None, class_="figure soft small"),
        tag("div", trend, class_="picture"),
        class_="check",
    )


def facts(check: dict) -> Optional[Markup]:
    """Return the plain values of a check's details, for one that is not ok; the cause is told elsewhere."""
    details = check["details"] if isinstance(check["details"], dict) else {}
    known = [(key, item) for key, item in details.items() if key != "cause" and isinstance(item, (str, int, float)) and item != ""][:_FACTS]
    shown = [tag("div", tag("dt", key.replace("_", " ")), tag("dd", fact(item))) for key, item in known]
    return tag("dl", shown, class_="facts soft small") if shown else None


def fact(item: Any) -> str:
    """Write one value of the details."""
    if isinstance(item, bool):
        return "yes" if item else "no"
    return words.plain(item) if isinstance(item, (int, float)) else one_line(item, 120)


def table(kind: str, columns: list[tuple[str, str]], rows: list) -> Markup:
    """Return a table; columns: (title, class) each."""
    head = tag("thead", tag("tr", [tag("th", title, scope="col", class_=css or None) for title, css in columns]))
    return tag("div", tag("table", head, tag("tbody", rows), class_=kind), class_="sheet scroll")


def backups(record: dict, report: verdict.Report) -> Optional[Markup]:
    """Return the backup sets, newest first, with their proof; nothing where the run does not deal in backups."""
    artifacts = record.get("artifacts", {})
    if "backup_sets" not in artifacts and "backup" not in artifacts:
        return None
    sets = backup_sets(artifacts)
    if not sets:
        return tag("div", "There is no backup set.", class_="sheet empty")
    largest = max(number(item.get("bytes")) or 0 for item in sets) or 1
    rows = []
    for item in sets[:_BACKUPS]:
        stored = number(item.get("bytes"))
        rows.append(tag(
            "tr",
            tag("td", tag("span", words.date_time(words.moment(item.get("created"))), class_="nowrap"),
                tag("div", tag("span", item.get("id"), class_="id soft"))),
            tag("td", size(stored) if stored is not None else "unknown size", tag("span", " stored", class_="soft small"), class_="num"),
            tag("td", picture.share_bar((stored or 0) / largest), class_="graph"),
            tag("td", _count(item.get("documents")), class_="num", data_label="documents"),
            tag("td", _count(item.get("files")), class_="num", data_label="files"),
            tag("td", _proof(item, report), class_="wide"),
        ))
    more = f"and {plural(len(sets) - _BACKUPS, 'older set')}" if len(sets) > _BACKUPS else ""
    columns = [("Taken", ""), ("Size", "num"), ("", ""), ("Documents", "num"), ("Files", "num"), ("Proof", "")]
    return Markup(table("stackable", columns, rows) + (tag("p", more, class_="soft small") if more else ""))


def backup_sets(artifacts: dict) -> list[dict]:
    """Return the sets that a host's artifacts tell of, newest first."""
    sets = artifacts.get("backup_sets")
    sets = [item for item in sets if isinstance(item, dict)] if isinstance(sets, list) else []
    made = artifacts.get("backup")
    if isinstance(made, dict) and made.get("id") not in [item.get("id") for item in sets]:
        sets = [made, *sets]
    return sorted(sets, key=lambda item: str(item.get("created")), reverse=True)


def proof(item: dict) -> tuple[str, str, dict]:
    """Return what is proved of a set: (status, words, the verification record).

    Restored is the proof that counts, verified is less, neither is none.
    """
    if item.get("complete") is False:
        return CRITICAL, "not usable", {}
    for key in ("restored", "verified"):
        found = item.get(key)
        if isinstance(found, dict):
            restored = key == "restored" or found.get("kind") == "restore"
            if found.get("ok"):
                return OK, "restored" if restored else "verified", found
            return CRITICAL, "does not restore" if restored else "found damaged", found
    return SKIPPED, "not proved yet", {}


def _proof(item: dict, report: verdict.Report) -> Markup:
    state, word, found = proof(item)
    took = f", took {duration(found['seconds'])}" if number(found.get("seconds")) is not None else ""
    told = words.age(found.get("at"), report.now) + took if found else item.get("problem")
    return Markup(status(state, word) + (tag("div", told, class_="small soft") if told else ""))


def _count(value: Any) -> str:
    value = number(value)
    return "?" if value is None else f"{value:,.0f}"


def steps(host: HostRun) -> Optional[Markup]:
    """Return the steps in order, with the time each took."""
    found = host.part("steps")
    if not found:
        return None
    longest = max(number(step["duration_ms"]) or 0 for step in found) or 1
    rows = []
    for step in found:
        took = number(step["duration_ms"])
        rows.append(tag(
            "tr",
            tag("td", tag("b", step["name"]), tag("div", step["error"], class_="small") if step["error"] else None),
            tag("td", status(step["status"], "broke" if step["error"] else "")),
            tag("td", "changed something" if step["changed"] else "changed nothing", class_="soft small"),
            tag("td", duration(took / 1000) if took is not None else "?", class_="num"),
            tag("td", picture.share_bar((took or 0) / longest), class_="graph"),
        ))
    return table("stackable", [("Step", ""), ("Status", ""), ("", ""), ("Took", "num"), ("", "")], rows)


def actions(host: HostRun, check_mode: bool) -> Optional[Markup]:
    """Return what was changed, or in check mode would be."""
    found = [action for action in host.part("actions") if action["changed"]]
    if not host.record:
        return None
    if not found:
        return tag("div", "None would be made." if check_mode else "None.", class_="sheet empty")
    rows = [tag("li", tag("div", action["summary"]), tag("div", joined(" · ", [action["kind"], action["target"]]), class_="id soft"))
            for action in found[:_ACTIONS]]
    if len(found) > _ACTIONS:
        rows.append(tag("li", f"and {len(found) - _ACTIONS} more, listed in record.json", class_="soft"))
    return tag("ul", rows, class_="sheet list")


def last_runs(host: HostRun) -> Optional[Markup]:
    """Return the last runs on this host, newest first."""
    if not host.record:
        return None
    if not host.runs:
        return tag("div", "No history yet.", class_="sheet empty")
    longest = max(number(run.get("duration_s")) or 0 for run in host.runs) or 1
    rows = []
    for run in host.runs[:_RUNS]:
        took = number(run.get("duration_s"))
        this = " this run" if run.get("id") == host.record.get("id") else None
        rows.append(tag(
            "tr",
            tag("td", words.date_time(words.moment(run.get("started"))), tag("span", this, class_="soft small")),
            tag("td", status(run["status"] if run.get("status") in SEVERITY else UNKNOWN, "" if run.get("finished") else "not finished")),
            tag("td", duration(took) if took is not None else "?", class_="num"),
            tag("td", picture.share_bar((took or 0) / longest), class_="graph"),
        ))
    return table("stackable", [("Started", ""), ("Verdict", ""), ("Took", "num"), ("", "")], rows)
