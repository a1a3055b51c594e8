"""The action `model add`: an ONNX file as it is, a checkpoint exported first, INT8 where asked."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.comparing import CompareWish, ModelComparison
from yolodeploy.core.errors import Interrupted, Refused, UsageError
from yolodeploy.core.names import checked_name, nearest_name
from yolodeploy.images.exporting import Exporter, ExportWish
from yolodeploy.images.intake import checked_model_file
from yolodeploy.images.server_process import demand_server
from yolodeploy.images.server_tasks import compare, prepare
from yolodeploy.inventory.catalog import ModelRow
from yolodeploy.oci.staging import Staging
from yolodeploy.oci.storage_errors import storing
from yolodeploy.ops.catalog import add_model
from yolodeploy.ops.journalled import journalled
from yolodeploy.ops.pictures import frame_paths
from yolodeploy.ops.settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from yolodeploy.ops.home import Home
    from yolodeploy.ops.operations import Teller

CHECKPOINTS = frozenset({".pt", ".pth"})
MOST_CALIBRATION = 200  # frames: 250 MB at 640 × 640
# how much of the head stays in float, the fastest first
KEPT = ("nothing", "last layers", "head")
ALIVE_S = 2.0


class IntakeWish(NamedTuple):
    """What `model add` is asked for; `frames` calibrate INT8."""

    export: ExportWish = ExportWish()
    int8: bool = False
    frames: Path | None = None
    accept_difference: bool = False


class Taken(NamedTuple):
    """The model, and how INT8 differs from f32 where it was made here; `kept` of the head."""

    row: ModelRow
    comparison: ModelComparison | None = None
    kept: str = ""


def is_checkpoint(path: Path) -> bool:
    """Whether a file is exported before it is taken in."""
    return path.suffix.lower() in CHECKPOINTS


def take_in(
    home: Home,
    path: Path,
    name: str = "",
    wish: IntakeWish | None = None,
    *,
    dry_run: bool = False,
    step: Callable[[str], None] = lambda _step: None,
) -> Taken:
    """Take a model in; `step` hears what is being done.

    Raises:
        UsageError: `export.no_frames`, `export.both_int8_and_half`.
        NotFound: `ops.no_frames`, `ops.unreadable`.
        Refused, Failed: `export.*`; everything of `catalog.add_model`.
        Interrupted: `export.cancelled`.
    """
    wish = wish or IntakeWish()
    name = checked_name("model", name) if name else nearest_name(path.stem)
    if wish.int8 and wish.export.half:
        raise UsageError("export.both_int8_and_half")
    if wish.int8 and wish.frames is None:
        raise UsageError("export.no_frames")
    if not (wish.int8 or is_checkpoint(path)):
        return Taken(add_model(home, path, name, dry_run=dry_run))
    path = checked_model_file(path)
    frames = _frames(wish)
    demand_server()
    if dry_run:
        with tempfile.TemporaryDirectory() as folder:
            return _made(home, path, name, wish, frames, _exporter(Path(folder), step), dry_run)
    with (
        journalled(home.create(), "export", {"path": str(path), "name": name}) as teller,
        _workshop(home) as folder,
    ):
        exporter = _exporter(folder, _both(teller, name, step))
        return _made(home, path, name, wish, frames, exporter._replace(tick=_Pulse(teller)), False)


def _frames(wish: IntakeWish) -> Sequence[Path]:
    if wish.frames is None or not wish.int8:
        return ()
    return frame_paths(wish.frames.expanduser().absolute(), MOST_CALIBRATION)


def _made(
    home: Home,
    path: Path,
    name: str,
    wish: IntakeWish,
    frames: Sequence[Path],
    exporter: Exporter,
    dry_run: bool,
) -> Taken:
    made = exporter.export(path, wish.export) if is_checkpoint(path) else path
    comparison, kept = None, ""
    if wish.int8:
        made, comparison, kept = _quantised(made, frames, wish, exporter)
    exporter.step("probe")
    return Taken(add_model(home, made, name, dry_run=dry_run), comparison, kept)


def _quantised(
    source: Path, frames: Sequence[Path], wish: IntakeWish, exporter: Exporter
) -> tuple[Path, ModelComparison, str]:
    """In INT8 with as little of the head in float as agreement with f32 allows."""
    exporter.step("prepare")
    blobs = exporter.folder / "frames.npy"
    prepare(source, frames, blobs)
    made = source
    for kept in KEPT:
        made = exporter.quantise(source, blobs, kept)
        exporter.step("compare")
        paths = tuple(map(str, frames))
        comparison = compare(CompareWish(a=str(source), b=str(made), frames=paths))
        if not (comparison.agreement.expected or wish.accept_difference):
            raise Refused("export.frames_show_nothing", count=comparison.frames)
        if comparison.close:
            return made, comparison, kept
    if not wish.accept_difference:
        raise Refused("export.quantised_badly", reason=comparison.differs)
    return made, comparison, kept


def _exporter(folder: Path, step: Callable[[str], None]) -> Exporter:
    return Exporter(str(settings()["export_python"].value), folder, step)


@contextmanager
def _workshop(home: Home) -> Iterator[Path]:
    """A folder for what is made on the way; what a killed export left goes first."""
    with storing(home.models):
        home.models.mkdir(mode=0o700, parents=True, exist_ok=True)
    staging = Staging(home.models / ".staging")
    staging.sweep()
    with staging.directory() as folder:
        yield folder


def _both(teller: Teller, name: str, step: Callable[[str], None]) -> Callable[[str], None]:
    def said(what: str) -> None:
        teller.say(f"progress.model_{what}", model=name)
        step(what)

    return said


class _Pulse:
    """Signs of life for the journal, and an ear for whoever wants it to stop."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._beaten_at = 0.0

    def __call__(self) -> None:
        if time.monotonic() - self._beaten_at < ALIVE_S:
            return
        self._beaten_at = time.monotonic()
        self._teller.alive()
        if self._teller.cancelled():
            raise Interrupted("export.cancelled")
