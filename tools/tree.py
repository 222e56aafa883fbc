# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy of the collection in a real directory of its name; ansible-test and galaxy's build want that, and follow no link."""

from __future__ import annotations

import shutil
from pathlib import Path

from tools import environment


def files() -> list[str]:
    """Return the files that belong to the tree: those that git tracks and new ones that it does not ignore."""
    listed = environment.command(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=environment.ROOT)
    return sorted(name for name in set(listed.split("\0")) if name and (environment.ROOT / name).is_file())


def copy(workspace: Path, without: tuple[str, ...] = ()) -> Path:
    """Copy the tree to workspace/ansible_collections/trixtech/maintenance, replacing what is there, and return that path.

    without: beginnings of paths that stay out.
    """
    target = workspace / "ansible_collections" / "trixtech" / "maintenance"
    shutil.rmtree(target, ignore_errors=True)
    for name in files():
        if name.startswith(without):
            continue
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(environment.ROOT / name, target / name, follow_symlinks=False)
    return target


def workspace(purpose: str) -> Path:
    """Return a directory in the cache for this checkout and this purpose."""
    directory = environment.cache() / "work" / environment.digest(str(environment.ROOT)) / purpose
    directory.mkdir(parents=True, exist_ok=True)
    return directory
