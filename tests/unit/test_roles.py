# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A role's defaults, its argument_specs and its README say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROLES = Path(__file__).resolve().parent.parent.parent / "roles"
NAMES = sorted(path.name for path in ROLES.iterdir() if path.is_dir()) if ROLES.is_dir() else []
# how a description says that a variable without a default may stay unset
MAY_BE_UNSET = re.compile(r"\b(unset|unless given|required as long as|not set|without it)\b", re.IGNORECASE)


def load(path: Path):
    """Return what a YAML file holds; nothing where it does not exist."""
    return (yaml.safe_load(path.read_text()) if path.exists() else None) or {}


def options_of(specification: dict) -> dict:
    """Return the options of all entry points of a role together."""
    merged: dict = {}
    for entry_point in specification["argument_specs"].values():
        merged.update(entry_point.get("options") or {})
    return merged


def differences(defaults: dict, options: dict) -> list[str]:
    """Return one line for each variable of which defaults and argument_specs do not say the same."""
    found = [f"{name} has a default but is not in argument_specs" for name in sorted(set(defaults) - set(options))]
    for name, option in options.items():
        description = option.get("description", "")
        text = description if isinstance(description, str) else " ".join(description)
        if name not in defaults:
            if "default" in option:
                found.append(f"{name} has a default in argument_specs only")
            elif not option.get("required") and not MAY_BE_UNSET.search(text):
                found.append(f"{name} has no default, is not required, and its description does not say that it may be unset")
        elif "default" not in option:
            found.append(f"{name} has a default in defaults/main.yml only")
        elif (option["default"], type(option["default"])) != (defaults[name], type(defaults[name])):
            found.append(f"{name}: the default is {defaults[name]!r} and in argument_specs {option['default']!r}")
    return found


def test_there_are_roles():
    assert {"app", "maintenance"} <= set(NAMES)


@pytest.mark.parametrize("role", NAMES)
def test_defaults_equal_argument_specs(role):
    options = options_of(load(ROLES / role / "meta" / "argument_specs.yml"))
    assert differences(load(ROLES / role / "defaults" / "main.yml"), options) == []


@pytest.mark.parametrize(("defaults", "option"), [
    ({"x_a": 1}, None),
    ({}, {"default": 1}),
    ({}, {"description": "An option."}),
    ({"x_a": 1}, {"required": True}),
    ({"x_a": 1}, {"default": 2}),
    ({"x_a": 1}, {"default": True}),
    ({"x_a": "1"}, {"default": 1}),
])
def test_a_difference_is_found(defaults, option):
    assert len(differences(defaults, {"x_a": option} if option else {})) == 1


@pytest.mark.parametrize("option", [{"required": True}, {"description": ["A limit.", "None while unset."]}])
def test_an_option_may_have_no_default(option):
    assert differences({}, {"x_a": option}) == []


@pytest.mark.parametrize("role", NAMES)
def test_every_variable_carries_the_name_of_its_role(role):
    options = options_of(load(ROLES / role / "meta" / "argument_specs.yml"))
    variables = {*load(ROLES / role / "defaults" / "main.yml"), *load(ROLES / role / "vars" / "main.yml"), *options}
    assert [name for name in sorted(variables) if not name.lstrip("_").startswith(f"{role}_")] == []


@pytest.mark.parametrize("role", NAMES)
def test_the_readme_explains_every_variable(role):
    text = (ROLES / role / "README.md").read_text()
    options = options_of(load(ROLES / role / "meta" / "argument_specs.yml"))
    assert [name for name in options if f"`{name}`" not in text] == []
