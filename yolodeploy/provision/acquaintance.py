"""The first look at a gateway: what it is, and whether Ansible will get along with it."""

from __future__ import annotations

from typing import NamedTuple

from yolodeploy.core.errors import Refused
from yolodeploy.core.text import one_line
from yolodeploy.provision.as_root import run_as_root
from yolodeploy.provision.faults import named
from yolodeploy.ssh.connection import Connection
from yolodeploy.ssh.shell import Shell

ARCHES = {"x86_64": "amd64", "aarch64": "arm64"}
PROFILES = ("cpu", "nvidia", "jetson")
_LIMIT_S = 30.0

# one answer a line: KEY=VALUE. Ansible needs the whole of Python's library, not python3-minimal
_LOOK = r"""
echo "arch=$(uname -m)"
echo "uid=$(id -u)"
[ ! -r /etc/os-release ] || . /etc/os-release
echo "system=${ID:-} ${VERSION_ID:-}"
said=$(python3 -c 'import json, shutil, subprocess, tempfile, urllib.request' 2>&1) \
  && echo python=yes || echo "python=no $(echo "$said" | tail -n 1)"
profile=cpu
for device in /sys/bus/pci/devices/*; do
  [ -r "$device/vendor" ] || continue
  case "$(cat "$device/vendor") $(cat "$device/class")" in "0x10de 0x03"*) profile=nvidia ;; esac
done
[ ! -e /etc/nv_tegra_release ] || profile=jetson
echo "profile=$profile"
[ "$(id -u)" != 0 ] || exit 0
said=$(LC_ALL=C sudo -n true 2>&1) && echo sudo=yes || echo "sudo=no $(echo "$said" | tail -n 1)"
"""


class Look(NamedTuple):
    """What a gateway is: Debian's name of its processor, its system, and its profile."""

    arch: str
    system: str
    profile: str


def look_at(shell: Shell, sudo_password: str = "") -> Look:
    """Look at a gateway.

    Raises:
        Refused: `play.no_python`, `play.sudo_*`, `play.no_sudo`, `play.arch`.
        Unreachable: As `Shell.run`.
    """
    out = shell.run(_LOOK, limit_s=_LIMIT_S).out
    told = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
    arch = ARCHES.get(told.get("arch", ""))
    if arch is None:
        raise Refused(
            "play.arch", device=shell.device, arch=told.get("arch", "-"), known=", ".join(ARCHES)
        )
    answer, _, why = told.get("python", "no -").partition(" ")
    if answer != "yes":
        raise Refused("play.no_python", device=shell.device, reason=why)
    if told.get("uid") != "0":
        _check_sudo(shell, told.get("sudo", "no -"), sudo_password)
    profile = told.get("profile", "")
    return Look(
        arch, one_line(told.get("system", "").strip(), 60), profile if profile in PROFILES else ""
    )


def _check_sudo(shell: Shell, told: str, password: str) -> None:
    answer, _, why = told.partition(" ")
    if answer == "yes":
        return
    error = named(why, shell.device) or Refused(
        "play.sudo_forbidden", device=shell.device, reason=why
    )
    if error.code != "play.sudo_password_missing" or not password:
        raise error
    if not isinstance(shell, Connection):
        return  # this machine: Ansible will see
    run_as_root(shell, "true", (), password, limit_s=_LIMIT_S)
