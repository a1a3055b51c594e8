"""One systemd-nspawn guest: its disk, and the power that it has or has not."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

from tests.gateways.network import Network

_ENTER = 'for place in $1; do echo $$ >"$place"; done; shift; exec "$@"'
_CGROUPS = Path("/sys/fs/cgroup")
_LEGACY = {
    "SYSTEMD_SECCOMP": "0", "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "1",
    "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE": "1",
}  # fmt: skip
_WANTS_REBOOT = 133


class Machine:
    """Its disk is `folder`: a layer on the shared base, and /var/lib as a copy."""

    def __init__(self, shared: Path, folder: Path, place: Network, number: int) -> None:
        self.folder = folder / str(number)
        self.name = f"{place.name}-{number}"
        self.root = self.folder / "root"
        self.process: subprocess.Popen[bytes] | None = None
        for name in ("upper", "overlay", "root"):
            (self.folder / name).mkdir(parents=True)
        # overlay does not go on overlay, and whoever keeps container images does so below /var/lib
        subprocess.run(["cp", "-a", shared / "var/lib", self.folder / "lib"], check=True)
        layers = f"lowerdir={shared},upperdir={self.folder}/upper,workdir={self.folder}/overlay"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, self.root], check=True)
        self._make_itself()

    def _make_itself(self) -> None:
        (self.root / "etc/hostname").write_text(self.name)
        # sudo asks for it
        (self.root / "etc/hosts").write_text(f"127.0.0.1 localhost {self.name}\n")
        # containers that do not hear SIGTERM would hold a reboot up for 90 s
        short = self.root / "etc/systemd/system.conf.d/short.conf"
        short.parent.mkdir(exist_ok=True)
        short.write_text("[Manager]\nDefaultTimeoutStopSec=10s\n")
        # at midnight Debian copies dpkg's database, some time in the day apt takes its lock
        for timer in (self.root / "usr/lib/systemd/system").glob("*.timer"):
            (self.root / "etc/systemd/system" / timer.name).symlink_to("/dev/null")
        for key in (self.root / "etc/ssh").glob("ssh_host_*"):
            key.unlink()
        key = self.root / "etc/ssh/ssh_host_ed25519_key"
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", self.name, "-f", key]
        subprocess.run(words, check=True)

    @property
    def host_key(self) -> str:
        """As in `known_hosts`, without the address."""
        text = (self.root / "etc/ssh/ssh_host_ed25519_key.pub").read_text()
        return " ".join(text.split()[:2])

    @property
    def console(self) -> str:
        """What it printed."""
        return (self.folder / "console").read_text(errors="replace")

    @property
    def on(self) -> bool:
        """Whether it has power."""
        return self.process is not None and self.process.poll() is None

    def power_on(self) -> None:
        """Start it, with the disk as it is. When it reboots by itself it starts again."""
        with (self.folder / "console").open("ab") as console:
            process = subprocess.Popen(
                [
                    "/bin/sh", "-c", _ENTER, "sh", " ".join(_cgroups(self.name)),
                    "systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit",
                    f"--machine={self.name}", "-D", self.root, "--capability=all",
                    f"--bind={self.folder}/lib:/var/lib",
                    f"--network-namespace-path=/run/netns/{self.name}", "--console=pipe",
                    "systemd.unified_cgroup_hierarchy=0", "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1",
                ],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                env={**os.environ, **_LEGACY}, start_new_session=True,
            )  # fmt: skip
        self.process = process
        threading.Thread(target=self._again, args=(process,), daemon=True).start()

    def _again(self, process: subprocess.Popen[bytes]) -> None:
        if process.wait() == _WANTS_REBOOT and self.process is process:
            self.power_on()

    def power_off(self) -> None:
        """As when the plug is pulled. SIGKILL to nspawn itself would leave the guest running."""
        process, self.process = self.process, None
        if process is None:
            return
        for children in Path(f"/proc/{process.pid}/task").glob("*/children"):
            for pid in children.read_text().split():
                os.kill(int(pid), signal.SIGKILL)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def scrap(self) -> None:
        """Power, mount, cgroups and disk away."""
        self.power_off()
        _leave_cgroups(self.name)
        subprocess.run(["umount", "-l", self.root], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


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
                _rmdir(inner)
            _rmdir(folder)
        if not left:
            return
        time.sleep(0.1)


def _rmdir(folder: Path) -> None:
    subprocess.run(["rmdir", folder], check=False, capture_output=True)
