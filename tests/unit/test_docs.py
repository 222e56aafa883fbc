# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation is up to date where that can be told, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import base, registry
from tools import check_docs

ROOT = check_docs.ROOT
LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:)([^)#\s]*)(#[^)\s]+)?\)")
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *ROOT.glob("roles/*/README.md")])


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them; fenced blocks have none."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return {"#" + check_docs.anchor(re.sub(r"[`*]", "", heading)) for heading in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)}


def dead_links(page: Path) -> list[str]:
    """Return the links of a page that lead to no file or to no heading."""
    found = []
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for file, anchor in LINK.findall(text):
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            found.append(file + anchor)
    return found


def test_checks_md_is_what_the_check_types_say():
    assert check_docs.TARGET.read_text() == check_docs.page(registry.TYPES), "run make docs"


def test_the_page_shows_options_and_remedy(tmp_path):
    source = tmp_path / "x.py"
    source.write_text('hint="docs/runbook.md#load"')
    implementation = SimpleNamespace(__doc__="Title.\n\nMore.", __file__=str(source), INSTANCE="path",
                                     OPTIONS={"path": base.Option("str", required=True, doc="A | b."),
                                              "key": base.Option("str", secret=True, doc="Key.")})
    page = check_docs.page({"host.x": implementation})
    assert "| [host.x](#hostx) | Title. |" in page
    assert "| `path` | str | required | A \\| b. |" in page
    assert "| `key` | str |  | Key. A secret; it appears in no output. |" in page
    assert "`host.x[...]`" in page
    assert "[load](runbook.md#load)" in page


def test_every_hint_leads_to_a_heading_of_the_runbook():
    hints = {hint for path in (ROOT / "plugins").rglob("*.py") for hint in check_docs.HINT.findall(path.read_text())}
    assert hints
    assert sorted(hints - anchors(ROOT / "docs" / "runbook.md")) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    assert dead_links(page) == []


def test_a_dead_link_is_found(tmp_path):
    (tmp_path / "there.md").write_text("# A heading, `coded`\n")
    page = tmp_path / "page.md"
    page.write_text("[1](there.md#a-heading-coded) [2](there.md#no) [3](gone.md) [4](https://example.org/gone)\n```\n[5](gone.md)\n```\n")
    assert dead_links(page) == ["there.md#no", "gone.md"]


@pytest.mark.parametrize("pattern", ["plugins/modules/*.py", "playbooks/*.yml", "roles/*"])
def test_the_readme_lists_everything(pattern):
    text = (ROOT / "README.md").read_text()
    names = [path.stem for path in sorted(ROOT.glob(pattern)) if path.name != "__init__.py"]
    assert names
    assert [name for name in names if not re.search(rf"^\| \[?`(trixtech\.maintenance\.)?{name}`", text, flags=re.MULTILINE)] == []


def test_lock_files_name_no_registry():
    locks = [path for folder in ("tools", "lab") for path in (ROOT / folder).rglob("package-lock.json") if "node_modules" not in path.parts]
    assert locks
    hosts = {host for lock in locks for host in re.findall(r'"resolved": "https?://([^/"]+)', lock.read_text())}
    assert hosts <= {"registry.npmjs.org"}
