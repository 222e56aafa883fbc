# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/restore.yml on a lab of its own, with the lines of its documentation."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pymongo
import pytest

from tools import environment

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/playbooks/restore.md"


@pytest.fixture(name="lab", scope="module")
def _lab(tmp_path_factory):
    directory = tmp_path_factory.mktemp("lab")
    command = [sys.executable, str(ROOT / "lab/lab.py")]
    try:
        subprocess.run([*command, "up", "--bookings", "500", "--dir", str(directory)], check=True, capture_output=True, timeout=180)
        settings = json.loads((directory / "lab.json").read_text())
        backup = directory / "backup.yml"
        backup.write_text("- hosts: all\n  gather_facts: false\n  roles: [trixtech.maintenance.backup]\n")
        play(settings, [str(backup)])
        yield settings
    finally:
        subprocess.run([*command, "down", "--purge", "--dir", str(directory)], check=True, capture_output=True, timeout=180)


def play(settings, arguments, expect=0):
    surroundings = {**os.environ, "LAB_DIR": settings["directory"], "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                    "ANSIBLE_COLLECTIONS_PATH": str(environment.collections_path()), "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run([str(environment.venv() / "bin/ansible-playbook"), "-i", "inventories/lab", *arguments], cwd=ROOT, env=surroundings,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=180)
    output = done.stdout + done.stderr
    assert done.returncode == expect, output  # 2: the verdict fails the run
    assert not [secret for secret in settings["secrets"] if secret in output]
    return " ".join(output.split())


def documented(word):
    """Return the arguments of the page's command that has a certain word in it, after the inventory."""
    blocks = re.findall(r"^```\n(ansible-playbook .*?)^```$", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    return shlex.split(next(block for block in blocks if word in block).replace("\\\n", " "))[3:]


def test_the_first_example_brings_the_set_beside_the_live_database(lab):
    with pymongo.MongoClient(lab["mongodb"]["uri_admin"]) as client:
        play(lab, [*documented("trixtech_copy"), "--check"])
        assert "trixtech_copy" not in client.list_database_names()
        play(lab, documented("trixtech_copy"))
        assert client.trixtech_copy.bookings.count_documents({}) == 500 == client.trixtech.bookings.count_documents({})
    record = json.loads((Path(lab["output_dir"]) / "restore" / "record.json").read_text())
    assert record["status"] == "ok" and {"restore.documents", "restore.indexes"} <= {check["id"] for check in record["checks"]}


def test_everything_goes_back_in_place_once_it_is_confirmed(lab):
    uploads = lab["app"]["uploads"]
    arguments = [argument.replace("/app/uploads", uploads) for argument in documented("backup_restore_files")]
    names = json.dumps({"backup_restore_confirm": ["trixtech", os.path.realpath(uploads)], "backup_restore_safety_set": True})
    with pymongo.MongoClient(lab["mongodb"]["uri_admin"]) as client:
        client.trixtech.bookings.delete_many({})
        client.trixtech.bookings.insert_one({"mistake": True})
        output = play(lab, arguments, expect=2)
        assert "write confirm: trixtech" in output and "bookings 1 document" in output
        assert client.trixtech.bookings.count_documents({}) == 1
        play(lab, [*arguments, "-e", names])
        assert client.trixtech.bookings.count_documents({}) == 500
    assert len(os.listdir(Path(lab["repository"]) / "sets")) == 2
