"""The one interface of all engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from yolodeploy.core.engines import EngineFor

    Tensor = np.ndarray[Any, Any]
    # from a file's content and its opset
    OpenEngine = Callable[[bytes, int], "Engine"]


class Port(NamedTuple):
    """One input or output. An axis is a size, or a name (None) where it may change.

    `dtype` is numpy's name (`float32`), or the engine's own where numpy has none.
    """

    name: str
    shape: tuple[int | str | None, ...]
    dtype: str


class Runner(Protocol):
    """One worker's way into an engine; never used by two threads at a time."""

    def infer(self, blob: Tensor, *, alone: bool = False) -> tuple[Tensor, ...]:
        """All outputs for one input, each with its batch axis; valid until the next call.

        `alone`: nobody else asks just now, so that the cores may all go to this one.
        """


class Engine(Protocol):
    """A network that has been loaded.

    `name` is product, version and device for people; `precision` is what it computes in: f32,
    bf16, f16 or int8. `built_for` is None where nothing was built on a device.
    """

    name: str
    precision: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    @property
    def built_for(self) -> EngineFor | None:
        """What it was built for."""

    def runner(self) -> Runner:
        """A way in for one more worker."""

    def close(self) -> None:
        """Give the memory back; no runner of this engine may be used afterwards."""
