"""Files of this machine as gateways need them: their digests, and programs that come along."""

import hashlib
from pathlib import Path


def sha256_of_file(path):
    """In hexadecimal, of a file that may be large."""
    with Path(path).open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def python_module(text, name):
    """Lines before a program that can then import `text` by `name`; no file is written for it."""
    return (
        "import sys, types\n"
        f"sys.modules[{name!r}] = types.ModuleType({name!r})\n"
        f"exec({str(text)!r}, sys.modules[{name!r}].__dict__)\n"
    )


class FilterModule:
    """As Ansible looks for it."""

    def filters(self):
        """By name."""
        return {"python_module": python_module, "sha256_of_file": sha256_of_file}
