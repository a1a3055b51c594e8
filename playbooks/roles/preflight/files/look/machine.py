"""Processor, system, kernel, memory and clock."""

import re
import socket
import time

from look.host import absent, finding, judged, last_match, ok, one_line, unknown

CONTROLLERS = ("cpu", "cpuset", "memory", "pids")
# what k3s and its network need; each with a file that is there once it works, built in or loaded
MODULES = {
    "overlay": "/sys/module/overlay",
    "br_netfilter": "/proc/sys/net/bridge/bridge-nf-call-iptables",
    "nf_conntrack": "/proc/sys/net/netfilter/nf_conntrack_max",
    "ip_tables|nf_tables": "/proc/net/ip_tables_names",
    "vxlan": "/sys/module/vxlan",
}
# Jetson's kernels come without some of these, and kube-proxy's rules then fail one by one
JETSON_MODULES = ("xt_comment", "xt_conntrack", "xt_multiport", "xt_nat", "xt_statistic", "ip_set")
TIME_SERVICES = ("chrony", "chronyd", "ntpsec", "ntp", "systemd-timesyncd")
NODE_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
OOM = re.compile(r"Out of memory: Killed process|oom-kill:|Memory cgroup out of memory")
SLOWED = re.compile(
    r"[Uu]nder-?voltage detected|soctherm.*(OC ALARM|throttl)|cpu clock throttled"
    r"|temperature above threshold|thermal.*critical temperature",
)


def arch(host):
    """Whether images are built for this processor."""
    here = host.asked.get("machine") or machine(host)
    return judged(here not in host.asked["arches"], arch=here, wanted=listed(host.asked["arches"]))


def machine(host):
    """The processor's kind, as the kernel names it."""
    return (host.answer("uname", "-m") or "").strip()


def release(host):
    """The kernel's release."""
    return (host.answer("uname", "-r") or "").strip()


def system(host):
    """The system's name and version, as os-release tells them."""
    pairs = [line.partition("=") for line in host.lines("/etc/os-release")]
    told = {key: text.strip("\"'") for key, _, text in pairs}
    return told.get("NAME", "").split(" ")[0], told.get("VERSION_ID", "")


def os_old(host):
    """Whether the system is one that is maintained."""
    name, version = system(host)
    least = host.asked["systems"].get(name)
    if least is None or not version:
        return absent(system=name, version=version)
    return judged(numbers(version) < numbers(least), system=name, version=version, least=least)


def os_unknown(host):
    """Whether the system is one that was tried."""
    name, version = system(host)
    tried = host.asked["systems"]
    return judged(name not in tried, system=name, version=version, tried=listed(tried))


def kernel(host):
    """Whether the kernel is new enough."""
    here, least = release(host), host.asked["kernel"]
    return judged(numbers(here) < numbers(least), kernel=here, least=least) if here else unknown()


def numbers(version):
    """The numbers that a version begins with: `5.10.0-35-amd64` is (5, 10, 0)."""
    return tuple(map(int, re.findall(r"\d+", re.match(r"v?[\d.]*", version).group())))


def cgroup_version(host):
    """Whether cgroups are of the version that the kubelet wants."""
    version = 2 if host.exists("/sys/fs/cgroup/cgroup.controllers") else 1
    return judged(version == 1, version=version)


def cgroup_controllers(host):
    """Whether the kernel has the controllers that the kubelet needs."""
    if host.exists("/sys/fs/cgroup/cgroup.controllers"):
        found = " ".join(host.lines("/sys/fs/cgroup/cgroup.controllers")).split()
    else:
        table = [line.split() for line in host.lines("/proc/cgroups")]
        found = [row[0] for row in table if len(row) == 4 and row[3] == "1"]
    if not found:
        return unknown()
    missing = [name for name in CONTROLLERS if name not in found]
    return judged(missing, missing=listed(missing))


def modules(host):
    """The kernel's modules that are wanted: which lack, and which only need to be loaded."""
    folder = f"/lib/modules/{release(host)}"
    shelf = host.lines(f"{folder}/modules.dep") + host.lines(f"{folder}/modules.builtin")
    there = {re.sub(r".*/|\.ko.*", "", line.split(":")[0]).replace("-", "_") for line in shelf}
    built = {re.sub(r".*/|\.ko.*", "", n) for n in host.lines(f"{folder}/modules.builtin")}
    built = {name.replace("-", "_") for name in built}
    loaded = {line.split()[0] for line in host.lines("/proc/modules")}
    wanted = dict(MODULES)
    if host.asked.get("profile") == "jetson":
        wanted.update((name, f"/sys/module/{name}") for name in JETSON_MODULES)
    lacking, unloaded = [], []
    for names, sign in wanted.items():
        choice = names.split("|")
        if host.exists(sign) or any(n in loaded | built for n in choice):
            continue
        (unloaded if any(n in there for n in choice) else lacking).append(choice[0])
    return lacking, unloaded, bool(shelf)


def modules_missing(host):
    """Whether the kernel can do what k3s's network and containers need."""
    lacking, _, told = modules(host)
    if not told:  # a container's kernel is somebody else's
        return unknown(modules=listed(lacking)) if lacking else ok(modules="")
    return judged(lacking, modules=listed(lacking))


def modules_unloaded(host):
    """Whether modules are loaded that are loaded at nobody's request on some kernels."""
    _, unloaded, told = modules(host)
    return judged(unloaded, modules=" ".join(unloaded)) if told else unknown()


def memory(host):
    """Whether there is enough memory."""
    for line in host.lines("/proc/meminfo"):
        if line.startswith("MemTotal:"):
            mb, least = int(line.split()[1]) * 1024 // 1_000_000, host.asked["memory_mb"]
            return judged(mb < least, mb=mb, least=least)
    return unknown()


def swap(host):
    """Whether it swaps, except into compressed memory."""
    rows = [line.split()[0] for line in host.lines("/proc/swaps")[1:]]
    places = [name for name in rows if "zram" not in name]
    return judged(places, places=listed(places))


def clock(host):
    """Whether the clock shows what the asker's shows, and a time that can be."""
    here, ahead = int(time.time()), round(time.time() - host.asked["now"])
    wrong = here < host.asked["clock_earliest"] or abs(ahead) > host.asked["clock_skew_s"]
    shown = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(here))
    return judged(wrong, shown=shown, ahead_s=f"{ahead:+d}")


def clock_kept(host):
    """Whether something keeps the clock right."""
    told = host.answer("timedatectl", "show", "--property=NTPSynchronized", "--value")
    there = [n for n in TIME_SERVICES if host.exists(f"/lib/systemd/system/{n}.service")]
    result = {"yes": ok, "no": finding}.get((told or "").strip(), unknown)
    return result(service=there[0] if there else "")._replace(mendable=bool(there))


def host_name(host):
    """Whether the host's name can be that of a node."""
    name = own_name(host)
    wrong = not NODE_NAME.fullmatch(name.lower()) or name in ("localhost", "localhost.localdomain")
    return judged(wrong, name=name)


def own_name(host):
    """What it calls itself."""
    return host.asked.get("host_name") or socket.gethostname()


def oom(host):
    """Whether the kernel had to kill something for lack of memory."""
    return said(host.kernel_log(), OOM)


def throttled(host):
    """Whether heat or a weak supply slowed the processor down."""
    return said(host.kernel_log(), SLOWED)


def said(log, pattern):
    """A finding with the newest line that a pattern is found in."""
    line = last_match(log, pattern)
    return ok() if line is None else finding(line=one_line(line))


def restart_wanted(host):
    """Whether an upgrade waits for a restart, and would surprise somebody at the next one."""
    packages = host.lines("/run/reboot-required.pkgs")
    return judged(host.exists("/run/reboot-required"), packages=listed(sorted(set(packages))))


def listed(words):
    """Words as people read them."""
    return ", ".join(one_line(word) for word in words)


CHECKS = {
    "arch": arch,
    "os_old": os_old,
    "os_unknown": os_unknown,
    "kernel": kernel,
    "cgroup_version": cgroup_version,
    "cgroup_controllers": cgroup_controllers,
    "modules_missing": modules_missing,
    "modules_unloaded": modules_unloaded,
    "memory": memory,
    "swap": swap,
    "clock": clock,
    "clock_kept": clock_kept,
    "host_name": host_name,
    "oom": oom,
    "throttled": throttled,
    "restart_wanted": restart_wanted,
}
