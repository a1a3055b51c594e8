"""Every error that may reach a person, as one tree.

    YolodeployError          exit 1
    ├── UsageError           exit 2   what was asked for is not well formed
    ├── NotFound             exit 1   it names something that does not exist
    ├── Refused              exit 1   a rule forbids it (held, fenced off, in use)
    ├── Corrupt              exit 1   what was read is not what was written
    ├── Failed               exit 1   it was tried and did not work
    ├── Unreachable          exit 3   nobody answered; trying again may help
    ├── RolledBack           exit 4   a release was stopped: failed or inconclusive
    └── Interrupted          exit 130 a person stopped it

An error is a code and fields. Its text and its remedy are rendered from the catalogue
(`core.messages`) in the person's language, when somebody reads them and not before.
"""

from __future__ import annotations

from typing import ClassVar

from yolodeploy.core.messages import message, texts, whole


class YolodeployError(Exception):
    """An error with a code (`room.what_happened`), fields and, in the catalogue, a remedy.

    A field may be a `core.sentences.Sentence`: `spoken` has those, `fields` their English.
    """

    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False

    def __init__(self, code: str, /, **fields: object) -> None:
        super().__init__(code)
        self.code = code
        self.fields = texts(fields, "en")
        self.spoken = {name: each for name, each in fields.items() if hasattr(each, "told")}

    def text(self, language: str = "en") -> str:
        """What happened, to which device: one line, without control characters."""
        return self._render(language, "text")

    def remedy(self, language: str = "en") -> str:
        """The command or the step that mends it; empty where there is none."""
        return self._render(language, "remedy")

    def whole(self, language: str = "en") -> str:
        """What happened and what mends it, in one line: for those who read it later."""
        return whole(self.code, {**self.fields, **self.spoken}, language)

    def _render(self, language: str, part: str) -> str:
        told = {**self.fields, **texts(self.spoken, language)}
        return message(self.code).rendered(part, language, told)

    def __str__(self) -> str:
        return self.text()


class UsageError(YolodeployError):
    """What was asked for is not well formed; nothing was changed."""

    exit_code = 2


class NotFound(YolodeployError):
    """It names something that does not exist."""


class Refused(YolodeployError):
    """A rule forbids it: held, fenced off, still in use."""


class Corrupt(YolodeployError):
    """What was read is not what was written."""


class Failed(YolodeployError):
    """It was tried and did not work."""


class Unreachable(YolodeployError):
    """Nobody answered; trying again may help."""

    exit_code = 3
    retryable = True


class RolledBack(YolodeployError):
    """A release was stopped by its gates, or they could not tell."""

    exit_code = 4


class Interrupted(YolodeployError):
    """A person stopped it."""

    exit_code = 130


def unforeseen(error: Exception) -> str:
    """What an error that is none of ours says of itself: its kind, and where in our code it was.

    Its own words may be of anything, of a header with a token too; only the system's are kept.
    """
    kind = type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        return f"{kind}: {error}"
    place, step = "", error.__traceback__
    while step is not None:
        module = step.tb_frame.f_globals.get("__name__", "")
        place = f" in {module}:{step.tb_lineno}" if module.startswith("yolodeploy.") else place
        step = step.tb_next
    return kind + place
