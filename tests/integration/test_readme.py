# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fenced block of README.md and docs/development.md is carried out in a copy of the tree, or at least looked at.

sh:   run line by line in one shell with a home directory of its own. Playbooks are only checked for syntax, of make's targets it is
      only looked whether they exist: demo and test would carry out this test again.
yaml: a playbook, checked for syntax.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from tools import environment, tree

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = ("README.md", "docs/development.md")
BLOCKS = [(f"{page}-{number}-{language or 'plain'}", language, text) for page in PAGES
          for number, (language, text) in enumerate(BLOCK.findall((environment.ROOT / page).read_text()), 1)]


def runnable(line: str) -> str:
    """Return a command that tries a line of a block without carrying out a run or another test."""
    if line.startswith("make "):
        return line.replace("make ", "make --dry-run ", 1) + " >/dev/null"
    if line.startswith("ansible-playbook "):
        return f"{line} --syntax-check"
    return line


@pytest.fixture(name="copy")
def fixture_copy(tmp_path):
    copy = tree.copy(tmp_path)
    (copy / ".venv").symlink_to(environment.venv())
    (copy / ".ansible" / "collections").mkdir(parents=True)
    (copy / ".ansible" / "collections" / "ansible_collections").symlink_to(tmp_path / "ansible_collections")
    return copy


def shell(script: str, copy) -> subprocess.CompletedProcess:
    home = copy.parents[2] / "home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "MAKE"))}
    path = f"{environment.venv() / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run([shutil.which("bash"), "-euo", "pipefail", "-c", script], cwd=copy, env={**kept, "PATH": path, "HOME": str(home)},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("language", "text"), [block[1:] for block in BLOCKS], ids=[block[0] for block in BLOCKS])
def test_the_block_works(language, text, copy):
    if language == "yaml":
        (copy / "example.yml").write_text(text)
        done = shell("ansible-playbook --syntax-check -i inventories/example example.yml", copy)
    else:
        assert language == "sh", "say with the fence what language it is, so that it can be tried"
        done = shell("\n".join(runnable(line) for line in text.splitlines()), copy)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("line", ["make no-such-target", "ansible-playbook -i inventories/lab playbooks/none.yml"])
def test_a_line_that_does_not_work_is_found(line, copy):
    assert shell(runnable(line), copy).returncode != 0
