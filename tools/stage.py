#!/usr/bin/env python3
# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs what a target of the Makefile is made of, stage by stage, and says how long each took.

The first stage that fails ends the target with that stage's exit status. `test` ends with the line "N passed, N failed": the
tests of all pytest stages, and one for each stage that is no pytest run (a linter, say).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Union
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # instead of tools/, so that this file and those of lab/ find each other by package name

# pylint: disable=wrong-import-position
from tools import environment, tree

RESULTS = ROOT / ".cache" / "results"
OUTPUT = Path(os.environ.get("LAB_DIR") or ROOT / ".lab") / "output"


class NotHere(Exception):
    """A stage that cannot run on this machine, with its reason; it is reported and counts neither as passed nor as failed."""


@dataclass(frozen=True)
class Stage:
    """A named piece of work: a command, or a function that returns one; pytest stages are counted by their tests."""

    name: str
    work: Union[list[str], Callable[[], Optional[list[str]]]]
    tests: bool = False

    @property
    def results(self) -> Path:
        """The JUnit file of a pytest stage."""
        return RESULTS / f"{self.name}.xml"


def pytest(name: str, *arguments: str, python: Optional[Callable[[], str]] = None) -> Stage:
    """Return a stage that runs pytest, by the environment's Python unless another is given."""
    def work() -> list[str]:
        interpreter = python() if python else "python"
        return [interpreter, "-m", "pytest", f"--junitxml={RESULTS / name}.xml", *arguments]

    return Stage(name, work, tests=True)


def python39() -> str:
    """Return the Python of the 3.9 environment."""
    try:
        return str(environment.venv_oldest() / "bin" / "python")
    except environment.Missing as error:
        raise NotHere(str(error)) from None


def prepare() -> None:
    """Build the environment that all the other stages run in, and a link to it for work by hand."""
    environment.collections_path()
    link = ROOT / ".venv"
    if not link.exists() or not link.samefile(environment.venv()):
        link.unlink(missing_ok=True)
        link.symlink_to(environment.venv())


ENVIRONMENT = Stage("environment", prepare)
SANITY = [Stage("ansible-test sanity", ["python", "tools/sanity.py"])]
LINT = [
    Stage("ruff", ["ruff", "check", "--cache-dir", ".cache/ruff", "--output-format", "concise", "."]),
    Stage("yamllint", ["yamllint", "--strict", "."]),
    Stage("ansible-lint", ["ansible-lint", "--offline", "-q"]),
]
DOCS = [
    Stage("docs/checks.md", ["python", "tools/check_docs.py", "--check"]),
    Stage("antsibull-docs", ["python", "tools/package.py", "docs"]),
    Stage("antsibull-changelog", ["antsibull-changelog", "lint"]),
    Stage("galaxy build", ["python", "tools/package.py", "build"]),
]
UNIT = [
    pytest("unit", "tests/unit"),
    # what runs on managed hosts; the rest of the suite needs Ansible or YAML, which such a host need not have
    pytest("unit, Python 3.9", "tests/unit", python=python39),
]
def molecule() -> list[str]:
    """Return the call of Molecule, with a directory for this checkout: Molecule's own is the same for all that have the same name."""
    return ["env", f"MOLECULE_EPHEMERAL_DIRECTORY={tree.workspace('molecule')}", "molecule", "test"]


MOLECULE = [Stage("molecule", molecule)]
INTEGRATION = [pytest("integration", "tests/integration", "--durations=10")]
LAB_UP = Stage("lab", ["python", "lab/lab.py", "up"])
DEMO = [
    LAB_UP,
    Stage("daily", ["ansible-playbook", "-i", "inventories/lab", "playbooks/daily.yml"]),
]
TARGETS: dict[str, list[Stage]] = {
    "environment": [],
    "sanity": SANITY,
    "lint": LINT,
    "docs": [Stage("docs/checks.md", ["python", "tools/check_docs.py"]), *DOCS[1:]],
    "unit": UNIT,
    "molecule": MOLECULE,
    "integration": INTEGRATION,
    "test": [*LINT, *DOCS, *UNIT, *SANITY, *MOLECULE, *INTEGRATION],
    "demo": DEMO,
    "lab-up": [LAB_UP],
    "bench-backup": [Stage("bench-backup", ["python", "-m", "tests.performance.backup"])],
    "demo-down": [Stage("lab", ["python", "lab/lab.py", "down", "--purge"])],
}


def run(stages: list[Stage], extra: list[str]) -> int:
    """Run the stages in order up to the first that fails, print the table, and return the exit status."""
    variables: dict[str, str] = {}
    rows: list[tuple[str, float, str]] = []
    totals = {"passed": 0, "failed": 0}
    status = 0
    RESULTS.mkdir(parents=True, exist_ok=True)
    for stage in stages:
        if status:
            rows.append((stage.name, 0, "not run"))
            continue
        heading(stage.name)
        begin = time.monotonic()
        stage.results.unlink(missing_ok=True)
        try:
            argv = stage.work() if callable(stage.work) else stage.work
            variables = variables or environment.variables()
            if argv:
                more = extra if stage.tests else []
                status = subprocess.run([*argv, *more], cwd=ROOT, env=variables, stdin=subprocess.DEVNULL, check=False).returncode
            outcome = f"failed with status {status}" if status else "passed"
        except NotHere as error:
            outcome = f"skipped: {error}"
        except environment.Missing as error:
            print(f"{stage.name}: {error}", file=sys.stderr)
            status, outcome = 1, "failed"
        rows.append((stage.name, time.monotonic() - begin, outcome))
        count(stage, outcome, totals)
    table(rows)
    if any(stage.tests for stage in stages) and len(stages) > len(UNIT) + 1:
        print(f"{totals['passed']} passed, {totals['failed']} failed")
    return status


def count(stage: Stage, outcome: str, totals: dict[str, int]) -> None:
    """Add a stage's tests to totals, or the stage itself where it has none to count."""
    if stage.tests and stage.results.exists():
        for suite in ElementTree.parse(stage.results).getroot().iter("testsuite"):
            failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            totals["failed"] += failed
            totals["passed"] += int(suite.get("tests", 0)) - failed - int(suite.get("skipped", 0))
    elif stage is not ENVIRONMENT and not outcome.startswith("skipped"):
        totals["passed" if outcome == "passed" else "failed"] += 1


def heading(name: str) -> None:
    """Print where a stage begins."""
    print(f"\n── {name} {'─' * max(3, 76 - len(name))}", flush=True)


def table(rows: list[tuple[str, float, str]]) -> None:
    """Print every stage with its seconds and its outcome."""
    heading("stages")
    width = max(len(name) for name, _seconds, _outcome in rows)
    for name, seconds, outcome in rows:
        print(f"{name:{width}}  {seconds:7.1f} s  {outcome}")
    print(f"{'total':{width}}  {sum(seconds for _name, seconds, _outcome in rows):7.1f} s", flush=True)


def results_of_demo() -> None:
    """Print where record and report of the daily run are, if it came that far."""
    for title, file in (("record", OUTPUT / "daily" / "record.json"), ("report", OUTPUT / "daily" / "report.html")):
        print(f"{title}  {file if file.exists() else 'was not written'}")


def main(arguments: list[str]) -> int:
    """Run one target; what follows its name goes to pytest."""
    if not arguments or arguments[0] not in TARGETS:
        print(f"usage: stage.py {'|'.join(TARGETS)} [pytest options]", file=sys.stderr)
        return 2
    status = run([ENVIRONMENT, *TARGETS[arguments[0]]], arguments[1:])
    if arguments[0] == "demo":
        results_of_demo()
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
