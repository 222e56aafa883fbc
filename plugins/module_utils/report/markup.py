# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTML that is escaped unless it was made here. No I/O."""

from __future__ import annotations

import html
from typing import Any

_VOID = ("meta", "rect", "line", "circle", "path", "polyline", "polygon", "use")


class Markup(str):
    """Text that is HTML already; everything else is escaped by tag()."""

    __slots__ = ()


def text(content: Any) -> str:
    """Return content as HTML: Markup as it is, None as nothing, lists one after the other, all else escaped."""
    if isinstance(content, Markup):
        return content
    if content is None:
        return ""
    if isinstance(content, (list, tuple)):
        return "".join([text(item) for item in content])
    return html.escape(str(content))


def tag(element: str, /, *content: Any, **attributes: Any) -> Markup:
    """Return an element. class_ stands for class, a_b for a-b; an attribute that is None or False is left out, True stands alone."""
    written = "".join([
        f" {key.rstrip('_').replace('_', '-')}" if value is True else f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items() if value is not None and value is not False
    ])
    if element in _VOID:
        return Markup(f"<{element}{written}>" if element == "meta" else f"<{element}{written}/>")
    return Markup(f"<{element}{written}>{text(content)}</{element}>")


def joined(separator: str, items: list) -> Markup:
    """Return items, those that are not empty, with an escaped separator between them."""
    return Markup(html.escape(separator).join([text(item) for item in items if item]))
