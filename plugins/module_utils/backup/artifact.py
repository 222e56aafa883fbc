# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Artifacts: the files of a set, compressed and hashed while they stream, bounded when they are read back."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from typing import Any, Iterator, Optional

from ansible_collections.trixtech.maintenance.plugins.module_utils.errors import LibraryMissing, MaintenanceError

try:
    import zstandard

    ZSTANDARD_ERROR: Optional[str] = None
except ImportError as import_error:
    ZSTANDARD_ERROR = str(import_error)

SUFFIX = {"zstd": ".zst", "gzip": ".gz", "none": ""}
CHUNK = 1024 * 1024
# a frame that asks for a larger window than 128 MiB is refused: reading must not cost more memory than writing did
_LARGEST_WINDOW = 128 * 1024 * 1024


def check_compression(kind: str) -> None:
    """Raise LibraryMissing where the compression needs a library that is not there."""
    if kind == "zstd" and ZSTANDARD_ERROR:
        raise LibraryMissing("zstandard", f"{ZSTANDARD_ERROR}; compression: gzip needs no library")


def _compressor(kind: str, level: Optional[int]) -> Any:
    if kind == "zstd":
        return zstandard.ZstdCompressor(level=1 if level is None else level, write_checksum=True).compressobj()
    if kind == "gzip":
        return zlib.compressobj(6 if level is None else level, zlib.DEFLATED, 31)  # 31: with gzip header and trailer
    return None


class Writer:
    """A new file that compresses and hashes what is written to it. bytes: before, stored_bytes: after compression."""

    def __init__(self, path: str, kind: str, level: Optional[int] = None) -> None:
        self._compressor = _compressor(kind, level)
        self._hash = hashlib.sha256()
        self._stream = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb", buffering=0)
        self.bytes = 0
        self.stored_bytes = 0

    def write(self, data: Any) -> int:
        """Take data in; returns its length, as tarfile expects of a file."""
        self.bytes += len(data)
        self._store(self._compressor.compress(data) if self._compressor else data)
        return len(data)

    def _store(self, data: Any) -> None:
        view = memoryview(data)
        self._hash.update(view)
        self.stored_bytes += len(view)
        while view:
            view = view[self._stream.write(view):]

    def close(self) -> dict:
        """Finish and sync the file; return its entry for the manifest."""
        if self._compressor:
            self._store(self._compressor.flush())
        os.fsync(self._stream.fileno())
        self._stream.close()
        return {"bytes": self.bytes, "stored_bytes": self.stored_bytes, "sha256": self._hash.hexdigest()}

    def abandon(self) -> None:
        """Close without finishing; the file is of no use."""
        self._stream.close()


class _HashedFile:
    """Hashes what is read through it, so that one pass serves hash and content."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.hash = hashlib.sha256()
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.hash.update(data)
        self.count += len(data)
        return data


class Reader:
    """Reads an artifact once: iterate for the decompressed chunks, then compare sha256 and the sizes with the manifest."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.bytes = 0
        self.stored_bytes = 0
        self.sha256 = ""

    def chunks(self, limit: int) -> Iterator[bytes]:
        """Yield the content in chunks of at most CHUNK bytes; stops with MaintenanceError beyond limit bytes (a bomb).

        Whatever the decompressor says, the whole stored file is hashed in the end.
        """
        descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb", buffering=0) as raw:
            stored = _HashedFile(raw)
            try:
                source = self._open(stored)
                while True:
                    chunk = source.read(CHUNK)
                    if not chunk:
                        break
                    self.bytes += len(chunk)
                    if self.bytes > limit:
                        raise MaintenanceError(f"it holds more than the {limit} bytes the manifest names")
                    yield chunk
            except (zlib.error, gzip.BadGzipFile, EOFError) as error:
                raise MaintenanceError(f"it cannot be decompressed: {error}") from None
            except MaintenanceError:
                raise
            except Exception as error:
                if ZSTANDARD_ERROR is None and isinstance(error, zstandard.ZstdError):
                    raise MaintenanceError(f"it cannot be decompressed: {error}") from None
                raise
            finally:
                while stored.read(CHUNK):
                    pass
                self.stored_bytes, self.sha256 = stored.count, stored.hash.hexdigest()

    def skim(self) -> None:
        """Hash the stored file without looking into it; bytes stays 0."""
        with os.fdopen(os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb", buffering=0) as raw:
            stored = _HashedFile(raw)
            while stored.read(CHUNK):
                pass
        self.stored_bytes, self.sha256 = stored.count, stored.hash.hexdigest()

    def _open(self, stored: _HashedFile) -> Any:
        if self._path.endswith(".zst"):
            check_compression("zstd")
            decompressor = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
            return decompressor.stream_reader(stored, read_size=CHUNK, closefd=False)
        if self._path.endswith(".gz"):
            return gzip.GzipFile(fileobj=stored, mode="rb")  # type: ignore[call-overload]  # only read() is called
        return stored
