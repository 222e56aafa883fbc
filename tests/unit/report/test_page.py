# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page: well formed, sealed off, escaped, in its order, readable."""

from __future__ import annotations

import html.parser
import re

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.report import collect, page, style, verdict
from ansible_collections.trixtech.maintenance.plugins.module_utils.report.markup import Markup, tag
from ansible_collections.trixtech.maintenance.tests.unit.report import sample

SAMPLES = {
    "ok": [sample.daily()], "first": [sample.daily(history=0)], "frozen": [sample.frozen()], "statuses": [sample.every_status()],
    "fleet": sample.fleet(25), "unreachable": [sample.unreachable("db1")], "empty": [],
}


def render(hosts: list, title: str = "") -> str:
    """Return the page over hosts."""
    return page.render(verdict.build(hosts, "daily", title, False, sample.NOW))


class Reader(html.parser.HTMLParser):
    """Reads a page strictly: every element closed in its turn; keeps elements, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute twice: {attrs}"
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


@pytest.mark.parametrize("name", SAMPLES)
def test_well_formed_and_sealed(name: str) -> None:
    """Every element closed; no script, no handler, nothing that refers to the outside; ids given once, links inside found."""
    text = render(SAMPLES[name])
    read = Reader(text)
    assert not {element for element, unused in read.elements} & {"script", "link", "img", "iframe", "object", "embed", "form", "base", "audio", "video"}
    for element, attributes in read.elements:
        assert not [key for key in attributes if key.startswith("on") or key in ("src", "srcset", "action", "style", "xlink:href")], attributes
        assert attributes.get("href", "#").startswith("#"), (element, attributes)
    assert not re.search(r"url\(|@import|https?://(?![^<]*</)", text)
    ids = [attributes["id"] for unused, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {attributes["href"][1:] for unused, attributes in read.elements if "href" in attributes} <= set(ids)
    assert "default-src 'none'" in next(attributes["content"] for unused, attributes in read.elements if attributes.get("http-equiv"))


HOSTILE = "</li></style></script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;<!--"


def test_hostile_text_stays_text() -> None:
    """In every field that a host fills, and in the title: the elements of the page are those of a harmless run."""

    def host(text: str) -> collect.HostRun:
        source = sample.every_status()
        record = source.record
        for check in record["checks"]:
            check.update(summary=text, unit=text, hint=text, details={text: text, "cause": text})
        record["checks"][0].update(id=f"app.x[{text}]")
        record["checks"][1].update(id=text, status="critical")
        for step in record["steps"]:
            step.update(name=text, error=text)
        for action in record["actions"]:
            action.update(summary=text, target=text, kind=text)
        for item in record["artifacts"]["backup_sets"]:
            item.update(id=text, problem=text, created=text)
        record.update(id=text, collection=text)
        made = collect.from_results(text, {}, {"record": record, "trends": source.trends, "runs": [{"id": text, "started": text, "status": text}]}, "daily")
        assert made
        return made

    for others in ([], [sample.unreachable("b")]):
        hostile = Reader(render([host(HOSTILE), *others], title=HOSTILE))
        harmless = Reader(render([host("harmless"), *others], title="harmless"))
        kept = ("class", "href", "open", "role")
        assert [(element, {key: attributes.get(key) for key in kept}) for element, attributes in hostile.elements
                if element not in ("line", "circle")] == \
               [(element, {key: attributes.get(key) for key in kept}) for element, attributes in harmless.elements
                if element not in ("line", "circle")]
        assert hostile.text.count("<script>alert(1)</script>") > 20


def test_helper_escapes_by_default() -> None:
    """Only what was made by tag() is taken as HTML; attributes cannot be left."""
    assert tag("p", "<b>", tag("i", "&"), None, ["'"], class_='"x') == "<p class=\"&quot;x\">&lt;b&gt;<i>&amp;</i>&#x27;</p>"
    assert tag("details", open=True, id=None, hidden=False) == "<details open></details>"
    assert isinstance(tag("p"), Markup)


def test_secrets_are_redacted_once_more() -> None:
    """A secret that a host let slip into a text is in neither the page nor the record."""
    changes = {"mongodb.ping": ("critical", "cannot connect to mongodb://root:hunter2@db1/", None, {"cause": "password=hunter2", "token": "hunter2"})}
    report = verdict.build([sample.daily(changes=changes)], "daily", "", False, sample.NOW)
    assert "hunter2" not in page.render(report) and "hunter2" not in str(report.record)
    assert "********" in page.render(report)


def test_order_for_one_host() -> None:
    """Verdict, what to do, checks by area, backups, steps, changes, last runs, how numbers are counted."""
    text = Reader(render([sample.frozen()])).text
    order = ["Critical on lab1", "What to do next", "runbook: database down", "Checks", "Application", "Processes (PM2)", "Database (MongoDB)",
             "Host", "E-mail", "Certificates", "Backup", "Logs", "The run itself", "Backup history", "What ran, and how long", "Changes made",
             "Last runs of this kind", "How numbers are counted", "Made by trixtech.maintenance 0.1.0 on 23 Nov 2026, 02:00 UTC"]
    found = [text.index(words) for words in order[1:4]]
    assert text.index(order[0]) < found[0] and found == sorted(found)
    headings = re.findall(r"<h[23]>(.*?)</h[23]>", render([sample.frozen()]))
    assert headings == [words for words in order[1:-1] if not words.startswith("runbook")]
    assert order[-1] in text


def test_several_hosts() -> None:
    """A digest first, the worst host on top; boxes of ok hosts closed, the others open; every host in both."""
    read = Reader(render(SAMPLES["fleet"]))
    boxes = [attributes for element, attributes in read.elements if element == "details"]
    assert len(boxes) == 25
    assert [("open" in box) for box in boxes] == [True] * 5 + [False] * 20
    assert read.text.index("25 hosts") < read.text.index("Host by host")
    first = read.text.index("Worst check")
    assert read.text.index("app08", first) < read.text.index("app17", first) < read.text.index("app01", first)
    assert "Trends of hosts that are ok are left out" in read.text


def test_status_is_never_colour_alone() -> None:
    """Each coloured mark stands in an element that has the word too, or beside the verdict's sentence."""
    text = render([sample.every_status()])
    marks = re.findall(r'<span class="status s-(\w+)"><svg class="icon[^>]*><use href="#i-\w+"/></svg>([^<]+)</span>', text)
    assert {status for status, unused_word in marks} == {"ok", "warning", "unknown", "critical", "skipped"}
    assert all(word.strip() for unused_status, word in marks)
    assert text.count('class="status ') == len(marks)


def test_no_history() -> None:
    """Said in words where there is nothing to draw."""
    read = Reader(render([sample.daily(history=0)]))
    assert "no history yet" in read.text and "No history yet." in read.text
    assert not [1 for unused, attributes in read.elements if attributes.get("class") == "spark"]
    record = {**sample.daily().record, "artifacts": {"backup_sets": []}}
    assert "There is no backup set." in render([collect.from_results("a", {}, {"record": record}, "daily")])


def _contrast(one: str, other: str) -> float:
    """Return the contrast of two colours after WCAG 2.1."""
    levels = []
    for colour in (one, other):
        parts = [int(colour[place:place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        levels.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(levels) + 0.05) / (min(levels) + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_contrast(theme: int) -> None:
    """Text at least 4.5 to 1 on every ground it stands on, marks and lines 3 to 1 (WCAG 2.1, AA)."""
    colour = {name: pair[theme] for name, pair in style.COLOURS.items()}
    texts = [(name, ground) for name in ("ink", "soft") for ground in ("page", "sheet")]
    texts += [(f"t-{name}", ground) for name in style.STATUSES for ground in ("sheet", *(f"b-{verdict_}" for verdict_ in style.STATUSES))]
    texts += [("soft", f"b-{name}") for name in style.STATUSES]
    marks = [(f"f-{name}", ground) for name in style.STATUSES for ground in ("sheet", f"b-{name}")] + [("trend", "sheet"), ("trend", "rail")]
    low = {pair: round(_contrast(colour[pair[0]], colour[pair[1]]), 2) for pairs, least in ((texts, 4.5), (marks, 3)) for pair in pairs
           if _contrast(colour[pair[0]], colour[pair[1]]) < least}
    assert not low
    assert set(re.findall(r"var\(--([\w-]+)\)", style.sheet())) <= set(colour)
