"""A machine: its files, below a root, and what its programs answer. All of it is hostile text."""

import glob
import json
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

LIMIT_S = 20
LONGEST = 300  # characters of one line that somebody said
LARGEST = 4 << 20  # bytes of one file, or of one answer
DAY = "-24h"


class Result(NamedTuple):
    """What a check came to, and the figures that decided it.

    `mendable` is false where what mends such findings elsewhere cannot mend this one.
    """

    result: str
    fields: dict
    mendable: bool = True


def ok(**fields):
    """All is well; the fields say how well."""
    return Result("ok", fields)


def finding(**fields):
    """Something is wrong."""
    return Result("finding", fields)


def unknown(**fields):
    """This machine does not say."""
    return Result("unknown", fields)


def absent(**fields):
    """There is nothing here that it could be about."""
    return Result("not applicable", fields)


def judged(wrong, **fields):
    """A finding where it is wrong, else well, with the same figures."""
    return finding(**fields) if wrong else ok(**fields)


class Host:
    """One machine. `asked` is what the role wants to know and holds for right."""

    def __init__(self, asked):
        self.asked = asked
        self.root = Path(asked.get("root", "/"))
        self._answers = {}

    def path(self, name):
        """Where a file of the machine lies."""
        return self.root / name.lstrip("/")

    def exists(self, name):
        """Whether there is such a file; a link that leads nowhere is none."""
        try:
            return self.path(name).exists()
        except OSError:
            return False

    def text(self, name):
        """A file's text; None where it cannot be read."""
        try:
            with self.path(name).open("rb") as file:
                return file.read(LARGEST).decode(errors="replace")
        except OSError:
            return None

    def lines(self, name):
        """A file's lines; none where it cannot be read."""
        return (self.text(name) or "").splitlines()

    def found(self, pattern):
        """The paths that a pattern matches, in order, as the machine names them."""
        head = "" if str(self.root) == "/" else str(self.root)
        paths = glob.glob(head + pattern)  # noqa: PTH207 pathlib takes no absolute ones
        return [path[len(head) :] for path in sorted(paths)]

    def answer(self, *command, limit_s=LIMIT_S):
        """What a program prints; None where it is missing, fails or says nothing in time."""
        if command not in self._answers:
            self._answers[command] = run(command, limit_s)
        return self._answers[command]

    def data(self, *command):
        """What a program prints as JSON; None where it does not."""
        try:
            return json.loads(self.answer(*command) or "")
        except ValueError:
            return None

    def kernel_log(self):
        """What the kernel said in the last day, since it was started."""
        told = self.answer("journalctl", "-kqn", "4000", "-S", DAY, "-o", "cat", "--no-pager")
        return (told or "").splitlines()

    def journal(self, *words):
        """What some part of the journal says, oldest line first."""
        told = self.answer("journalctl", "-qn", "4000", *words, "-o", "cat", "--no-pager")
        return (told or "").splitlines()


def run(command, limit_s):
    """See `Host.answer`."""
    kept = {
        **os.environ,
        "LC_ALL": "C",
        "PATH": os.environ.get("PATH", "") + ":/usr/local/bin:/usr/sbin:/sbin",
    }
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=limit_s, check=False, env=kept,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else done.stdout[:LARGEST].decode(errors="replace")


def one_line(value, longest=LONGEST):
    """Text of a machine, fit for one line of a terminal."""
    text = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in str(value)[:longest])
    return text if len(str(value)) <= longest else text + "…"


def last_match(lines, pattern):
    """The newest line that a pattern is found in; None where there is none."""
    return next((line for line in reversed(lines) if pattern.search(line)), None)
