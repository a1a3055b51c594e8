"""If these fail, nobody is told that a certificate runs out, or a damaged one stops a command."""

from __future__ import annotations

import base64
import json
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.ends import certificate_ends, token_ends

# openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -subj /CN=ann -days …
PEM = b"""-----BEGIN CERTIFICATE-----
MIIBcTCCARegAwIBAgIUd5Q5+cqwkmXBrwnqrfXR7fB14eAwCgYIKoZIzj0EAwIw
DjEMMAoGA1UEAwwDYW5uMB4XDTI2MTEyNjA3MjExNFoXDTM1MDIxMjA3MjExNFow
DjEMMAoGA1UEAwwDYW5uMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEn3M/6Mxe
R1wVwhgWBP9Zt/wTwLCZ5oDOaHPlqyz0k1caWcg5xWvVib7OBkwFAjPx75uy6s41
5VzP5RTW3iLApKNTMFEwHQYDVR0OBBYEFJOTKPSt98IvClya57V8JQxTcrK8MB8G
A1UdIwQYMBaAFJOTKPSt98IvClya57V8JQxTcrK8MA8GA1UdEwEB/wQFMAMBAf8w
CgYIKoZIzj0EAwIDSAAwRQIgBt4obJS4Cjr3ZWaRYfdzJ6HYHnL7+MjJc9DNmumb
7uUCIQCksM8RbsN74JjTtNIwkhPS29BsAJfzVJt04lkXWUR5WQ==
-----END CERTIFICATE-----
"""
FAR = b"""-----BEGIN CERTIFICATE-----
MIIBdDCCARmgAwIBAgIUWSPCEghTY4nya66HCU6wKagaKNswCgYIKoZIzj0EAwIw
DjEMMAoGA1UEAwwDYW5uMCAXDTI2MTEyNjA3MjExNFoYDzIwODEwODI5MDcyMTE0
WjAOMQwwCgYDVQQDDANhbm4wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATbiqMM
6giQPU9ZG72ceunebYu3QIRAZK/mgDbtOeDsup7d6mV0BttujZ2u4/z5OHMklbgh
gGq3lG32sKHB/IaMo1MwUTAdBgNVHQ4EFgQUv7BppVJL0g/F/sN24cRmwkr2Ns4w
HwYDVR0jBBgwFoAUv7BppVJL0g/F/sN24cRmwkr2Ns4wDwYDVR0TAQH/BAUwAwEB
/zAKBggqhkjOPQQDAgNJADBGAiEAiIQ6mjKHDqHqCzuQssSbfUD20wQ5qcWj6mZ6
1bBJuXcCIQD1Y8DLOWnk7UvLwxb9xXIIZvio6yFgObkqrooE5ZHC5A==
-----END CERTIFICATE-----
"""


def der(text: bytes) -> bytes:
    return b"-----BEGIN CERTIFICATE-----\n%s-----END CERTIFICATE-----\n" % base64.encodebytes(text)


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


BODY = base64.b64decode(b"".join(PEM.splitlines()[1:-1]))


def test_the_end_of_a_certificate() -> None:
    assert certificate_ends(b"words before it\n" + PEM + FAR) == at("2035-02-12T07:21:14+00:00")
    # an end after 2049 is written otherwise
    assert certificate_ends(FAR) == at("2081-08-29T07:21:14+00:00")


@given(st.integers(0, len(BODY) - 1), st.integers(0, 255), st.integers(0, len(BODY)))
def test_a_damaged_certificate_has_no_end_or_another(at: int, byte: int, length: int) -> None:
    damaged = bytearray(BODY)
    damaged[at] = byte
    for text in (bytes(damaged), BODY[:length], bytes(damaged)[at:]):
        told = certificate_ends(der(text))
        assert told is None or isinstance(told, float)


@given(st.binary(max_size=200))
def test_anything_else_has_none(text: bytes) -> None:
    assert certificate_ends(text) is None
    told = certificate_ends(der(text))
    assert told is None or isinstance(told, float)


def token(claims: object) -> str:
    return f"a.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.b"


def test_the_end_of_a_token() -> None:
    assert token_ends(token({"exp": 2000000000})) == 2e9
    nonsense = [float("inf"), float("nan"), -1, 1e300, 10**400, "soon", None, [], {}]
    assert [token_ends(token({"exp": value})) for value in nonsense] == [None] * len(nonsense)
    assert [token_ends(text) for text in ("", "t0ken", "a.b.c", token([]))] == [None] * 4


def test_a_token_that_is_deep_is_none() -> None:
    claims = base64.urlsafe_b64encode(b"[" * 100_000).decode()
    assert token_ends(f"a.{claims}.b") is None
