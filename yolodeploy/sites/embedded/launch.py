"""From a release to the command line of a server process.

The server and the model come out of the image's layers; the interpreter and the inference engine
are this machine's, in the place of the base and runtime layers.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.core.serving import ServeConfig

if TYPE_CHECKING:
    from pathlib import Path

    from yolodeploy.core.release import Release
    from yolodeploy.sites.embedded.folder import SiteFolder


class Placed(msgspec.Struct, frozen=True):
    """Where the layers of a release's image are unpacked, as `prefetch` left word."""

    server: str
    model: str


class Command(NamedTuple):
    """What the supervisor runs."""

    line: list[str]
    environment: dict[str, str]


APART = ".beside"  # no release's digest ends so


def instance_name(app: str, device: str, release: str, *, apart: bool = False) -> str:
    """The instance of a release on a device: one at most, and one that gets no traffic."""
    name = f"{app}.{device}.{release.removeprefix('sha256:')[:10]}"
    return f"{name}{APART}" if apart else name


def is_apart(name: str) -> bool:
    """Whether an instance gets no traffic."""
    return name.endswith(APART)


def mirror_file(folder: SiteFolder, name: str) -> Path:
    """Where an instance looks for what it shall mirror to."""
    return folder.instances / name / "mirror.json"


def placed_file(folder: SiteFolder, image: str) -> Path:
    """Where `prefetch` leaves word of an image."""
    return folder.layers / f"{image.removeprefix('sha256:')}.json"


def placed(folder: SiteFolder, image: str) -> Placed | None:
    """The unpacked layers of an image; None when it was never brought here."""
    try:
        return msgspec.json.decode(placed_file(folder, image).read_bytes(), type=Placed)
    except (OSError, msgspec.DecodeError):
        return None


def identity(folder: SiteFolder, name: str) -> str | None:
    """Under which name an instance counts (see `born`); None when it has just been dropped."""
    try:
        content = (folder.instances / name / "serve.json").read_bytes()
        return msgspec.json.decode(content, type=ServeConfig).instance
    except (OSError, msgspec.DecodeError):
        return None


def command(
    folder: SiteFolder,
    found: Placed,
    release: Release,
    *,
    site: str,
    device: str,
    port: int,
    born: str,
    apart: bool = False,
) -> Command:
    """Write the configuration of an instance; returns what runs it.

    `born` tells this instance from an earlier one of the same release, whose counts are not its.
    One that is `apart` shares no port, and knows of no camera and no sink.
    """
    app = release.spec.app
    name = instance_name(app, device, release.digest, apart=apart)
    home = folder.instances / name
    (home / "state").mkdir(mode=0o700, parents=True, exist_ok=True)
    root = folder.layers / found.server / "opt/yolodeploy"
    config = ServeConfig(
        model=str(folder.layers / found.model / "opt/yolodeploy/model/model.onnx"),
        state_dir=str(home / "state"),
        port=0 if apart else port,
        site=site,
        device=device,
        instance=f"{name}.{born}",
        app=app,
        release=release.digest,
        model_digest=release.spec.model,
        serving=release.spec.serving,
        exit_with_parent=True,
        vram_mb=release.spec.resources.vram_mb,
        settings="" if apart else str(folder.settings),
        claims=str(folder.claims),
        spools=str(folder.spools(app, device)),
        mirror=msgspec.UNSET if apart else str(mirror_file(folder, name)),
    )
    path = home / "serve.json"
    draft = home / "serve.json.new"
    draft.write_bytes(msgspec.json.encode(config))
    draft.replace(path)
    line = [sys.executable, "-P", "-m", "yolodeploy.serve", "--config", str(path)]
    # -P keeps the working folder off the path; without byte code the layers stay as they came
    return Command(line, {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"})


known(Placed)
