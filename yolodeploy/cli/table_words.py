"""Words of tables in the language of whoever reads them."""

from __future__ import annotations

from typing import Any

from yolodeploy.cli.output import LONGEST_LINE
from yolodeploy.core.messages import message, whole
from yolodeploy.core.messages.table import MESSAGES
from yolodeploy.core.text import one_line


class TableWords:
    """Words in one language; in English those of `-o json`, so that they can be looked for."""

    def __init__(self, tongue: str) -> None:
        self.tongue = tongue

    def state(self, kind: str, value: str) -> str:
        """A state as the dashboard calls it; `kind` is `rollout`, `result`, `standing` …."""
        return value if self.tongue == "en" else self._rendered(f"tui.{kind}.{value}")

    def word(self, english: str) -> str:
        """Another word of a cell."""
        known = MESSAGES.get(f"word.{english}")
        return known.rendered("text", self.tongue, {}) if known else english

    def event(self, code: str) -> str:
        """What an event's code means, as the dashboard says it; a stranger's code as it is."""
        if self.tongue == "en":
            return code
        from yolodeploy.core.messages.tui import MESSAGES as DASHBOARD

        known = DASHBOARD.get(f"event.{code}")
        return known.rendered("text", self.tongue, {}) if known else code

    def line(self, code: str, /, **fields: object) -> str:
        """What is said beside a table."""
        return whole(code, fields, self.tongue)

    def told(self, said: dict[str, Any] | None, words: str) -> str:
        """What a journal says; as it is where only its words are known."""
        told = whole(said["code"], said["fields"], self.tongue) if said else words
        return one_line(told, LONGEST_LINE)

    def _rendered(self, code: str) -> str:
        return message(code).rendered("text", self.tongue, {})


def words_here() -> TableWords:
    """Those of the person who asks."""
    from yolodeploy.ops.settings import language

    return TableWords(language())
