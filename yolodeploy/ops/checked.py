"""What a check came to, of a gateway or of a cluster, and how it is told.

What a finding says is in the catalogue; what a gateway or a cluster says are fields.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from yolodeploy.core.messages import message

REACH = "reach"
LOOK = "look"
UNSEEN = ([REACH], [LOOK])
"""All that is said of what did not answer, or could not be looked at."""

_OF_STRANGERS = ("check.", "cluster.")  # fields that were told us; others are of this machine
_OURS = ("site", "kubectl", "folder")  # of this machine all the same
# what a shell takes for more than a word: a remedy is typed, and may be typed by pasting it
_NO_WORD = re.compile(r"[^\w .,:/@%+=~-]")


class Result(Enum):
    """What a check came to. `MENDED` is a finding that is one no more."""

    OK = "ok"
    FINDING = "finding"
    MENDED = "mended"
    UNKNOWN = "unknown"
    ABSENT = "not applicable"


class Checked(NamedTuple):
    """One check of one device.

    `code` is that of its text in the catalogue, `fields` the figures that decided it: hostile
    text. `mend` is `safe` or `asked` where `doctor` can mend it.
    """

    site: str
    device: str
    check: str
    result: Result
    code: str
    fields: Mapping[str, str]
    blocking: bool = False
    mend: str = ""

    @property
    def figures(self) -> dict[str, str]:
        """What decided it: without what only the remedy needs."""
        return {name: told for name, told in self.fields.items() if name not in _OURS}

    def text(self, language: str) -> str:
        """What is wrong, or was."""
        if self.result not in (Result.FINDING, Result.MENDED):
            return ""
        return message(self.code).rendered("text", language, dict(self.fields))

    def remedy(self, language: str) -> str:
        """The command that mends it."""
        if self.result is not Result.FINDING:
            return ""
        if self.mend:
            agreed = " --yes" if self.mend == "asked" else ""
            return f"yolodeploy doctor {self.site}/{self.device} --fix{agreed}"
        fields = dict(self.fields)
        if self.code.startswith(_OF_STRANGERS):
            fields = {
                name: told if name in _OURS else _NO_WORD.sub("?", told)
                for name, told in fields.items()
            }
        return message(self.code).rendered("remedy", language, fields)
