# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics file: its format, what stands in it, and how it is replaced."""

from __future__ import annotations

import os
import re
import stat

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils import metrics
from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import Check
from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import MaintenanceError

# https://prometheus.io/docs/instrumenting/exposition_formats/, text format 0.0.4
SAMPLE = re.compile(r'(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)\{(?P<labels>[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\[\\"n])*")*)\} (?P<value>\S+)')


def parse(text: str) -> dict:
    """Return sample -> value; an assertion fails for whatever the format does not allow."""
    samples, typed, family = {}, set(), None
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split()[2]
            assert family not in typed
        elif line.startswith("# TYPE "):
            assert line == f"# TYPE {family} gauge"
            typed.add(family)
        else:
            match = SAMPLE.fullmatch(line)
            assert match and match["name"] == family and family in typed, line
            sample = f"{match['name']}{{{match['labels']}}}"
            assert sample not in samples
            samples[sample] = float(match["value"])
    return samples


def record(**changes) -> dict:
    checks = [Check("host.disk[/]", "warning", "s", value=81.5, unit="percent", host="db1").as_dict(), Check("app.http", "critical", "s", host="db1").as_dict()]
    return {"host": "db1", "kind": "daily", "status": "critical", "finished": "2026-11-23T02:00:41.500Z", "duration_s": 41.2, "checks": checks,
            "artifacts": {}, **changes}


def test_statuses_values_and_the_run_are_exported():
    assert parse(metrics.render([record()])) == {
        'trixtech_run_timestamp_seconds{host="db1",kind="daily"}': 1795399241.5,
        'trixtech_run_status{host="db1",kind="daily"}': 2,
        'trixtech_run_duration_seconds{host="db1",kind="daily"}': 41.2,
        'trixtech_check_status{host="db1",check="host.disk[/]"}': 1,
        'trixtech_check_status{host="db1",check="app.http"}': 2,
        'trixtech_check_value{host="db1",check="host.disk[/]",unit="percent"}': 81.5,
    }


@pytest.mark.parametrize(("status", "value"), [("ok", 0), ("warning", 1), ("critical", 2), ("unknown", 3), ("skipped", 4)])
def test_each_status_has_its_number(status, value):
    samples = parse(metrics.render([record(status=status, checks=[Check("x", status, "").as_dict()])]))
    assert samples['trixtech_check_status{host="db1",check="x"}'] == value == samples['trixtech_run_status{host="db1",kind="daily"}']


def test_of_a_check_in_two_kinds_the_newest_counts():
    weekly = record(kind="weekly", finished="2026-11-22T02:00:00.000Z", checks=[
        Check("host.disk[/]", "ok", "", value=1.0, unit="percent").as_dict(), Check("only.weekly", "ok", "").as_dict()])
    for order in ([record(), weekly], [weekly, record()]):
        samples = parse(metrics.render(order))
        assert samples['trixtech_check_status{host="db1",check="host.disk[/]"}'] == 1
        assert samples['trixtech_check_status{host="db1",check="only.weekly"}'] == 0
        assert samples['trixtech_run_status{host="db1",kind="weekly"}'] == 2


def test_the_backup_is_exported_with_its_proof():
    backup = {"id": "s1", "created": "2026-11-23T02:00:00.000Z", "seconds": 3.5, "bytes": 10, "documents": 4, "files": 0, "age_seconds": 0}
    samples = parse(metrics.render([record(artifacts={"backup": backup})]))
    assert {name: value for name, value in samples.items() if "backup" in name} == {
        'trixtech_backup_info{host="db1",id="s1"}': 1, 'trixtech_backup_bytes{host="db1"}': 10, 'trixtech_backup_documents{host="db1"}': 4,
        'trixtech_backup_files{host="db1"}': 0, 'trixtech_backup_duration_seconds{host="db1"}': 3.5,
        'trixtech_backup_timestamp_seconds{host="db1"}': 1795399200,
    }
    for proof, value in (({"ok": True}, 1), ({"ok": False}, 0)):
        old = {"id": "s0", "created": "2026-11-22T02:00:00.000Z", "restored": {"ok": value == 0}}
        artifacts = {"backup": backup, "backup_sets": [{**backup, "restored": proof}, old]}
        assert parse(metrics.render([record(artifacts=artifacts)]))['trixtech_backup_restored{host="db1"}'] == value


def test_a_failed_backup_leaves_the_age_of_the_one_before_it():
    old = {"id": "s0", "created": "2026-11-22T02:00:00.000Z"}
    older = {"id": "s9", "created": "2026-11-21T02:00:00.000Z"}
    samples = parse(metrics.render([record(artifacts={"backup_sets": [old, older]})]))
    assert {name: value for name, value in samples.items() if "backup" in name} == {
        'trixtech_backup_info{host="db1",id="s0"}': 1, 'trixtech_backup_timestamp_seconds{host="db1"}': 1795312800}


def test_labels_are_escaped():
    nasty = 'a"b\\c\nd{},='
    samples = parse(metrics.render([record(checks=[Check(nasty, "ok", "", value=1, unit=nasty).as_dict()])]))
    assert 'trixtech_check_status{host="db1",check="a\\"b\\\\c\\nd{},="}' in samples


def test_numbers_keep_their_digits():
    values = [12345678901234.0, 0.1, 1e-9, -3]
    samples = parse(metrics.render([record(checks=[Check(f"c{n}", "ok", "", value=value).as_dict() for n, value in enumerate(values)])]))
    assert [samples[f'trixtech_check_value{{host="db1",check="c{n}",unit=""}}'] for n in range(len(values))] == values


def test_the_file_is_replaced_whole_and_readable_by_the_collector(tmp_path):
    path = tmp_path / "trixtech.prom"
    mask = os.umask(0o077)
    try:
        assert metrics.publish(str(path), "a 1\n") is True
    finally:
        os.umask(mask)
    first = path.stat()
    assert stat.S_IMODE(first.st_mode) == 0o644
    assert metrics.publish(str(path), "a 1\n") is False and path.stat().st_ino == first.st_ino
    assert metrics.publish(str(path), "a 2\n") is True and path.stat().st_ino != first.st_ino
    assert [item.name for item in tmp_path.iterdir()] == ["trixtech.prom"] and path.read_text() == "a 2\n"


def test_what_cannot_be_written_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "trixtech.prom"
    path.mkdir()
    (path / "in the way").write_text("")
    with pytest.raises(OSError):
        metrics.publish(str(path), "a 1\n")
    assert [item.name for item in tmp_path.iterdir()] == ["trixtech.prom"]
    with pytest.raises(MaintenanceError, match="create .*nowhere"):
        metrics.publish(str(tmp_path / "nowhere" / "x.prom"), "a 1\n")
