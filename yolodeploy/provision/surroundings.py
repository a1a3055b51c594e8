"""What Ansible's process is given: its program, its environment, and its folders."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from yolodeploy.core.errors import Refused

PROGRAM = "ansible-playbook"
# the agent that holds keys, and where OpenSSH finds what is the person's own
_KEPT = ("HOME", "USER", "LOGNAME", "SSH_AUTH_SOCK", "TMPDIR", "TZ")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def program() -> Path:
    """The ansible-playbook of our own environment.

    Raises:
        Refused: `play.no_ansible`.
    """
    places = (Path(sys.executable).parent, *map(Path, os.environ.get("PATH", "").split(":")))
    found = next((place / PROGRAM for place in places if (place / PROGRAM).is_file()), None)
    if found is None or find_spec("ansible_runner") is None:
        raise Refused("play.no_ansible")
    return found


def environment(project: Path, folder: Path, further: Mapping[str, str]) -> dict[str, str]:
    """All that it inherits: nothing of the person's `ANSIBLE_*`, and nothing secret."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {
        **kept,
        "PATH": f"{program().parent}:{os.environ.get('PATH', _PATH)}",
        "LC_ALL": "C.UTF-8",  # Ansible refuses to start with another encoding
        "ANSIBLE_CONFIG": str(project / "ansible.cfg"),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "ansible" / "tmp"),
        "ANSIBLE_INVENTORY_ENABLED": "yaml",
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_DEPRECATION_WARNINGS": "False",
        **further,
    }
