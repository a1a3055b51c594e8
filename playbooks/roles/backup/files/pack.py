"""Put what this server of k3s cannot be rebuilt from into one file, and print what it is, as JSON.

Runs on the gateway as root (`python3 - '{"site": …}' < pack.py`) with nothing but Python's own
library (3.8 or newer). k3s is stopped only while a SQLite datastore is read, and started again
whatever happens: a cut connection does not end this program.
"""

import hashlib
import io
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

FORMAT = 1
UNIT = "k3s"
SERVER = "var/lib/rancher/k3s/server"
SETTINGS = "etc/rancher"  # config.yaml, registries.yaml, token files, the node's own password
KEPT = ("token", "agent-token", "cred", "tls")
NOT_KEPT = {"k3s.yaml"}  # made anew at each start
SNAPSHOT = "yolodeploy"
SPARE = 32 << 20  # bytes that must stay free


def main(asked):
    """Pack, and tell name-less facts: version, datastore, sizes and the digest."""
    root = Path(asked.get("root", "/"))
    server = root / SERVER
    kind = datastore(server)
    packed = Path(asked["packed"])
    fresh(packed)
    needed = sum(size(root / path) for path in (SERVER + "/db", SERVER + "/tls", SETTINGS)) + SPARE
    free = shutil.disk_usage(packed).free
    if free < needed:
        raise SystemExit(f"{packed} has {free >> 20} MB free, {needed >> 20} are needed at most")
    about = {
        "format": FORMAT,
        "site": asked["site"],
        "server": asked["server"],
        "k3s_version": version(),
        "datastore": kind,
        "taken_at": int(time.time()),
        "ca_sha256": sha256(server / "tls/server-ca.crt"),
    }
    target = packed / "backup.tar.gz"
    try:
        began = time.monotonic()
        if kind == "sqlite":
            with_k3s_stopped(lambda: write(target, root, ("db",), about))
            about["api_away_s"] = round(time.monotonic() - began, 1)
        else:
            write_snapshot(target, root, about)
            about["api_away_s"] = 0
        owner = pwd.getpwnam(asked["owner"])
        for path in (packed, target):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    except BaseException:
        shutil.rmtree(packed, ignore_errors=True)
        raise
    return {**about, "path": str(target), "bytes": target.stat().st_size, "sha256": sha256(target)}


def datastore(server):
    """`sqlite` or `etcd`."""
    if (server / "db/etcd").is_dir():
        return "etcd"
    if (server / "db/state.db").is_file():
        return "sqlite"
    raise SystemExit("neither SQLite nor embedded etcd: that datastore has tools of its own")


def fresh(packed):
    """An empty folder that nobody else can look into; what a killed run left is gone."""
    shutil.rmtree(packed, ignore_errors=True)
    packed.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    packed.mkdir(mode=0o700)


def size(folder):
    """Bytes below a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def version():
    """The one that runs here."""
    told = answer("k3s", "--version").split()
    return told[2] if len(told) > 2 else ""


def answer(*command, limit_s=300):
    """What a program prints; its last words as an error where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=False)
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["nothing was said"]
        raise SystemExit(f"{' '.join(command[:3])}: {words[-1]}")
    return done.stdout


def with_k3s_stopped(work):
    """Do something while k3s stands still, where it ran; it runs again afterwards."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)  # k3s is started first, then we may end
    ran = subprocess.run(["systemctl", "is-active", "--quiet", UNIT], check=False).returncode == 0
    try:
        if ran:
            answer("systemctl", "stop", UNIT)
        work()
    finally:
        if ran:
            answer("systemctl", "start", UNIT)


def write_snapshot(target, root, about):
    """With embedded etcd: a snapshot, which is gone again when it is packed."""
    folder = target.parent / "snapshot"
    folder.mkdir(mode=0o700)
    answer("k3s", "etcd-snapshot", "save", "--name", SNAPSHOT, "--dir", str(folder))
    taken = sorted(path for path in folder.iterdir() if path.name.startswith(SNAPSHOT))
    if not taken:
        raise SystemExit("k3s etcd-snapshot save: it left no snapshot")
    extra = {SERVER + "/db/snapshots/yolodeploy": taken[-1]}
    write(target, root, (), about, extra)
    for path in taken:
        subprocess.run(
            ["k3s", "etcd-snapshot", "delete", "--dir", str(folder), path.name],
            capture_output=True, timeout=120, check=False,
        )  # fmt: skip
    shutil.rmtree(folder)


def write(target, root, parts, about, extra=None):
    """The archive: first the manifest with every file's digest, then the files."""
    files = {}
    for path in [*(root / SERVER / name for name in (*parts, *KEPT)), root / SETTINGS]:
        for found in [path] if not path.is_dir() else sorted(path.rglob("*")):
            # links that k3s makes itself lead to what is kept
            if found.is_file() and not found.is_symlink() and found.name not in NOT_KEPT:
                files[str(found.relative_to(root))] = found
    files.update(extra or {})
    manifest = {**about, "files": {name: sha256(path) for name, path in files.items()}}
    text = json.dumps(manifest, indent=1).encode()
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as raw:
        with tarfile.open(fileobj=raw, mode="w:gz", compresslevel=1) as archive:
            told = tarfile.TarInfo("manifest.json")
            told.size, told.mode, told.mtime = len(text), 0o600, about["taken_at"]
            archive.addfile(told, io.BytesIO(text))
            for name, path in files.items():
                member = archive.gettarinfo(str(path.resolve()), name)
                with path.open("rb") as content:
                    archive.addfile(member, content)
        raw.flush()
        os.fsync(raw.fileno())


def sha256(path):
    """A file's digest; empty where there is none."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as content:
            for piece in iter(lambda: content.read(1 << 20), b""):
                digest.update(piece)
    except FileNotFoundError:
        return ""
    return digest.hexdigest()


if __name__ == "__main__":
    try:
        sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))) + "\n")
    except OSError as error:
        raise SystemExit(f"{error.filename or 'the disk'}: {error.strerror}") from error
