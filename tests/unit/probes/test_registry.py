# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import base, registry

PACKAGE = base.__name__.rpartition(".")[0]
FILES = sorted(path.stem for path in Path(base.__file__).parent.glob("*.py") if path.stem not in ("__init__", "registry"))


def test_every_file_with_a_type_is_registered_under_it():
    found = {}
    for name in FILES:
        module = importlib.import_module(f"{PACKAGE}.{name}")
        if hasattr(module, "TYPE"):
            found[module.TYPE] = module
    assert len(found) >= 20
    assert registry.TYPES == found


@pytest.mark.parametrize("check_type", sorted(registry.TYPES))
def test_a_type_keeps_the_contract(check_type):
    module = registry.TYPES[check_type]
    assert module.__name__.rpartition(".")[2] == check_type.replace(".", "_")
    title, _empty, rest = (module.__doc__ or "").partition("\n\n")
    assert title and "\n" not in title and rest, "the docstring begins with one line, the title"
    assert list(inspect.signature(module.look).parameters) == ["context", "options"]
    for name, option in module.OPTIONS.items():
        assert option.doc, f"the option {name} is not documented"
        assert option.default is None or isinstance(option.default, base._KINDS[option.kind])
        assert not (option.required and option.default is not None)
    instance = getattr(module, "INSTANCE", None)
    assert instance is None or module.OPTIONS[instance].required


def test_the_lists_are_in_order():
    assert list(registry.TYPES) == sorted(registry.TYPES)
