# Copyright (c) 2026, TrixTech maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads from when until when a certificate is valid, and whose it is, out of its DER form.

Own code for want of another way: Python's ssl module hands a certificate out parsed only after it has trusted it, which an expired or
self-signed one never is; the library cryptography and the openssl command need not be there on a host that is looked at. What is read
here is the fixed beginning of RFC 5280's TBSCertificate: version, serial number, signature, issuer, validity, subject.
"""

from __future__ import annotations

import datetime
import ssl
from dataclasses import dataclass
from typing import Iterator, Optional

SEQUENCE, OID, VERSION = 0x30, 0x06, 0xA0
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
COMMON_NAME = b"\x55\x04\x03"  # 2.5.4.3
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


@dataclass(frozen=True)
class Certificate:
    """name: the subject's common name, or None."""

    not_before: datetime.datetime
    not_after: datetime.datetime
    name: Optional[str]
    self_signed: bool


def read(der: bytes) -> Certificate:
    """Read one certificate; ValueError for what is none."""
    try:
        (certificate,) = _items(der, SEQUENCE)
        signed = list(_items(certificate[1]))
        fields = list(_items(signed[0][1]))
        if fields[0][0] == VERSION:
            del fields[0]
        (_serial, _signature, (_tag, issuer), (_tag, validity), (_tag, subject)) = fields[:5]
        begin, end = (_moment(tag, text) for tag, text in _items(validity))
        return Certificate(begin, end, _common_name(subject), issuer == subject)
    except (IndexError, ValueError, TypeError):
        raise ValueError("it is no X.509 certificate") from None


def read_pem(text: str) -> list[Certificate]:
    """Read all certificates of a PEM file, in order; whatever stands between them, a key for example, is passed over."""
    found = []
    for part in text.split(_BEGIN)[1:]:
        body, end, _rest = part.partition(_END)
        if not end:
            raise ValueError("a certificate in it has no end")
        found.append(read(ssl.PEM_cert_to_DER_cert(_BEGIN + body + _END)))
    if not found:
        raise ValueError("there is no certificate in it")
    return found


def _items(data: bytes, wanted: Optional[int] = None) -> Iterator[tuple[int, bytes]]:
    """Yield (tag, content) of the DER items that data consists of; ValueError where one is cut or is not of the tag wanted."""
    position = 0
    while position < len(data):
        tag, length = data[position], data[position + 1]
        position += 2
        if length & 0x80:
            count = length & 0x7F
            length = int.from_bytes(data[position:position + count], "big")
            position += count
        content = data[position:position + length]
        if len(content) != length or (wanted is not None and tag != wanted):
            raise ValueError("cut, or something else")
        yield tag, content
        position += length


def _moment(tag: int, text: bytes) -> datetime.datetime:
    digits = text.decode("ascii")
    if tag == UTC_TIME:  # two digits of the year: RFC 5280, 4.1.2.5.1
        digits = ("19" if int(digits[:2]) >= 50 else "20") + digits
    elif tag != GENERALIZED_TIME:
        raise ValueError("no time")
    return datetime.datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=datetime.timezone.utc)


def _common_name(subject: bytes) -> Optional[str]:
    for _set, attributes in _items(subject):
        for _sequence, attribute in _items(attributes):
            (tag, oid), (_text, name) = _items(attribute)
            if tag == OID and oid == COMMON_NAME:
                return name.decode("utf-8", "replace")
    return None
