# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of the collection, as it stands in manifests and run records; a test holds it equal to galaxy.yml."""

from __future__ import annotations

VERSION = "0.1.0"
