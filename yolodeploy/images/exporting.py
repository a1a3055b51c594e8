"""Having a `.pt` exported: in a process of its own, by whichever Python has ultralytics."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

import yolodeploy
from yolodeploy.core.errors import Failed, Refused
from yolodeploy.core.messages import message
from yolodeploy.core.text import one_line
from yolodeploy.images.watched import Ended, run_watched

TIMEOUT_S = 1800.0  # a yolov8n takes 4 s on two cores; others have 20 × its weights
LEAST_MEMORY = 2 << 30
MOST_MEMORY = 16 << 30
_CODE = re.compile(r"export\.[a-z_]+")
_MEMORY = re.compile(r"^MemAvailable:\s+(\d+) kB", re.MULTILINE)
# what an interpreter needs to find itself and its packages; no proxies, tokens or keys
_PASSED = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LANG", "LC_ALL")
_BOOT = (
    "import runpy, sys; sys.path.append(sys.argv.pop(1)); "
    "runpy.run_module('exporter', run_name='__main__', alter_sys=True)"
)


class ExportWish(NamedTuple):
    """What is asked of an export.

    `side` is the longer side of the input in pixels (0: as it was trained), `aspect` is (width,
    height); `dynamic` leaves the batch open; `nms` puts the suppression into the graph,
    `end_to_end` takes the head that needs none; `half` is float16.
    """

    side: int = 0
    aspect: tuple[int, int] = (16, 9)
    dynamic: bool = False
    half: bool = False
    nms: bool = False
    end_to_end: bool = False


class Exporter(NamedTuple):
    """Who exports: a Python with ultralytics, a folder for files, and who hears of the steps.

    `tick` is asked twice a second; what it raises ends the process.
    """

    python: str
    folder: Path
    step: Callable[[str], None] = lambda _step: None
    tick: Callable[[], None] = lambda: None
    timeout_s: float = TIMEOUT_S

    def export(self, path: Path, wish: ExportWish) -> Path:
        """The ONNX file of a checkpoint, in the folder.

        Raises:
            Refused: `export.*`: what the file is or asks for.
            Failed: `export.no_python`, `export.timeout`, `export.crashed`, `export.broke`.
        """
        return self._asked("export", path, wish._asdict())

    def quantise(self, path: Path, blobs: Path, kept: str) -> Path:
        """An ONNX file in INT8, in the folder; `kept` of the head stays in float.

        Raises:
            Refused, Failed: As `export`.
        """
        return self._asked("quantise", path, {"blobs": str(blobs), "kept": kept})

    def _asked(self, task: str, path: Path, more: Mapping[str, Any]) -> Path:
        memory = memory_limit()
        request = {
            "task": task, "path": str(path), "folder": str(self.folder), "parent": os.getpid(),
            "memory_bytes": memory, **more,
        }  # fmt: skip
        heard = _Heard(self.step)
        python = self.python or sys.executable
        ended = run_watched(
            [python, "-c", _BOOT, str(Path(yolodeploy.__file__).parent)],
            msgspec.json.encode(request),
            environment(self.folder),
            timeout_s=self.timeout_s,
            hear=heard.line,
            tick=self.tick,
        )
        if ended.status == 0 and heard.done is not None:
            return self.folder / Path(heard.done).name
        raise _refusal(path, ended, heard, memory)


def memory_limit(meminfo: Path = Path("/proc/meminfo")) -> int:
    """How much an export may take: four fifths of what is free, 2 to 16 GB."""
    found = _MEMORY.search(meminfo.read_text())
    free = int(found[1]) * 1024 if found else LEAST_MEMORY
    return max(LEAST_MEMORY, min(free * 4 // 5, MOST_MEMORY))


def environment(folder: Path) -> dict[str, str]:
    """Of the process: nothing secret, everything that libraries write goes into the folder."""
    passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
    place = str(folder)
    return {
        **passed,
        **dict.fromkeys(("HOME", "TMPDIR", "YOLO_CONFIG_DIR", "MPLCONFIGDIR"), place),
        **{"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_VERBOSE": "false"},
        # and not -P, which Python 3.10 does not know
        **{"PYTHONSAFEPATH": "1"},
        **{"ORT_DISABLE_TELEMETRY": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONUNBUFFERED": "1"},
    }


class _Line(msgspec.Struct):
    """One line of the exporter."""

    step: str = ""
    done: dict[str, str] | None = None
    code: str = ""
    fields: dict[str, str] = {}


class _Heard:
    def __init__(self, step: Callable[[str], None]) -> None:
        self._step = step
        self.done: str | None = None
        self.refusal: Refused | None = None

    def line(self, content: bytes) -> None:
        try:
            line = msgspec.json.decode(content, type=_Line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return  # a library's own words
        if line.step:
            self._step(one_line(line.step, 40))
        if line.done is not None:
            self.done = line.done.get("path")
        if _CODE.fullmatch(line.code) and message(line.code).en != line.code:
            self.refusal = Refused(line.code, **line.fields)


def _refusal(path: Path, ended: Ended, heard: _Heard, memory: int) -> Failed | Refused:
    if heard.refusal is not None:
        return heard.refusal
    lines = ended.complaint.strip().splitlines()
    reason = lines[-1] if lines else f"exit {ended.status}"
    if "MemoryError" in reason or "can't allocate memory" in reason:
        return Refused("export.memory", megabytes=memory >> 20)
    if ended.status < 0:
        return Failed("export.crashed", path=path, reason=signal.Signals(-ended.status).name)
    return Failed("export.broke", path=path, reason=reason)
