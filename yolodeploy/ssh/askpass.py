"""Telling OpenSSH a password, which is on no disk, in no argument and in no environment.

OpenSSH asks a program (SSH_ASKPASS). Ours is two lines of shell that read a pipe; the pipe lies in
a private folder, and this process writes the password into it.
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
case $1 in *[Pp]assword*) exec head -n 1 -- "$YOLODEPLOY_ASKED" ;; esac
exit 1
"""
_PAUSE_S = 0.05  # until who has read it is gone


@contextmanager
def answering(
    password: str, pipe: Path, keys: HostKeys, *, again: bool = False
) -> Iterator[dict[str, str]]:
    """An environment in which OpenSSH is told a password when it asks for one.

    Once, unless `again`: for those who connect anew when a gateway was restarted.

    Raises:
        Failed: `ssh.no_host_keys`, the program cannot be put beside the keys.
    """
    program = _program(keys.path.with_name("askpass"))
    os.mkfifo(pipe, 0o600)
    over = threading.Event()
    if not again:
        over.set()
    thread = threading.Thread(target=_answer, args=(pipe, password, over), daemon=True)
    thread.start()
    try:
        yield {
            **os.environ,
            "SSH_ASKPASS": str(program),
            "SSH_ASKPASS_REQUIRE": "force",
            "YOLODEPLOY_ASKED": str(pipe),
        }
    finally:
        over.set()
        # nobody may have asked: then it still waits for a reader
        with suppress(OSError):
            end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
            thread.join()
            os.close(end)
        pipe.unlink(missing_ok=True)


def _answer(pipe: Path, password: str, over: threading.Event) -> None:
    line = password.encode() + b"\n"
    with suppress(OSError):
        while True:
            with pipe.open("wb", buffering=0) as stream:
                if over.is_set():
                    # who asks again, because it was wrong, finds nothing and does not wait
                    pipe.unlink()
                with suppress(BrokenPipeError):
                    stream.write(line)
            if over.wait(_PAUSE_S):
                return


def _program(path: Path) -> Path:
    """In the home folder: programs may not be run from everybody's /tmp."""
    try:
        if not path.exists() or path.read_text() != _PROGRAM:
            made = path.with_suffix(f".{os.getpid()}")
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            with os.fdopen(os.open(made, flags, 0o700), "w") as stream:
                stream.write(_PROGRAM)
            made.replace(path)
    except OSError as error:
        raise Failed("ssh.no_host_keys", path=path, reason=error.strerror) from error
    return path
