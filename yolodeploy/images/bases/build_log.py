"""What BuildKit prints while it builds (`--progress plain`), as steps.

    #7 [stripped 1/1] RUN …          a step begins
    #7 1.204 removing things         it says something, so many seconds later
    #7 DONE 2.1s | #7 CACHED         it ends
    #7 ERROR: process "…" did not complete successfully: exit code: 1

After a failure the step's last lines come once more, then the whole error.
"""

from __future__ import annotations

import re
from collections import deque
from typing import NamedTuple

from yolodeploy.core.text import one_line

_LINE = re.compile(r"#(\d+) (.*)", re.DOTALL)
_TIMED = re.compile(r"\d+\.\d+ ?(.*)", re.DOTALL)
_STEP = re.compile(r"\[(?!auth\])[^\]]+\] .*|exporting to .*", re.DOTALL)
_KEPT_LINES = 12
_LONGEST = 400


class Said(NamedTuple):
    """One line: which step, what; `begins` where it is the step's name that was said."""

    step: str
    text: str
    begins: bool = False


class BuildLog:
    """Reads lines and keeps what is needed to say why a build failed."""

    def __init__(self) -> None:
        self._steps: dict[str, str] = {}
        self._lines: dict[str, deque[str]] = {}
        self._failed = ""
        self._reason = ""
        self._rest: deque[str] = deque(maxlen=_KEPT_LINES)

    def read(self, line: str) -> Said | None:
        """One line; None where it says nothing to a person."""
        line = one_line(line.rstrip(), _LONGEST)
        found = _LINE.fullmatch(line)
        if found is None:
            if line.strip("- "):
                self._rest.append(line)
            return None
        number, text = found.groups()
        if number not in self._steps and _STEP.match(text):
            self._steps[number] = text
            return Said(text, text, begins=True)
        return self._said(number, text)

    def _said(self, number: str, text: str) -> Said | None:
        step = self._steps.get(number, "")
        if text.startswith(("ERROR: ", "ERROR ")):
            self._failed, self._reason = step, text[6:].strip()
            return Said(step, text)
        timed = _TIMED.fullmatch(text)
        if timed and timed[1].strip():
            self._lines.setdefault(step, deque(maxlen=_KEPT_LINES)).append(timed[1].strip())
            return Said(step, timed[1])
        return Said(step, text) if step and text.startswith(("DONE", "CACHED")) else None

    @property
    def failed_step(self) -> str:
        """The step that failed; empty where none did, or none was named."""
        return self._failed

    @property
    def reason(self) -> str:
        """Why, in BuildKit's words."""
        return self._reason or (self._rest[-1] if self._rest else "")

    @property
    def last_lines(self) -> tuple[str, ...]:
        """What the step that failed said last."""
        return tuple(self._lines.get(self._failed, ()))
