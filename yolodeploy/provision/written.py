"""What Ansible reads: the inventory and the variables of one play, as files for this user alone.

Whatever people or devices said is marked `!unsafe`: Ansible takes it as it stands, and never for a
template.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from yolodeploy.core.names import checked_name
from yolodeploy.provision.play import SERVER, Host, Play, Secrets
from yolodeploy.ssh.command_line import PATIENCE, ssh_words
from yolodeploy.ssh.connection import Connection
from yolodeploy.ssh.host_keys import HostKeys

GROUPS = ("servers", "agents")


class _Unsafe(str):
    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, _data: object) -> bool:
        return True


_Dumper.add_representer(
    _Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"')
)


def write_inventory(
    path: Path, play: Play, secrets: Secrets, connections: Mapping[str, Connection]
) -> None:
    """The hosts of a play in their groups, each to be reached through its connection.

    Of the secrets nothing is written but whether there is a password to log in with.

    Raises:
        UsageError: `name.invalid`, `ssh.address_invalid`.
    """
    keys = HostKeys(play.host_keys)
    groups: dict[str, dict[str, Any]] = {name: {"hosts": {}} for name in GROUPS}
    for host in play.hosts:
        group = groups["servers" if host.role == SERVER else "agents"]
        name = checked_name("device", host.name)
        group["hosts"][name] = {
            **unsafe(dict(host.variables)),
            **_reached(host, keys, bool(secrets.login), connections.get(name)),
        }
    _write(path, {"all": {"children": groups}})


def write_variables(path: Path, variables: Mapping[str, Any]) -> None:
    """The variables of a play, which outrank everything else."""
    _write(path, unsafe(dict(variables)))


def unsafe(value: Any) -> Any:
    """The same value, every text in it marked."""
    if isinstance(value, Mapping):
        return {str(key): unsafe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [unsafe(item) for item in value]
    return _Unsafe(value) if isinstance(value, str) else value


def _reached(
    host: Host, keys: HostKeys, by_password: bool, connection: Connection | None
) -> dict[str, Any]:
    if host.route is None:
        return {"ansible_connection": "local", "ansible_python_interpreter": _python_here()}
    pin = connection.pin if connection else None
    _ssh, *words = ssh_words(host.route, keys, PATIENCE, pin, by_password=by_password)
    # it comes back by itself when the gateway was restarted
    words += ["-oControlMaster=auto", f"-oControlPersist={PATIENCE.idle_s}"]
    if connection is not None:
        words.append(f"-oControlPath={connection.socket}")
    return {
        "ansible_connection": "ssh",
        "ansible_host": _Unsafe(host.route.address.host),
        "ansible_ssh_args": _Unsafe(shlex.join(words)),
        "ansible_ssh_common_args": "",
        "ansible_ssh_extra_args": "",
    }


def _python_here() -> str:
    """The system's, which knows its packages; what is first in PATH may be a shim."""
    system = Path("/usr/bin/python3")
    return str(system if system.exists() else sys.executable)


def _write(path: Path, content: Any) -> None:
    text = yaml.dump(content, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1 << 20)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
