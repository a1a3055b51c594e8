"""Look at this machine's NVIDIA driver and print what was found, as JSON.

Runs on the gateway (`python3 - < driver.py`) with nothing but Python's own library (3.8 or newer).
It reads only; what the answers mean is judged in ../tasks/main.yml.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

DISPLAY = "0x03"  # PCI class: VGA and 3D controllers
NVIDIA = "0x10de"
# what belongs to a driver; the container toolkit is held by its own role
PACKAGES = ("nvidia-*", "libnvidia-*", "libcuda1", "xserver-xorg-video-nvidia*", "linux-*nvidia*")
TOOLKIT = ("nvidia-container-", "libnvidia-container")
FORM = "${db:Status-Abbrev} ${Package}\n"


def text(path):
    """The file's first line; nothing where it cannot be read."""
    try:
        return Path(path).read_text(errors="replace").partition("\n")[0].strip("\0 ")
    except OSError:
        return ""


def answer(*command):
    """Exit status and output of a program; 127 where it is missing."""
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=60,
            check=False,
        )
    except OSError:
        return 127, ""
    except subprocess.TimeoutExpired:
        return 124, "it did not answer within 60 s"
    return done.returncode, done.stdout


def present():
    """Whether the PCI bus has a GPU of NVIDIA's."""
    devices = Path("/sys/bus/pci/devices").glob("*")
    return any(
        text(device / "vendor") == NVIDIA and text(device / "class").startswith(DISPLAY)
        for device in devices
    )


def library():
    """The version in the file name that libnvidia-ml.so.1 leads to."""
    for program in ("ldconfig", "/sbin/ldconfig"):
        for line in answer(program, "-p")[1].splitlines():
            if line.strip().startswith("libnvidia-ml.so.1 "):
                return os.path.realpath(line.rpartition("=> ")[2]).rpartition(".so.")[2]
    return ""


def packages():
    """The installed packages of a driver, and those of them that an upgrade may change."""
    told = answer("dpkg-query", "--show", "--showformat", FORM, *PACKAGES)[1].splitlines()
    found = sorted(
        line.split()[1]
        for line in told
        if line[1:2] == "i" and not line.split()[1].startswith(TOOLKIT)
    )
    held = answer("apt-mark", "showhold")[1].split()
    return {"installed": found, "unheld": [name for name in found if name not in held]}


def main():
    """All of it, as one dictionary."""
    status, said = answer("nvidia-smi", "-L")
    return {
        "present": present(),
        "board": text("/proc/device-tree/model"),
        "l4t": text("/etc/nv_tegra_release"),
        "module": text("/sys/module/nvidia/version"),
        "tegra_module": any(Path("/sys/module", name).exists() for name in ("nvgpu", "nvidia")),
        "library": library(),
        "packages": packages(),
        "smi": {"status": status, "said": said.splitlines()[:64]},
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main()) + "\n")
