# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of backup sets: an old one and a corrupt one. Both are written down before they are made, so that off always finds back."""

from __future__ import annotations

import datetime
import json
import os
import sys
import types
from pathlib import Path
from typing import Any

from lab.layout import REPOSITORY, LabError, Layout, write_private

AGE = datetime.timedelta(days=3)
COLLECTION = "ansible_collections.trixtech.maintenance"


def _manifests() -> Any:
    """Return the collection's own manifest code, which alone knows how a set is sealed."""
    for name, path in (("ansible_collections", []), ("ansible_collections.trixtech", []), (COLLECTION, [str(REPOSITORY)])):
        if name not in sys.modules:
            sys.modules[name] = types.ModuleType(name)
            sys.modules[name].__path__ = path  # type: ignore[attr-defined]
    from ansible_collections.trixtech.maintenance.plugins.module_utils.backup import manifest

    return manifest


def _sets(layout: Layout) -> list[Path]:
    directory = Path(layout.read()["repository"]) / "sets"
    found = sorted(path for path in directory.iterdir() if path.is_dir()) if directory.is_dir() else []
    if not found:
        raise LabError(f"there is no backup set in {directory} to harm; make a backup first")
    return found


def make_old(layout: Layout, state: Path) -> None:
    """Date every set back by three days, in its name and in its manifest, sealed anew: a backup that stopped running."""
    manifests = _manifests()
    plan = []
    for path in _sets(layout):
        try:
            original = manifests.read_manifest(str(path))
        except manifests.Damaged:
            continue  # its age cannot be read anyway
        taken = datetime.datetime.strptime(path.name[:16], "%Y%m%dT%H%M%SZ") - AGE
        plan.append({"id": path.name, "old_id": f"{taken:%Y%m%dT%H%M%SZ}{path.name[16:]}", "manifest": original})
    write_private(state, json.dumps(plan))
    for item in plan:
        moved = {name: _earlier(item["manifest"][name]) for name in ("started", "finished")}
        _rename(layout, item["id"], item["old_id"], {**item["manifest"], "id": item["old_id"], **moved})


def _earlier(text: str) -> str:
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) - AGE
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _rename(layout: Layout, name: str, to: str, manifest: dict) -> None:
    manifests = _manifests()
    repository = Path(layout.read()["repository"])
    source, target = repository / "sets" / name, repository / "sets" / to
    if not source.is_dir():
        return  # done already, or removed meanwhile
    manifests.write_sealed(str(source / manifests.MANIFEST), manifest)
    source.rename(target)
    latest = repository / "latest"
    if latest.is_symlink() and latest.readlink().name == name:
        partial = repository / ".latest.lab"
        partial.unlink(missing_ok=True)
        partial.symlink_to(latest.readlink().with_name(to))
        partial.replace(latest)


def make_young(layout: Layout, state: Path) -> None:
    """Give every set its own date again."""
    plan = json.loads(state.read_text() or "[]")
    repository = Path(layout.read()["repository"])
    for item in plan:
        # killed half way, a set may have its new manifest under its old name
        name = item["old_id"] if (repository / "sets" / item["old_id"]).is_dir() else item["id"]
        _rename(layout, name, item["id"], item["manifest"])


def corrupt(layout: Layout, state: Path) -> None:
    """Flip all bits of one byte in the middle of the largest artifact of the newest set; its times stay as they are."""
    files = [path for path in _sets(layout)[-1].rglob("*") if path.is_file() and not path.is_symlink() and path.suffix != ".json"]
    if not files:
        raise LabError(f"the backup set {_sets(layout)[-1].name} holds no artifact to harm")
    path = max(files, key=lambda item: item.stat().st_size)
    offset = path.stat().st_size // 2
    with open(path, "rb") as handle:
        handle.seek(offset)
        original = handle.read(1)[0]
    write_private(state, json.dumps({"path": str(path), "offset": offset, "original": original}))
    _put(path, offset, original ^ 0xFF)


def mend(_layout: Layout, state: Path) -> None:
    """Put the byte back, unless the set is gone."""
    harm = json.loads(state.read_text() or "{}")
    if harm and Path(harm["path"]).exists():
        _put(Path(harm["path"]), harm["offset"], harm["original"])


def _put(path: Path, offset: int, value: int) -> None:
    times = path.stat()
    with open(path, "r+b") as handle:
        handle.seek(offset)
        handle.write(bytes([value]))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
