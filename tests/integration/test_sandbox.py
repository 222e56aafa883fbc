# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sandbox stands beside a host's own mongod and touches nothing of it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ansible_collections.trixtech.maintenance.plugins.module_utils.restore.sandbox import sandbox
from tools import environment


def listening(pid: int) -> tuple[set[str], list[str]]:
    """Return the paths of the unix sockets that a process has bound, and its listening TCP sockets."""
    inodes = {os.readlink(link)[8:-1] for link in Path(f"/proc/{pid}/fd").iterdir() if os.readlink(link).startswith("socket:[")}
    unix = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    tcp = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return ({columns[7] for columns in unix if len(columns) > 7 and columns[6] in inodes},
            [columns[1] for columns in tcp if columns[3] == "0A" and columns[9] in inodes])


def test_its_sockets_lie_in_its_own_directory_and_it_has_no_port():
    with tempfile.TemporaryDirectory() as parent, sandbox(str(environment.mongod()), parent) as made:
        paths, ports = listening(made.process.pid)
        assert f"{made.path}/mongod.sock" in paths
        assert {os.path.dirname(path) for path in paths} == {made.path}
        assert ports == []
