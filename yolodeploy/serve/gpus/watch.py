"""The GPUs' figures for a scrape: at most a second old, or not there.

The driver is asked in a thread that nobody waits for longer than half a second. It may hang for
minutes (a GPU that is being reset, a broken bus) and cannot be interrupted then.
"""

from __future__ import annotations

import logging
from collections import Counter
from threading import Condition, Thread
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from yolodeploy.serve.gpus.nvml import Nvml, Reading

FRESH_S = 1.0
PATIENCE_S = 0.5
AGAIN_S = 60.0  # after a driver that could not be begun with

logger = logging.getLogger(__name__)


class GpuWatch:
    """Asked from any thread; costs nothing before it is."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._present: bool | None = None
        self._nvml: Nvml | None = None
        self._reading: Reading | None = None
        self._read_at = -FRESH_S
        self._not_before = 0.0
        self._asking = False
        self._asked_at = 0.0
        self.missed: Counter[str] = Counter()

    @property
    def present(self) -> bool:
        """Whether there is anything to watch: NVIDIA's library on this machine."""
        if self._present is None:
            from yolodeploy.serve.gpus.nvml import present

            self._present = present()
        return self._present

    def reading(self) -> Reading | None:
        """The GPUs; None where there are none, or they do not answer now."""
        if not self.present:
            return None
        with self._changed:
            now = monotonic()
            if now - self._read_at < FRESH_S:
                return self._reading
            if not self._asking:
                if now < self._not_before:
                    return None
                self._asking, self._asked_at = True, now
                Thread(target=self._ask, name="gpus", daemon=True).start()
            # who comes while a driver hangs does not wait for it too
            left = self._asked_at + PATIENCE_S - now
            self._changed.wait_for(lambda: not self._asking, max(left, 0.0))
            if self._asking:
                self.missed["late"] += 1
                return None
            return self._reading

    def memory_mb(self) -> float | None:
        """The memory that this process takes of all GPUs it sees, in MiB; None: not known.

        A driver that does not tell processes apart (in a container it may not) counts all of them.
        """
        reading = self.reading()
        gpus = reading.gpus if reading else ()
        own = [gpu.own for gpu in gpus if gpu.own is not None]
        taken = own or [gpu.used for gpu in gpus if gpu.used is not None]
        return sum(taken) / (1 << 20) if taken else None

    def families(self) -> Iterable[Metric]:
        """The same for Prometheus."""
        if not self.present:
            return ()
        from yolodeploy.serve.gpus.families import families

        return families(self.reading(), self.missed)

    def _ask(self) -> None:
        reading: Reading | None = None
        try:
            reading = self._answer()
        # a driver's library that is half there can raise anything
        except Exception:
            logger.exception("the GPUs cannot be watched")
            self.missed["driver"] += 1
        with self._changed:
            self._reading = reading
            self._read_at = monotonic()
            self._asking = False
            self._changed.notify_all()

    def _answer(self) -> Reading | None:
        from yolodeploy.serve.gpus.nvml import DriverSilent, Nvml

        try:
            if self._nvml is None:
                self._nvml = Nvml()
            reading = self._nvml.read()
        except ImportError:
            logger.info("no figures of the GPU: pip install nvidia-ml-py")
            self._present = False
            return None
        except DriverSilent:
            self.missed["driver"] += 1
            if self._nvml is None:
                self._not_before = monotonic() + AGAIN_S
            return None
        if reading.lost:
            self.missed["lost"] += 1
        return reading
