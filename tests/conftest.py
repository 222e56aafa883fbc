# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes ansible_collections.trixtech.maintenance importable from the checkout, without Ansible, and tools/ and lab/ with it."""

from __future__ import annotations

import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def _package(name: str, *paths: Path) -> None:
    if name not in sys.modules:
        module = types.ModuleType(name)
        module.__path__ = [str(path) for path in paths]
        sys.modules[name] = module


_package("ansible_collections")
_package("ansible_collections.trixtech")
_package("ansible_collections.trixtech.maintenance", ROOT)
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))
