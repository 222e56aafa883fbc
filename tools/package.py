#!/usr/bin/env python3
# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lints the collection's documentation as Galaxy shows it, or builds the tarball and looks at what is in it."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

# pylint: disable=wrong-import-position
from tools import environment, tree

# what an operator needs from the tarball; everything tracked below these is in it
WANTED = ("plugins/", "roles/", "playbooks/", "docs/", "meta/", "requirements/", "inventories/", "changelogs/",
          "README.md", "LICENSE")
# what only a checkout is for, or what never belongs into a package
UNWANTED = ("lab/", "tools/", "molecule/", "tests/unit/", "tests/integration/", ".git/", ".ci/", ".ansible/", ".cache/", ".lab/", ".venv/",
            "node_modules/", "ansible.cfg", "Makefile")
# of a tarball, in bytes; more than that means that something slipped in
LARGEST = 2_000_000


def docs() -> int:
    """Run antsibull-docs' linter over the collection and its plugins."""
    collection = tree.copy(tree.workspace("docs"))
    return subprocess.run(["antsibull-docs", "lint-collection-docs", "--plugin-docs", str(collection)], env=environment.variables(),
                          check=False).returncode


def build() -> int:
    """Build the tarball and print what is wrong with its content; 0 when nothing is."""
    directory = tree.workspace("build")
    collection = tree.copy(directory)
    environment.command(["ansible-galaxy", "collection", "build", "--force", "--output-path", str(directory), str(collection)],
                        env=environment.variables())
    (tarball,) = directory.glob("trixtech-maintenance-*.tar.gz")
    with tarfile.open(tarball) as archive:
        content = [member.name for member in archive if member.isfile()]
    problems = content_problems(content, tree.files(), tarball.stat().st_size)
    tarball.unlink()
    print("\n".join(problems) or f"{tarball.name}: {len(content)} files, as they should be")
    return 1 if problems else 0


def content_problems(content: list[str], tracked: list[str], size: int) -> list[str]:
    """Return one line for each file that is missing from the content of a tarball or should not be in it."""
    problems = [f"{name} is missing from the tarball" for name in tracked if name.startswith(WANTED) and name not in content]
    problems += [f"{name} does not belong into the tarball; see build_ignore in galaxy.yml" for name in content
                 if name.startswith(UNWANTED) or "__pycache__" in name]
    problems += [f"{name} is not in the tarball" for name in ("README.md", "LICENSE", "meta/runtime.yml") if name not in content]
    if size > LARGEST:
        problems.append(f"the tarball has {size} bytes, more than {LARGEST}")
    return problems


if __name__ == "__main__":
    sys.exit({"docs": docs, "build": build}[sys.argv[1]]())
