#!/usr/bin/python
# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_restore
short_description: Restore a backup set, parts of it, or its files
version_added: 0.1.0
description:
  - Restores the databases of a set, single databases or collections of it, under their own or other names, and archives of files.
  - The stored bytes of all that is needed are verified first. What stands at a target and differs from the set is replaced only if O(confirm)
    names it; otherwise the task fails with a line that says what holds how much and what to write into O(confirm), and nothing is changed.
  - Collections are filled beside their places, under temporary names, where their documents are counted and digested against the manifest and their
    indexes built. Then each takes its place by one rename. A restore that is killed leaves temporary collections that the next one drops; never a
    half collection under the target's name.
  - What is equal to the set already is left alone, so that a killed restore is simply repeated and a second one changes nothing.
  - Time-series collections cannot be renamed. They are filled in their places, last, after the one that stands there was dropped, with an empty
    collection C(<name>.trixtech_restoring_...) beside them as long as they are not complete; the next restore drops a time-series collection
    so marked without asking. Whatever is there already is dropped only after the new one was loaded and compared under a temporary name.
  - Views are made last, once what they refer to is there. A view goes on referring to the collection that it names, also where that was restored under
    another name.
  - Collections of the target that are not in the set stay as they are. Stop the application before its collections are replaced; what it
    writes in between is lost.
  - Archives are unpacked into a directory beside the destination, which then takes its place by rename. The old one is kept as
    C(<destination>.before-<set id>). Links that lead out of the archive are not restored and give a warning; an archive with names
    that lead out, or with anything but files, directories and links, is refused. Owners are kept where the module runs as root.
  - Users and roles are not in a set and are not restored.
options:
  set:
    description:
      - Id of the set, or V(newest). Safety sets are not meant by V(newest).
    type: str
    default: newest
  uri:
    description:
      - Connection string of the server to restore into, of a user with the roles C(readWrite) and C(dbAdmin) on each target database. For time-series
        collections it needs C(find), C(insert) and C(bypassDocumentValidation) on their buckets besides; C(docs/rights.md) shows how.
      - Required unless only O(files) are restored. Keep it in a vault; it is never logged, nor shown on a command line.
    type: str
  timeout:
    description:
      - Seconds to wait for a server to be found and for a connection.
    type: float
    default: 10.0
  databases:
    description:
      - The databases of the set to restore. All of them where this, O(namespaces) and O(files) are empty.
    type: list
    elements: str
    default: []
  namespaces:
    description:
      - Single collections and views to restore, as C(database.collection).
    type: list
    elements: str
    default: []
  rename:
    description:
      - Other names in the target, as C(database) to C(database) and C(database.collection) to C(database.collection). The latter goes before.
    type: dict
    default: {}
  files:
    description:
      - Archives of files to restore.
    type: list
    elements: dict
    default: []
    suboptions:
      archive:
        description: Name of the archive in the set; M(trixtech.maintenance.backup_set) names it after the last part of the directory's path.
        type: str
        required: true
      destination:
        description:
          - The directory that is to hold the files afterwards. It is replaced as a whole. A link stays, and what it leads to is replaced.
          - Its parent must exist and be writable, and it must not be a mount point.
        type: path
        required: true
  confirm:
    description:
      - What may be replaced although it holds something - names of target databases, and destinations of files.
    type: list
    elements: str
    default: []
  safety_set:
    description:
      - Make a set of the target's databases first, in the same repository, if anything in them is to be replaced.
    type: bool
    default: false
  parallel:
    description:
      - How many collections are restored at the same time.
    type: int
    default: 2
  lock_wait:
    description:
      - Seconds the safety set waits for another writer of the repository to end.
    type: float
    default: 0.0
extends_documentation_fragment:
  - trixtech.maintenance.repository
  - trixtech.maintenance.host
  - trixtech.maintenance.attributes
attributes:
  check_mode:
    support: full
    details: Verifies the set, connects, looks at rights and at what the targets hold, and refuses what would be refused; writes nothing.
  diff_mode:
    support: full
    details: Shows the namespaces with their number of documents, and the destinations with their entries, before and after.
requirements:
  - pymongo >= 4.3
  - zstandard, for sets that are compressed with it
seealso:
  - module: trixtech.maintenance.backup_set
  - module: trixtech.maintenance.backup_set_info
  - module: trixtech.maintenance.restore_test
author:
  - TrixTech maintainers (@trixtech)
"""

EXAMPLES = r"""
- name: Restore the newest set into a database beside the live one
  trixtech.maintenance.backup_restore:
    repository: /backup/trixtech
    uri: "{{ vault_mongodb_restore_uri }}"
    databases: [trixtech]
    rename:
      trixtech: trixtech_copy

- name: Look at the bookings of a certain day
  trixtech.maintenance.backup_restore:
    repository: /backup/trixtech
    set: 20261123T020000Z-7c1f
    uri: "{{ vault_mongodb_restore_uri }}"
    namespaces: [trixtech.bookings]
    rename:
      trixtech.bookings: trixtech.bookings_of_monday

- name: Put database and uploads back as they were in the night
  trixtech.maintenance.backup_restore:
    repository: /backup/trixtech
    uri: "{{ vault_mongodb_restore_uri }}"
    databases: [trixtech]
    files:
      - archive: uploads
        destination: /app/uploads
    confirm: [trixtech, /app/uploads]
    safety_set: true
"""

RETURN = r"""
restored:
  description: What was restored, or in check mode would be. What was there already is not counted.
  returned: success
  type: dict
  sample: {"set": "20261123T020000Z-7c1f", "namespaces": 9, "documents": 45210, "files": {"/app/uploads": "uploads"}, "safety_set": null, "seconds": 3.2}
checks:
  description:
    - C(restore.documents), C(restore.indexes) and C(restore.duration), and C(restore.files[<destination>]) for each archive.
    - C(restore.set) is a warning about files of the set that are not needed for this restore.
  returned: success
  type: list
  elements: dict
actions:
  description: What was done to each namespace and destination, or in check mode would be.
  returned: success
  type: list
  elements: dict
artifacts:
  description: RV(restored) under C(restore), for the run record.
  returned: success
  type: dict
status:
  description: The worst status of the checks.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.trixtech.maintenance.plugins.module_utils import glue
from ansible_collections.trixtech.maintenance.plugins.module_utils.backup.repository import Repository
from ansible_collections.trixtech.maintenance.plugins.module_utils.restore import restore
from ansible_collections.trixtech.maintenance.plugins.module_utils.version import VERSION


def work(module: AnsibleModule) -> dict:
    """Restore what the options say."""
    params = module.params
    order = restore.Order(
        repository=Repository(params["repository"]),
        set_id=params["set"],
        uri=params["uri"],
        databases=params["databases"],
        namespaces=params["namespaces"],
        rename=params["rename"],
        files=params["files"],
        confirm=params["confirm"],
        safety_set=params["safety_set"],
        parallel=params["parallel"],
        timeout=params["timeout"],
        lock_wait=params["lock_wait"],
        host=params["host"] or "",
        collection_version=VERSION,
    )
    return restore.run(order, dry_run=module.check_mode)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "set": {"type": "str", "default": "newest"},
            "uri": {"type": "str", "no_log": True},
            "timeout": {"type": "float", "default": 10.0},
            "databases": {"type": "list", "elements": "str", "default": []},
            "namespaces": {"type": "list", "elements": "str", "default": []},
            "rename": {"type": "dict", "default": {}},
            "files": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {"archive": {"type": "str", "required": True}, "destination": {"type": "path", "required": True}},
            },
            "confirm": {"type": "list", "elements": "str", "default": []},
            "safety_set": {"type": "bool", "default": False},
            "parallel": {"type": "int", "default": 2},
            "lock_wait": {"type": "float", "default": 0.0},
            **glue.REPOSITORY_OPTION,
            **glue.HOST_OPTION,
        },
        supports_check_mode=True,
    )
    glue.run(module, work)


if __name__ == "__main__":
    main()
