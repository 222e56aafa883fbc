# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin run_report inside a real ansible-playbook: what it finds in hostvars, prints, writes and returns."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.trixtech.maintenance.tests.unit.report import sample

ROOT = Path(__file__).resolve().parent.parent.parent
PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Report as the role maintenance does
      ansible.builtin.set_fact:
        maintenance_begin_result: "{{ (lookup('file', reports) | from_json)[inventory_hostname].begin }}"
        maintenance_finish_result: "{{ (lookup('file', reports) | from_json)[inventory_hostname].finish }}"
      when: inventory_hostname != 'gone'
    - name: Begin on a host that is not there
      ansible.builtin.ping:
      register: maintenance_begin_result
      ignore_unreachable: true
      when: inventory_hostname == 'gone'
- hosts: localhost
  gather_facts: false
  connection: local
  tasks:
    - name: Report
      trixtech.maintenance.run_report: {kind: daily, output_dir: "{{ output }}", fail_on: "{{ fail_on | default('critical') }}"}
      register: report
    - name: Keep what it returned
      ansible.builtin.copy: {content: "{{ report | to_json }}", dest: "{{ returned }}", mode: "0600"}
      check_mode: false
"""


class Stage:
    """A playbook, an inventory and a place for the output."""

    def __init__(self, path: Path) -> None:
        self.path, self.output = path, path / "made" / "output"
        (path / "play.yml").write_text(PLAYBOOK)
        (path / "ansible.cfg").write_text("")
        collection = path / "collections" / "ansible_collections" / "trixtech"
        collection.mkdir(parents=True)
        (collection / "maintenance").symlink_to(ROOT)

    def run(self, hosts: list, *options: str, gone: bool = False, **variables: str) -> tuple[dict, str]:
        """Run the playbook over what the hosts reported; return (result of run_report, what the terminal showed)."""
        reports = {host.name: {"begin": {"run_id": host.record["id"], "changed": True},
                               "finish": {"record": host.record, "trends": host.trends, "runs": host.runs}} for host in hosts}
        (self.path / "reports.json").write_text(json.dumps(reports))
        lines = [f"{host.name} ansible_connection=local" for host in hosts]
        if gone:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                lines.append(f"gone ansible_host=127.0.0.1 ansible_port={free.getsockname()[1]}")
        (self.path / "hosts").write_text("\n".join(lines) + "\n")
        given = {"reports": str(self.path / "reports.json"), "output": str(self.output), "returned": str(self.path / "returned.json"), **variables}
        environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(self.path / "collections"), "ANSIBLE_NOCOLOR": "1",
                       "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_HOME": str(self.path / "home"),
                       "ANSIBLE_CONFIG": str(self.path / "ansible.cfg")}
        program = str(Path(sys.executable).parent / "ansible-playbook")
        done = subprocess.run([program, "-i", str(self.path / "hosts"), str(self.path / "play.yml"), "-e", json.dumps(given), *options],
                              env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, timeout=120)
        returned = self.path / "returned.json"
        return json.loads(returned.read_text()) if returned.exists() else {"rc": done.returncode}, done.stdout + done.stderr


@pytest.fixture(name="stage")
def _stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_hosts_of_a_run(stage: Stage) -> None:
    """An ok host, one whose database froze, and one that is not there: all three are in the report, with the reason."""
    result, shown = stage.run([sample.daily(name="good"), sample.frozen(name="bad")], gone=True)
    assert result["hosts"] == {"good": "ok", "bad": "critical", "gone": "unknown"}
    assert (result["status"], result["fails"], result["changed"]) == ("critical", True, True)
    assert "Connection refused" in json.loads(Path(result["record_path"]).read_text())["checks"][-1]["summary"]
    assert all(line in shown for line in result["summary"])
    assert len(result["summary"]) <= 25
    assert result["message"].startswith("Critical on bad") and "\n" not in result["message"]
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (stage.output.parent, stage.output, stage.output / "daily")}
    assert set(modes.values()) == {0o700}, modes
    assert sorted(path.name for path in (stage.output / "daily").iterdir()) == ["record.json", "report.html"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (stage.output / "daily").iterdir()} == {0o600}


def test_check_mode_writes_nothing(stage: Stage) -> None:
    """The verdict is there and says that it is all there is."""
    result, shown = stage.run([sample.daily(name="good")], "--check")
    assert (result["status"], result["fails"], result["changed"]) == ("ok", False, False)
    assert "no report is written" in shown
    assert not stage.output.exists()


def test_no_host(stage: Stage) -> None:
    """A run that no host took part in is unknown and fails."""
    result, unused_shown = stage.run([])
    assert (result["status"], result["fails"], result["hosts"]) == ("unknown", True, {})


def test_text_of_a_host_is_no_template(stage: Stage) -> None:
    """What a host reports is data: an expression in it is shown, not evaluated."""
    host = sample.daily(changes={"host.load": ("warning", "load {{ 6 * 7 }} {{ lookup('pipe', 'id') }}", 2.5, {})}, name="odd")
    result, unused_shown = stage.run([host])
    assert "load {{ 6 * 7 }} {{ lookup('pipe', 'id') }}" in Path(result["report_path"]).read_text().replace("&#x27;", "'")


def test_place_that_cannot_be_written(stage: Stage) -> None:
    """The summary is shown all the same, then one line says what to do."""
    (stage.path / "made").write_text("a file, not a directory")
    result, shown = stage.run([sample.frozen(name="bad")])
    assert result["rc"] == 2, shown
    assert "CRITICAL on bad" in shown
    assert "set output_dir to a directory on the controller" in shown


@pytest.mark.parametrize(("option", "message"), [("kind=../x", "names a directory"), ("fail_on=sometimes", "one of: critical, warning, never")])
def test_bad_options(stage: Stage, option: str, message: str) -> None:
    """Bad input ends in a line that says what is wrong."""
    name, value = option.split("=")
    (stage.path / "play.yml").write_text(PLAYBOOK.replace("kind: daily", f"kind: {value}") if name == "kind" else PLAYBOOK)
    result, shown = stage.run([sample.daily(name="good")], **({name: value} if name == "fail_on" else {}))
    assert result["rc"] == 2, shown
    assert message in shown
    assert not stage.output.exists()
