"""Look into a backup, or put it in its place on a server whose k3s does not run; tells it as JSON.

`python3 - '{"file": …, "place": false}' < unpack.py`, with nothing but Python's own library (3.8 or
newer). Everything is unpacked and compared with the digests of the manifest before anything that is
there is touched. What was there is kept until the next restore; cut off and done again, it ends the
same.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zlib
from pathlib import Path, PurePosixPath

FORMAT = 1
LARGEST_MANIFEST = 4 << 20
SERVER = "var/lib/rancher/k3s/server"
SNAPSHOT = SERVER + "/db/snapshots/yolodeploy"
PLACES = (SERVER + "/", "etc/rancher/")
WHOLE = ("db", "tls", "cred", "token", "agent-token", "node-token")  # of the server's folder
# the rest of /etc/rancher is provisioning's: it stays where there is something
ALWAYS = ("etc/rancher/node/password",)
TOKENS = ("token", "agent-token")  # in /etc/rancher/k3s as passwords, for provisioning
PIECE = 1 << 20


def main(asked):
    """What the backup says of itself, once all of it has been read."""
    root = Path(asked.get("root", "/"))
    file = Path(asked["file"])
    check_digest(file)
    staged = root / "var/lib/rancher/.yolodeploy-restore" if asked["place"] else None
    if staged:
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(mode=0o700, parents=True)
    try:
        manifest = read(file, staged)
        if staged:
            place(root, staged, manifest, asked)
    finally:
        if staged:
            shutil.rmtree(staged, ignore_errors=True)
    return {**manifest, "files": len(manifest["files"])}


def check_digest(file):
    """Compare with the digest beside it, where there is one."""
    beside = file.with_name(file.name + ".sha256")
    if not beside.exists():
        return
    digest = hashlib.sha256()
    with file.open("rb") as content:
        for piece in iter(lambda: content.read(PIECE), b""):
            digest.update(piece)
    if beside.read_text().split()[:1] != [digest.hexdigest()]:
        sys.exit(f"{file.name} is not what was written: its digest is another one")


def read(file, staged):
    """The manifest; each file is compared with it, and written below `staged` if that is given."""
    left = None
    with tarfile.open(file, "r:gz") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            if content is None:
                sys.exit(f"{file.name} is no backup: it holds what is no file")
            if left is None:
                manifest = manifest_of(file, member, content)
                left = dict(manifest["files"])
                continue
            wanted = left.pop(member.name, None)
            if wanted is None or copied(content, staged, member) != wanted:
                sys.exit(f"{file.name} is damaged: {printable(member.name)}")
        # tar pads to a whole record; the checksum of all of it is looked at when nothing is left
        archive.fileobj.read(tarfile.RECORDSIZE)
        if archive.fileobj.read(1):
            sys.exit(f"{file.name} is damaged: it goes on after its end")
    if left is None or left:
        sys.exit(f"{file.name} is not whole")
    return manifest


def manifest_of(file, member, content):
    """What stands first; names that lead elsewhere are refused."""
    if member.name != "manifest.json" or member.size > LARGEST_MANIFEST:
        sys.exit(f"{file.name} is no backup of a site")
    manifest = json.loads(content.read())
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        sys.exit(f"{file.name} is a backup of a form that is not known here")
    if not isinstance(manifest.get("files"), dict):
        sys.exit(f"{file.name} is no backup of a site")
    for name in manifest["files"]:
        parts = PurePosixPath(name).parts
        if not name.startswith(PLACES) or ".." in parts or name != "/".join(parts):
            sys.exit(f"{file.name} holds a name that leads elsewhere: {printable(name)}")
    return manifest


def copied(content, staged, member):
    """The digest of what is read, and written where that is wanted."""
    digest = hashlib.sha256()
    writing = None
    if staged:
        target = staged / member.name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        writing = os.fdopen(handle, "wb")
    try:
        for piece in iter(lambda: content.read(PIECE), b""):
            digest.update(piece)
            if writing:
                writing.write(piece)
    finally:
        if writing:
            writing.flush()
            os.fsync(writing.fileno())
            writing.close()
    if staged:
        target.chmod(member.mode & 0o644 | 0o600)
    return digest.hexdigest()


def place(root, staged, manifest, asked):
    """Exchange what is there for what was in the backup."""
    aside = root / "var/lib/yolodeploy/before-restore"
    if (aside / "whole").exists():  # of an earlier restore that came to its end
        shutil.rmtree(aside)
    aside.mkdir(mode=0o700, parents=True, exist_ok=True)
    server = root / SERVER
    server.mkdir(mode=0o700, parents=True, exist_ok=True)
    snapshot = staged / SNAPSHOT
    kept = staged / "snapshot"
    if snapshot.exists():
        snapshot.replace(kept)
    for name in WHOLE:
        put_aside(server / name, aside / name)
        fresh = staged / SERVER / name
        if fresh.exists():
            fresh.replace(server / name)
    (server / "node-token").symlink_to("token")
    for name in manifest["files"]:
        target = root / name
        if not name.startswith(SERVER) and (name in ALWAYS or not target.exists()):
            target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            shutil.copy2(staged / name, target)
            target.chmod(0o600)
    for name in TOKENS:
        write_token(server / name, root / "etc/rancher/k3s" / name)
    if kept.exists():
        begin_anew(kept, server, asked["limit_s"])
    (aside / "whole").touch()


def write_token(told, target):
    """What provisioning starts k3s with is what the datastore was encrypted with."""
    target.unlink(missing_ok=True)
    if told.is_file():
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as writing:
            writing.write(told.read_text().strip().rpartition(":")[2] + "\n")


def put_aside(path, aside):
    """Out of the way; what a restore that was cut off put aside is older, and stays."""
    if not (path.exists() or path.is_symlink()):
        return
    if aside.exists() or path.is_symlink():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    else:
        shutil.move(str(path), str(aside))


def begin_anew(snapshot, server, limit_s):
    """With embedded etcd: a cluster of this one server, with the snapshot's objects."""
    (server / "db").mkdir(mode=0o700, exist_ok=True)
    target = server / "db" / "yolodeploy-restore"
    snapshot.replace(target)
    (server / "db/reset-flag").unlink() if (server / "db/reset-flag").exists() else None
    done = subprocess.run(
        [
            "/usr/local/bin/k3s", "server", "--cluster-reset",
            f"--cluster-reset-restore-path={target}",
        ],
        capture_output=True, text=True, errors="replace", timeout=limit_s, check=False,
    )  # fmt: skip
    target.unlink() if target.exists() else None
    if done.returncode:
        lines = (done.stderr + done.stdout).strip().splitlines() or ["nothing was said"]
        sys.exit(f"k3s server --cluster-reset: {printable(lines[-1])}")


def printable(text):
    """One line without what would move a cursor, and not endless."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:300])


if __name__ == "__main__":
    try:
        sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))) + "\n")
    except (tarfile.TarError, zlib.error, EOFError, ValueError, KeyError, OSError) as error:
        words = getattr(error, "strerror", None) or str(error) or type(error).__name__
        sys.exit(f"the backup cannot be used: {printable(str(words))}")
