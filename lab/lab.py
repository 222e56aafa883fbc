#!/usr/bin/env python3
# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab: up, down, status, fault. docs/lab.md describes it."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Iterator

# run as a script, this file would stand in the way of the package of the same name
sys.path[0] = str(Path(__file__).resolve().parent.parent)

# pylint: disable=wrong-import-position
from lab import application, disk, faults, files, mongodb, processes, tls
from lab.layout import (
    DATABASE,
    LabError,
    Layout,
    default_directory,
    describe,
    keep_or_replace_port,
    new_settings,
    write_private,
)

BOOKINGS = 20_000
SEED = 1
# what a lab makes in its directory, and all that down --purge removes
OWN = ("app", "backup", "disk", "faults", "lab.json", "lab.json.partial", "logs", "mail", "mongodb", "output", "pm2", "state", "tls", "uploads")


@contextlib.contextmanager
def stage(name: str) -> Iterator[list]:
    """Print one line for a stage with its seconds, and whatever it puts into the list."""
    notes: list = []
    begin = time.monotonic()
    yield notes
    print(f"  {name:<12} {time.monotonic() - begin:5.1f} s  {' '.join(notes)}".rstrip(), flush=True)


def up(layout: Layout, bookings: int | None, seed: int | None) -> None:
    """Bring the lab up, from whatever state it is in, with every fault off."""
    with stage("environment"):
        from tools import environment

        try:
            mongod, pm2, modules = environment.mongod(), environment.pm2(), environment.node_modules(application.SOURCE)
        except environment.Missing as error:
            raise LabError(str(error)) from None
    settings = layout.read() if layout.exists() else new_settings(layout)
    if settings["directory"] != str(layout.directory):
        raise LabError(f"{layout.config} belongs to the lab in {settings['directory']}; a lab cannot be moved, make a new one")
    faults.mend_all(faults.Lab(layout, settings, living=False))
    for name, process in (("mongodb", "mongod"), ("app", "app"), ("smtp", "smtp"), ("tls", "tls")):
        if not processes.find(layout, process):
            keep_or_replace_port(settings, name)
    # first of all what ports and secrets are, so that whatever comes after it can be taken down again
    layout.write({**describe(layout, settings, "not mounted yet", mongod, pm2), "ready": False})
    with stage("disk") as notes:
        reason = disk.mount(layout)
        notes += [f"none: {reason}"] if reason else [str(layout.disk)]
    settings = {**describe(layout, settings, reason, mongod, pm2), "ready": False}
    layout.write(settings)
    with stage("mongod") as notes:
        mongodb.set_up(layout, settings, mongod)
        notes.append(f"port {settings['ports']['mongodb']}")
    with stage("data") as notes:
        settings["data"] = fill(layout, settings, bookings, seed)
        notes.append(f"{settings['data']['documents']['bookings']:,} bookings, {settings['data']['uploads']} uploads")
    with stage("smtp, tls") as notes:
        tls.make_certificates(layout.tls)
        for name in ("smtp", "tls"):
            faults.start_helper(layout, settings, name)
        notes.append(f"ports {settings['ports']['smtp']}, {settings['ports']['tls']}")
    with stage("application") as notes:
        changed = application.install(layout, settings, modules)
        if application.start(layout, settings, changed):
            application.login(settings)
            application.visit(settings)
        notes.append(settings["app"]["base_url"])
    layout.write({**settings, "ready": True})
    print(f"the lab is up: {layout.config}")


def fill(layout: Layout, settings: dict, bookings: int | None, seed: int | None) -> dict:
    """Make documents and files, unless they are there as asked; return what lab.json says of them."""
    from lab import data

    # among mongod's files, so that it goes with them
    made = layout.mongodb / "filled.json"
    known = json.loads(made.read_text()) if made.exists() else {}
    wanted = {"seed": known.get("seed", SEED) if seed is None else seed,
              "bookings": known.get("bookings", BOOKINGS) if bookings is None else bookings}
    if wanted.items() <= known.items():
        return known
    made.unlink(missing_ok=True)
    today = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    application.stop(layout, settings)
    generator = data.Generator(wanted["seed"], wanted["bookings"], today, application.password_hash(settings["passwords"]["customers"]))
    with mongodb.admin(settings) as mongo:
        mongo.drop_database(DATABASE)
        documents = data.fill(mongo[DATABASE], generator)
    uploads = files.make_uploads(layout.uploads, wanted["seed"], today)
    files.make_logs(layout.logs, layout.pm2_home / "logs", wanted["seed"], today)
    known = {**wanted, "day": today.date().isoformat(), "documents": documents, "uploads": uploads}
    write_private(made, json.dumps(known))
    return known


def down(layout: Layout, purge: bool) -> None:
    """End everything of the lab; with purge remove what it made, and nothing else."""
    if not layout.directory.is_dir():
        print(f"there is no lab in {layout.directory}")
        return
    with layout.lock():
        settings = layout.read() if layout.exists() else None
        with stage("stop"):
            application.stop(layout, settings)
            for name in ("smtp", "tls", "mongod"):
                processes.stop(layout, name)
            disk.unmount(layout)
        if settings and not purge:
            layout.write({**settings, "ready": False})
        if purge:
            with stage("remove"):
                for name in OWN if settings else ():
                    path = layout.directory / name
                    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
                (layout.directory / ".lock").unlink(missing_ok=True)
    if purge and not any(layout.directory.iterdir()):
        layout.directory.rmdir()
    print("the lab is down" + (" and removed" if purge else ""))


def status(layout: Layout) -> int:
    """Print what runs; 0 when the lab is up and no fault is on, 3 otherwise."""
    settings = layout.read()
    running = {name: pid for pid, name in processes.find(layout).items()}
    for name, port in (("mongod", "mongodb"), ("pm2", None), ("app", "app"), ("smtp", "smtp"), ("tls", "tls")):
        where = f"127.0.0.1:{settings['ports'][port]}" if port else ""
        print(f"  {name:<8} {'pid ' + str(running[name]) if name in running else 'down':<12} {where}".rstrip())
    print(f"  disk     {settings['disk']['path'] or 'none: ' + str(settings['disk']['reason'])}")
    on = faults.active(layout)
    print(f"  faults   {', '.join(on) or 'none'}")
    return 0 if settings["ready"] and len(running) == 5 and not on else 3


def fault(layout: Layout, name: str, state: str | None) -> None:
    """Throw a switch, or list all."""
    if name == "list":
        on = faults.active(layout)
        for item in faults.FAULTS.values():
            print(f"  {item.name:<20} {'on ' if item.name in on else 'off'}  {item.text}")
        return
    faults.find(name)
    if state is None:
        raise LabError(f"say whether the fault is to be on or off: lab/fault {name} on")
    layout.read()
    with layout.lock():
        lab = faults.Lab(layout, layout.read(), bool(processes.find(layout)))
        print(faults.switch_on(lab, name) if state == "on" else faults.switch_off(lab, name))


def arguments(given: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument("--dir", type=Path, default=None, help="directory of the lab (default: $LAB_DIR, or .lab in the repository)")
    parser = argparse.ArgumentParser(prog="lab/lab.py", description="A booking system in miniature, to try maintenance on.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("up", parents=[where], help="start the lab, or mend it")
    command.add_argument("--bookings", type=int, help=f"number of bookings (default: what is there, or {BOOKINGS})")
    command.add_argument("--seed", type=int, help=f"seed of the data (default: what is there, or {SEED})")
    command = commands.add_parser("down", parents=[where], help="stop the lab")
    command.add_argument("--purge", action="store_true", help="remove its data, too")
    commands.add_parser("status", parents=[where], help="say what runs")
    command = commands.add_parser("fault", parents=[where], help="break something, or mend it")
    command.add_argument("name", help="a fault, or list")
    command.add_argument("state", nargs="?", choices=("on", "off"))
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> int:
    """Run one command; return its exit status."""
    options = arguments(given)
    os.umask(0o077)
    try:
        layout = Layout(options.dir or default_directory())
        if options.command == "up":
            if options.bookings is not None and options.bookings < 1:
                raise LabError("--bookings must be at least 1")
            with layout.lock():
                up(layout, options.bookings, options.seed)
        elif options.command == "down":
            down(layout, options.purge)
        elif options.command == "status":
            return status(layout)
        else:
            fault(layout, options.name, options.state)
    except (LabError, OSError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
