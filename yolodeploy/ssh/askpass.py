"""Telling OpenSSH a password, which is on no disk, in no argument and in no environment.

OpenSSH asks a program (SSH_ASKPASS). Ours is two lines of shell that read a pipe; the pipe lies in
a private folder, and this process writes the password into it once.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from yolodeploy.core.errors import Failed
from yolodeploy.ssh.host_keys import HostKeys

# asked for a key's passphrase, or whether a key may be used, it has no answer
_PROGRAM = """#!/bin/sh
case $1 in *[Pp]assword*) exec cat -- "$YOLODEPLOY_ASKED" ;; esac
exit 1
"""


@contextmanager
def answering(password: str, pipe: Path, keys: HostKeys) -> Iterator[dict[str, str]]:
    """An environment in which OpenSSH is told a password when it asks for one, and only once.

    Raises:
        Failed: `ssh.no_host_keys`, the program cannot be put beside the keys.
    """
    program = _program(keys.path.with_name("askpass"))
    os.mkfifo(pipe, 0o600)
    thread = threading.Thread(target=_answer, args=(pipe, password), daemon=True)
    thread.start()
    try:
        yield {
            **os.environ,
            "SSH_ASKPASS": str(program),
            "SSH_ASKPASS_REQUIRE": "force",
            "YOLODEPLOY_ASKED": str(pipe),
        }
    finally:
        # nobody may have asked: then it still waits for a reader
        with suppress(OSError):
            end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
            thread.join()
            os.close(end)
        pipe.unlink(missing_ok=True)


def _answer(pipe: Path, password: str) -> None:
    with suppress(OSError), pipe.open("wb", buffering=0) as stream:
        pipe.unlink()  # who asks again, because it was wrong, finds nothing and does not wait
        stream.write(password.encode() + b"\n")


def _program(path: Path) -> Path:
    """In the home folder: programs may not be run from everybody's /tmp."""
    try:
        if not path.exists() or path.read_text() != _PROGRAM:
            made = path.with_suffix(f".{os.getpid()}")
            with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT, 0o700), "w") as stream:
                stream.write(_PROGRAM)
            made.replace(path)
    except OSError as error:
        raise Failed("ssh.no_host_keys", path=path, reason=error.strerror) from error
    return path
