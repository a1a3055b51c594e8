"""How gateways are broken for real: a check, what is done to the gateway, a word of the finding."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """`breaks` is for the gateway's shell, as root."""

    check: str
    breaks: str
    says: str


NAME = "Gate_Way"
REGISTRY = "registry.plant.example"
DEB = """mkdir -p /root/deb/DEBIAN && cd /root && printf '%s\\n' 'Package: nvidia-driver' \
'Version: 580.95.05-1' 'Architecture: all' 'Maintainer: a double' 'Description: a double of it' \
>deb/DEBIAN/control && dpkg-deb -b deb nvidia-driver.deb >/dev/null && dpkg -i nvidia-driver.deb"""
# noise that does not pack, in lines so long that journald counts few of them
JOURNAL = "head -c 40M /dev/urandom | base64 -w 40000 | systemd-cat -t noise; journalctl --sync"

# before anything is installed: one gateway with all of these, the other with those below
FIRST = (
    Fault("disk", "mount -t tmpfs -o size=1m none /srv", "MB are free in /srv"),
    Fault("inodes", "mount -t tmpfs -o nr_inodes=30 none /opt; cd /opt; touch $(seq 40); true",
          "/opt"),
    Fault("leftover", "touch /usr/local/bin/k3s-uninstall.sh", "k3s-uninstall.sh"),
    Fault("read_only", "mount --bind /usr/local/bin /usr/local/bin && "
          "mount -o remount,bind,ro /usr/local/bin", "/usr/local/bin"),
    Fault("noexec_tmp", "mount -o remount,noexec /tmp", "noexec"),
    Fault("route", "ip route del default", "no default route"),
    Fault("port", "systemd-run -q --unit=squatter python3 -m http.server 6443", "python3"),
    Fault("host_name", f"echo {NAME} >/proc/sys/kernel/hostname", NAME),
    Fault("name_own", f"echo '127.0.0.1 localhost {REGISTRY}' >/etc/hosts; "
          "echo nameserver 127.0.0.1 >/etc/resolv.conf", NAME),
    Fault("restart_wanted", "touch /run/reboot-required", "restart"),
    Fault("gpu_unheld", DEB, "nvidia-driver"),
    Fault("unattended", "printf '%s\\n' 'APT::Periodic::Unattended-Upgrade \"1\";' "
          "'Unattended-Upgrade::Automatic-Reboot \"true\";' >/etc/apt/apt.conf.d/99upgrades",
          "Automatic-Reboot"),
    Fault("journal_size", JOURNAL, "MB"),
    Fault("firewall", "printf '[Service]\\nType=oneshot\\nRemainAfterExit=yes\\n"
          "ExecStart=/bin/true\\n' >/etc/systemd/system/ufw.service; systemctl start ufw", "ufw"),
    Fault("os_old", "sed 's/^VERSION_ID=.*/VERSION_ID=\"11\"/' /usr/lib/os-release >/etc/os; "
          "mv /etc/os /etc/os-release", "11 is older"),
)  # fmt: skip
SECOND = (
    Fault("names", "echo nameserver 127.0.0.1 >/etc/resolv.conf", REGISTRY),
    Fault("double_name", f"echo {NAME} >/proc/sys/kernel/hostname; echo '127.0.0.1 localhost {NAME}' >/etc/hosts", NAME),
    # a k3s that somebody began to install
    Fault("leftover", "touch /etc/systemd/system/k3s-agent.service; systemctl daemon-reload",
          "k3s-agent.service without"),
    Fault("k3s_stopped", "true", "inactive"),
    Fault("api_reach", "true", "refused"),
    Fault("proxy", "echo 'export https_proxy=http://me:secret@proxy:3128' >/etc/profile.d/p.sh",
          "http://proxy:3128"),
    Fault("config_mode", "mkdir -p /etc/rancher/k3s; echo token: x >/etc/rancher/k3s/config.yaml",
          "config.yaml"),
    # the first one's interface takes no more, and nobody tells this one so
    Fault("path_mtu", "true", "those of 1400 arrive"),
    Fault("host_name", "true", NAME),
)  # fmt: skip
