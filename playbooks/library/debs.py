"""Installs packages from .deb files in the pinned versions, and holds them.

`ansible.builtin.apt` would fetch python3-apt from a network that is not there.
"""

import hashlib
import os
import re
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: debs
short_description: Installs packages from files in pinned versions, and holds them
description:
  - Packages that are installed in their version are left alone; their files are not asked for.
  - Nothing is written in check mode; C(stale) then says which files a run would need.
options:
  folder:
    description: The folder with the files.
    type: path
    required: true
  sha256: {type: dict, required: true, description: "Digests by file name, NAME_VERSION_ARCH.deb;
    those of another architecture are passed over."}
  fetch:
    description:
      - Fetch what is missing from the repositories that apt knows.
      - It is judged by its digest all the same.
    type: bool
    default: false
  hold:
    description: Whether upgrades are kept from them.
    type: bool
    default: true
author: yolodeploy
"""
RETURN = r"""
stale: {description: Files of packages in another version, or none., type: list, returned: always}
unheld: {description: Packages that upgrades were not kept from., type: list, returned: always}
"""

NAME = re.compile(r"(?P<name>[a-z0-9][a-z0-9+.-]+)_(?P<version>[^_/]+)_(?P<arch>[a-z0-9]+)\.deb")
# a pin outranks what is installed: back to an older version, and past our own hold
INSTALL = (
    "apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "--allow-downgrades",
    "--allow-change-held-packages", "--option=Dpkg::Options::=--force-confold",
    "--option=DPkg::Lock::Timeout=120",
)  # fmt: skip


class Wrong(Exception):
    """What ends the run, in one line."""


class Package:
    """One file of the lock."""

    def __init__(self, file, digest):
        found = NAME.fullmatch(file)
        if found is None:
            raise Wrong(f"{file} is no name of a package: NAME_VERSION_ARCH.deb")
        self.file, self.digest = file, digest
        self.name, self.arch = found["name"], found["arch"]
        self.version = found["version"].replace("%3a", ":")


class Debs:
    """The packages of one lock entry on this machine."""

    def __init__(self, module):
        self.module = module
        self.folder = Path(module.params["folder"])
        arch = self.told("dpkg", "--print-architecture").strip()
        every = [Package(file, digest) for file, digest in module.params["sha256"].items()]
        self.packages = [one for one in every if one.arch in (arch, "all")]
        if not self.packages:
            raise Wrong(f"the lock file pins no package for {arch}")
        for one in self.packages:
            if not one.digest:
                raise Wrong(f"the lock file has no checksum for {one.file}")

    def told(self, *words):
        """What a program prints; it must succeed."""
        status, said, complaint = self.module.run_command(list(words))
        if status:
            lines = (complaint.strip() or said.strip()).splitlines() or ["it says nothing"]
            raise Wrong(f"{words[0]} failed with {status}: {lines[-1]}")
        return said

    def stale(self):
        """The packages that are not installed in their version."""
        names = [one.name for one in self.packages]
        form = "${Package} ${Version} ${db:Status-Abbrev}\n"
        _, said, _ = self.module.run_command(["dpkg-query", "-W", "-f", form, *names])
        installed = {
            tuple(line.split()[:2]) for line in said.splitlines() if line.split()[-1][1:2] == "i"
        }
        return [one for one in self.packages if (one.name, one.version) not in installed]

    def unheld(self):
        """The packages that an upgrade may change."""
        held = self.told("apt-mark", "showhold").split()
        return [one.name for one in self.packages if one.name not in held]

    def fetch(self, stale):
        """Fetch what is not there yet, as nobody's files until their digests are right."""
        lacking = [one for one in stale if self.digest(one) != one.digest]
        if not lacking:
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chdir(self.folder)
        self.told(
            "apt-get", "download", "--quiet", *(f"{one.name}={one.version}" for one in lacking)
        )

    def digest(self, package):
        """The digest of a file; empty where there is none."""
        try:
            return hashlib.sha256((self.folder / package.file).read_bytes()).hexdigest()
        except FileNotFoundError:
            return ""

    def install(self, stale):
        """Install from files whose digests are right."""
        for one in stale:
            found = self.digest(one)
            if not found:
                raise Wrong(f"{self.folder / one.file} is not there")
            if found != one.digest:
                raise Wrong(f"{self.folder / one.file} has the checksum {found}, not {one.digest}")
        self.told(*INSTALL, *(str(self.folder / one.file) for one in stale))


def run(module):
    """Make it so; what had to be done."""
    debs = Debs(module)
    stale = debs.stale()
    unheld = debs.unheld() if module.params["hold"] else []
    if not module.check_mode:
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        if stale:
            if module.params["fetch"]:
                debs.fetch(stale)
            debs.install(stale)
        if module.params["hold"]:
            unheld = debs.unheld()
            if unheld:
                debs.told("apt-mark", "hold", *unheld)
    return {
        "changed": bool(stale or unheld),
        "stale": [one.file for one in stale],
        "unheld": unheld,
    }


def main():
    """Run as Ansible runs it."""
    module = AnsibleModule(
        argument_spec={
            "folder": {"type": "path", "required": True},
            "sha256": {"type": "dict", "required": True},
            "fetch": {"type": "bool", "default": False},
            "hold": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**run(module))
    except Wrong as wrong:
        module.fail_json(msg=str(wrong))
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}")


if __name__ == "__main__":
    main()
