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
    out, err = process.communicate(timeout=300)
    return Answer(process.returncode, out.decode(), err.decode())


def together(command_lines: Sequence[Sequence[str]], home: Path) -> list[Answer]:
    """Run several at once."""
    running = [started(*line, home=home) for line in command_lines]
    ended = [(process, *process.communicate(timeout=300)) for process in running]
    return [Answer(process.returncode, out.decode(), err.decode()) for process, out, err in ended]


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with what is in it; SQLite's own side files left out."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
        if not path.name.endswith(("-shm", "-wal")) and not path.is_socket()
    }


def is_error(answer: Answer, code: int) -> None:
    """Two lines on stderr (what happened, what mends it), and nothing on stdout."""
    assert answer.code == code, answer
    assert answer.out == ""
    lines = answer.err.splitlines()
    assert len(lines) == 2, answer.err
    assert lines[0].startswith("yolodeploy: ")
    assert lines[1].startswith(("  mend it with: ", "  解决方法："))
    assert "should not have happened" not in answer.err
    assert "Traceback" not in answer.err
    assert all(character.isprintable() or character == "\n" for character in answer.err)


def words(line: str, **places: object) -> list[str]:
    return [word.format_map({k: str(v) for k, v in places.items()}) for word in line.split()]
