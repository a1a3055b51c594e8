"""From the content of a settings file to site settings that fit together."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path, PurePath
from typing import get_args

import msgspec

from yolodeploy.core import site_settings
from yolodeploy.core.camera_address import address_of
from yolodeploy.core.errors import UsageError
from yolodeploy.core.site_settings import (
    NAME,
    TOPIC,
    CsvSink,
    JsonLinesSink,
    Sink,
    SiteSettings,
)
from yolodeploy.core.web_address import WEB_ADDRESS

LARGEST = 4 << 20  # bytes

_FIELDS = sorted(
    {
        name
        for kind in vars(site_settings).values()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
        for name in kind.__struct_fields__
    }
)
_SINKS = ", ".join(sorted(str(kind.__struct_config__.tag) for kind in get_args(Sink)))
_MEANT = {
    NAME: "lower-case letters, digits and hyphens, 63 at most",
    TOPIC: "letters, digits and . _ -, 249 at most",
    WEB_ADDRESS: "an address that begins with http:// or https://",
}


def settings_of(content: bytes, path: PurePath) -> SiteSettings:
    """What the content of `path` says; JSON where the path ends so, else TOML.

    Raises:
        UsageError: `camera.settings_invalid`, `camera.url`, `camera.needs_track`, `sink.twice`,
            `sink.same_file`.
    """
    try:
        settings = _decoded(content, path)
        _check_together(settings)
    except ValueError as error:
        raise UsageError("camera.settings_invalid", path=path, reason=error) from error
    return settings


def demand_camera_library(settings: SiteSettings) -> None:
    """See that this Python can read cameras, where there are any.

    Raises:
        UsageError: `camera.library_missing`.
    """
    if settings.cameras and find_spec("av") is None:
        raise UsageError("camera.library_missing")


def check_sinks(sinks: Sequence[Sink]) -> None:
    """What one sink cannot know of the others.

    Raises:
        UsageError: `sink.twice`, `sink.same_file`.
    """
    names: set[str] = set()
    paths: set[Path] = set()
    for sink in sinks:
        if sink.name in names:
            raise UsageError("sink.twice", name=sink.name)
        names.add(sink.name)
        if isinstance(sink, JsonLinesSink | CsvSink):
            path = Path(sink.path).absolute()
            if path in paths:
                raise UsageError("sink.same_file", path=path)
            paths.add(path)


def _decoded(content: bytes, path: PurePath) -> SiteSettings:
    if len(content) > LARGEST:
        raise ValueError(f"more than {LARGEST >> 20} MB")
    decode = msgspec.json.decode if path.suffix.lower() == ".json" else msgspec.toml.decode
    try:
        return decode(content, type=SiteSettings)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except (msgspec.DecodeError, ValueError) as error:
        raise ValueError(_said_plainly(str(error))) from error


def _check_together(settings: SiteSettings) -> None:
    cameras = [camera.name for camera in settings.cameras]
    for name, times in Counter(cameras).items():
        if times > 1:
            raise ValueError(f"{times} of camera {name}")
    for camera in settings.cameras:
        address_of(camera.url)
        if (camera.lines or camera.zones) and not camera.track:
            raise UsageError("camera.needs_track", camera=camera.name)
    for sink in settings.sinks:
        for name in sink.cameras:
            if name not in cameras:
                raise ValueError(f"sink {sink.name}: there is no camera {name}")
    check_sinks(settings.sinks)


def _said_plainly(reason: str) -> str:
    """The decoder's words, with what it takes to follow them."""
    for pattern, meant in _MEANT.items():
        reason = reason.replace(f"`str` matching regex {pattern!r}", meant)
    for wording, hint in _HINTS:
        found = wording.search(reason)
        if found is not None and (said := hint(found)):
            return f"{reason}; {said}"
    return reason


def _nearest(found: re.Match[str]) -> str:
    near = difflib.get_close_matches(found[1], _FIELDS, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else ""


_HINTS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"unknown field `([^`]*)`"), _nearest),
    (
        re.compile(r"Expected `array`, got `object` - at `\$\.(\w+)`"),
        lambda found: f"there may be several: write [[{found[1]}]]",
    ),
    (
        re.compile(r"Expected `object \| null`, got `array` - at `\$\.(\w+)`"),
        lambda found: f"there is one at most: write [{found[1]}]",
    ),
    (
        re.compile(r"at `\$\.sinks\[\d+\]\.kind`|required field `kind` - at `\$\.sinks"),
        lambda _: f"kinds of sinks: {_SINKS}",
    ),
)
