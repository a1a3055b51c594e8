"""What a push or a pull moves, part by part, and moving several parts at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from enum import Enum
from typing import NamedTuple, TypeVar

from yolodeploy.core.errors import YolodeployError
from yolodeploy.oci.manifests import Descriptor
from yolodeploy.oci.registry.tally import Tally

AT_ONCE = 4  # transfers; more do not fill a link better, and registries begin to answer 429

TELL_S = 0.2  # how often it is told how far it is

T = TypeVar("T")
R = TypeVar("R")


class Fate(Enum):
    """What becomes of one part."""

    PRESENT = "present"
    MOUNT = "mount"
    UPLOAD = "upload"
    DOWNLOAD = "download"
    SEND = "send"
    COPY = "copy"
    ABSENT = "absent"


_MOVES = frozenset({Fate.UPLOAD, Fate.DOWNLOAD, Fate.COPY})


class Part(NamedTuple):
    """One blob or manifest of an image. `kind` is a layer's, or `config`, `manifest`, `index`.

    `moved_bytes` went over the wire; `resumed_bytes` an earlier transfer had moved already;
    `source` is the repository that it is mounted from.
    """

    kind: str
    blob: Descriptor
    fate: Fate
    source: str = ""
    moved_bytes: int = 0
    resumed_bytes: int = 0

    @property
    def size_bytes(self) -> int:
        """Its size."""
        return self.blob.size


def to_move(parts: Iterable[Part]) -> int:
    """The bytes that a plan moves, but for what is mounted or resumed."""
    return sum(part.size_bytes for part in parts if part.fate in _MOVES)


def at_once(
    act: Callable[[T], R], items: Iterable[T], tally: Tally, most: int = AT_ONCE
) -> list[R]:
    """`act` for each item, `most` at a time; the results in the order of the items.

    The first failure, or Ctrl-C, stops the others at their next piece.

    Raises:
        YolodeployError: What `act` raised first.
    """
    with ThreadPoolExecutor(most) as pool:
        failures: list[BaseException] = []
        try:
            # within: Ctrl-C may come when the first is under way and the last is not begun
            futures = [pool.submit(act, item) for item in items]
            waiting = set(futures)
            while waiting and not failures:
                ended, waiting = wait(waiting, TELL_S, return_when=FIRST_EXCEPTION)
                failures = [error for future in ended if (error := future.exception())]
                tally.tell()
        except BaseException:
            _stop(pool, tally)
            raise
        if failures:
            _stop(pool, tally)
            raise _first(failures)
    return [future.result() for future in futures]


def _stop(pool: ThreadPoolExecutor, tally: Tally) -> None:
    tally.stop()
    pool.shutdown(wait=True, cancel_futures=True)


def _first(failures: list[BaseException]) -> BaseException:
    """The failure that stopped the others."""
    return next(
        (e for e in failures if not isinstance(e, YolodeployError) or e.code != "registry.stopped"),
        failures[0],
    )
