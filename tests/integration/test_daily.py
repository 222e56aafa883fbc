# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The daily playbook on a lab of its own: in health, under each fault, in check mode, with bad input, and killed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import pytest

from lab import processes
from lab.layout import Layout
from tests.integration.labs import ROOT, command
from tools import environment

# a run that waits for anything waits inside its own time-outs; this only keeps a broken test from hanging
PATIENCE = 180


@dataclass
class Lab:
    """A running lab and the ways to use it."""

    directory: Path
    settings: dict

    @contextlib.contextmanager
    def fault(self, name: str) -> Iterator[None]:
        command(self.directory, "fault", name, "on")
        try:
            yield
        finally:
            command(self.directory, "fault", name, "off")

    @property
    def record(self) -> dict:
        return json.loads((Path(self.settings["output_dir"]) / "daily" / "record.json").read_text())

    def start(self, *arguments: str) -> subprocess.Popen:
        return self.run("ansible-playbook", str(ROOT / "playbooks/daily.yml"), *arguments)

    def run(self, program: str, *arguments: str) -> subprocess.Popen:
        surroundings = {**os.environ, "LAB_DIR": str(self.directory), "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                        "ANSIBLE_COLLECTIONS_PATH": str(environment.collections_path()), "ANSIBLE_NOCOLOR": "1"}
        return subprocess.Popen([str(environment.venv() / "bin" / program), "-i", str(ROOT / "inventories/lab"), *arguments],
                                env=surroundings, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def daily(self, *arguments: str, expect: int = 0) -> str:
        process = self.start(*arguments)
        output = process.communicate(timeout=PATIENCE)[0]
        assert process.returncode == expect, output
        return output


@pytest.fixture(name="lab", scope="module")
def _lab(tmp_path_factory) -> Iterator[Lab]:
    directory = tmp_path_factory.mktemp("lab")
    lab = Lab(directory, {})
    try:
        command(lab.directory, "up", "--bookings", "2000")
        lab.settings = json.loads((directory / "lab.json").read_text())
        yield lab
    finally:
        command(lab.directory, "down", "--purge")
        assert not processes.find(Layout(directory))


@pytest.fixture(name="healthy", scope="module")
def _healthy(lab) -> dict:
    """The record of a run in health, with a run before it, so that "since the last run" has a meaning."""
    lab.daily()
    lab.daily()
    return lab.record


def by_id(record: dict) -> dict:
    return {check["id"]: check for check in record["checks"]}


def bad(record: dict) -> dict:
    return {check["id"]: check["status"] for check in record["checks"] if check["status"] in ("critical", "warning", "unknown")}


def test_in_health_everything_is_looked_at_and_nothing_is_wrong(lab, healthy):
    # host.* tells of the machine that the tests run on, which may be busy or full
    assert {check_id: status for check_id, status in bad(healthy).items() if not check_id.startswith("host.")} == {}
    assert [step["name"] for step in healthy["steps"]] == ["health", "backup", "integrity", "restore"]
    wanted = {"app.http", "app.response_time", "app.error_rate", "pm2.process", "pm2.memory", "mongodb.ping", "mongodb.connections", "mongodb.replication",
              "mongodb.oplog_window", "mongodb.slow_operations", "mongodb.storage", "mongodb.cache", "host.memory", "host.swap", "host.cpu", "host.load",
              "host.oom", "smtp.connect", "backup.age", "backup.integrity", "logs.errors", "backup.set", "backup.verify", "backup.restore"}
    found = {check_id.split("[")[0] for check_id in by_id(healthy)}
    assert wanted | {"app.deep", "host.disk", "host.inodes", "tls.expiry"} <= found
    assert all(check["host"] == "lab" and check["started"] for check in healthy["checks"])
    report = (Path(lab.settings["output_dir"]) / "daily" / "report.html").read_text()
    assert "<html" in report and "refresh" not in report and "src=" not in report


def test_the_sets_are_listed_with_their_proof(lab, healthy):
    """backup_set_info, the way its documentation shows it."""
    output = lab.run("ansible", "lab", "-m", "trixtech.maintenance.backup_set_info", "-o",
                     "-a", json.dumps({"repository": lab.settings["repository"], "limit": 1})).communicate(timeout=PATIENCE)[0]
    result = json.loads(output[output.index("{"):])
    (newest,) = result["backup_sets"]
    assert result["changed"] is False and newest["complete"] and newest["restored"]["ok"] and newest["documents"] > 2000 and newest["consistent"] is False
    nothing = lab.run("ansible", "lab", "-m", "trixtech.maintenance.backup_set_info", "-a", "repository=/no/such").communicate(timeout=PATIENCE)[0]
    assert "there is no backup repository at /no/such" in nothing


def test_a_daily_run_is_six_module_calls(lab, healthy):
    """A module call costs far more than the work in it. Ansible names the file of each module that it sends to a host."""
    calls = [Path(line.split()[-1]).stem for line in lab.daily("-vvv").splitlines() if line.startswith("Using module file")]
    assert calls == ["run_history", "probe", "backup_set", "backup_verify", "restore_test", "run_history"]


# fault -> the checks that must say so, with their status and a word of the cause
FAULTS = {
    "mongod-stopped": {"mongodb.ping": ("critical", "refused"), "run.step[backup]": ("critical", "MongoDB")},
    "mongod-frozen": {"mongodb.ping": ("critical", "answer"), "run.step[backup]": ("critical", "MongoDB")},
    "app-crashed": {"app.http": ("critical", "refused"), "pm2.process": ("critical", "stopped")},
    "app-crash-loop": {"pm2.process": ("critical|warning", "restart")},
    "app-hanging": {"app.http": ("critical", "no answer")},
    "app-failing": {"app.error_rate": ("critical", "%"), "logs.errors": ("warning|critical", "error")},
    "app-slow": {"app.response_time": ("warning", "p95")},
    "app-leaking": {"pm2.memory": ("critical|warning", "MiB")},
    "app-unhealthy": {"app.deep[/api/health/deep]": ("critical", "unhealthy")},
    "smtp-down": {"smtp.connect": ("critical", "refused")},
    "backup-old": {"backup.age": ("warning", "3 days")},
    "backup-corrupt": {"backup.verify": ("critical", "SHA-256")},
    "certificate-expired": {"tls.expiry": ("critical", "expired")},
    "disk-full": {"host.disk": ("critical", "%")},
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_named_and_the_rest_of_the_run_stays_whole(lab, healthy, name):
    if name == "disk-full" and not lab.settings["disk"]["path"]:
        pytest.skip(f"no small file system: {lab.settings['disk']['reason']}")
    with lab.fault(name):
        critical = any("critical" == status for status, unused in FAULTS[name].values())
        output = lab.daily(expect=2) if critical else lab.start().communicate(timeout=PATIENCE)[0]
        record = lab.record
    found = by_id(record)
    for check_id, (statuses, word) in FAULTS[name].items():
        candidates = [check for key, check in found.items() if key == check_id or key.startswith(check_id + "[")]
        hits = [check for check in candidates if check["status"] in statuses.split("|") and word.lower() in check["summary"].lower()]
        assert hits, (check_id, [(check["status"], check["summary"]) for check in candidates])
        assert all("\n" not in check["summary"] and check["hint"] for check in hits)
        assert check_id in output or not critical
    # whatever broke, every check of a healthy run has been looked at, and every step has run
    assert set(by_id(healthy)) - set(found) <= {"backup.set", "backup.duration", "backup.files", "backup.retention"} | {"logs.errors"} & set(FAULTS[name])
    assert [step["name"] for step in record["steps"]] == ["health", "backup", "integrity", "restore"]
    assert record["duration_s"] < 60


def test_after_the_faults_the_lab_is_found_healthy_again(lab, healthy):
    lab.daily("-e", "maintenance_fail_on=never")
    assert not [check_id for check_id, status in bad(lab.record).items() if status == "critical" and not check_id.startswith("host.")]


def state_of(*directories: str) -> dict:
    """Return what lies below directories: kind, mode, times and content of everything."""
    found = {}
    for directory in directories:
        for path in [Path(directory), *sorted(Path(directory).rglob("*"))]:
            if os.path.lexists(path):
                status = path.lstat()
                digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else None
                found[str(path)] = (status.st_mode, status.st_mtime_ns, digest)
    return found


def test_check_mode_changes_nothing(lab, healthy):
    places = (lab.settings["repository"], lab.settings["state_dir"], lab.settings["output_dir"], lab.settings["app"]["uploads"])
    before, running = state_of(*places), processes.find(Layout(lab.directory))
    output = lab.daily("--check", "--diff")
    assert state_of(*places) == before
    assert processes.find(Layout(lab.directory)) == running
    assert "would make a set" in output and "would restore set" in output and "no report is written" in output
    assert not [name for name in os.listdir("/var/tmp") if name.startswith("trixtech-sandbox-")]


def test_the_very_first_rehearsal_of_a_host_ends_well(lab, healthy, tmp_path):
    """The first command that the README gives a new user: nothing is there yet, and nothing is made."""
    output = lab.daily("--check", "-e", json.dumps({"app_backup_repository": str(tmp_path / "backup"), "app_state_dir": str(tmp_path / "state")}))
    assert "would make a set" in output and "critical  lab" not in output.replace("critical  lab  host.", "")
    assert list(tmp_path.iterdir()) == []


def test_no_secret_occurs_in_any_output(lab, healthy):
    output = lab.daily("-vvv", "--diff")
    with lab.fault("mongod-stopped"):
        output += lab.start("-vvv").communicate(timeout=PATIENCE)[0]
    texts = {"output": output}
    for path in [*Path(lab.settings["output_dir"]).rglob("*"), *Path(lab.settings["state_dir"]).rglob("*"),
                 *Path(lab.settings["repository"]).rglob("manifest.json"), *Path(lab.settings["repository"]).rglob("verification.json")]:
        if path.is_file():
            texts[str(path)] = path.read_bytes().decode("utf-8", "replace")
    assert len(texts) > 4 and len(lab.settings["secrets"]) > 3
    assert [(place, number) for number, secret in enumerate(lab.settings["secrets"]) for place, text in texts.items() if secret in text] == []


def wrong_password(lab: Lab) -> str:
    secret = lab.settings["mongodb"]["uri_maintenance"].split("@")[0].rsplit(":", 1)[1]
    return lab.settings["mongodb"]["uri_maintenance"].replace(secret, "wrong-password")


BAD_INPUT = {
    "wrong password": (lambda lab: {"app_mongodb_uri": wrong_password(lab)}, "run.step[backup]", "refused the user or the password"),
    "unknown host": (lambda lab: {"app_mongodb_uri": "mongodb://user:pw@no-such-host.invalid:27017/"}, "run.step[backup]", "cannot be reached"),
    "unwritable repository": (lambda lab: {"app_backup_repository": "/proc/backup"}, "run.step[backup]", "/proc/backup"),
    "missing pm2": (lambda lab: {"app_pm2_path": "/no/such/pm2"}, "pm2.process", "/no/such/pm2"),
    "missing mongod": (lambda lab: {"app_mongodb_mongod": "/no/such/mongod"}, "run.step[restore]", "/no/such/mongod"),
}


@pytest.mark.parametrize("name", BAD_INPUT)
def test_bad_input_ends_in_one_line_that_says_what_to_do(lab, healthy, name):
    make, check_id, word = BAD_INPUT[name]
    before = state_of(lab.settings["repository"]) if check_id == "run.step[backup]" else None
    lab.start("-e", json.dumps({**make(lab), "maintenance_fail_on": "critical"})).communicate(timeout=PATIENCE)
    check = by_id(lab.record)[check_id]
    assert check["status"] in ("critical", "unknown") and word in check["summary"] and "\n" not in check["summary"]
    if before is not None:
        after = state_of(lab.settings["repository"])
        assert {path for path in set(before) ^ set(after) if "verification" not in path and not path.endswith(".lock")} == set()


def test_a_full_repository_is_one_line_and_changes_nothing(lab, healthy):
    if not lab.settings["disk"]["path"]:
        pytest.skip(f"no small file system: {lab.settings['disk']['reason']}")
    with lab.fault("disk-full"):
        lab.daily("-e", json.dumps({"app_backup_repository": lab.settings["disk"]["path"] + "/backup"}), expect=2)
        check = by_id(lab.record)["run.step[backup]"]
    assert "free" in check["summary"] and "more room" in check["summary"]
    assert not list(Path(lab.settings["disk"]["path"]).rglob("manifest.json"))


@pytest.mark.parametrize("variables, word", [
    ({"app_disks": {"path": "/"}}, "app_disks"), ({"app_smtp_port": "many"}, "app_smtp_port"), ({"app_state_dir": "relative"}, "app_state_dir"),
    ({"app_mongodb_uri": "localhost"}, "app_mongodb_uri"), ({"maintenance_fail_on": "criticl"}, "maintenance_fail_on"),
])
def test_a_malformed_profile_is_refused_before_anything_happens(lab, healthy, variables, word):
    places = (lab.settings["repository"], lab.settings["state_dir"])
    before = state_of(*places)
    process = lab.start("-e", json.dumps(variables))
    output = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode != 0 and word in output
    assert state_of(*places) == before


def test_a_killed_run_is_told_by_the_next_one(lab, healthy):
    database = Path(lab.settings["state_dir"]) / "history.sqlite"

    def open_runs() -> int:
        with contextlib.closing(sqlite3.connect(database)) as connection:
            return connection.execute("SELECT count(*) FROM runs WHERE finished IS NULL").fetchone()[0]

    before = open_runs()
    process = lab.start()
    deadline = time.monotonic() + 60
    while open_runs() == before and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    lab.daily()
    assert by_id(lab.record)["run.previous"]["status"] == "warning"
