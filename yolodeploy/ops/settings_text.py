"""Editing the text of site settings: what a person wrote beside the change stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from yolodeploy.core.errors import NotFound, Refused, UsageError

if TYPE_CHECKING:
    from tomlkit.items import AoT
    from tomlkit.toml_document import TOMLDocument


def with_camera(text: str, site: str, name: str, fields: Mapping[str, Any]) -> str:
    """The text with one more camera.

    Raises:
        Refused: `camera.exists`.
        UsageError: `camera.settings_invalid`.
    """
    document, cameras = _parsed(text, site)
    if any(camera.get("name") == name for camera in cameras):
        raise Refused("camera.exists", camera=name, site=site)
    cameras.append(_table({"name": name, **fields}))
    return _written(document, cameras)


def with_changed_camera(text: str, site: str, name: str, fields: Mapping[str, Any]) -> str:
    """The text with fields of a camera changed; None takes a field out.

    Raises:
        NotFound: `camera.unknown`.
        UsageError: `camera.settings_invalid`.
    """
    import tomlkit

    document, cameras = _parsed(text, site)
    camera = cameras[_place(cameras, site, name)]
    for field, value in fields.items():
        if value is None:
            camera.pop(field, None)
        else:
            camera[field] = tomlkit.item(value)
    return _written(document, cameras)


def without_camera(text: str, site: str, name: str) -> str:
    """The text without a camera.

    Raises:
        NotFound: `camera.unknown`.
        UsageError: `camera.settings_invalid`.
    """
    document, cameras = _parsed(text, site)
    del cameras[_place(cameras, site, name)]
    return _written(document, cameras)


def _parsed(text: str, site: str) -> tuple[TOMLDocument, AoT]:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError
    from tomlkit.items import AoT

    try:
        document = tomlkit.parse(text)
    except (TOMLKitError, RecursionError) as error:
        raise UsageError("camera.settings_invalid", path=site, reason=error) from error
    cameras = document.get("cameras")
    if cameras is None:
        cameras = tomlkit.aot()
    if not isinstance(cameras, AoT):
        reason = "there may be several: write [[cameras]]"
        raise UsageError("camera.settings_invalid", path=site, reason=reason)
    return document, cameras


def _written(document: TOMLDocument, cameras: AoT) -> str:
    if cameras:
        document["cameras"] = cameras
    else:
        document.pop("cameras", None)
    return document.as_string()


def _place(cameras: AoT, site: str, name: str) -> int:
    places = [place for place, camera in enumerate(cameras) if camera.get("name") == name]
    if not places:
        raise NotFound("camera.unknown", camera=name, site=site)
    return places[0]


def _table(fields: Mapping[str, Any]) -> Any:
    import tomlkit

    table = tomlkit.table()
    for field, value in fields.items():
        table.add(field, tomlkit.item(value))
    return table
