"""Secrets of sinks: in files that only their owner can read, read anew at each connection."""

from __future__ import annotations

import os
import ssl
import stat

from yolodeploy.core.errors import UsageError

LARGEST = 1 << 16


def secret_of(path: str) -> str:
    """The first line of a file of mode 0600.

    Raises:
        UsageError: `sink.credentials_file`.
    """
    try:
        # a pipe would keep us waiting for a writer
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise _unusable(path, "others can read it")
            line = (file.read(LARGEST) or b"").partition(b"\n")[0].strip()
        secret = line.decode()
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise _unusable(path, "it is not text") from error
    if not secret or not secret.isprintable():
        raise _unusable(path, "its first line is empty or not printable")
    return secret


def user_and_password(path: str) -> tuple[str, str]:
    """What `user:password` in such a file stands for; two empty texts for no file.

    Raises:
        UsageError: `sink.credentials_file`.
    """
    if not path:
        return "", ""
    user, colon, password = secret_of(path).partition(":")
    if not (user and colon):
        raise _unusable(path, "it does not hold user:password")
    return user, password


def trust_of(path: str) -> ssl.SSLContext:
    """A context that trusts the authorities in a PEM file, or those of the machine.

    Raises:
        UsageError: `sink.ca_file`.
    """
    try:
        context = ssl.create_default_context(cafile=path or None)
    except OSError as error:  # ssl.SSLError is one
        raise UsageError("sink.ca_file", path=path, reason=error.strerror or error) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def library_missing(library: str) -> UsageError:
    """The client library of a kind is not installed."""
    return UsageError("sink.library_missing", library=library)


def _unusable(path: str, reason: str) -> UsageError:
    return UsageError("sink.credentials_file", path=path, reason=reason)
