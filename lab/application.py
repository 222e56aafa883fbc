# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's booking application: its directory, and its life under a PM2 of its own."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Optional

from lab import processes
from lab.layout import PM2_NAME, REPOSITORY, LabError, Layout, write_private

SOURCE = REPOSITORY / "lab" / "app"
START_SECONDS = 40.0
# enough answers for an error rate, and few enough not to be noticed
BURST = 60
CUSTOMER = "customer00010@example.com"


def install(layout: Layout, settings: dict, node_modules: Path) -> bool:
    """Lay out git root, application directory, uploads link and env file as the real application has them.

    Returns whether anything that the running application has read was changed.
    """
    layout.app.mkdir(parents=True, exist_ok=True)
    layout.logs.mkdir(exist_ok=True)
    before = _fingerprint(layout)
    for name in ("server.js", "package.json", "package-lock.json"):
        shutil.copyfile(SOURCE / name, layout.app / name)
    shutil.copytree(SOURCE / "lib", layout.app / "lib", dirs_exist_ok=True)
    for link, target in (("node_modules", node_modules), ("uploads", layout.uploads)):
        _link(layout.app / link, target)
    write_private(layout.app / ".env", _env_file(settings))
    _commit(layout.git_root)
    return _fingerprint(layout) != before


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def _fingerprint(layout: Layout) -> str:
    found = hashlib.sha256()
    for path in [layout.app / "server.js", layout.app / ".env", *sorted((layout.app / "lib").glob("*.js"))]:
        found.update(path.read_bytes() if path.exists() else b"-")
    return found.hexdigest()


def _env_file(settings: dict) -> str:
    return "".join(f"{name}={value}\n" for name, value in {
        "NODE_ENV": "production",
        "PORT": settings["ports"]["app"],
        "MONGODB_URI": settings["mongodb"]["uri_app"],
        "JWT_SECRET": settings["passwords"]["jwt"],
        "EMAIL_HOST": settings["smtp"]["host"],
        "EMAIL_PORT": settings["smtp"]["port"],
        "EMAIL_USER": settings["smtp"]["user"],
        "EMAIL_PASS": settings["passwords"]["smtp"],
        "EMAIL_FROM": "bookings@example.com",
    }.items())


def _commit(root: Path) -> None:
    # the application is one directory below its git root, as in the real deployment
    git = shutil.which("git")
    if not git or (root / ".git" / "HEAD").exists() and _git(git, root, "rev-parse", "--verify", "-q", "HEAD").returncode == 0:
        return
    shutil.rmtree(root / ".git", ignore_errors=True)
    (root / ".gitignore").write_text("node_modules\n.env\nlogs/\nbackend/uploads\n")
    for arguments in (("init", "-q", "-b", "main"), ("add", "."), ("-c", "user.name=Lab", "-c", "user.email=lab@example.com", "-c",
                      "commit.gpgsign=false", "commit", "-q", "--no-verify", "-m", "The booking application")):
        if _git(git, root, *arguments).returncode:
            return  # the commit only informs; a git that cannot make one does not hold up the lab


def _git(git: str, root: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([git, "-C", str(root), *arguments], capture_output=True, check=False)


def pm2(layout: Layout, settings: dict, *arguments: str, patience: float = 60.0) -> None:
    """Run the PM2 client on the lab's own PM2_HOME; LabError with its last line where it fails."""
    # a secret that is in PM2's environment and nowhere else, because real deployments have such
    extra = {"PM2_HOME": str(layout.pm2_home), "LAB_FAULTS": str(layout.faults), "SESSION_SECRET": settings["passwords"]["jwt"]}
    try:
        done = subprocess.run([settings["app"]["pm2_path"], *arguments], capture_output=True, text=True, check=False, timeout=patience,
                              cwd=layout.app, env=processes.environment(layout, "pm2", **extra), stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabError(f"pm2 {arguments[0]} did not work: {error}") from None
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()
        raise LabError(f"pm2 {arguments[0]} failed: {lines[-1][:300]}")


def daemon_runs(layout: Layout) -> bool:
    """Tell whether the lab's PM2 daemon answers; a client call would start one."""
    return bool(processes.find(layout, "pm2")) and (layout.pm2_home / "rpc.sock").exists()


def start(layout: Layout, settings: dict, changed: bool) -> bool:
    """Start the application through PM2, or again when changed, and wait until it is healthy; return whether it was started."""
    if not changed and daemon_runs(layout) and deep_status(settings) == "healthy":
        return False
    stop(layout, settings)
    layout.pm2_home.mkdir(exist_ok=True, mode=0o700)
    pm2(layout, settings, "start", str(layout.app / "server.js"), "--name", PM2_NAME, "--cwd", str(layout.app), "--no-vizion",
        "--max-memory-restart", "600M")
    wait_healthy(layout, settings)
    return True


def wait_healthy(layout: Layout, settings: dict) -> None:
    """Wait until the deep health path says healthy."""
    if not processes.eventually(lambda: deep_status(settings) == "healthy", START_SECONDS, 0.1):
        raise LabError(f"the application did not become healthy; its logs are in {layout.pm2_home / 'logs'}")


def stop(layout: Layout, settings: Optional[dict]) -> None:
    """End the application and the PM2 daemon, whatever state they are in."""
    if settings and daemon_runs(layout):
        try:
            pm2(layout, settings, "kill", patience=15.0)
        except LabError:
            pass  # then by their ids, below
    for name in ("pm2", "app"):
        processes.stop(layout, name, patience=3.0)
    for name in ("rpc.sock", "pub.sock", "interactor.sock", "pm2.pid"):
        (layout.pm2_home / name).unlink(missing_ok=True)


def request(settings: dict, path: str, method: str = "GET", body: Any = None, token: str = "", timeout: float = 5.0) -> tuple[int, Any]:
    """Ask the application; return the status and the decoded body. OSError where it does not answer."""
    raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
    headers = {"Content-Type": kind, "User-Agent": "trixtech-lab", **({"Authorization": f"Bearer {token}"} if token else {})}
    asked = urllib.request.Request(settings["app"]["base_url"] + path, data=raw, method=method, headers=headers)
    try:
        with urllib.request.urlopen(asked, timeout=timeout) as answer:
            status, content = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, content = error.code, error.read()
    try:
        return status, json.loads(content)
    except ValueError:
        return status, content.decode(errors="replace")


def deep_status(settings: dict) -> str:
    """Return what the deep health path says, or "" where nobody answers."""
    try:
        answer = request(settings, "/api/health/deep", timeout=2.0)[1]
    except OSError:
        return ""
    return answer.get("status", "") if isinstance(answer, dict) else ""


def login(settings: dict) -> tuple[str, str]:
    """Sign in as a customer of the lab; return token and user id."""
    body = {"email": CUSTOMER, "password": settings["passwords"]["customers"]}
    status, answer = request(settings, "/api/auth/login", "POST", body)
    if status != 200:
        raise LabError(f"the application refused the lab's customer with status {status}")
    return answer["token"], answer["userId"]


def visit(settings: dict, count: int = BURST) -> int:
    """Ask for bookings of a customer count times, so that there are answers to count; return how many failed."""
    failed = 0
    for _unused in range(count):
        failed += request(settings, f"/api/bookings?customerId={'0' * 24}")[0] >= 500
    return failed


def password_hash(password: str) -> str:
    """Return the hash that the application keeps of a password (scrypt, cheap on purpose: one for all customers)."""
    salt = hashlib.sha256(password.encode()).hexdigest()[:16]
    return f"{salt}:{hashlib.scrypt(password.encode(), salt=salt.encode(), n=1024, r=8, p=1, dklen=32).hex()}"
