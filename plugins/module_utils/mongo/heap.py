# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The C library's memory, held between one batch of documents and the next."""

from __future__ import annotations

import contextlib
import ctypes

# parameters of mallopt(3), from malloc.h of glibc
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT = 64 * 1024 * 1024
_LARGEST = 32 * 1024 * 1024  # what glibc allows


def hold() -> None:
    """Let free buffers stay with the process instead of giving them back to the kernel after each batch.

    Every batch needs a few buffers of a megabyte or two, and each page that comes back from the kernel is a fault that zeroes it:
    200,000 of them in a plain dump of 1.7 GB, which took 6 s of processor time with them and 4 s without. It changes speed only,
    and nothing where the C library is another one.
    """
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, _LARGEST)
        library.mallopt(_M_TRIM_THRESHOLD, _KEPT)
