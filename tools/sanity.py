#!/usr/bin/env python3
# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ansible-test sanity --local on a copy of the tree, with a home directory of its own that keeps its virtual environments."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

# pylint: disable=wrong-import-position
from tools import environment, tree

# ansible-test fetches pip's installer from a host that need not be reachable; Python carries one
GET_PIP = "import ensurepip\nensurepip.bootstrap()\n"
# ansible-test of core 2.19 asks for the first name, of 2.20 and 2.21 for the second
GET_PIP_NAMES = ("get_pip_24_2.py", "get_pip_25_2.py")
# programs and tests of the checkout, which are not in the package and not bound to what ansible-test wants of plugins; ruff reads them
CHECKOUT_ONLY = ("lab/", "tools/", "molecule/", "tests/integration/")


def search_path(path: str) -> str:
    """Return path with a Python 3.9 that starts, if there is one, and without pyenv's shims, which need not start anything."""
    directories = [directory for directory in path.split(os.pathsep) if not directory.endswith("/.pyenv/shims")]
    with contextlib.suppress(environment.Missing):
        directories.append(str(Path(environment.python39()).parent))
    return os.pathsep.join(directories)


def main(arguments: list[str]) -> int:
    """Run ansible-test with the arguments that follow; return its exit status."""
    home = tree.workspace("sanity-home")
    downloads = home / ".ansible" / "test" / "cache"
    downloads.mkdir(parents=True, exist_ok=True)
    for name in GET_PIP_NAMES:
        (downloads / name).write_text(GET_PIP)
    collection = tree.copy(tree.workspace("sanity"), without=CHECKOUT_ONLY)
    variables = {**environment.variables(), "HOME": str(home)}
    variables["PATH"] = search_path(variables["PATH"])
    for name in ("ANSIBLE_CONFIG", "ANSIBLE_COLLECTIONS_PATH", "PYTHONUNBUFFERED"):
        variables.pop(name)
    return subprocess.run(["ansible-test", "sanity", "--local", "--color", "no", *arguments], cwd=collection, env=variables,
                          stdin=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
