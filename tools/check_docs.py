#!/usr/bin/env python3
# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/checks.md from the docstring and the options of each check type; --check only says whether it is up to date."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)

# pylint: disable=wrong-import-position
import tests.conftest  # noqa: F401  # makes the collection importable from the checkout
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import base, registry

TARGET = ROOT / "docs" / "checks.md"
HINT = re.compile(r"docs/runbook\.md(#[a-z0-9-]+)")
AREAS = {"app": "Application", "pm2": "PM2", "mongodb": "MongoDB", "host": "Host", "smtp": "E-mail", "tls": "Certificates",
         "backup": "Backups", "logs": "Logs"}
HEAD = """\
# Check types

<!-- Written by `make docs` (tools/check_docs.py) from plugins/module_utils/probes; changes here are lost. -->

What the module `trixtech.maintenance.probe` can look at. A list of these is its option `checks`:

```yaml
- trixtech.maintenance.probe:
    checks:
      - type: host.disk
        path: /srv
        warning: 85
      - type: host.load
```

`overrides` of the module sets options for every check of a type. A limit trips at its value and ends again only beyond its clear
value, so that a check on the edge does not flap. A check that cannot look is `unknown`, never `ok`.
"""


def page(types: dict[str, Any]) -> str:
    """Return docs/checks.md for these check types."""
    parts = [HEAD, "| type | what it looks at |", "| --- | --- |"]
    parts += [f"| [{name}](#{anchor(name)}) | {cell(title(types[name]))} |" for name in in_order(types)]
    parts += ["", "## Options of every check", "", *option_table(base.COMMON_OPTIONS)]
    area = None
    for name in in_order(types):
        if area != (area := name.split(".")[0]):
            parts += ["", f"## {AREAS.get(area, area)}"]
        parts += ["", *section(name, types[name])]
    return "\n".join(parts) + "\n"


def in_order(types: dict[str, Any]) -> list[str]:
    """Return the names by area, the areas in the order of AREAS and new ones after them."""
    areas = list(AREAS)
    return sorted(types, key=lambda name: (areas.index(name.split(".")[0]) if name.split(".")[0] in areas else len(areas), name))


def section(name: str, implementation: Any) -> list[str]:
    """Return the lines about one check type."""
    documentation = inspect.cleandoc(implementation.__doc__)
    lines = [f"### {name}", "", documentation, ""]
    instance = getattr(implementation, "INSTANCE", None)
    if instance:
        lines += [f"Its id carries the option `{instance}` in brackets: `{name}[...]`.", ""]
    lines += option_table(implementation.OPTIONS) if implementation.OPTIONS else ["It has no options of its own."]
    hints = sorted(set(HINT.findall(Path(implementation.__file__).read_text(encoding="utf-8"))))
    if hints:
        lines += ["", "What to do: " + ", ".join(f"[{hint[1:]}](runbook.md{hint})" for hint in hints) + "."]
    return lines


def option_table(options: dict[str, Any]) -> list[str]:
    """Return a table of options, the required ones first."""
    lines = ["| option | kind | default | meaning |", "| --- | --- | --- | --- |"]
    for name, option in sorted(options.items(), key=lambda item: not item[1].required):
        default = "required" if option.required else "" if option.default is None else f"`{plain(option.default)}`"
        secret = " A secret; it appears in no output." if option.secret else ""
        lines.append(f"| `{name}` | {option.kind} | {default} | {cell(option.doc)}{secret} |")
    return lines


def plain(value: Any) -> str:
    """Write a default as YAML would."""
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def title(implementation: Any) -> str:
    """Return the first line of the docstring."""
    return inspect.cleandoc(implementation.__doc__).splitlines()[0]


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def cell(text: str) -> str:
    """Return text for one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def main(arguments: list[str]) -> int:
    """Write the page, or with --check say whether it is what would be written."""
    wanted = page(registry.TYPES)
    if "--check" not in arguments:
        TARGET.write_text(wanted, encoding="utf-8")
        return 0
    if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != wanted:
        print("docs/checks.md is not what the check types say; run make docs", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
