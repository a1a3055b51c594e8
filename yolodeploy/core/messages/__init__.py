"""The catalogue of error texts: one module a room, found by the first word of the code.

Each module holds `MESSAGES: dict[str, Message]`, keyed by what follows that word. No code here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import NamedTuple

from yolodeploy.core.text import counted, one_line

LANGUAGES = ("en", "zh")
PARTS = ("text", "remedy")


class Message(NamedTuple):
    """Templates of one error; `{field}` stands for what the error carries.

    `{field:site}` is a count with its English noun: `1 site`, `2 sites`.
    """

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


class _Field(str):
    __slots__ = ()

    def __format__(self, noun: str) -> str:
        return counted(self, noun) if noun else str(self)


# what a person fills in where it is not known: a site does not know the rollout that moves it
FILLED_IN = {"rollout": "ID"}


class _Known(dict[str, str]):
    def __getitem__(self, key: str) -> str:
        return _Field(self.get(key, FILLED_IN.get(key, f"<{key}>")))


def message(code: str) -> Message:
    """The message of a code such as `site.held`; the bare code where none is written."""
    room, _, rest = code.partition(".")
    try:
        module = import_module(f"yolodeploy.core.messages.{room}")
    except ModuleNotFoundError:
        return Message(code, code)
    found: Message = module.MESSAGES.get(rest, Message(code, code))
    return found


def whole(
    code: str, fields: Mapping[str, object], language: str, parts: Sequence[str] = PARTS
) -> str:
    """What a code says and, where something is to be mended, what mends it: one line."""
    found, told = message(code), texts(fields, language)
    said = (found.rendered(part, language, told) for part in parts)
    return ("；" if language == "zh" else "; ").join(filter(None, said))


def texts(fields: Mapping[str, object], language: str) -> dict[str, str]:
    """Fields fit for a template: one line each, and what is itself said in that language.

    That is a `core.sentences.Sentence`, or one as JSON has it.
    """
    return {name: _text(value, language) for name, value in fields.items()}


def _text(value: object, language: str) -> str:
    if isinstance(value, dict) and isinstance(fields := value.get("fields"), dict):
        parts = PARTS[:1] if value.get("brief") else PARTS
        return whole(str(value.get("code")), fields, language, parts)
    told = getattr(value, "told", None)
    return str(told(language)) if callable(told) else one_line(str(value))
