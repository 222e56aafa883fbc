# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files in a set: odd names, links, files that change while they are read."""

from __future__ import annotations

import json
import os
import tarfile
import threading

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils.backup import application, files
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.artifact import Reader


def entries(backup_set_path: str, listing: str) -> dict:
    data = b"".join(Reader(os.path.join(backup_set_path, listing)).chunks(10**9))
    return {entry["path"]: entry for entry in map(json.loads, data.splitlines())}


@pytest.fixture(name="partial")
def _partial(repository):
    repository.prepare()
    return repository.begin()


def test_what_was_captured_comes_back_by_tar_alone(partial, uploads, tmp_path):
    entry, unused = files.capture(partial, "uploads", str(uploads), "none", None)
    target = tmp_path / "back"
    with tarfile.open(os.path.join(partial.path, entry["archive"])) as tar:
        tar.extractall(target, filter="fully_trusted")
    for directory, unused_names, names in os.walk(os.fsencode(uploads)):
        for name in names:
            path = os.path.join(directory, name)
            copy = os.path.join(os.fsencode(target), os.path.relpath(path, os.fsencode(uploads)))
            assert os.path.islink(copy) == os.path.islink(path)
            assert open(copy, "rb").read() == open(path, "rb").read()
            assert os.lstat(copy).st_mode == os.lstat(path).st_mode


def test_links_below_are_kept_as_links_and_a_link_on_top_is_followed(partial, uploads, tmp_path):
    (tmp_path / "current").symlink_to(uploads)
    entry, unused = files.capture(partial, "current", str(tmp_path / "current"), "none", None)
    listed = entries(partial.path, entry["list"])
    assert listed["link"]["type"] == "link" and listed["link"]["target"] == "2026/photo 1 ü.jpg"
    assert listed["2026"]["type"] == "directory" and entry["files"] == 14


def test_a_single_file_is_captured(partial, tmp_path):
    (tmp_path / ".env").write_text("PORT=5000\n")
    name = next(iter(files.archive_names([str(tmp_path / ".env")])))
    entry, unused = files.capture(partial, name, str(tmp_path / ".env"), "zstd", None)
    assert name == "env" and list(entries(partial.path, entry["list"])) == [".env"]


def test_sockets_and_pipes_are_told_and_do_not_hang(partial, uploads):
    os.mkfifo(uploads / "pipe")
    entry, unused = files.capture(partial, "uploads", str(uploads), "none", None)
    assert entry["skipped"] == ["pipe"]


def test_a_file_that_changes_while_it_is_read_is_told(partial, uploads):
    growing = uploads / "growing.log"
    growing.write_bytes(b"x" * 30_000_000)
    stop = threading.Event()

    def grow():
        with open(growing, "ab") as stream:
            while not stop.is_set():
                stream.write(b"y" * 100)
                stream.flush()

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        entry, unused = files.capture(partial, "uploads", str(uploads), "zstd", None)
    finally:
        stop.set()
        thread.join()
    assert entry["changed"] == ["growing.log"]


def test_a_file_that_becomes_shorter_keeps_the_archive_readable(tmp_path):
    path = tmp_path / "shrinking"
    path.write_bytes(b"x" * 10)
    with open(path, "rb") as stream:
        steady = files._SteadyFile(stream)
        assert steady.read(16) == b"x" * 10 + b"\0" * 6 and steady.padded


def test_names_of_archives_never_collide():
    assert list(files.archive_names(["/a/uploads", "/b/uploads/", "/", "/c/süß"])) == ["uploads", "uploads-2", "root", "s__"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_ends_the_backup(partial, uploads):
    (uploads / "secret").write_text("x")
    (uploads / "secret").chmod(0)
    with pytest.raises(Exception, match="may not be read"):
        files.capture(partial, "uploads", str(uploads), "none", None)


@pytest.mark.parametrize("packed", [False, True])
def test_the_applications_commit_is_read_without_git(tmp_path, packed):
    git, value = tmp_path / ".git", "0123456789abcdef0123456789abcdef01234567"
    (git / "refs/heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    if packed:
        (git / "packed-refs").write_text(f"# pack-refs\n{value} refs/heads/main\n")
    else:
        (git / "refs/heads/main").write_text(value + "\n")
    assert application.commit(str(tmp_path)) == value
    (git / "HEAD").write_text("something else")
    assert application.commit(str(tmp_path)) is None
    assert application.commit(str(tmp_path / "nothing")) is None
