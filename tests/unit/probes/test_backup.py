# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that watch a repository."""

from __future__ import annotations

import datetime
import os
import shutil

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup import manifest
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import Repository
from ansible_collections.trixtech.maintenance.plugins.module_utils.checks import parse_timestamp, timestamp
from ansible_collections.trixtech.maintenance.plugins.module_utils.probes import backup_age, backup_integrity, base


@pytest.fixture(name="repository")
def _repository(tmp_path) -> Repository:
    return Repository(str(tmp_path / "backup"))


def add_set(repository: Repository, days: float = 0.0):
    """Publish a set without content, dated days back."""
    repository.prepare()
    partial = repository.begin()
    with open(os.path.join(partial.directory("files"), "a.tar"), "wb") as stream, open(os.path.join(partial.path, "files/a.list"), "wb"):
        stream.write(b"abc")
    started = timestamp(parse_timestamp(timestamp()) - datetime.timedelta(days=days))
    artifacts = {name: {"bytes": size, "stored_bytes": size, "sha256": "0" * 64} for name, size in (("files/a.tar", 3), ("files/a.list", 0))}
    return partial.publish({
        "format": 1, "id": partial.id, "host": "h", "started": started, "finished": started, "mongodb": {}, "compression": {}, "namespaces": {},
        "files": {"a": {"archive": "files/a.tar", "list": "files/a.list", "entries": 0}}, "artifacts": artifacts, "totals": {},
    })


def look(probe, repository, last=None, **options):
    context = base.Context(repository=repository and repository.path, last=last or {})
    (check,) = probe.look(context, base.validate({"type": probe.TYPE, "id": probe.TYPE, **options}, probe.OPTIONS, {}))
    return check.status, check.summary


@pytest.mark.parametrize("days, status", [(0, "ok"), (1, "ok"), (1.2, "warning"), (3.2, "critical")])
def test_a_backup_that_stopped_running_is_noticed(repository, days, status):
    add_set(repository, days)
    assert look(backup_age, repository)[0] == status


def test_the_first_look_at_a_host_is_a_warning_and_the_second_is_critical(repository):
    assert look(backup_age, repository)[0] == "warning"
    assert look(backup_age, repository, last={"backup.age": {"status": "warning"}})[0] == "critical"
    assert look(backup_integrity, repository)[0] == "skipped"


def test_a_repository_with_damaged_sets_only_is_critical(repository):
    shutil.rmtree(os.path.join(add_set(repository).path, "files"))
    assert look(backup_integrity, repository)[0] == "critical"
    os.unlink(os.path.join(repository.sets()[0].path, manifest.MANIFEST))
    assert look(backup_age, repository) == ("critical", f"there is no complete backup set in {repository.path}, but 1 damaged; make one now")
    assert look(backup_integrity, repository)[0] == "critical"


def test_a_set_from_the_future_makes_the_age_unknown(repository):
    add_set(repository, -2)
    with pytest.raises(base.CannotLook, match="future"):
        look(backup_age, repository)


def test_without_a_repository_nobody_can_look():
    for probe in (backup_age, backup_integrity):
        with pytest.raises(base.CannotLook, match="repository"):
            look(probe, None)


def test_a_truncated_artifact_is_critical(repository):
    os.truncate(os.path.join(add_set(repository).path, "files/a.tar"), 1)
    status, summary = look(backup_integrity, repository)
    assert status == "critical" and "files/a.tar has 1 bytes, the manifest says 3" in summary


def test_a_failed_verification_stays_critical(repository):
    backup_set = add_set(repository)
    backup_set.record("documents", False, 1.0, {})
    assert look(backup_integrity, repository)[0] == "critical"
    backup_set.record("documents", True, 1.0, {})
    assert look(backup_integrity, repository)[0] == "ok"


def test_sets_that_nobody_ever_proved_are_a_warning_after_a_week(repository):
    add_set(repository, 9)
    assert look(backup_integrity, repository)[0] == "warning"
    assert look(backup_integrity, repository, unverified_days=30)[0] == "ok"


def test_a_changed_record_is_a_warning(repository):
    backup_set = add_set(repository)
    backup_set.record("documents", True, 1.0, {})
    with open(os.path.join(backup_set.path, manifest.VERIFICATION), "a", encoding="ascii") as stream:
        stream.write(" ")
    assert look(backup_integrity, repository)[0] == "warning"
