"""Puts files and links in their place, whole or not at all.

One call where Ansible's `copy` would need two or three for each file.
"""

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: place
short_description: Puts files and links in their place
description:
  - A file gets its name when it is whole and on the disk; one that is right already is left alone.
  - Nothing is written in check mode, and what would be is told.
options:
  files:
    description: What is to be there.
    type: list
    elements: dict
    required: true
    suboptions:
      path: {description: Where., type: path, required: true}
      content: {description: Its text., type: str}
      source: {description: A file on the same machine that it is a copy of., type: path}
      sha256: {description: What a copied file must be; what the source is if not said., type: str}
      linked:
        description: Share the disk space of the source where both lie on one file system.
        type: bool
        default: false
      target: {description: Where a symbolic link leads; what has its name stays., type: str}
      mode: {description: Its mode., type: str, default: "0644"}
      folder_mode: {description: The mode of a folder made for it., type: str, default: "0755"}
  absent:
    description: Files that must not be there.
    type: list
    elements: path
    default: []
  partly:
    description: Place what can be, make the folders of what cannot, and tell what is missing.
    type: bool
    default: false
author: yolodeploy
"""
RETURN = r"""
placed: {description: What was written or taken away., type: list, returned: always}
missing: {description: Files whose source is not there or not right., type: list, returned: always}
"""

FILE = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str"},
    "source": {"type": "path"},
    "sha256": {"type": "str"},
    "linked": {"type": "bool", "default": False},
    "target": {"type": "str"},
    "mode": {"type": "str", "default": "0644"},
    "folder_mode": {"type": "str", "default": "0755"},
}
MB = 1 << 20
UNFINISHED = ".yolodeploy-"  # what a power loss may leave; the next run takes it away


class Wrong(Exception):
    """A source that is not what it must be."""


def main():
    """Run as Ansible runs it."""
    module = AnsibleModule(
        argument_spec={
            "files": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": FILE,
                "required_one_of": [("content", "source", "target")],
                "mutually_exclusive": [("content", "source", "target")],
            },
            "absent": {"type": "list", "elements": "path", "default": []},
            "partly": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    placed, missing = [], []
    try:
        for file in module.params["files"]:
            try:
                if place(file, module.check_mode):
                    placed.append(file["path"])
            except Wrong as err:
                missing.append(file["path"])
                if not module.params["partly"]:
                    module.fail_json(msg=str(err), placed=placed, missing=missing)
                if not module.check_mode:
                    make_folder(Path(file["source"]).parent, 0o755)
        for path in map(Path, module.params["absent"]):
            if path.is_symlink() or path.exists():
                if not module.check_mode:
                    path.unlink()
                placed.append(str(path))
    except OSError as err:
        module.fail_json(msg=f"{err.filename}: {err.strerror}", placed=placed)
    module.exit_json(changed=bool(placed), placed=placed, missing=missing)


def place(file, check):
    """Make it so; whether anything had to be done."""
    path, mode = Path(file["path"]), int(file["mode"], 8)
    if file["target"] is not None:
        return place_link(path, file, check)
    if is_right(path, file):
        if path.stat().st_mode & 0o7777 == mode:
            return False
        if not check:
            path.chmod(mode)
        return True
    if file["source"] is not None:
        check_source(file)
    if not check:
        make_folder(path.parent, int(file["folder_mode"], 8))
        write(path, file, mode)
    return True


def is_right(path, file):
    """Whether the content is what it must be; the mode is another matter."""
    if path.is_symlink() or not path.is_file():
        return False
    if file["content"] is not None:
        content = file["content"].encode()
        return path.stat().st_size == len(content) and path.read_bytes() == content
    if file["sha256"] is None:
        source = Path(file["source"])
        return source.is_file() and (path.samefile(source) or sha256(path) == sha256(source))
    return sha256(path) == file["sha256"]


def check_source(file):
    """Refuse one that is absent or damaged."""
    source = Path(file["source"])
    if not source.is_file():
        raise Wrong(f"{source} is not there")
    found = sha256(source) if file["sha256"] else None
    if found != file["sha256"]:
        raise Wrong(f"{source} has the checksum {found}, not {file['sha256']}")


def sha256(path):
    """The digest of a file, which may be large."""
    digest = hashlib.sha256()
    with path.open("rb") as opened:
        while piece := opened.read(MB):
            digest.update(piece)
    return digest.hexdigest()


def make_folder(folder, mode):
    """A folder and those above it; what is there stays as it is."""
    if not folder.is_dir():
        make_folder(folder.parent, 0o755)
        folder.mkdir(mode=mode, exist_ok=True)
        folder.chmod(mode)


def write(path, file, mode):
    """The file under a name of its own first, then under its own."""
    for left in path.parent.glob(f"{UNFINISHED}{path.name}.*"):
        left.unlink()
    handle, name = tempfile.mkstemp(prefix=f"{UNFINISHED}{path.name}.", dir=path.parent)
    fresh = Path(name)
    try:
        with os.fdopen(handle, "wb") as opened:
            if file["content"] is not None:
                opened.write(file["content"].encode())
            elif not (file["linked"] and share(Path(file["source"]), fresh)):
                copy(Path(file["source"]), opened)
            opened.flush()
            os.fsync(opened.fileno())
        fresh.chmod(mode)
        fresh.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise


def share(source, fresh):
    """A second name for the source, in place of a second copy; false where that cannot be."""
    beside = fresh.with_name(fresh.name + ".link")
    try:
        os.link(source, beside)
    except OSError:
        return False
    beside.replace(fresh)
    return True


def copy(source, opened):
    """All bytes of a file."""
    with source.open("rb") as reading:
        while piece := reading.read(MB):
            opened.write(piece)


def place_link(path, file, check):
    """A link, unless there is something of that name already: it may be somebody else's."""
    if path.is_symlink() or path.exists():
        return False
    if not check:
        make_folder(path.parent, int(file["folder_mode"], 8))
        beside = path.with_name(f"{UNFINISHED}{path.name}.link")
        with contextlib.suppress(OSError):
            beside.unlink()
        beside.symlink_to(file["target"])
        beside.replace(path)
    return True


if __name__ == "__main__":
    main()
