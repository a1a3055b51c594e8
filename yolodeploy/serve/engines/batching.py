"""Several workers' pictures in one run: on a GPU that pays, on a CPU it gains nothing (FACTS)."""

from __future__ import annotations

from threading import Condition
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from yolodeploy.core.engines import EngineFor
    from yolodeploy.serve.engines.engine import Engine, Runner, Tensor


class Batched:
    """An engine whose runners put their pictures together.

    Who comes first waits at most `wait_s` for others, or until `most` are there, and runs for all;
    while one batch runs the next one gathers.
    """

    def __init__(self, engine: Engine, most: int, wait_s: float) -> None:
        self.name = engine.name
        self.precision = engine.precision
        self.inputs = engine.inputs
        self.outputs = engine.outputs
        self._engine = engine
        self._most = most
        self._wait_s = wait_s
        self._changed = Condition()
        self._gathering: _Batch | None = None
        # one at a time runs: the others gather meanwhile
        self._running = False
        self._runner: Runner = engine.runner()
        self._buffers: dict[int, Tensor] = {}
        # how often a batch had one picture, two, …
        self.sizes = [0] * most

    @property
    def built_for(self) -> EngineFor | None:
        """What the engine beneath was built for."""
        return self._engine.built_for

    def runner(self) -> _Runner:
        """A way in for one more worker."""
        return _Runner(self)

    def close(self) -> None:
        """Close what is beneath."""
        self._engine.close()

    def infer(self, blob: Tensor, *, alone: bool) -> tuple[Tensor, ...]:
        """One picture's outputs, in memory of their own."""
        with self._changed:
            batch = self._gathering
            if batch is None:
                batch = self._gathering = _Batch()
            place = len(batch.blobs)
            batch.blobs.append(blob)
            if len(batch.blobs) == self._most:
                self._gathering = None
            self._changed.notify_all()
            if place == 0:
                self._gather(batch, alone)
            else:
                self._changed.wait_for(lambda: batch.done)
        if place == 0:
            self._run(batch)
        return batch.outputs_of(place)

    def _gather(self, batch: _Batch, alone: bool) -> None:
        """Wait for others and for the engine; the lock is held."""
        end = monotonic() + (0.0 if alone else self._wait_s)
        while len(batch.blobs) < self._most and (left := end - monotonic()) > 0:
            self._changed.wait(left)
        self._changed.wait_for(lambda: not self._running)
        if self._gathering is batch:
            self._gathering = None
        self._running = True
        self.sizes[len(batch.blobs) - 1] += 1

    def _joined(self, blobs: list[Tensor]) -> Tensor:
        """The blobs as one, in a buffer that stays: the GPU reads it best where it was locked."""
        joined = self._buffers.get(len(blobs))
        if joined is None:
            shape = (len(blobs), *blobs[0].shape[1:])
            joined = self._buffers[len(blobs)] = np.empty(shape, blobs[0].dtype)
        return np.concatenate(blobs, out=joined)

    def _run(self, batch: _Batch) -> None:
        try:
            outputs = self._runner.infer(self._joined(batch.blobs))
            batch.outputs = tuple(output.copy() for output in outputs)
        # whatever it is, every worker of the batch must hear of it
        except Exception as error:
            batch.error = error
        finally:
            with self._changed:
                batch.done = True
                self._running = False
                self._changed.notify_all()


class _Batch:
    def __init__(self) -> None:
        self.blobs: list[Tensor] = []
        self.outputs: tuple[Tensor, ...] = ()
        self.error: Exception | None = None
        self.done = False

    def outputs_of(self, place: int) -> tuple[Tensor, ...]:
        if self.error is not None:
            raise self.error
        return tuple(output[place : place + 1] for output in self.outputs)


class _Runner:
    def __init__(self, batched: Batched) -> None:
        self._batched = batched

    def infer(self, blob: Tensor, *, alone: bool = False) -> tuple[Tensor, ...]:
        return self._batched.infer(blob, alone=alone)
