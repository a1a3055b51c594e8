"""A list of devices in a file: CSV, YAML or JSON, as people keep theirs."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from yolodeploy.core.errors import UsageError
from yolodeploy.ops.device_wish import DeviceWish

LARGEST = 4 << 20  # bytes; ten thousand devices are 1 MB
_WORDS = ("name", "address", "site", "profile", "jump", "identity")
_KNOWN = {*_WORDS, "server", "labels"}
_YES, _NO = {"yes", "true", "1", "server"}, {"", "no", "false", "0", "agent"}


def read_devices(path: Path, site: str) -> list[DeviceWish]:
    """The devices of a file; those that name no site are of `site`.

    Raises:
        UsageError: `device.list_unreadable`, `device.list_row`.
    """
    rows = list(_rows(path))
    if not rows:
        raise UsageError("device.list_unreadable", path=path, reason="it names no device")
    return [_wish(path, number, row, site) for number, row in enumerate(rows, 1)]


def _rows(path: Path) -> Iterable[Any]:
    import yaml

    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ValueError(f"it has more than {LARGEST >> 20} MB")
        text = content.decode("utf-8-sig")
        if path.suffix == ".json":
            found = json.loads(text)
        elif path.suffix in (".yaml", ".yml"):
            found = yaml.safe_load(text)
        else:
            return list(csv.DictReader(StringIO(text), skipinitialspace=True))
    except OSError as error:
        raise UsageError("device.list_unreadable", path=path, reason=error.strerror) from error
    except (ValueError, RecursionError, csv.Error, yaml.YAMLError) as error:
        raise UsageError("device.list_unreadable", path=path, reason=error) from error
    if isinstance(found, Mapping):
        found = found.get("devices")
    if not isinstance(found, list):
        raise UsageError("device.list_unreadable", path=path, reason="it is no list of devices")
    return found


def _wish(path: Path, number: int, row: Any, site: str) -> DeviceWish:
    def wrong(reason: str) -> UsageError:
        return UsageError("device.list_row", path=path, row=number, reason=reason)

    if not isinstance(row, Mapping):
        raise wrong("it is no mapping")
    unknown = sorted(str(key) for key in row if key not in _KNOWN)
    if unknown:
        raise wrong(
            f"nothing is called {', '.join(unknown)}; known are {', '.join(sorted(_KNOWN))}"
        )
    words = {name: str(row.get(name) or "").strip() for name in _WORDS}
    if not words["name"] or not words["address"]:
        raise wrong("name or address is missing")
    if not (words["site"] or site):
        raise wrong("it names no site, and --site was not given")
    said = str(row.get("server") or "").strip().lower()
    if said not in _YES | _NO:
        raise wrong(f"server is {said}, not yes or no")
    labels = _labels(row.get("labels"))
    if labels is None:
        raise wrong("labels are KEY=VALUE, separated by ;")
    return DeviceWish(
        **{**words, "site": words["site"] or site}, server=said in _YES, labels=labels
    )


def _labels(given: Any) -> dict[str, str] | None:
    if isinstance(given, Mapping):
        return {str(key): str(value) for key, value in given.items()}
    labels = {}
    for part in str(given or "").split(";"):
        key, equals, value = part.partition("=")
        if not part.strip():
            continue
        if not equals or not key.strip():
            return None
        labels[key.strip()] = value.strip()
    return labels
