"""Saving the measurements now and then, off the event loop: an SD card may stall for seconds."""

from __future__ import annotations

import logging
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yolodeploy.serve.measure import Measurements
    from yolodeploy.serve.state import StateFolder

EVERY_S = 2.0  # what a kill -9 may cost

logger = logging.getLogger(__name__)


class Saver(Thread):
    """Saves every two seconds, and once more when it is stopped."""

    def __init__(self, folder: StateFolder, measurements: Measurements) -> None:
        super().__init__(name="saver", daemon=True)
        self._folder = folder
        self._measurements = measurements
        self._end = Event()
        self._failing = False

    def run(self) -> None:
        """Save until stopped."""
        self._save()
        while not self._end.wait(EVERY_S):
            self._save()

    def stop(self) -> None:
        """Stop, and save what is left."""
        self._end.set()
        self.join()
        self._save()

    def _save(self) -> None:
        try:
            self._folder.save(self._measurements.snapshot())
            self._failing = False
        except OSError as error:
            # a full disk must not stop detections; one line tells of it, not one every two seconds
            if not self._failing:
                logger.warning("measurements are not saved: %s", error)
            self._failing = True
