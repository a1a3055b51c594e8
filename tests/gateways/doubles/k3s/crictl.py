"""`k3s crictl` in small: images, rmi, ps, info, pull (kubernetes-sigs/cri-tools)."""

from __future__ import annotations

import json
import sys
from typing import Any

from . import containerd, places
from .options import value_of


def main(arguments: list[str]) -> int:
    """The exit code."""
    words = [
        word for word in arguments if not word.startswith("-") and word not in ("json", "table")
    ]
    what = words[0] if words else "help"
    as_json = value_of(arguments, "-o", "--output") == "json"
    if containerd.ctr("version").returncode:
        text = f"validate service connection: dial unix {places.SOCKET}: connect: no such file or directory"
        sys.stderr.write(f"FATA[0000] {text}\n")
        return 1
    if what in ("images", "image", "img"):
        return _images(as_json)
    if what == "rmi":
        return _remove(words[1:], "--prune" in arguments)
    if what == "ps":
        return _containers(as_json, "-a" in arguments)
    return _rest(what, words)


def _rest(what: str, words: list[str]) -> int:
    if what == "info":
        runtimes = {"runc": {}, **containerd.nvidia_runtimes()}
        print(
            json.dumps(
                {
                    "status": {"conditions": [{"type": "RuntimeReady", "status": True}]},
                    "config": {"containerd": {"runtimes": {name: {} for name in runtimes}}},
                }
            )
        )
        return 0
    if what == "pull":
        sys.stderr.write(
            f'FATA[0000] pulling image: failed to resolve reference "{containerd.full_name(words[1])}"\n'
        )
        return 1
    sys.stderr.write(f"No help topic for '{what}'\n")
    return 3


def listed() -> list[dict[str, Any]]:
    """Images as CRI tells them: one for each digest, with its names."""
    found: dict[str, dict[str, Any]] = {}
    for line in containerd.ctr("images", "ls").stdout.splitlines()[1:]:
        name, _, digest, size, unit, *_ = line.split()
        one = found.setdefault(
            digest,
            {
                "id": digest,
                "repoTags": [],
                "repoDigests": [],
                "pinned": False,
                "size": str(_bytes(size, unit)),
            },
        )
        one["repoDigests" if "@" in name else "repoTags"].append(name)
        one["pinned"] = one["pinned"] or "io.cri-containerd.pinned=pinned" in line
    return list(found.values())


def _bytes(size: str, unit: str) -> int:
    return int(float(size) * {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}[unit])


def _images(as_json: bool) -> int:
    if as_json:
        print(json.dumps({"images": listed()}))
        return 0
    print(f"{'IMAGE':<50} {'TAG':<12} {'IMAGE ID':<14} SIZE")
    for one in listed():
        for name in one["repoTags"] or one["repoDigests"]:
            repository, _, tag = name.rpartition(":")
            tag = "<none>" if "@" in name else tag
            print(
                f"{repository.partition('@')[0]:<50} {tag:<12} {one['id'][7:20]:<14} {one['size']}"
            )
    return 0


def _remove(names: list[str], prune: bool) -> int:
    """Prune spares what is pinned, as the kubelet's collection does."""
    for one in listed():
        known = {
            one["id"],
            one["id"].removeprefix("sha256:"),
            *one["repoTags"],
            *one["repoDigests"],
        }
        if (prune and not one["pinned"]) or known & {*names, *map(containerd.full_name, names)}:
            containerd.ctr("images", "rm", "--sync", *one["repoTags"], *one["repoDigests"])
            print(f"Deleted: {(one['repoTags'] or one['repoDigests'])[0]}")
            names = [
                name
                for name in names
                if name not in known and containerd.full_name(name) not in known
            ]
    if names:
        sys.stderr.write(f"FATA[0000] unable to remove the image(s): no such image {names[0]}\n")
    return int(bool(names))


def _containers(as_json: bool, everything: bool) -> int:
    tasks = {
        line.split()[0]: line.split()[-1]
        for line in containerd.ctr("tasks", "ls").stdout.splitlines()[1:]
    }
    found = []
    for line in containerd.ctr("containers", "ls").stdout.splitlines()[1:]:
        name, image = line.split()[:2]
        state = "CONTAINER_RUNNING" if tasks.get(name) == "RUNNING" else "CONTAINER_EXITED"
        if everything or state == "CONTAINER_RUNNING":
            found.append({"id": name, "image": {"image": image}, "state": state})
    if as_json:
        print(json.dumps({"containers": found}))
        return 0
    print(f"{'CONTAINER':<50} {'IMAGE':<60} STATE")
    for one in found:
        print(
            f"{one['id']:<50} {one['image']['image']:<60} {one['state'].removeprefix('CONTAINER_').title()}"
        )
    return 0
