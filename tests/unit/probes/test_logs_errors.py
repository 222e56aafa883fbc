# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import gzip
import json
import os
import shutil
import time

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import base, log_files, runner


@pytest.fixture
def logs(tmp_path):
    """Return a function that runs logs.errors over logs/*.log in a directory of its own, each time from where it ended."""
    directory = tmp_path / "logs"
    directory.mkdir()

    class Logs:
        last: dict = {}

        def __call__(self, *names, **options):
            paths = [str(directory / name) for name in names or ("*.log",)]
            context = base.Context(last=self.last)
            (check,) = runner.run(runner.plan([{"type": "logs.errors", "paths": paths, **options}], {}), context, 60)
            # as history keeps it
            self.last = {"logs.errors": json.loads(json.dumps(check.as_dict()))}
            return check

        def write(self, name, text, mode="a"):
            with open(directory / name, mode) as file:
                file.write(text)

        def path(self, name):
            return directory / name

    return Logs()


def stamped(text, hours_ago=0.0):
    moment = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=hours_ago)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z {text}\n"


def test_since_the_last_run(logs):
    logs.write("app.log", stamped("INFO up") + stamped("Error: one"))
    first = logs()
    assert (first.status, first.value) == ("warning", 1)
    assert "1 error in 1 log file in the last 24 h" in first.summary and "Error: one" in first.summary
    second = logs()
    assert (second.status, second.value) == ("ok", 0)
    logs.write("app.log", "Error: two\nError: two\nError: three\n")
    third = logs()
    assert third.value == 3 and "most often (2): Error: two" in third.summary
    assert third.details["messages"][0] == {"message": "Error: two", "count": 2}


def test_many_errors_are_critical(logs):
    logs.write("app.log", stamped("INFO up"))
    logs()
    logs.write("app.log", "Error: x\n" * 50)
    assert logs().status == "critical"


def test_first_run_counts_the_last_day_only(logs):
    logs.write("app.log", stamped("Error: old", 30) + stamped("Error: young", 3))
    assert logs().value == 1


def test_first_run_begins_at_the_end_of_a_file_without_times(logs):
    logs.write("app.log", "Error: when?\n" * 10)
    first = logs()
    assert (first.status, first.value) == ("ok", 0)
    assert "without times" in first.summary
    logs.write("app.log", "Error: now\n")
    assert logs().value == 1


def test_file_nobody_wrote_to_for_long_is_not_read_at_first(logs):
    logs.write("app.log", stamped("Error: by a wrong clock"))
    os.utime(logs.path("app.log"), (1, 1))
    assert logs().value == 0
    assert logs().value == 0


def test_dated_file_that_appears_later(logs):
    logs.write("out.log", "fine\n")
    logs("out.log", "error-*.log")
    logs.write("error-2026-11-23.log", '{"level":"error","message":"no slots"}\n')
    found = logs("out.log", "error-*.log")
    assert found.value == 1 and "no slots" in found.summary


def test_path_that_is_wanted_only_now_is_a_first_look(logs):
    logs.write("out.log", "fine\n")
    logs("out.log")
    logs.write("old.log", "Error: of last year\n" * 60)
    assert logs("out.log", "old.log").value == 0


@pytest.mark.parametrize("copy", ["app.log.1", "app-old.log"])
def test_renamed_by_rotation(logs, copy):
    """Once to a name that the pattern does not match, once to one that it does."""
    logs.write("app.log", "Error: before\n" * 3)
    logs()
    logs.write("app.log", "Error: between\n")
    logs.path("app.log").rename(logs.path(copy))
    logs.write("app.log", "Error: after\n")
    found = logs()
    assert found.value == 2 and found.status == "warning"
    assert logs().value == 0


def test_renamed_by_rotation_with_no_new_file_yet(logs):
    logs.write("app.log", "fine\n")
    logs()
    logs.write("app.log", "Error: between\n")
    logs.path("app.log").rename(logs.path("app.log.1"))
    found = logs(optional=True)
    assert found.value == 1
    logs.write("app.log", "Error: after\n")
    assert logs(optional=True).value == 1


@pytest.mark.parametrize("copy", ["app.log.1", "app__2026-11-23.log"])
def test_copied_and_emptied(logs, copy):
    logs.write("app.log", "Error: before\n" * 3)
    logs()
    logs.write("app.log", "Error: between\n")
    shutil.copy(logs.path("app.log"), logs.path(copy))
    logs.write("app.log", "Error: after\n", "w")
    found = logs()
    assert found.value == 2 and found.status == "warning"
    assert logs().value == 0


def test_rotated_and_compressed(logs):
    logs.write("app.log", "Error: before\n" * 3)
    logs()
    logs.write("app.log", "Error: between\n")
    logs.path("app.log.1.gz").write_bytes(gzip.compress(logs.path("app.log").read_bytes()))
    logs.path("app.log").unlink()
    logs.write("app.log", "Error: after\n")
    assert logs().value == 2


def test_damaged_archive_beside_it_is_no_copy(logs):
    logs.write("app.log", "Error: before\n" * 3)
    logs()
    logs.path("app.log.1.gz").write_bytes(gzip.compress(logs.path("app.log").read_bytes())[:-12] + b"\xff" * 12)
    logs.write("app.log", "", "w")
    found = logs()
    assert found.status == "unknown"


def test_emptied_without_a_copy_is_unknown(logs):
    logs.write("app.log", "a long enough line\n" * 3)
    logs()
    logs.write("app.log", "Error: after\n", "w")
    found = logs()
    assert (found.status, found.value) == ("unknown", 1)
    assert "began anew" in found.summary and "at least 1 error" in found.summary


def test_emptied_and_grown_beyond_the_old_size_is_noticed(logs):
    logs.write("app.log", "fine\n" * 3)
    logs()
    logs.write("app.log", "Error: after\n" * 20, "w")
    assert logs().value == 20


def test_deleted_by_retention_is_no_matter(logs):
    logs.write("app.log", "fine\n")
    logs.write("old.log", "fine, too\n")
    logs()
    logs.path("old.log").unlink()
    assert logs().status == "ok"


def test_last_line_is_counted_when_it_is_complete(logs):
    logs.write("app.log", "fine\n")
    logs()
    logs.write("app.log", "Error: hal")
    assert logs().value == 0
    logs.write("app.log", "f\n")
    found = logs()
    assert found.value == 1 and "Error: half" in found.summary


def test_more_than_may_be_read_is_unknown_and_said(logs):
    logs.write("app.log", "fine\n")
    logs()
    logs.write("app.log", "Error: early\n" + "nothing to see here\n" * 100_000)
    found = logs(max_megabytes=0.5)
    assert (found.status, found.value) == ("unknown", 0)
    assert "no error seen" in found.summary and "1.4 MiB were skipped" in found.summary
    assert found.details["unread_bytes"] > 1e6
    logs.write("app.log", "Error: late\n")
    again = logs(max_megabytes=0.5)
    assert (again.status, again.value) == ("warning", 1)


def test_a_critical_number_stays_critical_where_not_all_was_read(logs):
    logs.write("app.log", "fine\n")
    logs()
    logs.write("app.log", "nothing to see here\n" * 100_000 + "Error: x\n" * 50)
    assert logs(max_megabytes=0.5).status == "critical"


def test_first_look_at_a_large_file_needs_only_the_last_day(logs):
    logs.write("app.log", stamped("Error: old", 100) * 20_000 + stamped("Error: young", 1))
    found = logs(max_megabytes=0.5)
    assert (found.status, found.value) == ("warning", 1), found.summary


def test_time_is_bounded_and_the_rest_is_for_the_next_run(logs):
    logs.write("app.log", "fine\n")
    logs()
    logs.write("app.log", "Error: x\n" * 5000)
    found = logs(timeout=0.000001, id="logs.errors")
    if "no answer" not in found.summary:  # the runner itself may be the first to give up
        assert found.status == "critical" and "left for the next run" in found.summary
        assert found.value + logs().value == 5000


def test_newest_files_first_and_the_rest_is_said(logs):
    for number in range(4):
        logs.write(f"{number}.log", stamped(f"Error: {'abcd'[number]}"))
        os.utime(logs.path(f"{number}.log"), (time.time() - 100 + number,) * 2)
    found = logs(max_files=2)
    assert (found.status, found.value) == ("unknown", 2)
    assert sorted(found.details["files"]) == [str(logs.path("2.log")), str(logs.path("3.log"))]
    assert "2 changed files beyond max_files" in found.summary


def test_compressed_and_linked_files_are_not_read_twice(logs):
    logs.write("app.log", stamped("Error: x"))
    logs.path("link.log").symlink_to(logs.path("app.log"))
    logs.path("app.log.1.gz").write_bytes(gzip.compress(b"Error: y\n"))
    assert logs("*").value == 1


def test_missing_path_is_unknown_or_skipped_by_choice(logs):
    found = logs("nowhere.log")
    assert found.status == "unknown" and "could not look: no log file" in found.summary
    found = logs("nowhere.log", optional=True)
    assert found.status == "skipped" and "nowhere.log" in found.summary
    logs.write("app.log", "fine\n")
    found = logs("app.log", "nowhere.log")
    assert found.status == "unknown" and "missing: " in found.summary
    assert logs("app.log", "nowhere.log", optional=True).status == "ok"


def test_pattern_may_wait_for_the_first_error_beside_other_files(logs):
    logs.write("app.log", "fine\n")
    found = logs("app.log", "error-*.log")
    assert found.status == "ok" and "nothing there yet" in found.summary
    assert logs("app.log", "folder/*.log").status == "unknown"
    assert logs("error-*.log").status == "skipped"  # the application has not written its first error yet


def test_what_is_no_file_is_never_opened(logs):
    os.mkfifo(logs.path("pipe.log"))  # opening it would wait for ever
    logs.write("app.log", "fine\n")
    assert logs().status == "ok"
    found = logs("pipe.log")
    assert found.status == "unknown" and "no regular file" in found.summary


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything; the same is shown as another user in the test below")
def test_unreadable_file_is_unknown(logs):
    logs.write("app.log", "fine\n")
    logs.path("app.log").chmod(0)
    found = logs()
    assert found.status == "unknown" and "cannot be read" in found.summary


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_unreadable_file_is_unknown_to_another_user(tmp_path):
    target = tmp_path / "app.log"
    target.write_text("fine\n")
    target.chmod(0o600)
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            for directory in (tmp_path, *tmp_path.parents):
                if not directory.stat().st_mode & 0o001:
                    directory.chmod(directory.stat().st_mode | 0o011)
            os.setgid(65534)
            os.setuid(65534)
            search = log_files.expand([str(target)])
            os.write(writer, json.dumps([search.unreadable, len(search.files)]).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    assert json.loads(os.read(reader, 4096)) == [[f"{target} (permission denied)"], 0]
    os.close(reader)


def test_state_survives_a_run_that_could_not_look(logs):
    logs.write("app.log", "fine\n")
    state = logs()
    logs.write("app.log", "Error: meanwhile\n")
    logs.last = {"logs.errors": {"status": "unknown", "details": {"kept": state.details}}}
    assert logs().value == 1


def test_binary_rubbish_and_endless_lines(logs):
    logs.write("app.log", "fine\n")
    logs()
    with open(logs.path("app.log"), "ab") as file:
        file.write(os.urandom(200_000).replace(b"\n", b"") + b"\n" + b"x" * 300_000 + b"\nError: found\n")
    assert logs().details["messages"][-1]["message"] == "Error: found"


def test_file_at_the_edge_of_the_samples(logs):
    for size in (log_files.SAMPLE - 1, log_files.SAMPLE, log_files.SAMPLE + 1):
        logs.write(f"{size}.log", "x" * (size - 1) + "\n")
    logs()
    for size in (log_files.SAMPLE - 1, log_files.SAMPLE, log_files.SAMPLE + 1):
        logs.write(f"{size}.log", "Error: here\n")
    assert logs().value == 3


@pytest.mark.parametrize(("options", "reason"), [
    ({"paths": "x"}, "must be a list"),
    ({"paths": [7]}, "list of texts"),
    ({"paths": ["x"], "format": "xml"}, "format must be"),
    ({"paths": ["x"], "pattern": "("}, "no regular expression"),
    ({"paths": ["x"], "ignore": ["["]}, "no regular expression"),
    ({"paths": ["x"], "ignore": [None, 3]}, "no regular expression"),
    ({}, "'paths' is missing"),
])
def test_bad_options_are_refused_before_anything_runs(options, reason):
    with pytest.raises(MaintenanceError, match=reason):
        runner.plan([{"type": "logs.errors", **options}], {})
