"""Actions on cameras: add, edit, remove, list, and a look at one from this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from yolodeploy.core.camera_address import address_of
from yolodeploy.core.camera_state import CameraState
from yolodeploy.core.camera_trial import Found, Trial
from yolodeploy.core.errors import (
    Failed,
    NotFound,
    Unreachable,
    UsageError,
    YolodeployError,
)
from yolodeploy.core.kept_settings import LARGEST_SECRET, secret_name
from yolodeploy.core.names import checked_name
from yolodeploy.core.sentences import sentence
from yolodeploy.core.site_settings import Camera
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.sites import get_site, list_sites
from yolodeploy.ops.connect import EMBEDDED, connect_all
from yolodeploy.ops.files import read_file
from yolodeploy.ops.secret_lines import line_of
from yolodeploy.ops.settings_text import with_camera, with_changed_camera, without_camera
from yolodeploy.ops.site_settings import (
    Change,
    Changed,
    Waits,
    cameras_of,
    change,
    quietly,
    site_of,
)

if TYPE_CHECKING:
    from yolodeploy.ops.home import Home
    from yolodeploy.sites.interface import Configured

OPENING_S = 60.0  # beyond what is looked at: a reader gives up by itself before that
PHASES = ("running", "ended", "opening", "failed", "waiting")  # the most telling first


class Given(NamedTuple):
    """What a person says of a camera: fields as in the settings (None: taken out), and secrets.

    `credentials` is `user:password`, `authorities` a file of PEM.
    """

    fields: Mapping[str, Any]
    credentials: bytes | None = None
    authorities: Path | None = None


class Listed(NamedTuple):
    """A camera of the settings, and how it is; `state` None: no server tells."""

    site: str
    camera: Camera
    device: str
    state: CameraState | None


def put(
    home: Home,
    site: str,
    name: str,
    given: Given,
    *,
    new: bool,
    wait_s: float,
    dry_run: bool = False,
    waits: Waits = quietly,
) -> Changed:
    """One more camera of a site (`new`), or another one under a name that there is.

    Raises:
        NotFound: `camera.unknown`.
        UsageError: `name.invalid`, `camera.*`.
        Refused, RolledBack, Interrupted: As `site_settings.change`.
    """
    checked_name("camera", name)
    if (url := given.fields.get("url")) is not None:
        given = given._replace(fields={**given.fields, "url": _from_root(home, site, url)})
    where = site_of(home, site)
    fields, secrets = _carried(where, name, given)
    written = with_camera if new else with_changed_camera
    note = sentence("settings.added" if new else "settings.changed", camera=name)

    def edit(text: str) -> str:
        return written(text, site, name, fields)

    wanted = Change(edit, note, secrets)
    return change(home, where, wanted, wait_s=wait_s, dry_run=dry_run, waits=waits)


def remove(
    home: Home,
    site: str,
    name: str,
    *,
    wait_s: float,
    dry_run: bool = False,
    waits: Waits = quietly,
) -> Changed:
    """One camera less.

    Raises:
        NotFound: `camera.unknown`.
        UsageError, Refused, RolledBack, Interrupted: As `put`.
    """
    where = site_of(home, site)

    def fewer(text: str) -> str:
        return without_camera(text, site, name)

    wanted = Change(fewer, sentence("settings.removed", camera=name))
    return change(home, where, wanted, wait_s=wait_s, dry_run=dry_run, waits=waits)


def listed(home: Home, names: Sequence[str]) -> tuple[list[Listed], list[YolodeployError]]:
    """The cameras of sites (none named: all), and what is wrong with a site or its settings.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_site`.
    """
    if names:
        sites, errors = [site_of(home, name) for name in names], list[YolodeployError]()
    else:
        with read_inventory(home.inventory) as inventory:
            sites, errors = connect_all(home, list_sites(inventory))
    found: list[Listed] = []
    for site in sites:
        try:
            cameras, wrong = _cameras(site)
        except YolodeployError as error:
            errors.append(error)
            continue
        found += cameras
        if wrong is not None:
            errors.append(wrong)
    return found, errors


def one(home: Home, site: str, name: str) -> Listed:
    """One camera, and how it is.

    Raises:
        NotFound: `camera.unknown`, `inventory.unknown_site`.
        UsageError: `camera.*`, it is not there, and the settings are not valid.
        Unreachable: `site.unreachable`.
    """
    cameras, wrong = _cameras(site_of(home, site))
    for each in cameras:
        if each.camera.name == name:
            return each
    raise wrong or NotFound("camera.unknown", camera=name, site=site)


def look_at(camera: Camera, credentials: bytes | None, seconds: float) -> Found:
    """Read a camera from this machine for a while, as a server would.

    Raises:
        UsageError: `camera.url`, `camera.secret`.
        Failed: `camera.test`, what reads cameras is not installed here or broke.
        YolodeployError: `camera.*`, the camera cannot be read.
    """
    address_of(camera.url)
    user, _, password = (credentials or b"").decode().partition(":")
    trial = Trial(camera=camera, user=user, password=password, seconds=seconds)
    command = [sys.executable, "-P", "-m", "yolodeploy.serve.sources.trial"]
    try:
        done = subprocess.run(
            command, input=msgspec.json.encode(trial), capture_output=True,
            timeout=OPENING_S + seconds, check=False,
        )  # fmt: skip
        found = msgspec.json.decode(done.stdout, type=Found)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed("camera.test", reason=error) from error
    except msgspec.DecodeError as error:
        reason = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise Failed("camera.test", reason=reason[0] if reason else error) from error
    if found.code:
        raise (Unreachable if found.unreachable else Failed)(found.code, **found.fields)
    return found


def credentials_of(path: Path) -> bytes:
    """`user:password` of a file that only its owner can read.

    Raises:
        UsageError: `camera.secret`.
    """
    try:
        line = line_of(str(path), "utf-8")
    except ValueError as error:
        raise UsageError("camera.secret", path=path, reason=error) from error
    return checked_credentials(line, path)


def checked_credentials(line: str, path: object) -> bytes:
    """The line in bytes, if it is `user:password`.

    Raises:
        UsageError: `camera.secret`.
    """
    user, colon, _ = line.partition(":")
    if not (user and colon and line.isprintable()):
        raise UsageError("camera.secret", path=path, reason="it does not hold user:password")
    return line.encode()


def _from_root(home: Home, site: str, url: str) -> str:
    """The URL, a path in whole: a server's own folder is not the one that a person is in.

    Raises:
        UsageError: `camera.url`; of a site elsewhere nobody knows where a relative path begins.
    """
    if address_of(url).kind != "path" or Path(url).is_absolute():
        return url
    with read_inventory(home.inventory) as inventory:
        kind = get_site(inventory, site).kind
    if kind != EMBEDDED:
        raise UsageError("camera.url", reason=sentence("settings.url_elsewhere"))
    return str(Path(url).absolute())


def _carried(site: Configured, name: str, given: Given) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The fields, with the places at which servers will find the secrets, and those."""
    fields, secrets = dict(given.fields), {}
    contents = {"credentials_file": given.credentials}
    if given.authorities is not None:
        contents["ca_file"] = read_file(given.authorities, LARGEST_SECRET)
    for field, content in contents.items():
        if content is not None:
            secret = secret_name(f"{name}-{field.removesuffix('_file')}", content)
            fields[field] = site.secret_path(secret)
            secrets[secret] = content
    return fields, secrets


def _cameras(site: Configured) -> tuple[list[Listed], YolodeployError | None]:
    cameras, wrong = cameras_of(site)
    if not cameras:
        return [], wrong
    states: dict[str, tuple[str, CameraState]] = {}
    for follower in site.followers():
        for state in follower.cameras:
            known = states.get(state.name)
            if known is None or PHASES.index(state.phase) < PHASES.index(known[1].phase):
                states[state.name] = (follower.device, state)
    untold = ("", None)
    return [Listed(site.name, each, *states.get(each.name, untold)) for each in cameras], wrong
