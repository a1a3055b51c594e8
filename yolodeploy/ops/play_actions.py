"""Plays as actions of the dashboard: with what it can ask for, and the defaults of the commands.

Passwords are not asked for here: where one is needed, the play says which command does.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import UsageError
from yolodeploy.ops.backing_up import backup_variables
from yolodeploy.ops.device_wish import DeviceWish
from yolodeploy.ops.devices import add_devices
from yolodeploy.ops.plays import start_play
from yolodeploy.ops.provisioning import parts_of_bundle, provision_of
from yolodeploy.ops.site_doctor import Mend, start_doctor
from yolodeploy.ops.upgrading import upgrade_of

if TYPE_CHECKING:
    from yolodeploy.ops.home import Home

ONLINE = "online"
_BUNDLE = ".tar"


class Begun(NamedTuple):
    """A play that was started; empty where there was nothing to do."""

    operation: str


def source_option(source: str) -> str:
    """Where parts come from, as an option of `site provision`."""
    if source == ONLINE:
        return "--online"
    if not source:
        return "--bundle FILE"
    kind = "--bundle" if source.endswith(_BUNDLE) else "--parts"
    return f"{kind} {shlex.quote(source)}"


def provision(home: Home, site: str, source: str) -> Begun:
    """Make a k3s site of the devices that are not done; raises as `site provision`."""
    parts = None if source == ONLINE else Path(source).expanduser()
    bundle = parts if source.endswith(_BUNDLE) else None
    found = provision_of(home, site, (), bundle, None if bundle else parts, online=source == ONLINE)
    if not found.devices:
        return Begun("")
    return Begun(
        start_play(home, site, "site.yml", variables=found.variables, devices=found.devices)
    )


def upgrade(home: Home, site: str, source: str) -> Begun:
    """Bring a site to the version of the lock; raises as `site upgrade`."""
    parts = _parts(home, source)
    found = upgrade_of(home, site, parts, online=parts is None)
    return Begun(start_play(home, site, "upgrade.yml", variables=found.variables))


def backup(home: Home, site: str) -> Begun:
    """Bring what a site cannot be rebuilt from here; raises as `site backup`."""
    return Begun(start_play(home, site, "backup.yml", variables=backup_variables(home, site)))


def look(home: Home, site: str) -> Begun:
    """Look at a site's gateways, and mend nothing; raises as `doctor`."""
    return Begun(start_doctor(home, site, (), Mend.NONE))


def reset(home: Home, site: str) -> Begun:
    """Make bare gateways of a site's devices again; raises as `start_play`."""
    return Begun(start_play(home, site, "reset.yml"))


def _parts(home: Home, source: str) -> Path | None:
    """The folder with the parts; None where the gateways fetch them."""
    if source == ONLINE:
        return None
    path = Path(source).expanduser()
    return parts_of_bundle(home, path) if source.endswith(_BUNDLE) else path


def add_device(home: Home, site: str, words: str) -> None:
    """Add a gateway: `NAME ADDRESS [--jump=…] [--identity=…] [--server]`.

    Raises:
        UsageError: `device.form`; everything of `add_devices` and of the device itself.
    """
    seen = add_devices(home, [_wish(site, words)])
    for one in seen:
        if one.error is not None:
            raise one.error


def _wish(site: str, words: str) -> DeviceWish:
    given = shlex.split(words)
    options = dict(word[2:].partition("=")[::2] for word in given if word.startswith("--"))
    plain = [word for word in given if not word.startswith("--")]
    if len(plain) != 2:
        raise UsageError("device.form")
    name, address = plain
    return DeviceWish(
        name, address, site, server="server" in options, jump=options.get("jump", ""),
        identity=options.get("identity", ""),
    )  # fmt: skip
