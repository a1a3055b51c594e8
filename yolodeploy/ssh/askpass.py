"""A password for OpenSSH, which takes it from a program that it starts and from nowhere else.

The program reads it from a pipe with a name, in a private folder; a thread of ours is at the other
end. So it is in no argument, no environment, and on no disk.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# only what asks for a password: not the passphrase of a key, and no question about a host
_PROGRAM = """#!/bin/sh
case "$1" in
  *[Pp]assword*) IFS= read -r word <"$0.pipe" && printf '%s\\n' "$word" ;;
  *) exit 1 ;;
esac
"""
_PAUSE_S = 0.01  # until whoever read it has closed its end


@contextmanager
def answering(folder: Path, password: str) -> Iterator[dict[str, str]]:
    """What the environment of an `ssh` has to say while this lasts; nothing without a password."""
    if not password:
        yield {}
        return
    program = folder / "askpass"
    program.write_text(_PROGRAM)
    program.chmod(0o700)
    pipe = folder / "askpass.pipe"
    os.mkfifo(pipe, 0o600)
    over = threading.Event()
    thread = threading.Thread(target=_serve, args=(pipe, password, over), daemon=True)
    thread.start()
    try:
        # DISPLAY: OpenSSH before 8.4 asks the program only where it believes in a screen
        yield {"SSH_ASKPASS": str(program), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": "-"}
    finally:
        over.set()
        os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))  # whoever waits for a reader wakes
        thread.join(5)
        pipe.unlink()
        program.unlink()


def _serve(pipe: Path, password: str, over: threading.Event) -> None:
    line = password.encode() + b"\n"
    while not over.is_set():
        end = os.open(pipe, os.O_WRONLY)  # waits for a reader
        try:
            if not over.is_set():
                os.write(end, line)
        except BrokenPipeError:
            pass
        finally:
            os.close(end)
        time.sleep(_PAUSE_S)
