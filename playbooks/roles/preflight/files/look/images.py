"""The images that were brought to a host: whether they are still there, and stay."""

import io
import json
import re
import tarfile

from look.gpu import CONTAINERD
from look.host import absent, judged, unknown
from look.k3s import STATE
from look.machine import listed

ARCHIVES = f"{STATE}/agent/images/*.tar*"
SANDBOX = re.compile(r"^\s*sandbox(?:_image)?\s*=\s*['\"]([^'\"]+)", re.MULTILINE)


def images_here(host):
    """What containerd has: rows of name, digest and labels; None where it does not say."""
    told = host.answer("k3s", "ctr", "-n", "k8s.io", "images", "ls")
    if told is None:
        return None
    rows = [line.split() for line in told.splitlines()[1:]]
    return [(row[0], row[2], row[-1]) for row in rows if len(row) > 4]


def brought(host):
    """The images in the archives that lie here, as far as those can be read: name to archive."""
    found = {}
    for pattern in (f"{STATE}/agent/images/*.tar", f"{STATE}/agent/images/*.tar.gz"):
        for name in host.found(pattern):
            try:
                with tarfile.open(host.path(name)) as archive:
                    found.update(dict.fromkeys(map(whole, names_in(archive)), name))
            except (OSError, tarfile.TarError, ValueError):
                continue
    return found


def names_in(archive):
    """The names of the images of one archive: `docker save`'s and OCI's."""
    for member, read in (("manifest.json", of_docker), ("index.json", of_oci)):
        try:
            file = archive.extractfile(member)
        except KeyError:
            continue
        if file is not None:
            return read(json.load(io.TextIOWrapper(file)))
    return set()


def of_docker(table):
    """The names in a `manifest.json`."""
    return {str(tag) for row in table for tag in row.get("RepoTags") or []}


def of_oci(index):
    """The names in an `index.json`."""
    notes = [row.get("annotations") or {} for row in index.get("manifests") or []]
    return {str(n["io.containerd.image.name"]) for n in notes if "io.containerd.image.name" in n}


def wanted_images(host):
    """The images that must be here, with their archive: brought ones, and the one under every pod.

    That one comes in an archive of zstd, which nobody here can look into: it has none.
    """
    told = SANDBOX.search(host.text(CONTAINERD) or "") if host.found(ARCHIVES) else None
    return {**({whole(told.group(1)): ""} if told else {}), **brought(host)}


def whole(name):
    """A name as containerd keeps it: `docker save` leaves the registry out."""
    head, slash, _ = name.partition("/")
    if slash and ("." in head or ":" in head or head == "localhost"):
        return name
    return f"docker.io/{'' if slash else 'library/'}{name}"


def is_there(image, rows):
    """The row of an image, by name or by digest; None where it lacks."""
    _, _, digest = image.partition("@")
    return next((row for row in rows if row[0] == image or (digest and row[1] == digest)), None)


def images_missing(host):
    """Whether images that were brought here are gone again."""
    rows, wanted = images_here(host), wanted_images(host)
    if rows is None or not wanted:
        return absent() if not wanted else unknown()
    lost = sorted(image for image in wanted if is_there(image, rows) is None)
    archives = sorted({wanted[image] for image in lost})
    result = judged(lost, images=listed(lost), archives=listed(filter(None, archives)))
    return result._replace(mendable="" not in archives)


def images_unpinned(host):
    """Whether images that were brought here may be thrown away when the disk fills."""
    rows, wanted = images_here(host), wanted_images(host)
    if rows is None or not wanted:
        return absent() if not wanted else unknown()
    there = [row for row in (is_there(image, rows) for image in sorted(wanted)) if row]
    loose = sorted({row[0] for row in there if "io.cri-containerd.pinned=pinned" not in row[2]})
    return judged(loose, images=" ".join(loose))


CHECKS = {"images_missing": images_missing, "images_unpinned": images_unpinned}
