"""Look at this machine and print what was found, as JSON.

Runs on the gateway (`python3 - '{"ports": …}' < look.py`) with nothing but Python's own library
(3.8 or newer). It writes nothing that has a name: the disk is measured with a nameless file.
Answers that this machine cannot give are null; what they mean is judged in ../vars/main.yml.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SYNCS = 100
SYNC_LIMIT_S = 5.0  # a card that stalls is found out by then
LISTENING = "0A"
DISPLAY = "0x03"  # PCI class: VGA and 3D controllers
NVIDIA = "0x10de"


def main(asked):
    """All that is asked about, as one dictionary."""
    root = Path(asked.get("root", "/"))
    free = {folder: free_mb(folder) for folder in asked["free_mb"]}
    return {
        "arch": platform.machine(),
        "kernel": platform.release(),
        "system": system(root),
        "cgroups": cgroups(root),
        "default_route": default_route(root),
        "clock": clock(asked["now"]),
        "free_mb": free,
        "short_of_space": [name for name, least in asked["free_mb"].items() if free[name] < least],
        "memory_mb": memory_mb(root),
        "swap": swap(root),
        "fsync_ms": fsync_ms(asked["fsync_folder"]),
        "taken_ports": [port for port in asked["ports"] if port in listening(root)],
        "k3s_runs": answer("systemctl", "is-active", "k3s", "k3s-agent").count("\nactive") > 0,
        "gpu": gpu(root),
        "unheld": unheld(),
    }


def lines(path):
    """A file's lines; none where it cannot be read."""
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []


def answer(*command):
    """What a program prints, after a line break; nothing where it is missing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "\n" + done.stdout


def system(root):
    """Name and version as os-release tells them."""
    pairs = [line.partition("=") for line in lines(root / "etc/os-release")]
    told = {key: text.strip("\"'") for key, _, text in pairs}
    return {
        "id": told.get("ID", ""),
        "name": told.get("NAME", "").split(" ")[0],
        "version": told.get("VERSION_ID", ""),
    }


def cgroups(root):
    """The version, and which controllers there are of those that the kubelet needs."""
    unified = root / "sys/fs/cgroup/cgroup.controllers"
    if unified.exists():
        found = " ".join(lines(unified)).split()
        version = 2
    else:
        table = [line.split() for line in lines(root / "proc/cgroups")]
        found = [row[0] for row in table if len(row) == 4 and row[3] == "1"]
        version = 1
    missing = [name for name in ("cpu", "cpuset", "memory", "pids") if name not in found]
    return {"version": version, "missing": missing}


def default_route(root):
    """Whether there is a default route, IPv4 or IPv6."""
    for row in (line.split() for line in lines(root / "proc/net/route")):
        if len(row) > 7 and row[1] == row[7] == "00000000":
            return True
    for row in (line.split() for line in lines(root / "proc/net/ipv6_route")):
        if len(row) > 9 and row[0] == "0" * 32 and row[1] == "00" and row[9] != "lo":
            return True
    return False


def clock(now):
    """The time here, what it is ahead of the asker's, and whether something keeps it right."""
    here = time.time()
    told = answer("timedatectl", "show", "--property=NTPSynchronized", "--value").strip()
    kept = {"yes": True, "no": False}.get(told)
    return {"epoch": int(here), "ahead_s": round(here - now), "kept": kept}


def free_mb(folder):
    """What is free for anybody, at the folder or at the nearest one above that exists."""
    path = Path(folder)
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free // 1_000_000


def memory_mb(root):
    """All of the memory."""
    for line in lines(root / "proc/meminfo"):
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024 // 1_000_000
    return None


def swap(root):
    """Where it swaps to, except into compressed memory."""
    named = [line.split()[0] for line in lines(root / "proc/swaps")[1:]]
    return [name for name in named if "zram" not in name]


def fsync_ms(folder):
    """Median and slowest hundredth of 4 kB writes made safe; null where none can be made."""
    took = []
    end = time.monotonic() + SYNC_LIMIT_S
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            while len(took) < SYNCS and time.monotonic() < end:
                begun = time.perf_counter()
                file.write(b"\xa5" * 4096)
                os.fsync(file.fileno())
                took.append((time.perf_counter() - begun) * 1000)
    except OSError:
        return None
    took.sort()
    worst = took[min(len(took) - 1, len(took) * 99 // 100)]
    return {"median": round(took[len(took) // 2], 2), "p99": round(worst, 2)}


def listening(root):
    """The TCP ports that somebody listens on."""
    rows = [
        line.split() for table in ("tcp", "tcp6") for line in lines(root / "proc/net" / table)[1:]
    ]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == LISTENING}


def gpu(root):
    """Whether an NVIDIA GPU is there, and the driver's version as module and as library."""
    devices = (root / "sys/bus/pci/devices").glob("*")
    loaded = lines(root / "sys/module/nvidia/version")
    return {
        "present": any(
            lines(device / "vendor") == [NVIDIA]
            and "".join(lines(device / "class")).startswith(DISPLAY)
            for device in devices
        ),
        "module": loaded[0].strip() if loaded else None,
        "library": library(answer("ldconfig", "-p") or answer("/sbin/ldconfig", "-p"), root),
    }


def library(cache, root):
    """The version in the file name that libnvidia-ml.so.1 leads to."""
    for line in cache.splitlines():
        if line.strip().startswith("libnvidia-ml.so.1 "):
            found = line.rpartition("=> ")[2]
            # `/` joined with an absolute path is that path, so a root of ours is put before it
            target = os.path.realpath(str(root) + found if str(root) != "/" else found)
            return target.rpartition(".so.")[2] or None
    return None


def unheld():
    """Packages of an NVIDIA driver that the next upgrade may change under a running module."""
    form = "${db:Status-Abbrev} ${Package}\n"
    patterns = (
        "nvidia-driver*",
        "nvidia-kernel*",
        "nvidia-dkms*",
        "libnvidia-compute*",
        "libcuda1",
    )
    told = answer("dpkg-query", "--show", "--showformat", form, *patterns).splitlines()
    installed = [line.split()[1] for line in told if line.startswith("ii")]
    held = answer("apt-mark", "showhold").split()
    return sorted(set(installed) - set(held))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))) + "\n")
