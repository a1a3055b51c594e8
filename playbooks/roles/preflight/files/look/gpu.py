"""The NVIDIA GPU of a host: driver, library, packages, and what containerd knows of it."""

import os
import re

from look.host import absent, judged, ok, one_line, unknown
from look.machine import listed

DISPLAY = "0x03"  # PCI class: VGA and 3D controllers
NVIDIA = "0x10de"
JETSON = "/etc/nv_tegra_release"
JETSON_DRIVERS = ("/sys/module/nvgpu", "/sys/module/nvidia")
DRIVER = (
    "nvidia-driver*", "nvidia-kernel*", "nvidia-dkms*", "libnvidia-compute*", "libnvidia-ml1",
    "libcuda1", "nvidia-l4t-*",
)  # fmt: skip
TOOLKIT = ("nvidia-container-toolkit*", "libnvidia-container*")
RUNTIME = (
    "/usr/bin/nvidia-container-runtime",
    "/usr/local/nvidia/toolkit/nvidia-container-runtime",
)
CONTAINERD = "/var/lib/rancher/k3s/agent/etc/containerd/config.toml"


def present(host):
    """Whether an NVIDIA GPU is there: on the bus, or in the chip of a Jetson."""
    for device in host.found("/sys/bus/pci/devices/*"):
        kind = "".join(host.lines(f"{device}/class"))
        if host.lines(f"{device}/vendor") == [NVIDIA] and kind.startswith(DISPLAY):
            return True
    return host.exists(JETSON)


def module(host):
    """The version of the loaded driver; None without one."""
    told = host.lines("/sys/module/nvidia/version")
    return one_line(told[0].strip()) if told else None


def library(host):
    """The version in the file name that libnvidia-ml.so.1 leads to."""
    for line in (host.answer("ldconfig", "-p") or "").splitlines():
        if line.strip().startswith("libnvidia-ml.so.1 "):
            target = os.path.realpath(host.path(line.rpartition("=> ")[2]))
            return one_line(target.rpartition(".so.")[2]) or None
    return None


def beside(host):
    """The driver that is installed, loaded or not; a Jetson's kernel always has one."""
    return "L4T" if host.exists(JETSON) else library(host)


def gpu_missing(host):
    """Whether the GPU is there that was promised; one that got too hot falls off the bus."""
    if host.asked.get("profile", "cpu") == "cpu":
        return absent()
    return judged(not present(host), profile=host.asked["profile"])


def loaded(host):
    """The driver that is loaded; a Jetson's is part of its kernel, and has no version."""
    if host.exists(JETSON) and any(map(host.exists, JETSON_DRIVERS)):
        return "L4T"
    return module(host)


def gpu_driver_missing(host):
    """Whether a driver is installed; a Jetson's comes with its kernel."""
    if not present(host):
        return absent()
    lacks = loaded(host) is None and beside(host) is None
    return judged(lacks, driver=loaded(host) or beside(host) or "")


def gpu_driver_unloaded(host):
    """Whether the driver that is installed is loaded."""
    there = beside(host)
    return judged(loaded(host) is None and there is not None, driver=there or "")


def gpu_mismatch(host):
    """Whether the loaded module and the library are of one version."""
    running, there = module(host), library(host)
    if running is None or there is None:
        return unknown()
    return judged(running != there, module=running, library=there)


def installed(host, patterns):
    """Debian packages that are installed: name to version; None where there is no dpkg."""
    form = "${db:Status-Abbrev} ${Package} ${Version}\n"
    # it fails where one of the patterns fits nothing, and tells the others all the same
    told = host.answer("sh", "-c", 'dpkg-query -W -f "$0" "$@" 2>&1; true', form, *patterns)
    rows = [line.split() for line in (told or "").splitlines() if line[:2] in ("ii", "hi")]
    return {one_line(row[1]): one_line(row[2]) for row in rows if len(row) > 2}


def held(host):
    """Packages that upgrades leave alone."""
    return set((host.answer("apt-mark", "showhold") or "").split())


def gpu_unheld(host):
    """Whether an upgrade may change the driver under the loaded module."""
    found = installed(host, DRIVER)
    if not found:
        return absent()
    loose = sorted(set(found) - held(host))
    return judged(loose, packages=" ".join(loose))


def gpu_toolkit_missing(host):
    """Whether containers can be given the GPU at all."""
    return judged(not any(map(host.exists, RUNTIME)), wanted=RUNTIME[0])


def gpu_toolkit_mixed(host):
    """Whether the packages of the toolkit are of one version."""
    found = installed(host, TOOLKIT)
    if not found:
        return absent()
    wrong = len(set(found.values())) > 1
    return judged(wrong, packages=listed(f"{name} {version}" for name, version in found.items()))


def gpu_undetected(host):
    """Whether k3s saw NVIDIA's runtime; it looks for it when it starts, and never again."""
    config = host.text(CONTAINERD)
    if config is None:
        return unknown()
    if not any(map(host.exists, RUNTIME)):
        return absent()
    return judged(not re.search(r"runtimes\.['\"]?nvidia['\"]?\]", config))


def gpu_default_runtime(host):
    """Whether every pod sees every GPU, asked for or not."""
    config = host.text(CONTAINERD)
    if config is None:
        return unknown()
    return judged(re.search(r"default_runtime_name\s*=\s*['\"]nvidia", config))


def unattended(host):
    """Whether upgrades by themselves may restart this machine, or change driver or kernel."""
    told = host.answer("apt-config", "dump")
    if told is None:
        return unknown()
    value = dict(re.findall(r'^(\S+) "(.*)";$', told, re.MULTILINE))
    if value.get("APT::Periodic::Unattended-Upgrade", "0") == "0":
        return ok(packages="")
    kept = re.findall(r'^Unattended-Upgrade::Package-Blacklist:: "(.*)";$', told, re.MULTILINE)
    kernels = installed(host, ("linux-image-*",)) if present(host) else {}
    touched = set(
        installed(host, (*DRIVER, "k3s")),
    ) | set(kernels)
    loose = sorted(one for one in touched - held(host) if not any(matches(p, one) for p in kept))
    if value.get("Unattended-Upgrade::Automatic-Reboot", "false").lower() in ("true", "1", "yes"):
        loose.append("Automatic-Reboot")
    return judged(loose, packages=listed(loose))


def matches(pattern, name):
    """Whether a pattern of unattended-upgrades takes a package; a broken one takes none."""
    try:
        return re.match(pattern, name) is not None
    except re.error:
        return False


CHECKS = {
    "gpu_missing": gpu_missing,
    "gpu_driver_missing": gpu_driver_missing,
    "gpu_driver_unloaded": gpu_driver_unloaded,
    "gpu_mismatch": gpu_mismatch,
    "gpu_unheld": gpu_unheld,
    "gpu_toolkit_missing": gpu_toolkit_missing,
    "gpu_toolkit_mixed": gpu_toolkit_mixed,
    "gpu_undetected": gpu_undetected,
    "gpu_default_runtime": gpu_default_runtime,
    "unattended": unattended,
}
