"""Gateways that run: systemd-nspawn guests on a shared base, each with a disk of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.gateways.base import base
from tests.gateways.network import Network, network

START_S = 90.0
_ENTER = 'for place in $1; do echo $$ >"$place"; done; shift; exec "$@"'
_CGROUPS = Path("/sys/fs/cgroup")
_LEGACY = {
    "SYSTEMD_SECCOMP": "0", "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "1",
    "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE": "1",
}  # fmt: skip


class Gateway:
    """One that runs. `key` opens it as root; `cut` and the like are its network's."""

    def __init__(self, number: int, place: Network, key: Path) -> None:
        self.number = number
        self.network = place
        self.key = key
        self.address = f"{place.prefix}.{10 + number}"
        self.root = f"root@{self.address}"

    def __call__(self, command: str, *, fails: bool = False) -> str:
        """What a command prints."""
        ended = subprocess.run(
            ["ssh", "-i", self.key, "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null",
             "-oLogLevel=ERROR", "-oConnectTimeout=2", "-oBatchMode=yes", self.root, command],
            capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert fails or ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    def answers(self) -> bool:
        """Whether somebody can log in and containerd runs."""
        return self("test -S /run/containerd/containerd.sock && echo yes", fails=True) == "yes"


@contextmanager
def gateways(count: int) -> Iterator[list[Gateway]]:
    """Some that run, in seconds."""
    shared = base()
    # on the machine's own disk: overlay does not go on top of overlay
    folder = Path(tempfile.mkdtemp(prefix="yolodeploy-gateways-", dir="/var/tmp"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        place = stack.enter_context(network())
        found = []
        for number in range(1, count + 1):
            process = stack.enter_context(_host(shared / "root", folder, place, number))
            found.append((Gateway(number, place, shared / "id"), process))
        for gateway, process in found:
            _wait(gateway, process, folder / f"{gateway.number}/console")
        yield [gateway for gateway, _ in found]


def _wait(gateway: Gateway, process: subprocess.Popen[bytes], console: Path) -> None:
    deadline = time.monotonic() + START_S
    while not gateway.answers():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.skip(f"a gateway does not start here: {console.read_text()[-500:]}")
        time.sleep(0.05)


@contextmanager
def _host(
    shared: Path, folder: Path, place: Network, number: int
) -> Iterator[subprocess.Popen[bytes]]:
    mine = folder / str(number)
    for name in ("upper", "overlay", "root"):
        (mine / name).mkdir(parents=True)
    # overlay does not go on overlay, and containers want some: all stores of images lie in /var/lib
    subprocess.run(["cp", "-a", shared / "var/lib", mine / "lib"], check=True)
    name = f"{place.name}-{number}"
    layers = f"lowerdir={shared},upperdir={mine}/upper,workdir={mine}/overlay"
    with ExitStack() as stack:
        subprocess.run(
            ["mount", "-t", "overlay", "overlay", "-o", layers, mine / "root"], check=True
        )
        stack.callback(_quietly, "umount", "-l", str(mine / "root"))
        (mine / "root/etc/hostname").write_text(name)
        (mine / "root/etc/hosts").write_text(f"127.0.0.1 localhost {name}\n")  # sudo asks for it
        _own_key(mine / "root/etc/ssh")
        place.add(number)
        stack.callback(_quietly, "ip", "netns", "del", name)
        stack.callback(_leave_cgroups, name)
        with (mine / "console").open("wb") as console:
            process = subprocess.Popen(
                [
                    "/bin/sh", "-c", _ENTER, "sh", " ".join(_cgroups(name)),
                    "systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit",
                    f"--machine={name}", "-D", mine / "root", "--capability=all",
                    f"--bind={mine}/lib:/var/lib",
                    f"--network-namespace-path=/run/netns/{name}", "--console=pipe",
                    "systemd.unified_cgroup_hierarchy=0", "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1",
                ],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                env={**os.environ, **_LEGACY}, start_new_session=True,
            )  # fmt: skip
        stack.callback(_power_off, process)
        yield process


def _own_key(folder: Path) -> None:
    """A host key that no other has: devices are told apart by it."""
    for path in folder.glob("ssh_host_*"):
        path.unlink()
    key = folder / "ssh_host_ed25519_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)


def _power_off(process: subprocess.Popen[bytes]) -> None:
    """As when the plug is pulled. SIGKILL to nspawn itself would leave the guest running."""
    for children in Path(f"/proc/{process.pid}/task").glob("*/children"):
        for pid in children.read_text().split():
            os.kill(int(pid), signal.SIGKILL)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _hierarchies() -> list[Path]:
    """Those of cgroup v1; where there is v2 alone systemd-nspawn sees to it."""
    if (_CGROUPS / "cgroup.controllers").exists():
        return []
    return [one for one in _CGROUPS.iterdir() if (one / "cgroup.procs").exists()]


def _cgroups(name: str) -> list[str]:
    """Each guest has a cgroup of its own in each hierarchy, or all of them collide in one."""
    places = []
    for hierarchy in _hierarchies():
        mine = hierarchy / "yolodeploy-gateways" / name
        mine.mkdir(parents=True, exist_ok=True)
        for file in ("cpuset.cpus", "cpuset.mems"):
            if (hierarchy / file).exists():
                for folder in (mine.parent, mine):
                    (folder / file).write_text((hierarchy / file).read_text())
        places.append(str(mine / "cgroup.procs"))
    return places


def _leave_cgroups(name: str) -> None:
    for _ in range(40):
        left = [h / "yolodeploy-gateways" / name for h in _hierarchies()]
        left = [folder for folder in left if folder.exists()]
        for folder in left:
            for inner in sorted(folder.rglob("*/"), reverse=True):
                _quietly("rmdir", str(inner))
            _quietly("rmdir", str(folder))
        if not left:
            return
        time.sleep(0.1)


def _quietly(*words: str) -> None:
    subprocess.run(words, check=False, capture_output=True)
