"""Secrets in files that only their owner can read, and whom to trust over TLS.

Rooms have errors of their own for the same troubles: who asks says with which code, `path` and
`reason` are its fields.
"""

from __future__ import annotations

import os
import ssl
import stat

from yolodeploy.core.errors import UsageError

LARGEST = 1 << 16
OTHERS = 0o077
BY_GROUP = 0o040


def content_of(path: str, code: str) -> bytes:
    """All of a file that nobody but us can read, 64 kB at most.

    Raises:
        UsageError: `code`.
    """
    try:
        # a pipe would keep us waiting for a writer
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if _others_read(os.fstat(descriptor)):
                raise UsageError(code, path=path, reason="others can read it")
            content = file.read(LARGEST + 1) or b""
    except OSError as error:
        raise UsageError(code, path=path, reason=error.strerror or error) from error
    if len(content) > LARGEST:
        # what is cut off may leave half a secret
        raise UsageError(code, path=path, reason="it is larger than 64 kB")
    return content


def secret_of(path: str, code: str) -> str:
    """The one line of such a file.

    Raises:
        UsageError: `code`.
    """
    try:
        line = content_of(path, code).decode().strip("\r\n")
    except UnicodeDecodeError as error:
        raise UsageError(code, path=path, reason="it is not text") from error
    if not line or not line.isprintable():  # a line break is not printable either
        raise UsageError(code, path=path, reason="one line of printable characters is needed")
    return line


def token_of(path: str, code: str) -> str:
    """The same for what goes into a header.

    Raises:
        UsageError: `code`.
    """
    token = secret_of(path, code)
    if not token.isascii():
        raise UsageError(code, path=path, reason="it is not ASCII")
    return token


def user_and_password(path: str, code: str) -> tuple[str, str]:
    """What `user:password` in such a file stands for; two empty texts for no file.

    Raises:
        UsageError: `code`.
    """
    if not path:
        return "", ""
    user, colon, password = secret_of(path, code).partition(":")
    if not (user and colon):
        raise UsageError(code, path=path, reason="it does not hold user:password")
    return user, password


def trust_of(path: str, code: str) -> ssl.SSLContext:
    """A context that trusts the authorities in a PEM file, or those of the machine for no file.

    Raises:
        UsageError: `code`.
    """
    try:
        context = ssl.create_default_context(cafile=path or None)
    except OSError as error:  # ssl.SSLError is one
        raise UsageError(code, path=path, reason=error.strerror or error) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _others_read(found: os.stat_result) -> bool:
    """Whether others can; a kubelet gives a Secret to root and the pod's own group: 0440."""
    open_to = stat.S_IMODE(found.st_mode) & OTHERS
    by_kubelet = found.st_uid == 0 and found.st_gid == os.getegid() != 0
    return open_to != 0 and not (by_kubelet and open_to == BY_GROUP)
