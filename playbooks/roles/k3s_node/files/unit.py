"""What systemd knows of a unit, and what it wrote last; for programs that this comes along with."""

import subprocess

ANSWER_S = 30.0
LINES, LINE = 20, 300


def properties(unit, names):
    """Values by name; empty where systemd has none."""
    lines = run("systemctl", "show", "--property", ",".join(names), unit)[1]
    told = dict(line.partition("=")[::2] for line in lines)
    return {name: told.get(name, "") for name in names}


def said(unit):
    """The last that it wrote to the journal."""
    words = ("--no-pager", "--quiet", "--output", "cat", "--lines", str(LINES))
    return [shown(line) for line in run("journalctl", "--unit", unit, *words)[1]]


def shown(line):
    """A line without what would move a cursor, and not endless."""
    return "".join(letter if letter.isprintable() else "?" for letter in line[:LINE])


def run(*words):
    """Status and lines of a program; one that is missing or hangs is a failed one."""
    try:
        ended = subprocess.run(
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=ANSWER_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        return 1, [str(err)]
    return ended.returncode, ended.stdout.decode(errors="replace").splitlines()
