# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds the arrows of docs/architecture.md, and what is true of every file, module and check type."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
PLUGINS = ROOT / "plugins"
CORE = PLUGINS / "module_utils"
PREFIX = "ansible_collections.trixtech.maintenance.plugins.module_utils"
HEADER = "GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)"

# what every capability may import, lowest first; each may import only what stands before it
FOUNDATION = ("errors", "version", "text", "checks", "trend", "mongo")
# capability -> the capability that it reads besides; in probes only the backup_* files do
EXCEPTIONS = {"probes": "backup", "restore": "backup"}
LONGEST_FILE = 400
LONGEST_TASKS = 60

PYTHON = sorted(path for folder in ("plugins", "tools", "lab", "tests") for path in (ROOT / folder).rglob("*.py")
                if "node_modules" not in path.parts and path.stat().st_size)
CORE_FILES = sorted(CORE.rglob("*.py"))
MODULES = sorted(path for path in (PLUGINS / "modules").glob("*.py") if path.name != "__init__.py")


def name(path: Path) -> str:
    """Return a path as it stands in the tree; the id of a test."""
    return str(path.relative_to(ROOT))


def imported(source: str) -> set[str]:
    """Return the dotted names that a source imports, functions' imports included, each as deep as it is written."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.update(f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)
    return found


def core_parts(source: str) -> set[str]:
    """Return the files and packages directly below module_utils that a source imports."""
    return {dotted[len(PREFIX) + 1:].split(".")[0] for dotted in imported(source) if dotted.startswith(PREFIX + ".")}


def wrong_arrows(path: Path, source: str) -> list[str]:
    """Return what a file of the core (path below module_utils) imports against the arrows."""
    own = path.parts[0].removesuffix(".py")
    wrong = [dotted for dotted in imported(source) if dotted.split(".")[0] == "ansible" and own != "glue"]
    wrong += [dotted for dotted in imported(source) if dotted.startswith(".")]  # Ansible packs only what it finds by full name
    wrong += [dotted for dotted in imported(source) if dotted.startswith("ansible_collections.") and not dotted.startswith(PREFIX)]
    allowed = {own, *(FOUNDATION[: FOUNDATION.index(own)] if own in FOUNDATION else FOUNDATION)}
    if own in EXCEPTIONS and (own != "probes" or path.name.startswith("backup_")):
        allowed.add(EXCEPTIONS[own])
    return wrong + sorted(core_parts(source) - allowed)


@pytest.mark.parametrize("path", CORE_FILES, ids=name)
def test_the_core_imports_no_ansible_and_follows_the_arrows(path):
    assert wrong_arrows(path.relative_to(CORE), path.read_text()) == []


@pytest.mark.parametrize(("path", "statement"), [
    ("text.py", "from ansible.module_utils.basic import AnsibleModule"),
    ("text.py", f"from {PREFIX}.checks import Check"),
    ("mongo/client.py", f"from {PREFIX} import history"),
    ("history.py", f"from {PREFIX}.backup.repository import Repository"),
    ("probes/host_load.py", f"from {PREFIX}.backup.repository import Repository"),
    ("probes/backup_age.py", f"from {PREFIX}.restore import ladder"),
    ("backup/create.py", f"def late():\n    from {PREFIX} import glue"),
    ("backup/create.py", "from . import lock"),
    ("report/page.py", "from ansible_collections.trixtech.maintenance.plugins.filter import run_record"),
])
def test_a_wrong_arrow_is_found(path, statement):
    assert wrong_arrows(Path(path), statement) != []


def test_the_listed_exceptions_are_allowed():
    statement = f"from {PREFIX}.backup.repository import Repository"
    assert wrong_arrows(Path("probes/backup_age.py"), statement) == wrong_arrows(Path("restore/ladder.py"), statement) == []


@pytest.mark.parametrize("path", [path for path in sorted(PLUGINS.rglob("*.py")) if CORE not in path.parents], ids=name)
def test_what_stands_above_the_core_imports_nothing_else_of_the_collection(path):
    inside = {dotted for dotted in imported(path.read_text()) if dotted.startswith(("ansible_collections.", "."))}
    assert {dotted for dotted in inside if not dotted.startswith(PREFIX)} == set()


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_every_file_says_its_licence_and_fits_on_a_few_screens(path):
    lines = path.read_text().splitlines()
    assert any(HEADER in line for line in lines[:4])
    assert len(lines) <= LONGEST_FILE


@pytest.mark.parametrize("path", [path for path in PYTHON if PLUGINS in path.parents], ids=name)
def test_plugins_are_written_for_python_3_9(path):
    source = path.read_text()
    tree = ast.parse(source, feature_version=(3, 9))
    assert any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body) or not imported(source)


def test_newer_syntax_would_be_found():
    with pytest.raises(SyntaxError):
        ast.parse("match 1:\n    case 1:\n        pass\n", feature_version=(3, 9))


@pytest.mark.parametrize("path", sorted(ROOT.glob("roles/*/tasks/*.yml")), ids=name)
def test_tasks_only_arrange(path):
    assert len(path.read_text().splitlines()) <= LONGEST_TASKS
    shell = [key for task in yaml.safe_load(path.read_text()) or [] for key in task if key.split(".")[-1] in ("shell", "command", "raw", "script")]
    assert shell == []


def test_every_module_is_in_the_action_group():
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
    assert runtime["action_groups"]["all"] == [path.stem for path in MODULES]


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_every_module_documents_itself(path):
    texts = {target.id: yaml.safe_load(node.value.value) for node in ast.parse(path.read_text()).body
             if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
             for target in node.targets if isinstance(target, ast.Name) and target.id in ("DOCUMENTATION", "EXAMPLES", "RETURN")}
    assert texts["EXAMPLES"]
    assert texts["RETURN"]
    documentation = texts["DOCUMENTATION"]
    assert documentation["module"] == path.stem
    fragments = documentation.get("extends_documentation_fragment") or []
    assert any(fragment.startswith("trixtech.maintenance.attributes") for fragment in fragments)
    if "trixtech.maintenance.attributes" in fragments:
        assert {"check_mode", "diff_mode"} <= {key for key, value in documentation["attributes"].items() if value.get("support")}


def test_the_registry_lists_every_check_type():
    from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import registry

    defined = {path.stem for path in (CORE / "probes").glob("*.py")
               if any(isinstance(node, (ast.Assign, ast.AnnAssign)) and "TYPE" in
                      {getattr(target, "id", None) for target in (node.targets if isinstance(node, ast.Assign) else [node.target])}
                      for node in ast.parse(path.read_text()).body)}
    assert {implementation.__name__.rsplit(".", 1)[1] for implementation in registry.TYPES.values()} == defined
