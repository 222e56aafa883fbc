# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report: one HTML file that needs nothing else. No I/O."""

from __future__ import annotations

from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import OK, SKIPPED
from ansible_collections.trixtech.maintenance.plugins.module_utils.report import host as host_parts
from ansible_collections.trixtech.maintenance.plugins.module_utils.report import picture, style, words
from ansible_collections.trixtech.maintenance.plugins.module_utils.report.collect import HostRun
from ansible_collections.trixtech.maintenance.plugins.module_utils.report.host import status
from ansible_collections.trixtech.maintenance.plugins.module_utils.report.markup import Markup, joined, tag
from ansible_collections.trixtech.maintenance.plugins.module_utils.report.verdict import (
    WORST_FIRST,
    Report,
    Todo,
    check_since,
    run_since,
    todo,
    trend_of,
    urgency,
    verdict,
)
from ansible_collections.trixtech.maintenance.plugins.module_utils.text import duration, one_line, plural

# hosts that one entry of "what to do next" tells of; the others are named
_ENTRIES = 6
# with more hosts than this the trends of ok hosts are left out: 200 hosts with 40 checks each would be a file of 15 MB
_ALL_PICTURES = 20
_ANSWERS = {
    "Verdict": "The verdict is the worst status of any check: critical, then unknown, then warning, then ok.",
    "Unknown": "What could not be looked at is unknown and never counts as ok. A host that could not be reached is unknown, and so is "
               "a run that no host took part in.",
    "Limits": "A check that has passed a limit keeps its status until its value is back by a margin, so that a value on the edge does "
              "not flap.",
    "Trends": f"A picture shows up to {picture.POINTS} values from this host's history, time to the right, each at its own scale. "
              "Dotted: the warning limit; dashed: the critical one; a limit far above every value is not drawn.",
    "Since": "Counted back over the runs that history holds, as long as each had the same status. Between two runs nothing was looked at.",
    "Proof": "A backup set is restored when a scratch server held it and it was equal to its manifest; verified when its files and "
             "documents were read and found unharmed.",
    "Units": "Sizes are binary (1 KiB is 1,024 bytes). All times are UTC.",
}


def render(report: Report) -> str:
    """Return the page."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        # a second net: should anything ever break out of its text, it can load and run nothing
        tag("meta", http_equiv="Content-Security-Policy", content="default-src 'none'; style-src 'unsafe-inline'"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="robots", content="noindex"),
        tag("title", f"{report.status}: {report.title}"),
        tag("style", Markup(style.sheet())),
    )
    single = len(report.hosts) == 1
    body = tag(
        "main",
        _header(report),
        _todo(report),
        host_parts.sections(report, report.hosts[0], True, "h2") if single else _hosts(report),
        _how(),
        _footer(report),
    )
    return "<!DOCTYPE html>\n" + tag("html", head, "\n", tag("body", picture.definitions(), "\n", body), lang="en") + "\n"


def _header(report: Report) -> Markup:
    counts = report.counts()
    shown = [
        status(name, f"{count:,} {name}") if count else tag("span", f"0 {name}", class_="none")
        for name, count in counts.items() if count or name not in (SKIPPED,)
    ]
    started = words.moment(report.record["started"])
    check_mode = tag("p", "Check mode: this run changed nothing; it shows what a real run would have found and done.", class_="notice")
    return tag(
        "header",
        tag("div", tag("b", report.title), tag("span", f"{words.date_time(started)}, took {duration(report.record['duration_s'])}"), class_="kicker"),
        tag("div", tag("h1", picture.icon(report.status), tag("span", verdict(report))), picture.stack(counts),
            tag("div", shown, class_="counts"), class_=f"verdict s-{report.status}"),
        check_mode if report.record["check_mode"] else None,
    )


def _todo(report: Report) -> Markup:
    items = todo(report)
    if not report.hosts:
        advice = "Look at the inventory and at the limit of the run: an empty group looks like success to Ansible."
        content = tag("div", advice, class_="sheet empty")
    elif not items:
        content = tag("div", "Nothing: no check needs attention.", class_="sheet empty")
    else:
        content = tag("ul", [_todo_item(item, len(report.hosts) > 1) for item in items], class_="sheet todo")
    return tag("section", tag("h2", "What to do next"), content)


def _todo_item(item: Todo, name_hosts: bool) -> Markup:
    ids = joined(", ", [tag("span", one, class_="id") for one in item.ids])
    remedy = tag("span", "see ", tag("b", item.hint)) if item.hint else None
    first_host, first = item.entries[0]
    if len(item.entries) == 1:
        said = [tag("div", first["summary"], class_="say")]
        place = [tag("b", first_host.name), ": "] if name_hosts else []
        body = [_why(first_host, first), tag("p", place, joined(" · ", [ids, remedy]), class_="soft small")]
    else:
        said = [tag("div", ids, f" on {plural(len(item.entries), 'host')}", class_="say")]
        rows = [tag("li", tag("b", host.name), ": ", check["summary"]) for host, check in item.entries[:_ENTRIES]]
        if len(item.entries) > _ENTRIES:
            rows.append(tag("li", "and ", ", ".join(host.name for host, unused_check in item.entries[_ENTRIES:]), class_="soft"))
        body = [tag("ul", rows, class_="small"), tag("p", remedy, class_="soft small")]
    return tag("li", status(item.status), said, tag("div", body, class_="body"))


def _why(host: HostRun, check: dict) -> Markup:
    """Return the cause, as far as the check names it, and since when."""
    details = check["details"] if isinstance(check["details"], dict) else {}
    cause, since = details.get("cause"), check_since(check, trend_of(host, check))
    return Markup((tag("p", "Cause: ", one_line(cause, 400), class_="small") if cause else "")
                  + (tag("p", "Past the limit ", since.words(), ".", class_="small soft") if since else ""))


def _hosts(report: Report) -> Markup:
    if not report.hosts:
        return Markup("")
    pictures = len(report.hosts) <= _ALL_PICTURES
    order = {host.name: position for position, host in enumerate(report.hosts, 1)}
    rows, boxes = [], []
    for host in report.hosts_worst_first():
        anchor = f"host-{order[host.name]}"
        worst = min(host.checks, key=urgency)
        good = host.status in (OK, SKIPPED)
        drawn, since = pictures or not good, run_since(host)
        said = [tag("span", worst["id"], class_="id soft"), " ", one_line(worst["summary"], 160)]
        rows.append(tag(
            "tr",
            tag("td", tag("a", host.name, href=f"#{anchor}")),
            tag("td", status(host.status)),
            tag("td", plural(len(host.checks), "check") if good else said, class_=None if good else "wide"),
            tag("td", since.words() if since and not good else None, class_="soft small"),
        ))
        left_out = tag("p", "Trends of hosts that are ok are left out of a report on many hosts.", class_="soft small")
        boxes.append(tag(
            "details",
            tag("summary", tag("span", host.name), status(host.status), tag("span", _tally(host), class_="soft small")),
            tag("div", host_parts.sections(report, host, drawn, "h3"), None if drawn else left_out, class_="inside"),
            id=anchor, open=not good, class_="sheet",
        ))
    columns = [("Host", ""), ("Status", ""), ("Worst check", ""), ("", "")]
    return Markup(tag("section", tag("h2", plural(len(report.hosts), "host")), host_parts.table("stackable digest", columns, rows))
                  + tag("section", tag("h2", "Host by host"), boxes))


def _tally(host: HostRun) -> str:
    found = [check["status"] for check in host.checks]
    return ", ".join(f"{found.count(name)} {name}" for name in WORST_FIRST if name in found)


def _how() -> Markup:
    rows = [tag("li", tag("b", f"{name}. "), answer) for name, answer in _ANSWERS.items()]
    return tag("section", tag("h2", "How numbers are counted"), tag("ul", rows, class_="how soft small"))


def _footer(report: Report) -> Markup:
    record = report.record
    ids = record["id"] if len(report.hosts) < 2 else f"{record['id']} and {len(report.hosts) - 1} more"
    made = f"Made by trixtech.maintenance {record['collection']} on {words.date_time(report.now)}."
    return tag("footer", tag("p", f"Run {ids}, kind {record['kind']}. {made}", class_="soft small"))
