"""Trying again where that may help, by what the wire said; back-off and limits are stamina's.

The first failure loads stamina, not the first request: 25 to 48 ms that a sound link never pays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from yolodeploy.core.errors import YolodeployError

T = TypeVar("T")


class Patience(NamedTuple):
    """How often to try, how many seconds in all, and the longest pause between two tries."""

    attempts: int
    total_s: float
    longest_s: float


ASKING = Patience(attempts=3, total_s=20.0, longest_s=3.0)  # a person waits
MOVING = Patience(attempts=20, total_s=180.0, longest_s=5.0)  # bytes that were moved are at stake


def patiently(
    act: Callable[[], T],
    patience: Patience = ASKING,
    goes_on: Callable[[], bool] = lambda: True,
    told: Callable[[YolodeployError], None] = lambda _error: None,
) -> T:
    """What `act` returns, tried again after an error that says that this may help.

    A registry that asks for a pause (`wait_s`) gets it, or where it is longer than the patience,
    no further try. `told` hears of each failure after which there is another try.

    Raises:
        YolodeployError: The last one of `act`.
    """
    try:
        return act()
    except YolodeployError as error:
        if not (error.retryable and goes_on()):
            raise
        first = error
    import stamina
    from stamina.instrumentation import set_on_retry_hooks

    set_on_retry_hooks([])  # it would log what failed, with its arguments

    def pause(error: Exception) -> bool | float:
        if not (isinstance(error, YolodeployError) and error.retryable and goes_on()):
            return False
        wait_s = float(error.fields.get("wait_s", "0"))
        if wait_s > patience.total_s:
            return False
        told(error)
        return wait_s or True

    for attempt in stamina.retry_context(
        on=pause,
        attempts=patience.attempts,
        timeout=patience.total_s,
        wait_initial=0.2,
        wait_max=patience.longest_s,
        wait_jitter=0.5,
    ):
        with attempt:
            if attempt.num == 1:
                raise first
            return act()
    raise first
