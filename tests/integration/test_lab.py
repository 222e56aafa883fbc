# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab, for real: it comes up from any state, goes down without a trace, and each fault breaks and mends its part."""

from __future__ import annotations

import datetime
import json
import mailbox
import os
import re
import select
import shutil
import signal
import smtplib
import socket
import ssl
import stat
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import bson
import pymongo
import pymongo.errors
import pytest
from cryptography import x509

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup import create
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import Repository
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import base, registry, runner
from lab import application, data, faults, mongodb, processes, rights
from lab.files import ODD_NAME
from lab.layout import DATABASE, PM2_NAME, Layout

ROOT = Path(__file__).resolve().parent.parent.parent
SERVERS = {"mongod", "pm2", "app", "smtp", "tls"}
BOOKINGS = 300


def command(directory: Path, *arguments: str, expect: int = 0) -> str:
    """Run lab.py; return what it printed, both streams."""
    done = subprocess.run([sys.executable, str(ROOT / "lab/lab.py"), *arguments, "--dir", str(directory)],
                          capture_output=True, text=True, check=False, timeout=180)
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One lab for the module."""
    directory = tmp_path_factory.mktemp("lab")
    try:
        command(directory, "up", "--bookings", str(BOOKINGS))
        yield directory
    finally:
        command(directory, "down", "--purge")
        assert not processes.find(Layout(directory))


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Path]:
    """A directory for a lab that the test starts, kills and mends itself."""
    try:
        yield tmp_path
    finally:
        command(tmp_path, "down", "--purge")


@pytest.fixture
def lab(where: Path) -> Iterator[faults.Lab]:
    """The module's lab, in health before and after the test."""
    layout = Layout(where)
    thing = faults.Lab(layout, layout.read(), living=True)
    assert not faults.active(layout)
    yield thing
    if faults.active(layout) or set(processes.find(layout).values()) != SERVERS:
        command(where, "up")
        pytest.fail("the test left a fault behind")


def counts(settings: dict) -> dict[str, int]:
    """Return the number of documents by collection, TTL collections left out."""
    with mongodb.client(settings["mongodb"]["uri_app"]) as mongo:
        return {name: mongo[DATABASE][name].count_documents({}) for name in ("users", "services", "bookings", "payments", "settings")}


def kill_all(layout: Layout) -> None:
    """Kill everything of a lab as a crash of the machine would, PM2 first, which would start the application again."""
    for name in ("pm2", "app", "mongod", "smtp", "tls"):
        handles = [os.pidfd_open(pid) for pid in processes.find(layout, name)]
        for handle in handles:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        for handle in handles:
            select.select([handle], [], [], 10)
            os.close(handle)
    assert not processes.find(layout)


# --- up, down, status ---


def test_up_twice_changes_nothing(lab: faults.Lab) -> None:
    before, documents = processes.find(lab.layout), counts(lab.settings)
    assert set(before.values()) == SERVERS
    command(lab.layout.directory, "up")
    assert processes.find(lab.layout) == before
    assert counts(lab.settings) == documents
    assert documents["bookings"] == BOOKINGS
    assert lab.layout.read() == lab.settings


def test_lab_json_is_private_and_complete(lab: faults.Lab) -> None:
    assert stat.S_IMODE(lab.layout.config.stat().st_mode) == 0o600
    found = lab.settings
    assert found["ready"] is True
    assert {"uri_app", "uri_maintenance", "uri_admin", "database"} <= set(found["mongodb"])
    assert found["mongodb"]["database"] == "trixtech"
    assert {"base_url", "port", "directory", "pm2_home", "pm2_path", "pm2_name", "env_file", "uploads", "error_log", "access_log",
            "pm2_out_log", "pm2_error_log"} <= set(found["app"])
    for path in (found["app"]["env_file"], found["app"]["access_log"], found["app"]["uploads"], found["app"]["pm2_out_log"],
                 found["app"]["pm2_error_log"], found["mongod"], found["app"]["pm2_path"], found["tls"]["certificate"]):
        assert Path(path).exists(), path
    assert found["disk"]["path"] or found["disk"]["reason"]
    for password in found["passwords"].values():
        assert password in found["secrets"]


def test_no_secret_on_a_command_line_or_in_a_readable_file(lab: faults.Lab) -> None:
    for pid in processes.find(lab.layout):
        line = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
        assert not [secret for secret in lab.settings["secrets"] if secret in line]
    for path in (lab.layout.config, Path(lab.settings["app"]["env_file"]), lab.layout.mongodb / "keyfile", lab.layout.tls / "valid.pem"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_everything_listens_on_loopback_only(lab: faults.Lab) -> None:
    ports = set(lab.settings["ports"].values())
    listening = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _slot, local, _remote, state = line.split()[:4]
            address, port = local.split(":")
            if state == "0A" and int(port, 16) in ports:
                listening.add((address, int(port, 16)))
    assert listening == {("0100007F", port) for port in ports}


@pytest.mark.parametrize("stage", ["disk", "mongod", "data", "smtp, tls"])
def test_a_killed_up_is_mended_by_the_next(own: Path, stage: str) -> None:
    """Killed right after a stage, which is in the middle of the next one."""
    run = subprocess.Popen([sys.executable, str(ROOT / "lab/lab.py"), "up", "--dir", str(own), "--bookings", "200"],
                           stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    for line in run.stdout:
        if line.strip().startswith(stage + " "):
            break
    else:
        pytest.fail(f"up never reached the stage {stage}")
    run.kill()
    run.wait()
    assert Layout(own).read()["ready"] is False
    command(own, "up", "--bookings", "200")
    layout = Layout(own)
    assert sorted(processes.find(layout).values()) == sorted(SERVERS)
    assert counts(layout.read())["bookings"] == 200
    assert application.deep_status(layout.read()) == "healthy"


def test_down_after_a_killed_up_leaves_no_process_and_only_foreign_files(own: Path) -> None:
    run = subprocess.Popen([sys.executable, str(ROOT / "lab/lab.py"), "up", "--dir", str(own), "--bookings", "200"],
                           stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    for line in run.stdout:
        if line.strip().startswith("smtp"):
            break
    run.kill()
    run.wait()
    layout = Layout(own)
    (own / "mine.txt").write_text("not the lab's")
    assert processes.find(layout)
    command(own, "down", "--purge")
    assert not processes.find(layout)
    assert [path.name for path in own.iterdir()] == ["mine.txt"]
    assert not os.path.ismount(layout.disk)
    assert "there is no lab" in command(own, "status", expect=1)


def test_a_killed_lab_comes_back_with_its_data_and_on_other_ports_where_they_are_taken(own: Path) -> None:
    command(own, "up", "--bookings", "200")
    layout = Layout(own)
    settings = layout.read()
    with mongodb.client(settings["mongodb"]["uri_app"]) as mongo:
        mongo[DATABASE].settings.insert_one({"_id": "written later"})
    kill_all(layout)
    # taken, and not listening; with the option off again nobody else can bind to them
    with socket.socket() as first, socket.socket() as second:
        for taken, name in ((first, "mongodb"), (second, "app")):
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", settings["ports"][name]))
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        command(own, "up")
    again = layout.read()
    assert again["ports"]["mongodb"] != settings["ports"]["mongodb"]
    assert again["app"]["port"] != settings["app"]["port"]
    assert again["passwords"] == settings["passwords"]
    with mongodb.client(again["mongodb"]["uri_maintenance"]) as mongo:
        assert mongo[DATABASE].settings.find_one({"_id": "written later"})
    assert application.deep_status(again) == "healthy"
    assert command(own, "status").count("pid ") == 5


def test_two_labs_share_nothing_and_other_data_can_be_asked_for(lab: faults.Lab, own: Path) -> None:
    command(own, "up", "--bookings", "150", "--seed", "7")
    other = Layout(own)
    assert not set(other.read()["ports"].values()) & set(lab.settings["ports"].values())
    assert not set(processes.find(other)) & set(processes.find(lab.layout))
    assert counts(other.read())["bookings"] == 150
    command(own, "up", "--bookings", "170")
    assert counts(other.read())["bookings"] == 170
    assert other.read()["data"]["seed"] == 7
    command(own, "down")
    assert not processes.find(other)
    assert set(processes.find(lab.layout).values()) == SERVERS
    assert "down" in command(own, "status", expect=3)


def test_a_lab_that_is_down_has_nothing_to_break_but_can_be_mended(own: Path) -> None:
    command(own, "up", "--bookings", "100")
    command(own, "fault", "certificate-expired", "on")
    command(own, "fault", "mongod-frozen", "on")
    command(own, "down")
    assert "the lab is down" in command(own, "fault", "app-slow", "on", expect=1)
    assert "is off" in command(own, "fault", "certificate-expired", "off")
    assert faults.active(Layout(own)) == ["mongod-frozen"]
    command(own, "up")
    assert faults.active(Layout(own)) == []


def test_bad_input_ends_in_one_line(where: Path, tmp_path: Path) -> None:
    assert command(tmp_path / "none", "fault", "app-slow", "on", expect=1).count("\n") == 1
    assert "there is no fault nonsense" in command(where, "fault", "nonsense", "on", expect=1)
    assert "at least 1" in command(where, "up", "--bookings", "0", expect=1)
    assert "too long" in command(tmp_path / ("x" * 120), "up", expect=1)
    assert not (tmp_path / "none").exists()


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


# --- faults: each one on, seen, on again, off, gone ---


def on(lab: faults.Lab, name: str) -> None:
    """Switch a fault on through the command line, twice."""
    assert f"{name} is on" in command(lab.layout.directory, "fault", name, "on")
    assert "on already" in command(lab.layout.directory, "fault", name, "on")
    assert faults.active(lab.layout) == [name]


def off(lab: faults.Lab, name: str) -> None:
    """Switch a fault off through the command line, twice; the application is healthy then."""
    assert f"{name} is off" in command(lab.layout.directory, "fault", name, "off")
    assert "off already" in command(lab.layout.directory, "fault", name, "off")
    assert faults.active(lab.layout) == []
    assert application.deep_status(lab.settings) == "healthy"


def pm2_process(lab: faults.Lab) -> dict:
    """Return what PM2 says of the application."""
    done = subprocess.run([lab.settings["app"]["pm2_path"], "jlist"], capture_output=True, text=True, check=True,
                          env={**os.environ, "PM2_HOME": lab.settings["app"]["pm2_home"]})
    return json.loads(done.stdout[done.stdout.index("["):])[0]


def test_mongod_stopped(lab: faults.Lab) -> None:
    on(lab, "mongod-stopped")
    assert not processes.find(lab.layout, "mongod")
    assert application.request(lab.settings, "/api/health")[0] == 200
    assert application.request(lab.settings, "/api/health/deep")[1]["components"]["database"]["status"] == "unhealthy"
    off(lab, "mongod-stopped")
    assert mongodb.is_writable(lab.settings)


def test_mongod_frozen(lab: faults.Lab) -> None:
    on(lab, "mongod-frozen")
    socket.create_connection(("127.0.0.1", lab.settings["ports"]["mongodb"]), timeout=5).close()
    assert not mongodb.is_writable(lab.settings)
    off(lab, "mongod-frozen")
    assert mongodb.is_writable(lab.settings)


def test_app_crashed(lab: faults.Lab) -> None:
    on(lab, "app-crashed")
    assert pm2_process(lab)["pm2_env"]["status"] == "stopped"
    with pytest.raises(OSError):
        application.request(lab.settings, "/api/health")
    off(lab, "app-crashed")


def test_app_crash_loop(lab: faults.Lab) -> None:
    before = pm2_process(lab)["pm2_env"]["restart_time"]
    on(lab, "app-crash-loop")
    assert processes.eventually(lambda: pm2_process(lab)["pm2_env"]["restart_time"] >= before + 2, 30)
    assert pm2_process(lab)["pm2_env"]["unstable_restarts"] == 0
    off(lab, "app-crash-loop")


def test_app_hanging(lab: faults.Lab) -> None:
    on(lab, "app-hanging")
    with pytest.raises(TimeoutError):
        application.request(lab.settings, "/api/health", timeout=1.0)
    off(lab, "app-hanging")


def metric(lab: faults.Lab, line: str) -> float:
    """Return a value of the application's metrics."""
    text = application.request(lab.settings, "/metrics")[1]
    return float(re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE).group(1))


def test_app_failing(lab: faults.Lab) -> None:
    errors = lab.layout.logs / f"error-{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}.log"
    lines = len(errors.read_text().splitlines()) if errors.exists() else 0
    failed = metric(lab, 'http_requests_total{status="5xx"}')
    on(lab, "app-failing")
    assert metric(lab, 'http_requests_total{status="5xx"}') >= failed + 15
    assert len(errors.read_text().splitlines()) >= lines + 15
    assert application.request(lab.settings, "/api/health")[0] == 200
    assert application.visit(lab.settings, 8) == 2
    off(lab, "app-failing")
    assert application.visit(lab.settings, 8) == 0


def test_app_slow(lab: faults.Lab) -> None:
    slow = metric(lab, 'http_request_duration_seconds_bucket{le="+Inf"}') - metric(lab, 'http_request_duration_seconds_bucket{le="1"}')
    on(lab, "app-slow")
    assert application.request(lab.settings, "/api/health")[0] == 200
    off(lab, "app-slow")
    assert metric(lab, 'http_request_duration_seconds_bucket{le="+Inf"}') - metric(
        lab, 'http_request_duration_seconds_bucket{le="1"}') > slow


def test_app_leaking(lab: faults.Lab) -> None:
    healthy = faults.LEAK_BYTES * 3 // 4
    assert faults.resident_bytes(lab.layout) < healthy
    on(lab, "app-leaking")
    assert faults.resident_bytes(lab.layout) > healthy
    off(lab, "app-leaking")
    assert faults.resident_bytes(lab.layout) < healthy


def test_app_unhealthy(lab: faults.Lab) -> None:
    on(lab, "app-unhealthy")
    status, answer = application.request(lab.settings, "/api/health/deep")
    assert (status, answer["status"], answer["components"]["uploads"]["status"]) == (200, "unhealthy", "unhealthy")
    off(lab, "app-unhealthy")


def test_smtp_down(lab: faults.Lab) -> None:
    on(lab, "smtp-down")
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", lab.settings["ports"]["smtp"]), timeout=5)
    assert application.request(lab.settings, "/api/health/deep")[1]["components"]["email"]["status"] == "unhealthy"
    off(lab, "smtp-down")


def expiry(lab: faults.Lab) -> datetime.datetime:
    """Return when the certificate that the TLS endpoint shows ends."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((lab.settings["tls"]["host"], lab.settings["tls"]["port"]), timeout=5) as plain:
        with context.wrap_socket(plain) as secure:
            secure.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert b" 200 " in secure.recv(100)
            return x509.load_der_x509_certificate(secure.getpeercert(binary_form=True)).not_valid_after_utc


def test_certificate_expired(lab: faults.Lab) -> None:
    now = datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(days=59) < expiry(lab) - now < datetime.timedelta(days=91)
    on(lab, "certificate-expired")
    assert expiry(lab) < now
    off(lab, "certificate-expired")
    assert expiry(lab) > now
    trusting = ssl.create_default_context(cafile=lab.settings["tls"]["certificate"])
    with socket.create_connection((lab.settings["tls"]["host"], lab.settings["tls"]["port"]), timeout=5) as plain:
        trusting.wrap_socket(plain, server_hostname="localhost").close()


def test_disk_full(lab: faults.Lab) -> None:
    path, name = lab.settings["disk"]["path"], "disk-full"
    if path is None:
        # not root here: the fault says why it cannot be, and is not on afterwards
        assert lab.settings["disk"]["reason"] in command(lab.layout.directory, "fault", name, "on", expect=1)
        assert faults.active(lab.layout) == []
        return

    def used() -> float:
        space = shutil.disk_usage(path)
        return space.used / space.total

    assert used() < 0.5
    on(lab, name)
    assert used() > 0.9
    off(lab, name)
    assert used() < 0.5


def make_backup(lab: faults.Lab) -> Repository:
    """Make a real backup set of the lab as the maintenance user."""
    repository = Repository(lab.settings["repository"])
    create.create(create.Plan(repository, lab.settings["mongodb"]["uri_maintenance"], "lab", [DATABASE], [lab.settings["app"]["uploads"]]))
    return repository


def content(path: str) -> dict[str, bytes]:
    """Return all files below path."""
    return {str(item.relative_to(path)): item.read_bytes() for item in Path(path).rglob("*") if item.is_file()}


def test_backup_corrupt(lab: faults.Lab) -> None:
    repository = make_backup(lab)
    before = content(repository.sets()[-1].path)
    on(lab, "backup-corrupt")
    after = content(repository.sets()[-1].path)
    (harmed,) = [name for name in before if before[name] != after[name]]
    assert len(before[harmed]) == max(len(item) for name, item in before.items() if not name.endswith(".json"))
    assert sum(one != two for one, two in zip(before[harmed], after[harmed])) == 1
    off(lab, "backup-corrupt")
    assert content(repository.sets()[-1].path) == before


def test_backup_old(lab: faults.Lab) -> None:
    repository = make_backup(lab)
    before = {item.id: (item.manifest, content(item.path)) for item in repository.sets()}
    on(lab, "backup-old")
    aged = repository.sets()
    assert len(aged) == len(before)
    assert all(item.manifest and item.describe()["age_seconds"] >= 3 * 86400 for item in aged)
    assert os.path.realpath(os.path.join(repository.path, "latest")) == os.path.realpath(aged[-1].path)
    off(lab, "backup-old")
    assert {item.id: (item.manifest, content(item.path)) for item in repository.sets()} == before
    assert os.path.realpath(os.path.join(repository.path, "latest")) == os.path.realpath(repository.sets()[-1].path)


def test_a_backup_fault_without_a_backup_says_so(lab: faults.Lab) -> None:
    shutil.rmtree(lab.settings["repository"], ignore_errors=True)
    for name in ("backup-old", "backup-corrupt"):
        assert "make a backup first" in command(lab.layout.directory, "fault", name, "on", expect=1)
        assert faults.active(lab.layout) == []


def test_lab_fault_is_a_command_of_its_own(lab: faults.Lab) -> None:
    run = {"capture_output": True, "text": True, "check": False, "env": {**os.environ, "LAB_DIR": str(lab.layout.directory)}}
    listed = subprocess.run([str(ROOT / "lab/fault"), "list"], **run)
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(faults.FAULTS)
    assert subprocess.run([str(ROOT / "lab/fault"), "app-slow", "on"], **run).returncode == 0
    assert faults.active(lab.layout) == ["app-slow"]
    assert subprocess.run([str(ROOT / "lab/fault"), "app-slow", "off"], **run).returncode == 0


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
