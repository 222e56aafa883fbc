# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame of a run over several hosts: whatever breaks on one host or in one step leaves the rest of the run intact.

The hosts are names for this machine with a state directory each, one of them behind a port where nothing listens; the steps are small roles
that end in one of the ways in which a step can end.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from tools import environment

ROOT = Path(__file__).resolve().parents[2]
# only keeps a broken test from hanging
PATIENCE = 120

# always ok, however busy the machine that runs the tests
CALM = {"type": "host.load", "warning": 1000, "critical": 1000}
LOOK = {"name": "Look at the load", "trixtech.maintenance.probe": {
    "checks": [{**CALM, "id": "{{ role_name }}"}], "history": "{{ app_state_dir }}/history.sqlite", "host": "{{ inventory_hostname }}"}}
ROLES = {
    "fine": [{**LOOK, "register": "fine_result"}],
    "last": [{**LOOK, "register": "last_result"}],
    "needy": [{**LOOK, "register": "needy_result"}],
    "module": [{"name": "Break in the module", "register": "module_result",
                "trixtech.maintenance.probe": {"checks": [{**CALM, "type": "{{ 'no.such' if breaks else 'host.load' }}", "id": "module"}]}}],
    "variable": [{"name": "Break before the module", "when": "breaks", "ansible.builtin.debug": {"msg": "{{ nobody_set_this }}"}},
                 {**LOOK, "register": "variable_result"}],
    "spoil": [
        {"name": "Spoil", "ansible.builtin.copy": {"content": "spoilt " * 1000, "dest": "{{ app_state_dir }}/history.sqlite", "mode": "0600"}},
        {"name": "Pass", "ansible.builtin.set_fact": {"spoil_result": {"changed": False, "checks": []}}},
    ],
    "lose": [{"name": "Lose the host", "ansible.builtin.set_fact": {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": "{{ closed }}"}},
             {**LOOK, "register": "lose_result"}],
    "wait": [{"name": "Wait", "ansible.builtin.wait_for": {"path": "{{ inventory_dir }}/go", "timeout": 60}},
             {**LOOK, "register": "wait_result"}],
}


def step(role: str, *needs: str) -> dict:
    return {"name": role, "role": role, "result": f"{role}_result", "needs": list(needs)}


class Site:
    """An inventory with its roles in a directory, and the daily playbook run on it."""

    def __init__(self, directory: Path, hosts: dict, steps: list, **variables) -> None:
        self.directory = directory
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.closed = free.getsockname()[1]
        for name, tasks in ROLES.items():
            (directory / "roles" / name / "tasks").mkdir(parents=True)
            (directory / "roles" / name / "tasks" / "main.yml").write_text(yaml.safe_dump(tasks, sort_keys=False))
        (directory / "state").mkdir()
        shared = {
            "ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}", "breaks": False, "closed": self.closed,
            "app_state_dir": str(directory / "state" / "{{ inventory_hostname }}"), "app_mongodb_databases": [],
            "maintenance_output_dir": str(directory / "output"), "maintenance_daily_steps": steps, **variables,
        }
        (directory / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": shared}}))

    def start(self, program: str, *arguments: str) -> subprocess.Popen:
        surroundings = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_COLLECTIONS_PATH": str(environment.collections_path()),
                        "ANSIBLE_ROLES_PATH": str(self.directory / "roles"), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOME": str(self.directory / "home")}
        return subprocess.Popen([str(environment.venv() / "bin" / program), "-i", str(self.directory / "hosts.yml"), *arguments], env=surroundings,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)

    def daily(self, *arguments: str, expect: int = 0) -> str:
        process = self.start("ansible-playbook", str(ROOT / "playbooks" / "daily.yml"), *arguments)
        output = process.communicate(timeout=PATIENCE)[0]
        assert process.returncode == expect, output
        return output

    def history(self, host: str, check_mode: bool = False, **options) -> dict:
        arguments = json.dumps({"database": str(self.directory / "state" / host / "history.sqlite"), "host": host, **options})
        process = self.start("ansible", host, "-m", "trixtech.maintenance.run_history", "-a", arguments, "-o", *(["-C"] if check_mode else []))
        output = process.communicate(timeout=PATIENCE)[0]
        return json.loads(output[output.index("{"):])

    @property
    def record(self) -> dict:
        return json.loads((self.directory / "output" / "daily" / "record.json").read_text())

    def tree(self) -> dict:
        found = {}
        for top in ("state", "output"):
            for path in (self.directory / top).rglob("*"):
                about = path.stat()
                found[str(path)] = (about.st_mtime_ns, about.st_mode, path.read_bytes() if path.is_file() else None)
        return found


def checks(record: dict, host: str) -> dict:
    return {item["id"]: item for item in record["checks"] if item["host"] == host}


def states(record: dict, host: str) -> dict:
    return {item["name"]: item["status"] for item in record["steps"] if item["host"] == host}


def errors(output: str) -> list[str]:
    """Return the messages of the tasks that failed, which the terminal shows on one line each."""
    return [line.partition("[ERROR]: ")[2] for line in output.splitlines() if line.startswith("[ERROR]: ")]


HOSTS = {"good": {}, "bad": {"breaks": True}, "gone": {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": "{{ closed }}"}}
STEPS = [step("fine"), step("module"), step("variable"), step("needy", "fine", "module"), step("last", "fine")]


@pytest.fixture(name="site", scope="module")
def _site(tmp_path_factory) -> Site:
    directory = tmp_path_factory.mktemp("site")
    return Site(directory, HOSTS, STEPS, maintenance_textfile=str(directory / "state" / "{{ inventory_hostname }}.prom"))


@pytest.fixture(name="first", scope="module")
def _first(site) -> str:
    return site.daily(expect=2)


def test_each_host_has_its_own_verdict(site, first):
    assert site.record["hosts"] == {"good": "ok", "bad": "critical", "gone": "unknown"} and site.record["status"] == "critical"
    assert "Critical on bad" in errors(first)[-1]


def test_a_host_with_nothing_wrong_is_not_disturbed(site, first):
    assert states(site.record, "good") == {"fine": "ok", "module": "ok", "variable": "ok", "needy": "ok", "last": "ok"}
    assert {"fine", "module", "variable", "needy", "last", "run.previous"} == set(checks(site.record, "good"))


def test_a_step_that_breaks_is_a_check_and_the_others_still_run(site, first):
    found = checks(site.record, "bad")
    assert states(site.record, "bad") == {"fine": "ok", "module": "critical", "variable": "critical", "needy": "skipped", "last": "ok"}
    assert "no.such" in found["run.step[module]"]["summary"] and "nobody_set_this" in found["run.step[variable]"]["summary"]
    assert found["run.step[needy]"]["status"] == "skipped" and "needy" not in found and found["last"]["status"] == "ok"


def test_a_host_that_cannot_be_reached_is_unknown_with_the_reason(site, first):
    assert [item["status"] for item in checks(site.record, "gone").values()] == ["unknown"] and states(site.record, "gone") == {}
    assert "Connection refused" in checks(site.record, "gone")["run.host"]["summary"]
    assert not (site.directory / "state" / "gone").exists()


def test_each_host_keeps_its_own_history_and_metrics(site, first):
    for host, status in (("good", "ok"), ("bad", "critical")):
        (run,) = site.history(host, state="queried")["runs"]
        stored = site.history(host, state="queried", run_id=run["id"])["record"]
        assert (run["status"], stored["status"], stored["host"], stored["kind"]) == (status, status, host, "daily")
        assert f'trixtech_run_status{{host="{host}",kind="daily"}}' in (site.directory / "state" / f"{host}.prom").read_text()


def test_check_mode_reports_the_same_and_changes_nothing(site, first):
    before = site.tree()
    output = site.daily("--check", "--diff", expect=2)
    assert site.tree() == before
    assert "check mode: no report is written" in output and "Critical on bad" in output and "(daily): critical" in output


def test_a_limit_still_ends_in_report_and_verdict(site, first):
    site.daily("--limit", "good")
    assert site.record["hosts"] == {"good": "ok"}
    site.daily("--limit", "bad", expect=2)
    assert site.record["hosts"] == {"bad": "critical"}


def test_the_history_module_stores_once_and_reads_back(site, first):
    stored = site.history("good", state="queried", run_id=site.history("good", state="queried")["runs"][0]["id"])["record"]
    again = site.history("good", state="finished", record=stored)
    assert again["changed"] is False and again["trends"]["fine"][-1][1] == checks(site.record | stored, "good")["fine"]["value"]
    assert site.history("good", state="queried", check="fine")["series"][-1] == again["trends"]["fine"][-1]
    would = site.history("good", check_mode=True, state="started", kind="daily")
    assert would["changed"] is True and would["previous"]["id"] == stored["id"]
    assert site.history("good", state="queried")["runs"][0]["id"] == stored["id"]
    assert site.history("good", state="pruned")["changed"] is False
    assert "at least 1" in site.history("good", state="pruned", keep_days=0)["msg"]


@pytest.mark.parametrize(("variable", "value", "word"), [
    ("app_smtp_port", "a number", "app_smtp_port"),
    ("app_base_url", "localhost:5000", "app_base_url"),
    ("app_git_root", "app", "app_git_root"),
    ("app_deep_paths", [{"status": 200}], "app_deep_paths"),
    ("app_mongodb_databases", ["trixtech"], "app_mongodb_uri is missing"),
    ("app_user", "{{ nobody_set_this }}", "nobody_set_this"),
    ("app_state_dir", "/nowhere/state", "/nowhere does not exist"),
    ("maintenance_daily_steps", [step("fine"), step("fine")], "two steps"),
])
def test_bad_input_ends_in_one_line_with_nothing_changed(tmp_path, variable, value, word):
    site = Site(tmp_path, {"good": {}, "odd": {variable: value}}, [step("fine")])
    output = site.daily(expect=2)
    assert any(word in message for message in errors(output)) and "Traceback" not in output
    assert site.record["hosts"]["good"] == "ok" and site.record["hosts"]["odd"] != "ok"
    assert word in checks(site.record, "odd")["run.host"]["summary"]
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["good"]


def test_a_run_that_was_killed_is_told_by_the_next(tmp_path):
    site = Site(tmp_path, {"good": {}}, [step("wait"), step("last")])
    process = site.start("ansible-playbook", str(ROOT / "playbooks" / "daily.yml"))
    deadline = time.monotonic() + PATIENCE
    while not (tmp_path / "state" / "good" / "history.sqlite").exists() or not site.history("good", state="queried")["runs"]:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    (tmp_path / "go").write_text("")
    site.daily()
    assert checks(site.record, "good")["run.previous"]["status"] == "warning" == site.record["status"]
    site.daily()
    assert checks(site.record, "good")["run.previous"]["status"] == "ok" == site.record["status"]
    assert [run["status"] for run in site.history("good", state="queried")["runs"]] == ["ok", "warning", "interrupted"]


def test_a_record_that_cannot_be_stored_still_reaches_the_report(tmp_path):
    site = Site(tmp_path, {"good": {}}, [step("fine"), step("spoil")])
    site.daily(expect=2)
    found = checks(site.record, "good")
    assert found["fine"]["status"] == "ok" and "move it aside" in found["run.step[history]"]["summary"]
    output = site.daily(expect=2)
    assert "move it aside" in " ".join(errors(output)) and "Traceback" not in output


def test_a_host_that_is_lost_in_a_step_is_reported_with_what_was_seen_before(tmp_path):
    site = Site(tmp_path, {"good": {}, "lost": {}}, [step("fine"), step("module"), step("last")])
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "lost.yml").write_text(yaml.safe_dump({"maintenance_daily_steps": [step("fine"), step("lose"), step("last")]}))
    site.daily(expect=2)
    assert site.record["hosts"] == {"good": "ok", "lost": "critical"}
    assert states(site.record, "lost") == {"fine": "ok", "lose": "critical", "last": "critical", "history": "critical"}
    assert "Connection refused" in checks(site.record, "lost")["run.step[lose]"]["summary"]


def test_hosts_with_other_steps_take_them_in_their_own_order(tmp_path):
    site = Site(tmp_path, {"one": {}, "two": {}}, [step("fine"), step("variable"), step("last"), step("needy", "last")])
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "two.yml").write_text(yaml.safe_dump({"maintenance_daily_steps": [step("last"), step("module"), step("needy", "module"),
                                                                                              step("fine", "needy"), step("variable", "fine")]}))
    site.daily()
    started = {host: [item["started"] for item in site.record["steps"] if item["host"] == host] for host in ("one", "two")}
    assert started == {host: sorted(times) for host, times in started.items()}
    assert (len(started["one"]), len(started["two"]), site.record["status"]) == (4, 5, "ok")
