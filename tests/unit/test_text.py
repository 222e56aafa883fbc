# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redaction, sizes and durations."""

from __future__ import annotations

import pytest

from ansible_collections.trixtech.maintenance.plugins.module_utils import text


@pytest.mark.parametrize("given", [
    "mongodb://maintenance:s3cret@db1:27017/?authSource=admin", "cannot reach mongodb+srv://u:s3cret@cluster0/x and more", "smtp://user:s3cret@mail",
    "MONGODB_URI=mongodb://u:s3cret@h/d", "password=s3cret", 'PASSWORD: "s3cret"', "api_key = s3cret", "JWT_SECRET=s3cret rest", "token: s3cret",
    "Authorization: Bearer s3cret", "{'smtp_password': 's3cret'}", "aws_secret_access_key=s3cret",
])
def test_secrets_are_hidden(given):
    assert "s3cret" not in text.redact(given) and text.HIDDEN in text.redact(given)


@pytest.mark.parametrize("given", ["mongodb://db1:27017/trixtech", "http://localhost:5000/api/health", "412 of 500 connections",
                                   "the password is wrong", "token expired"])
def test_harmless_text_stays(given):
    assert text.redact(given) == given


def test_one_line_is_one_line_and_bounded():
    assert text.one_line("a\n  b\tc") == "a b c"
    assert len(text.one_line("x" * 1000, 50)) == 50


@pytest.mark.parametrize("count, wanted", [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (2**30 * 2, "2.0 GiB"), (2**50, "1024.0 TiB"), (-2048, "-2.0 KiB")])
def test_sizes(count, wanted):
    assert text.size(count) == wanted


@pytest.mark.parametrize("seconds, wanted", [
    (0.34, "340 ms"), (1.24, "1.2 s"), (12, "12 s"), (240, "4 min"), (12000, "3 h 20 min"), (7200, "2 h"), (518400, "6 days"), (-60, "-60 s"),
])
def test_durations(seconds, wanted):
    assert text.duration(seconds) == wanted


def test_counts_with_their_nouns():
    assert text.plural(1, "check") == "1 check" and text.plural(1200, "entry", "entries") == "1,200 entries"
