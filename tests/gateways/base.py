"""The file system that all gateways share: Debian with sshd, sudo and containerd."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

SUITE = "bookworm"  # trixie works as well
# openssl and zstd are for the double of k3s, which brings both in its own binary; libfaketime for
# clocks that are wrong
PACKAGES = (
    "systemd-sysv,dbus,openssh-server,sudo,iproute2,iptables,procps,kmod,ca-certificates,"
    "containerd,runc,python3,openssl,zstd,libfaketime"
)
NEEDED = ("mmdebstrap", "systemd-nspawn", "ip", "tc", "ssh", "ssh-keygen")

# guests see cgroup v1 read-only; without this, containers fail in them
_UNIT = """[Unit]
DefaultDependencies=no
Before=sysinit.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'mount -o remount,rw /sys/fs/cgroup; for d in /sys/fs/cgroup/*; do \
mount -o remount,bind,rw,nosuid,nodev,noexec $d; done; true'
"""


def base(suite: str = SUITE) -> Path:
    """The folder with `root` and the key `id` that opens it; built once (40 s), then kept.

    It lies in the folder for temporary files, which CI has for itself.
    """
    if os.geteuid() != 0:
        pytest.skip("gateways need root")
    lacking = [tool for tool in NEEDED if shutil.which(tool) is None]
    if lacking:
        pytest.skip(f"not installed: {', '.join(lacking)}")
    key = hashlib.sha256(f"{suite} {PACKAGES} {_UNIT}".encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"yolodeploy-gateway-{key}"
    folder.mkdir(mode=0o755, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "built").exists():
            shutil.rmtree(folder / "root", ignore_errors=True)
            (folder / "id").unlink(missing_ok=True)
            _build(folder, suite)
            (folder / "built").touch()
    return folder


def _build(folder: Path, suite: str) -> None:
    root = folder / "root"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "id"], check=True)
    ended = subprocess.run(
        [
            "mmdebstrap", "-q", "--variant=minbase", f"--include={PACKAGES}",
            "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/doc/*",
            "--dpkgopt=path-exclude=/usr/share/locale/*", "--dpkgopt=force-unsafe-io",
            '--aptopt=Acquire::Languages "none"', suite, root, f"deb {_mirror()} {suite} main",
        ],
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
    keys = root / "root/.ssh"
    keys.mkdir(mode=0o700, exist_ok=True)
    shutil.copy(folder / "id.pub", keys / "authorized_keys")
    (root / "etc/machine-id").write_text("")
    (root / "etc/systemd/system/cgroup-rw.service").write_text(_UNIT)
    wants = root / "etc/systemd/system/sysinit.target.wants"
    wants.mkdir(exist_ok=True)
    (wants / "cgroup-rw.service").symlink_to("../cgroup-rw.service")
    masked = root / "etc/systemd/system/systemd-modules-load.service"
    masked.symlink_to("/dev/null")


def _mirror() -> str:
    words = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return next(line for line in told.splitlines() if "security" not in line)
