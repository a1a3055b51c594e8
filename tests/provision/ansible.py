"""Plain `ansible-playbook` on gateways, as a person runs it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.gateways.hosts import Gateway

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
# that of this environment, which need not be on PATH
PROGRAM = shutil.which(
    "ansible-playbook", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"
)
LIMIT_S = 600.0
_RECAP = re.compile(r"^(\S+)\s+: (ok=.*)$", re.MULTILINE)


class Played(NamedTuple):
    """Exit code, all that was printed, and the recap's counts by host."""

    code: int
    output: str
    recap: dict[str, dict[str, int]]

    def total(self, count: str) -> int:
        """A count over all hosts: ok, changed, unreachable, failed, skipped, rescued, ignored."""
        return sum(counts[count] for counts in self.recap.values())

    def well(self) -> Played:
        """Itself, or the output as the reason why not."""
        assert self.code == 0, self.output[-6000:]
        return self


class Inventory:
    """A file for plain Ansible: `servers` and `agents`, pinned host keys."""

    def __init__(self, folder: Path, servers: Sequence[Gateway], agents: Sequence[Gateway] = (),
                 variables: Mapping[str, Mapping[str, Any]] | None = None) -> None:  # fmt: skip
        self.folder = folder
        self.file = folder / "inventory.yml"
        self.names = {gateway.number: gateway.machine.name for gateway in (*servers, *agents)}
        known = folder / "known_hosts"
        lines = [f"{one.address} {one.machine.host_key}\n" for one in (*servers, *agents)]
        known.write_text("".join(lines))
        options = f"-oUserKnownHostsFile={known} -oStrictHostKeyChecking=yes -oIdentitiesOnly=yes"
        common = {
            "ansible_user": "root", "ansible_ssh_private_key_file": str((*servers, *agents)[0].key),
            "ansible_ssh_common_args": options,
        }  # fmt: skip

        def hosts(some: Sequence[Gateway]) -> dict[str, Any]:
            own = variables or {}
            return {"hosts": {name: {"ansible_host": one.address, **own.get(name, {})}
                              for one in some if (name := one.machine.name)}}  # fmt: skip

        groups = {"servers": hosts(servers), "agents": hosts(agents)}
        self.file.write_text(yaml.safe_dump({"all": {"vars": common, "children": groups}}))

    @classmethod
    def of_file(cls, file: Path, folder: Path) -> Inventory:
        """One that a person wrote; `folder` takes what Ansible writes meanwhile."""
        made = cls.__new__(cls)
        made.file, made.folder, made.names = file, folder, {}
        return made


def play(playbook: str | Path, inventory: Inventory, *args: str, limit_s: float = LIMIT_S,
         **variables: Any) -> Played:  # fmt: skip
    """Run one to its end. `variables` outrank all others (`-e`)."""
    process = begin(playbook, inventory, *args, **variables)
    try:
        output, _ = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
        pytest.fail(f"{playbook} took longer than {limit_s} s:\n{output[-4000:]}")
    return Played(process.returncode, output, recap(output))


def begin(playbook: str | Path, inventory: Inventory, *args: str, **variables: Any) -> Any:
    """Start one; for tests that break something while it runs."""
    if PROGRAM is None:
        pytest.skip("not installed: ansible-core")
    home = inventory.folder / "home"
    home.mkdir(exist_ok=True)
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")
    }
    environment |= {
        "HOME": str(home), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "False",
        # short: a path for a socket has 108 bytes at most
        "ANSIBLE_SSH_CONTROL_PATH_DIR": f"/tmp/ydcp-{os.getpid()}",
    }  # fmt: skip
    words = [PROGRAM, "-i", str(inventory.file), *args, "-e", json.dumps(variables), str(playbook)]
    return subprocess.Popen(
        words, cwd=PLAYBOOKS, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def recap(output: str) -> dict[str, dict[str, int]]:
    """The counts at the end, by host."""
    pairs = {host: counts.split() for host, counts in _RECAP.findall(output)}
    return {host: {key: int(value) for key, _, value in (one.partition("=") for one in counts)}
            for host, counts in pairs.items()}  # fmt: skip
