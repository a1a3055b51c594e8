"""The action `model compare`: two models on the same pictures, without labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from yolodeploy.core.comparing import CompareWish, ModelComparison
from yolodeploy.core.errors import NotFound
from yolodeploy.images.intake import checked_model_file
from yolodeploy.images.server_tasks import compare
from yolodeploy.inventory.catalog import get_model
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.ops.pictures import frame_paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from yolodeploy.ops.home import Home


def compare_models(
    home: Home,
    a: str,
    b: str,
    frames: Path,
    *,
    conf: float,
    most: int,
    frame: Callable[[int], None] = lambda _count: None,
) -> ModelComparison:
    """How B differs from A on the first `most` pictures of a folder.

    Each is a model's name or digest, or an ONNX file. `frame` hears how many are done.

    Raises:
        NotFound: `inventory.unknown_model`, `ops.no_frames`, `ops.unreadable`.
        Refused, Failed: Everything of `images.server_tasks.compare`.
    """
    files = [str(_file(home, name)) for name in (a, b)]
    paths = tuple(map(str, frame_paths(frames.expanduser().absolute(), most)))
    wish = CompareWish(a=files[0], b=files[1], frames=paths, conf=conf)
    return compare(wish, frame=frame)


def _file(home: Home, name: str) -> Path:
    """A model that was taken in comes before a file that is called the same."""
    try:
        with read_inventory(home.inventory) as inventory:
            return Path(get_model(inventory, name).path)
    except NotFound:
        if not (name.endswith(".onnx") or Path(name).is_file()):
            raise
    return checked_model_file(Path(name))
