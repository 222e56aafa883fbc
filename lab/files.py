# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the lab: uploads and weeks of logs, made from the seed like the documents."""

from __future__ import annotations

import datetime
import gzip
import json
import os
import random
import shutil
from pathlib import Path

UPLOADS = 200
LOG_DAYS = 28
REQUESTS_PER_DAY = 300
ODD_NAME = "receipts/Quittung Nr. 7 – räçum é 日本.txt"
AGENTS = ("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)", "TrixTechMobile/2.4")
ERRORS = ("Payment gateway timed out after 10000 ms", "E11000 duplicate key error collection: trixtech.users index: email_1",
          "Cannot read properties of null (reading 'slots')", "read ECONNRESET")


def make_uploads(directory: Path, seed: int, today: datetime.datetime) -> int:
    """Write about 200 files, in sub-folders too, one link inside and one odd name among them; return how many."""
    shutil.rmtree(directory, ignore_errors=True)
    number = random.Random(f"uploads-{seed}")
    names = [f"avatars/{index:03d}.jpg" for index in range(60)]
    names += [f"services/{index % 8}/picture-{index}.png" for index in range(80)]
    names += [f"receipts/2026/{index:04d}.pdf" for index in range(UPLOADS - 60 - 80 - 12)]
    names += [f"{number.getrandbits(64):016x}.bin" for _unused in range(10)]
    names += [ODD_NAME, "services/banner.jpg"]
    for index, name in enumerate(names):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(number.randbytes(number.randrange(200, 40_000)))
        moment = (today - datetime.timedelta(hours=index * 7)).timestamp()
        os.utime(path, (moment, moment))
    (directory / "services/current.jpg").symlink_to("banner.jpg")
    return len(names) + 1


def make_logs(logs: Path, pm2_logs: Path, seed: int, today: datetime.datetime) -> None:
    """Write access logs (rotated ones too), an error file for most days but not for today, and PM2's logs.

    Fewer than 1 percent of the requests failed; today's error file appears with today's first error.
    """
    number = random.Random(f"logs-{seed}")
    for directory in (logs, pm2_logs):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
    days = [today - datetime.timedelta(days=ago) for ago in range(LOG_DAYS, 0, -1)]
    by_age = {"access.log.2.gz": days[:14], "access.log.1": days[14:21], "access.log": days[21:]}
    for name, part in by_age.items():
        text = "".join(_access_line(number, day, index) for day in part for index in range(REQUESTS_PER_DAY)).encode()
        (logs / name).write_bytes(gzip.compress(text, 1, mtime=0) if name.endswith(".gz") else text)
    for day in days:
        lines = [_error_line(number, day) for _unused in range(number.randrange(4))]
        if lines:
            (logs / f"error-{day:%Y-%m-%d}.log").write_text("".join(sorted(lines)))
    (pm2_logs / "trixtech-backend-out.log").write_text("".join(_chatter(number, index) for index in range(400)))
    (pm2_logs / "trixtech-backend-error.log").write_text("".join(
        f"\u001b[31m✖ {number.choice(ERRORS)}\u001b[39m\n    at processTicksAndRejections (node:internal/process/task_queues:95:5)\n"
        for _unused in range(40)))


def _access_line(number: random.Random, day: datetime.datetime, index: int) -> str:
    moment = day + datetime.timedelta(seconds=index * 86400 / REQUESTS_PER_DAY)
    path, statuses = number.choice((("GET /api/health", (200,)), ("GET /api/bookings?customerId=", (200, 200, 200, 304)),
                                    ("POST /api/auth/login", (200, 200, 401)), ("GET /api/services", (200, 304))))
    status = 500 if number.random() < 0.003 else number.choice(statuses)
    if path.endswith("="):
        path += f"{number.getrandbits(96):024x}"
    return (f"203.0.113.{number.randrange(1, 255)} - - [{moment:%d/%b/%Y:%H:%M:%S} +0000] \"{path} HTTP/1.1\" {status} "
            f"{number.randrange(20, 9000)} \"-\" \"{number.choice(AGENTS)}\"\n")


def _error_line(number: random.Random, day: datetime.datetime) -> str:
    moment = day + datetime.timedelta(seconds=number.randrange(86400))
    entry = {"timestamp": f"{moment:%Y-%m-%dT%H:%M:%S}.000Z", "level": "error", "message": number.choice(ERRORS), "method": "POST",
             "path": "/api/bookings", "stack": "Error\n    at /app/backend/server.js:120:11"}
    return json.dumps(entry) + "\n"


def _chatter(number: random.Random, index: int) -> str:
    if index % 8 == 0:
        return (f"\u001b[36mNew booking\u001b[39m {{\n  id: \u001b[32m'{number.getrandbits(96):024x}'\u001b[39m,\n"
                f"  customer: \u001b[32m'Ana Cruz'\u001b[39m,\n  email: \u001b[32m'customer{number.randrange(2000):05d}@example.com'\u001b[39m\n}}\n")
    return number.choice(("\u001b[32m✔ MongoDB connected\u001b[39m\n", "Confirmation sent\n", "\u001b[33mslot taken, offering the next one\u001b[39m\n"))
