"""One line of the log when a trouble begins, not one a message."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from yolodeploy.serve.narration import told

if TYPE_CHECKING:
    from yolodeploy.core.errors import YolodeployError

logger = logging.getLogger("yolodeploy.serve.sinks")


SPOOL_DROPS = frozenset({"sink.spool_full"})
SPOOL_TROUBLE = frozenset({"sink.spool_disk", "sink.spool_damaged", "sink.spool_taken"})
# as long as the server runs: each is about a message, and more of the kind may come
ONCE = frozenset({"sink.too_large", "sink.refused"})
_NOT_THE_PLACE = SPOOL_DROPS | SPOOL_TROUBLE | ONCE


class Telling:
    """What was told of one sink and is not over; `last` is the latest trouble's text."""

    def __init__(self, name: str) -> None:
        self.last = ""
        self._name = name
        self._begun: set[str] = set()

    def begins(self, error: YolodeployError) -> None:
        """Tell of a trouble, unless it was told of and has not ended."""
        self.last = error.text()
        if error.code not in self._begun:
            self._begun.add(error.code)
            logger.warning("sink %s: %s", self._name, told(error))

    def ends(self, codes: frozenset[str]) -> bool:
        """These troubles are over; whether one of them was told of."""
        over = self._begun & codes
        self._begun -= over
        return bool(over)

    def place_works(self) -> None:
        """All troubles with the place are over."""
        self._begun &= _NOT_THE_PLACE

    def say(self, text: str) -> None:
        """Tell of something else, `text` being ours."""
        logger.info("sink %s: %s", self._name, text)
