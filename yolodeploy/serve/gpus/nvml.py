"""Reading the GPUs once, through `nvidia-ml-py`. Anything may be missing: then it is left out.

A slice of a GPU (MIG) has memory of its own and neither load nor temperature; a Jetson has hardly
anything; in a container the processes are often not told.
"""

from __future__ import annotations

import os
from ctypes import CDLL
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

LIBRARY = "libnvidia-ml.so.1"
# what keeps a GPU's clocks down, though there is work (nvmlClocksEventReasons)
THROTTLES = {
    "power_cap": 0x04,
    "hardware_slowdown": 0x08,
    "software_thermal": 0x20,
    "hardware_thermal": 0x40,
    "power_brake": 0x80,
}


class GpuFigures(NamedTuple):
    """One GPU, or one slice of it (`slice` is its number, else empty); None: it does not tell.

    Memory is in bytes: the whole, what is used by all processes, and by this one. `load` is from 0
    to 1. `throttled` has the reasons (of `THROTTLES`) for which it is slower than it could be.
    """

    gpu: str
    slice: str
    uuid: str
    memory: int | None = None
    used: int | None = None
    own: int | None = None
    load: float | None = None
    celsius: float | None = None
    throttled: frozenset[str] | None = None


class DriverSilent(Exception):
    """There is a library, and no driver that answers it."""


class Reading(NamedTuple):
    """All GPUs at one moment, and how many do not answer: fallen off the bus, being reset."""

    gpus: tuple[GpuFigures, ...]
    lost: int = 0


def present() -> bool:
    """Whether NVIDIA's library is on this machine."""
    try:
        CDLL(LIBRARY)
    except OSError:
        return False
    return True


class Nvml:
    """The library, begun once in the life of the process."""

    def __init__(self) -> None:
        """Begin.

        Raises:
            ImportError: `nvidia-ml-py` is not installed.
            DriverSilent: it cannot be begun.
        """
        import pynvml

        self._nvml: Any = pynvml
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            raise DriverSilent from error

    def read(self) -> Reading:
        """All GPUs that this process may see.

        Raises:
            DriverSilent: there is no telling how many there are.
        """
        nvml = self._nvml
        try:
            count = nvml.nvmlDeviceGetCount()
        except nvml.NVMLError as error:
            raise DriverSilent from error
        found: list[GpuFigures] = []
        lost = 0
        for index in range(count):
            try:
                handle = nvml.nvmlDeviceGetHandleByIndex(index)
                uuid = nvml.nvmlDeviceGetUUID(handle)
                found += self._of_gpu(handle, GpuFigures(str(index), "", uuid))
            except nvml.NVMLError_NoPermission:
                continue  # it is given to another container
            except nvml.NVMLError:
                lost += 1
        return Reading(tuple(found), lost)

    def _of_gpu(self, handle: Any, gpu: GpuFigures) -> Iterator[GpuFigures]:
        nvml = self._nvml
        bits = self._told(nvml.nvmlDeviceGetCurrentClocksThrottleReasons, handle)
        whole = gpu._replace(
            celsius=self._told(nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU),
            throttled=None
            if bits is None
            else frozenset(name for name, bit in THROTTLES.items() if bits & bit),
        )
        mode = self._told(nvml.nvmlDeviceGetMigMode, handle)
        if mode is None or mode[0] != nvml.NVML_DEVICE_MIG_ENABLE:
            load = self._told(nvml.nvmlDeviceGetUtilizationRates, handle)
            yield self._with_memory(
                handle, whole._replace(load=None if load is None else load.gpu / 100)
            )
            return
        # its slices have the memory: told for both, it would count twice
        yield whole
        for number in range(self._told(nvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0):
            part = self._told(nvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, number)
            if part is not None:
                uuid = self._told(nvml.nvmlDeviceGetUUID, part) or ""
                yield self._with_memory(part, GpuFigures(gpu.gpu, str(number), uuid))

    def _with_memory(self, handle: Any, gpu: GpuFigures) -> GpuFigures:
        nvml = self._nvml
        memory = self._told(nvml.nvmlDeviceGetMemoryInfo, handle)
        processes = self._told(nvml.nvmlDeviceGetComputeRunningProcesses, handle)
        mine = [one.usedGpuMemory for one in processes or () if one.pid == os.getpid()]
        known = [size for size in mine if size is not None]
        return gpu._replace(
            memory=memory.total if memory else None,
            used=memory.used if memory else None,
            own=sum(known) if known else None,
        )

    def _told(self, ask: Callable[..., T], *arguments: Any) -> T | None:
        """What a function tells; None where this GPU, slice or driver does not know it.

        Raises:
            NVMLError_GpuIsLost: it is gone.
        """
        nvml = self._nvml
        try:
            return ask(*arguments)
        except nvml.NVMLError_GpuIsLost:
            raise
        except (nvml.NVMLError, nvml.NVMLLibraryMismatchError):
            return None
