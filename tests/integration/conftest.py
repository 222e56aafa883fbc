# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labs as fixtures, for the tests of the lab itself."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from lab import faults, processes
from lab.layout import Layout
from tests.integration.labs import BOOKINGS, SERVERS, command


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One lab for the module."""
    directory = tmp_path_factory.mktemp("lab")
    try:
        command(directory, "up", "--bookings", str(BOOKINGS))
        yield directory
    finally:
        command(directory, "down", "--purge")
        assert not processes.find(Layout(directory))


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Path]:
    """A directory for a lab that the test starts, kills and mends itself."""
    try:
        yield tmp_path
    finally:
        command(tmp_path, "down", "--purge")


@pytest.fixture
def lab(where: Path) -> Iterator[faults.Lab]:
    """The module's lab, in health before and after the test."""
    layout = Layout(where)
    thing = faults.Lab(layout, layout.read(), living=True)
    assert not faults.active(layout)
    yield thing
    if faults.active(layout) or set(processes.find(layout).values()) != SERVERS:
        command(where, "up")
        pytest.fail("the test left a fault behind")
