"""Running command lines: in this process, and in ones of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Answer(NamedTuple):
    """What a command line printed, and its exit code."""

    code: int
    out: str
    err: str


# root may read and write everything, until it gives these up
UNPRIVILEGED = (
    ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
)


def started(
    *arguments: str | bytes,
    home: Path | None = None,
    prefix: Sequence[str] = (),
    **environment: str,
) -> subprocess.Popen[bytes]:
    """The console script in a process of its own, without a terminal."""
    script = "import sys; from yolodeploy.cli.main import run; run()"
    values = {**os.environ, **environment}
    if home is not None:
        values["YOLODEPLOY_HOME"] = str(home)
    return subprocess.Popen(
        [*prefix, sys.executable, "-P", "-c", script, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=values,
        cwd="/",
    )


def program(
    *arguments: str | bytes,
    home: Path | None = None,
    prefix: Sequence[str] = (),
    **environment: str,
) -> Answer:
    """Run it to its end."""
    process = started(*arguments, home=home, prefix=prefix, **environment)
    out, err = process.communicate(timeout=150)
    return Answer(process.returncode, out.decode(), err.decode())


def together(command_lines: Sequence[Sequence[str]], home: Path) -> list[Answer]:
    """Run several at once."""
    running = [started(*line, home=home) for line in command_lines]
    ended = [(process, *process.communicate(timeout=150)) for process in running]
    return [Answer(process.returncode, out.decode(), err.decode()) for process, out, err in ended]


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with what is in it; SQLite's own side files left out."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
        if not path.name.endswith(("-shm", "-wal")) and not path.is_socket()
    }
