"""Until when a certificate or a token is good, in Unix seconds.

As much of X.509 and of JWT is read as leads there; nothing is checked, for others do that.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from calendar import timegm
from time import strptime

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")
_LAST = 253402300800.0  # the year 10000: what says so says nothing
_SEQUENCE, _VERSION = 0x30, 0xA0
_TIMES = {0x17: "%y%m%d%H%M%SZ", 0x18: "%Y%m%d%H%M%SZ"}  # UTCTime, GeneralizedTime


def token_ends(token: str) -> float | None:
    """`exp` of a JWT; None for a token that is none, or has no end."""
    try:
        claims = token.split(".")[1]
        padded = claims + "=" * (-len(claims) % 4)
        ends = float(json.loads(base64.urlsafe_b64decode(padded))["exp"])
    except (IndexError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    return ends if 0.0 <= ends < _LAST else None


def certificate_ends(pem: bytes) -> float | None:
    """`notAfter` of the first certificate of a PEM file; None where there is none."""
    found = _PEM.search(pem)
    if found is None:
        return None
    try:
        return _not_after(binascii.a2b_base64(found[1]))
    except (ValueError, IndexError):  # damaged, or something else under that name
        return None


def _not_after(der: bytes) -> float:
    """In a certificate: (signed: ([version], serial, algorithm, issuer, (from, until), …), …)."""
    signed = _inside(_inside(der, _SEQUENCE), _SEQUENCE)
    if signed[0] == _VERSION:
        signed = _behind(signed)
    for _ in ("serial", "algorithm", "issuer"):
        signed = _behind(signed)
    until = _behind(_inside(signed, _SEQUENCE))
    text = _inside(until, until[0]).decode("ascii")
    return float(timegm(strptime(text, _TIMES.get(until[0], ""))))


def _inside(der: bytes, kind: int) -> bytes:
    """What the first value of some has in it."""
    if der[0] != kind:
        raise ValueError
    begin, end = _bounds(der)
    return der[begin:end]


def _behind(der: bytes) -> bytes:
    """What comes after the first value of some."""
    return der[_bounds(der)[1] :]


def _bounds(der: bytes) -> tuple[int, int]:
    """Where the first value's content begins and ends."""
    length, begin = der[1], 2
    if length & 0x80:  # long form: so many bytes of length follow
        begin += length & 0x7F
        length = int.from_bytes(der[2:begin], "big")
    if begin + length > len(der):
        raise ValueError
    return begin, begin + length
