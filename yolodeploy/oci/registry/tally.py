"""How far a transfer is, and whether it is to stop. Shared by its threads."""

from __future__ import annotations

import threading
from collections.abc import Callable

from yolodeploy.core.errors import Interrupted, YolodeployError

Heard = Callable[[int, tuple[YolodeployError, ...]], None]


def _nobody(_moved: int, _errors: tuple[YolodeployError, ...]) -> None:
    """Hears nothing."""


class Tally:
    """Bytes that went over the wire, those sent twice included.

    `heard` is told how many and, since the last time, the errors after which there is another try:
    a few times a second, in the thread that asked for the transfer.
    """

    def __init__(self, heard: Heard = _nobody) -> None:
        self._heard = heard
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._bytes = 0
        self._errors: list[YolodeployError] = []
        self._enders: list[Callable[[], None]] = []

    def when_stopped(self, act: Callable[[], None]) -> None:
        """Have something done at once when it is to stop: hang up on whoever keeps us waiting."""
        self._enders.append(act)

    def add(self, count: int) -> None:
        """Count some bytes.

        Raises:
            Interrupted: `registry.stopped`.
        """
        with self._lock:
            self._bytes += count
        self.check()

    def again(self, error: YolodeployError) -> None:
        """Note that something failed and is tried again."""
        with self._lock:
            self._errors.append(error)

    def tell(self) -> None:
        """Let it be heard how far it is."""
        with self._lock:
            moved, errors = self._bytes, tuple(self._errors)
            self._errors.clear()
        self._heard(moved, errors)

    def check(self) -> None:
        """Raises `Interrupted` (`registry.stopped`) when the transfer is to stop."""
        if self._stopped.is_set():
            raise Interrupted("registry.stopped")

    def stop(self) -> None:
        """Let every thread stop at its next piece; what they have done stays."""
        self._stopped.set()
        for act in self._enders:
            act()

    def pause(self, seconds: float) -> None:
        """Wait, but no longer than until it is stopped."""
        self._stopped.wait(seconds)

    def goes_on(self) -> bool:
        """Whether nobody has stopped it."""
        return not self._stopped.is_set()
