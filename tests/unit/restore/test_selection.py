# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is chosen of a set, and what it is called in the target."""

from __future__ import annotations

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore import selection

SET = "20261123T020000Z-7c1f"
CONTENT = {"namespaces": {name: {"type": "collection"} for name in (
    "shop.bookings", "shop.a.b", "shop.system.js", "other.bookings", "shop.bookings.trixtech_restore_202611220200001234")}}


def targets(databases=(), namespaces=(), rename=None):
    return {item.source: item.target for item in selection.select(CONTENT, list(databases), list(namespaces), rename or {})}


def test_everything_is_chosen_but_for_what_a_killed_restore_left():
    assert targets() == {name: name for name in ("shop.bookings", "shop.a.b", "shop.system.js", "other.bookings")}


def test_databases_and_namespaces_add_up():
    assert set(targets(["other"], ["shop.a.b"])) == {"other.bookings", "shop.a.b"}


def test_a_collections_new_name_goes_before_its_databases():
    assert targets(["shop"], rename={"shop": "copy", "shop.bookings": "old.b.c"}) == {
        "shop.bookings": "old.b.c", "shop.a.b": "copy.a.b", "shop.system.js": "copy.system.js"}


@pytest.mark.parametrize(("arguments", "message"), [
    ({"databases": ["shopp"]}, "database shopp is not among.*there is other, shop"),
    ({"namespaces": ["shop.x"]}, "namespace shop.x is not among"),
    ({"namespaces": ["shop.bookings.trixtech_restore_202611220200001234"]}, "is not among"),
    ({"databases": ["other"], "rename": {"shop": "copy"}}, r"name \(in rename\) shop is not among"),
    ({"rename": {"shop": "other"}}, "would both become other.bookings"),
    ({"rename": {"shop": "admin"}}, "belongs to the server"),
    ({"rename": {"shop": "a.b"}}, "'a.b' is no database"),
    ({"rename": {"shop": ""}}, "is no database"),
    ({"rename": {"shop": "a b"}}, "cannot be the name of a database"),
    ({"rename": {"shop": "x" * 64}}, "cannot be the name of a database"),
    ({"rename": {"shop.bookings": "bookings"}}, "is no database.collection"),
    ({"rename": {"shop.bookings": "shop."}}, "is no database.collection"),
    ({"rename": {"shop.bookings": "shop.system.users"}}, "cannot be the name of a collection"),
    ({"rename": {"shop.bookings": "shop.x.trixtech_restore_202611220200001234"}}, "cannot be the name of a collection"),
])
def test_what_cannot_be_is_refused_in_one_line(arguments, message):
    with pytest.raises(MaintenanceError, match=message) as refused:
        targets(**arguments)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["bookings", "a.b", "system.js", "ü" * 60, "x" * 240, "line\nbreak"])
@pytest.mark.parametrize("kind", ["restore", "restoring"])
def test_temporary_names_are_possible_and_known_again(name, kind):
    item = selection.Item(f"shop.{name}", {}, "shop", name)
    found = selection.temporary(item, SET, kind)
    match = selection.TEMPORARY.fullmatch(found)
    assert match["name"] == selection.stem(item) and match["kind"] == kind
    assert len(f"shop.{found}".encode()) <= 255 and not found.startswith("system.")
    assert name in ("system.js", "x" * 240) or match["name"] == name


def test_no_two_collections_share_a_temporary_name():
    names = [selection.temporary(selection.Item("", {}, "shop", name), SET) for name in ("js", "system.js", "x" * 240, "x" * 239 + "y")]
    assert len(set(names)) == 4


@pytest.mark.parametrize("name", ["bookings", "x.trixtech_restore_2026", "x.trixtech_restored_202611230200007c1f", ".trixtech_restore_202611230200007c1f"])
def test_other_names_are_not_taken_for_leftovers(name):
    assert not selection.TEMPORARY.fullmatch(name)
