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
    Fault("port", "systemd-run -q --unit=squatter python3 -m http.server 10250", "python3"),
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
    Fault("double_name", f"echo {NAME} >/proc/sys/kernel/hostname; "
          f"echo '127.0.0.1 localhost {NAME}' >/etc/hosts", NAME),
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
    Fault("host_name", "true", NAME),
)  # fmt: skip

STATE = "/var/lib/rancher/k3s"
IMAGES = "k3s ctr -n k8s.io images"
# an archive as somebody brought it; once k3s has taken it in, its image is pinned no more, or gone
BRING = (
    f"name=$({IMAGES} ls -q | grep -m1 %s) && {IMAGES} export /root/%s.tar $name && "
    f"mv /root/%s.tar {STATE}/agent/images && timeout 60 sh -c "
    "'until journalctl -u k3s -o cat | grep -q \"Imported.*images/%s.tar\"; do sleep 0.1; done' && "
    f"{IMAGES} %s"
)

# a site that runs: its server with all of these, its agent with those below
SERVER = (
    Fault("config_mode", "chmod 644 /etc/rancher/k3s/config.yaml", "config.yaml"),
    Fault("containerd_template", f"mkdir -p {STATE}/agent/etc/containerd; "
          f"echo 'version = 2' >{STATE}/agent/etc/containerd/config.toml.tmpl", "config.toml.tmpl"),
    Fault("datastore", f"mkdir -p {STATE}/server/db/etcd/member/snap; "
          f"truncate -s 2G {STATE}/server/db/etcd/member/snap/db", "2147 MB"),
    Fault("certificates", "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 "
          f"-nodes -subj /CN=x -days 3 -keyout /dev/null -out {STATE}/server/tls/a.crt "
          "2>/dev/null", "ends in 2 days"),
    Fault("images_unpinned", BRING % (*["pause"] * 4, "label $name "
          "io.cri-containerd.pinned=no"), "pause"),
    Fault("images_missing", BRING % (*["busybox"] * 4, "rm $name"), "busybox"),
    Fault("mtu", "ip link set flannel.1 mtu 1500", "flannel.1"),
    Fault("address_dynamic", "ip addr change $(ip -o -4 addr show host0 | awk '{print $4}') "
          "dev host0 valid_lft 3600 preferred_lft 3600", "DHCP"),
    Fault("node_cordoned", "k3s kubectl cordon $(hostname)", ""),
    Fault("node_not_ready", "true", ""),
    Fault("backup", "true", "newest, 40"),
    Fault("k3s_version", "true", "v1.36.3"),  # the lock's, where the run is told so
    Fault("pods_pulling", "printf '%s\n' 'apiVersion: v1' 'kind: Pod' 'metadata: {name: lost}' "
          "'spec: {nodeName: '$(hostname)', containers: [{name: a, image: \"a.invalid/a:1\"}]}' "
          "| k3s kubectl apply -f -", "default/lost"),
)  # fmt: skip
AGENT = (
    Fault("proxy_exceptions", "printf 'HTTP_PROXY=http://proxy:3128\nNO_PROXY=10.42.0.0/16\n' "
          ">>/etc/systemd/system/k3s-agent.service.env", "10.43.0.0/16"),
    Fault("node_password", "echo another >/etc/rancher/node/password; "
          "systemctl --no-block restart k3s-agent", "rejected"),
    Fault("k3s_stopped", "true", "activating"),
    Fault("k3s_version", "true", "v1.36.3"),
)  # fmt: skip
