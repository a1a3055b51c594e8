"""How gateways are broken for real: a check, what is done to the gateway, a word of the finding.

What is this machine's (kernel, memory, hardware, a disk's speed) is laid over, see seen.py; a fault
whose `breaks` is `true` comes with another one, or with the inventory of the run that looks.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.doctor.seen import LIBRARY, instead, kernel_says, modules, over


class Fault(NamedTuple):
    """`breaks` is for the gateway's shell, as root."""

    check: str
    breaks: str
    says: str


def broken(faults: tuple[Fault, ...]) -> str:
    """One script of all of them, which names the one that could not be made."""
    return "\n".join(
        f"(\n{fault.breaks}\n) || {{ echo {fault.check} >&2; exit 1; }}" for fault in faults
    )


NAME = "Gate_Way"
REGISTRY = "registry.plant.example"
DEB = """mkdir -p /root/deb/DEBIAN && cd /root && printf '%s\\n' 'Package: nvidia-driver' \
'Version: 580.95.05-1' 'Architecture: all' 'Maintainer: a double' 'Description: a double of it' \
>deb/DEBIAN/control && dpkg-deb -b deb nvidia-driver.deb >/dev/null && dpkg -i nvidia-driver.deb"""
# noise that does not pack, in lines so long that journald counts few of them
JOURNAL = "head -c 40M /dev/urandom | base64 -w 40000 | systemd-cat -t noise; journalctl --sync"

UFW = (
    "printf '[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=/bin/true\\n' "
    ">/etc/systemd/system/ufw.service; mkdir -p /etc/ufw; echo ENABLED=%s >/etc/ufw/ufw.conf; "
    "systemctl start ufw"
)
MAC = "52:54:00:00:00:07"
# a second card of one address; the kernel of guests makes none that lead out of the machine
CARD = (
    f"ip link add card0 type veth peer name card0-end && ip link set card0 address {MAC} && "
    + instead("/sys/class/net", {"card0/device": "a card"})
)
CONTROLLERS = "#name hierarchy num enabled\n" + "".join(
    f"{name} 1 1 {int(name != 'memory')}\n" for name in ("cpuset", "cpu", "memory", "pids")
)

# before anything is installed: one gateway with all of these, of which an NVIDIA GPU was promised
FIRST = (
    Fault("arch", "true", "i686"),  # what sshd was started by: seen.OLD_AND_32_BIT
    Fault("kernel", "true", "kernel 2.6"),
    # the disk under /var/lib is a card; it keeps what is written in memory
    Fault("medium", instead("/sys/block", {"mmcblk0/mmcblk0p2/partition": "2"}) +
          " && mkdir -p /run/card/upper /run/card/spare && mount -t overlay /dev/mmcblk0p2 -o "
          "lowerdir=/var/lib,upperdir=/run/card/upper,workdir=/run/card/spare /var/lib", "SD/eMMC"),
    # an environment that sudo takes over too
    Fault("fsync", f"printf '%s\\n' LD_PRELOAD={LIBRARY} DOUBLE_STALL_MS=500 >>/etc/environment; "
          "echo 'Defaults env_file=/etc/environment' >/etc/sudoers.d/disk", "takes 50"),
    Fault("clock_kept", "true", "nothing keeps"),  # seen.LOST_US, to systemd-timedated
    # cgroups as of old, and without memory, as a Raspberry Pi's kernel leaves it
    Fault("cgroup_version", instead("/sys/fs/cgroup", {}), "version 1"),
    Fault("cgroup_controllers", over("/proc/cgroups", CONTROLLERS), "memory"),
    # of the modules one is only on the shelf, and one is nowhere
    Fault("modules_missing", instead("/sys/module", {}) + " && " + over("/proc/modules", ""),
          "no modules vxlan"),
    Fault("modules_unloaded", modules("br_netfilter", "nf_conntrack", "ip_tables",
          loadable=("overlay",)), "overlay"),
    Fault("memory", over("/proc/meminfo", "MemTotal:        1048576 kB\n"), "1073 MB"),
    Fault("swap", over("/proc/swaps", "Filename\n/dev/zram0 p\n/dev/mmcblk0p3 partition\n"),
          "/dev/mmcblk0p3"),
    Fault("gpu_missing", instead("/sys/bus/pci/devices", {"0000:00:02.0/vendor": "0x8086"}),
          "profile is nvidia"),
    Fault("disk", "mount -t tmpfs -o size=1m none /srv", "MB are free in /srv"),
    Fault("inodes", "mount -t tmpfs -o nr_inodes=30 none /opt; cd /opt; touch $(seq 40); true",
          "/opt"),
    Fault("leftover", "touch /usr/local/bin/k3s-uninstall.sh", "k3s-uninstall.sh"),
    Fault("read_only", "mount --bind /usr/local/bin /usr/local/bin && "
          "mount -o remount,bind,ro /usr/local/bin", "/usr/local/bin"),
    Fault("noexec_tmp", "mount -o remount,noexec /tmp", "noexec"),
    Fault("route", "ip route del default", "no default route"),
    Fault("port", "systemd-run -q --unit=squatter python3 -m http.server 10250", "python3"),
    Fault("host_name", "true", NAME),  # the name that it shares with the second one
    Fault("name_own", f"echo '127.0.0.1 localhost {REGISTRY}' >/etc/hosts; "
          "echo nameserver 127.0.0.1 >/etc/resolv.conf", NAME),
    Fault("restart_wanted", "touch /run/reboot-required", "restart"),
    Fault("gpu_unheld", DEB, "nvidia-driver"),
    Fault("unattended", "printf '%s\\n' 'APT::Periodic::Unattended-Upgrade \"1\";' "
          "'Unattended-Upgrade::Automatic-Reboot \"true\";' >/etc/apt/apt.conf.d/99upgrades",
          "Automatic-Reboot"),
    Fault("journal_size", JOURNAL, "MB"),
    Fault("firewall", UFW % "yes", "ufw"),
    Fault("os_old", "sed 's/^VERSION_ID=.*/VERSION_ID=\"11\"/' /usr/lib/os-release >/etc/os; "
          "mv /etc/os /etc/os-release", "11 is older"),
    Fault("oom", kernel_says("Out of memory: Killed process 812 (python3) total-vm:1kB",
                             "mmc0: Timeout waiting for hardware interrupt.",
                             "hwmon hwmon1: Undervoltage detected!"), "(python3)"),
    Fault("disk_faults", "true", "mmc0"),
    Fault("throttled", "true", "Undervoltage"),
)  # fmt: skip
# a Jetson, whose kernel has none of the filters for packets that its makers left out
SECOND = (
    # its ufw is as Ubuntu brings it
    Fault("os_unknown", UFW % "no" + "; "
          "echo 'NAME=\"Arch Linux\"' >/etc/os; mv /etc/os /etc/os-release", "Arch"),
    Fault("modules_missing", instead("/sys/module", {}), "xt_statistic"),
    Fault("gpu_driver_unloaded", "echo '# R36 (release), REVISION: 4.0' >/etc/nv_tegra_release",
          "L4T"),
    Fault("gpu_toolkit_missing", "true", "not installed"),
    Fault("clock", "true", "+3456"),  # 400 days, to libfaketime
    Fault("names", "echo nameserver 127.0.0.1 >/etc/resolv.conf", REGISTRY),
    # a k3s that somebody began to install
    Fault("leftover", "touch /etc/systemd/system/k3s-agent.service; systemctl daemon-reload",
          "k3s-agent.service without"),
    Fault("k3s_stopped", "true", "inactive"),
    Fault("api_reach", "true", "refused"),
    Fault("proxy", "echo 'export https_proxy=http://me:h1dden@proxy:3128' >/etc/profile.d/p.sh",
          "http://proxy:3128"),
    Fault("config_mode", "mkdir -p /etc/rancher/k3s; echo token: x >/etc/rancher/k3s/config.yaml",
          "config.yaml"),
    # the first one's interface takes no more, and nobody tells this one so
    Fault("path_mtu", "true", "those of 1400 arrive"),
    Fault("host_name", f"echo '127.0.0.1 localhost {NAME}' >/etc/hosts", NAME),
)  # fmt: skip
# the two side by side: what is done to both of them
AMONG_BARE = (
    Fault("double_name", f"echo {NAME} >/proc/sys/kernel/hostname", NAME.lower()),
    Fault("double_mac", CARD, MAC),
    Fault("double_machine_id", "true", "copies of one card"),  # the second one gets the first one's
)
# people who log in to the second one: the check that keeps each out, and a word of it
PEOPLE = {
    "wants-password": Fault("sudo", "true", "password"),
    "wants-tty": Fault("sudo_tty", "true", "tty"),
    "may-not": Fault("sudo", "rm /etc/sudoers.d/max", ""),
}
NO_PYTHON = Fault("python", "mv /usr/bin/python3 /usr/bin/python3.away", "no python3")
