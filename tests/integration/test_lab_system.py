# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's application, data, rights and inventories: as awkward as the real ones, and no more allowed than documented."""

from __future__ import annotations

import datetime
import json
import mailbox
import os
import re
import smtplib
import subprocess
import sys
from pathlib import Path

import bson
import pymongo
import pymongo.errors
import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import base, registry, runner
from lab import application, data, faults, mongodb, rights
from lab.files import ODD_NAME
from lab.layout import DATABASE, PM2_NAME
from tests.integration.labs import ROOT

# --- the application and its surroundings ---


def test_a_customer_books_and_gets_mail(lab: faults.Lab) -> None:
    settings = lab.settings
    token, user = application.login(settings)
    with mongodb.client(settings["mongodb"]["uri_app"]) as mongo:
        service = str(mongo[DATABASE].services.find_one()["_id"])
    body = {"serviceId": service, "bookingDate": "2030-01-02T00:00:00Z", "timeSlot": "09:30", "price": 42.5}
    assert application.request(settings, "/api/bookings", "POST", body)[0] == 401
    before = len(mailbox.Maildir(settings["smtp"]["maildir"]))
    status, booking = application.request(settings, "/api/bookings", "POST", body, token=token)
    assert status == 201, booking
    assert booking["status"] == "pending"
    mails = mailbox.Maildir(settings["smtp"]["maildir"])
    assert len(mails) == before + 1
    assert any(booking["_id"] in mail["Subject"] for mail in mails)
    path = f"/api/bookings/{booking['_id']}/confirm"
    assert application.request(settings, path, "PATCH", {}, token=token)[1]["status"] == "confirmed"
    listed = application.request(settings, f"/api/bookings?customerId={user}")[1]
    assert booking["_id"] in [item["_id"] for item in listed]
    assert application.request(settings, "/api/uploads/note.txt", "PUT", b"hello", token=token)[0] == 201
    uploaded = Path(settings["app"]["uploads"]) / "note.txt"
    assert uploaded.read_bytes() == b"hello"
    with mongodb.client(settings["mongodb"]["uri_app"]) as mongo:
        mongo[DATABASE].bookings.delete_one({"_id": bson.ObjectId(booking["_id"])})
    uploaded.unlink()


def test_a_wrong_password_is_refused_by_application_and_smtp_server(lab: faults.Lab) -> None:
    body = {"email": application.CUSTOMER, "password": "wrong"}
    assert application.request(lab.settings, "/api/auth/login", "POST", body)[0] == 401
    with smtplib.SMTP(lab.settings["smtp"]["host"], lab.settings["smtp"]["port"], timeout=5) as smtp:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            smtp.login("trixtech", "wrong")
    with smtplib.SMTP(lab.settings["smtp"]["host"], lab.settings["smtp"]["port"], timeout=5) as smtp:
        smtp.login("trixtech", lab.settings["passwords"]["smtp"])


def test_logs_and_uploads_are_as_awkward_as_the_real_ones(lab: faults.Lab) -> None:
    app = lab.settings["app"]
    uploads = Path(app["uploads"])
    assert uploads.is_symlink()
    found = [path for path in uploads.resolve().rglob("*") if not path.is_dir()]
    assert 195 <= len(found) <= 205
    assert [path.name for path in found if path.is_symlink()] == ["current.jpg"]
    assert (uploads / ODD_NAME).exists()
    assert "\u001b[" in Path(app["pm2_error_log"]).read_text()
    assert not re.search(r"\d{4}-\d\d-\d\d", Path(app["pm2_out_log"]).read_text())
    errors = list(Path(app["error_log"]).parent.glob("error-*.log"))
    assert len(errors) > 14
    assert all(json.loads(line)["level"] == "error" for path in errors for line in path.read_text().splitlines())
    line = re.compile(r'\S+ - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] "[A-Z]+ \S+ HTTP/1\.1" (\d{3}|-) (\d+|-) "[^"]*" "[^"]*"')
    lines = Path(app["access_log"]).read_text().splitlines()
    assert len(lines) > 1000
    assert all(line.fullmatch(item) for item in lines)


def test_pm2_keeps_a_secret_in_its_environment_like_the_real_one(lab: faults.Lab) -> None:
    done = subprocess.run([lab.settings["app"]["pm2_path"], "jlist"], capture_output=True, text=True, check=True,
                          env={**os.environ, "PM2_HOME": lab.settings["app"]["pm2_home"]})
    (process,) = json.loads(done.stdout[done.stdout.index("["):])
    assert process["name"] == PM2_NAME
    assert process["pm2_env"]["SESSION_SECRET"] in lab.settings["secrets"]


# --- data ---


def test_data_is_a_function_of_its_seed() -> None:
    today = datetime.datetime(2026, 11, 23, tzinfo=datetime.timezone.utc)

    def made(seed: int) -> list[bytes]:
        generator = data.Generator(seed, 200, today, "hash")
        bookings = generator.booking_list()
        parts = [generator.users(), generator.services(), bookings, generator.payments(bookings), generator.notifications(bookings),
                 generator.sessions(), generator.settings(), generator.activity()]
        codec = bson.CodecOptions(uuid_representation=bson.binary.UuidRepresentation.STANDARD)
        return [bson.encode(document, codec_options=codec) for part in parts for document in part]

    assert made(1) == made(1)
    assert made(1) != made(2)


def test_all_bson_types_occur_and_bookings_has_no_index(lab: faults.Lab) -> None:
    with mongodb.client(lab.settings["mongodb"]["uri_app"]) as mongo:
        database = mongo[DATABASE]
        names = set()
        for document in database.settings.aggregate([
                {"$project": {"types": {"$map": {"input": {"$objectToArray": "$$ROOT"}, "in": {"$type": "$$this.v"}}}}}]):
            names.update(document["types"])
        assert names >= {"double", "string", "object", "array", "binData", "objectId", "bool", "date", "null", "regex", "javascript",
                         "javascriptWithScope", "int", "timestamp", "long", "decimal", "minKey", "maxKey"}
        assert list(database.bookings.index_information()) == ["_id_"]
        assert database.users.index_information()["email_1"]["unique"]
        assert "expireAfterSeconds" in database.notifications.index_information()["createdAt_1"]
        assert set(database.bookings.distinct("status")) == set(data.STATUSES)


# --- rights ---


def test_the_documented_role_is_the_one_in_use() -> None:
    text = (ROOT / "docs/rights.md").read_text()
    block = re.search(r"db\.runCommand\((\{.*?\n\})\)", text, re.DOTALL)
    assert block, "docs/rights.md no longer shows the command"
    assert json.loads(block.group(1)) == rights.role([DATABASE])
    for privilege in rights.role([DATABASE])["privileges"]:
        for action in privilege["actions"]:
            assert f"`{action}`" in text, f"docs/rights.md does not justify {action}"


def test_the_rights_suffice_for_every_mongodb_check(lab: faults.Lab) -> None:
    with mongodb.admin(lab.settings) as mongo:
        mongo[DATABASE].command("profile", 1, slowms=1000)
    try:
        types = [name for name in registry.TYPES if name.startswith("mongodb.")]
        assert types
        context = base.Context(mongodb_uri=lab.settings["mongodb"]["uri_maintenance"])
        found = runner.run(runner.plan([{"type": name} for name in types], {}), context, 60.0)
        assert [check.summary for check in found if check.status == "unknown"] == []
        assert not any(check.details.get("profiler_unreadable") for check in found)
    finally:
        with mongodb.admin(lab.settings) as mongo:
            mongo[DATABASE].command("profile", 0)
            mongo[DATABASE].drop_collection("system.profile")


def test_the_maintenance_user_writes_nowhere(lab: faults.Lab) -> None:
    with mongodb.client(lab.settings["mongodb"]["uri_maintenance"]) as mongo:
        for attempt in (
            lambda: mongo[DATABASE].bookings.insert_one({}),
            lambda: mongo[DATABASE].bookings.update_many({}, {"$set": {"status": "cancelled"}}),
            lambda: mongo[DATABASE].bookings.delete_many({}),
            lambda: mongo[DATABASE].bookings.drop(),
            lambda: mongo[DATABASE].bookings.create_index("status"),
            lambda: mongo[DATABASE].bookings.aggregate([{"$out": "copy"}]),
            lambda: mongo[DATABASE].command("profile", 2),
            lambda: mongo.other.things.insert_one({}),
            lambda: mongo.other.things.find_one(),
            lambda: mongo.admin["system.users"].find_one(),
            lambda: mongo.admin.command("shutdown"),
        ):
            with pytest.raises(pymongo.errors.OperationFailure) as refused:
                attempt()
            assert refused.value.code == 13


def test_the_application_user_may_not_look_at_the_server(lab: faults.Lab) -> None:
    with mongodb.client(lab.settings["mongodb"]["uri_app"]) as mongo:
        for attempt in (
            lambda: mongo.admin.command("serverStatus"),
            lambda: mongo.admin.command("replSetGetStatus"),
            lambda: list(mongo.admin.aggregate([{"$currentOp": {"allUsers": True}}])),
            lambda: mongo[DATABASE].command("profile", -1),
            lambda: list(mongo[DATABASE].bookings.aggregate([{"$indexStats": {}}])),
            lambda: mongo.other.things.insert_one({}),
        ):
            with pytest.raises(pymongo.errors.OperationFailure) as refused:
                attempt()
            assert refused.value.code == 13


# --- inventories ---


def variables(inventory: str, host: str, **environment: str) -> dict:
    """Return the variables that ansible-inventory shows for a host, without their templates resolved."""
    program = str(Path(sys.executable).parent / "ansible-inventory")
    done = subprocess.run([program, "-i", str(ROOT / "inventories" / inventory), "--host", host],
                          capture_output=True, text=True, check=True, env={**os.environ, **environment})
    return json.loads(done.stdout)


def profile() -> set[str]:
    """Return the names of the application profile's variables."""
    return set(re.findall(r"^ {6}(app_\w+):$", (ROOT / "roles/app/meta/argument_specs.yml").read_text(), re.MULTILINE))


def test_the_lab_inventory_sets_the_whole_profile(lab: faults.Lab) -> None:
    assert {name for name in variables("lab", "lab") if name.startswith("app_")} == profile()
    play = lab.layout.directory / "play.yml"
    play.write_text("- hosts: lab\n  gather_facts: false\n  tasks:\n    - ansible.builtin.copy:\n        dest: "
                    f"{lab.layout.directory}/resolved.json\n        mode: '0600'\n        content: "
                    "\"{{ dict(names | zip("
                    "q('ansible.builtin.vars', *names))) | to_json }}\"\n      vars:\n        names: "
                    "\"{{ q('ansible.builtin.varnames', '^app_') }}\"\n")
    done = subprocess.run([str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(ROOT / "inventories/lab"), str(play)],
                          capture_output=True, text=True, check=False,
                          env={**os.environ, "LAB_DIR": str(lab.layout.directory), "ANSIBLE_NOCOLOR": "1"})
    assert done.returncode == 0, done.stdout + done.stderr
    resolved = json.loads((lab.layout.directory / "resolved.json").read_text())
    assert resolved["app_mongodb_uri"] == lab.settings["mongodb"]["uri_maintenance"]
    assert resolved["app_smtp_port"] == lab.settings["smtp"]["port"]
    assert resolved["app_backup_repository"] == lab.settings["repository"]
    assert resolved["app_upload_directories"] == [lab.settings["app"]["uploads"]]


def test_the_example_inventory_has_three_hosts_and_known_variables() -> None:
    for host in ("app1", "db1", "backup1"):
        assert {name for name in variables("example", host) if name.startswith("app_")} <= profile()
