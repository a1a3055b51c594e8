"""The words of the screens in one language, from the catalogue `core.messages.tui`."""

from __future__ import annotations

from yolodeploy.core.messages import Message
from yolodeploy.core.messages.tui import MESSAGES


class Words:
    """Looks labels up: `words("column.device")`."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, key: str, /, **fields: object) -> str:
        """A label with its fields filled in; the key itself where there is none."""
        found = MESSAGES.get(key) or Message(key, key)
        return found.rendered("text", self.language, {k: str(v) for k, v in fields.items()})

    def strategy(self, value: str) -> str:
        """The way in which pods are replaced; one that only a later version knows as it is."""
        key = f"strategy.{value}"
        return self(key) if key in MESSAGES else value

    def event(self, code: str) -> str:
        """What an event's code means, or why a site is offline; other text as it is."""
        key = f"event.{code}"
        return self(key) if key in MESSAGES else code
