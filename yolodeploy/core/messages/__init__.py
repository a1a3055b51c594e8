"""The catalogue of error texts: one module a room, found by the first word of the code.

Each module holds `MESSAGES: dict[str, Message]`, keyed by what follows that word. No code here.
"""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

LANGUAGES = ("en", "zh")


class Message(NamedTuple):
    """Templates of one error; `{field}` stands for what the error carries."""

    en: str
    zh: str
    remedy: str = ""
    remedy_zh: str = ""

    def rendered(self, part: str, language: str, fields: dict[str, str]) -> str:
        """The text or the remedy in a language; English where a translation is missing."""
        if part == "remedy":
            template = (self.remedy_zh if language == "zh" else "") or self.remedy
        else:
            template = self.zh if language == "zh" else self.en
        return template.format_map(_Known(fields))


class _Known(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return f"<{key}>"


def message(code: str) -> Message:
    """The message of a code such as `site.held`; the bare code where none is written."""
    room, _, rest = code.partition(".")
    try:
        module = import_module(f"yolodeploy.core.messages.{room}")
    except ModuleNotFoundError:
        return Message(code, code)
    found: Message = module.MESSAGES.get(rest, Message(code, code))
    return found
