"""How a site that runs is broken for real: its server, its agent, and the two side by side."""

from __future__ import annotations

from tests.doctor.faults import Fault
from tests.doctor.seen import CONTAINERD, STATE, instead
from tests.gateways.doubles.nvidia.packages import DRIVER, NEWER_DRIVER

CONTAINERD_CONFIG = f"{STATE}/agent/etc/containerd/config.toml"
IMAGES = "k3s ctr -n k8s.io images"
# where the newer packages lie that an upgrade half brought
NEWER = "/root/newer"
# an archive as somebody brought it; once k3s has taken it in, its image is pinned no more, or gone
BRING = (
    f"name=$({IMAGES} ls -q | grep -m1 %s) && {IMAGES} export /root/%s.tar $name && "
    f"mv /root/%s.tar {STATE}/agent/images && timeout 60 sh -c "
    "'until journalctl -u k3s -o cat | grep -q \"Imported.*images/%s.tar\"; do sleep 0.1; done' && "
    f"{IMAGES} %s"
)
GPU_ON_BUS = {"0000:90:00.0/vendor": "0x10de", "0000:90:00.0/class": "0x030200"}
AGENT_NODE = "$(k3s kubectl get nodes --no-headers | grep -v \"^$(hostname) \" | cut -d' ' -f1)"
PRESSED = (
    '{"status": {"conditions": [{"type": "Ready", "status": "Unknown"}, '
    '{"type": "DiskPressure", "status": "True"}]}}'
)


def pod(name: str, spec: str) -> str:
    """A shell's commands that make a pod."""
    return (f"printf '%s\\n' 'apiVersion: v1' 'kind: Pod' 'metadata: {{name: {name}}}' "
            f"'spec: {{{spec}}}' | k3s kubectl apply -f -")  # fmt: skip


# what a healthy site has beside seen.SOUND: a proxy that k3s knows of
PROXY = (
    "echo 'export https_proxy=http://proxy:3128' >/etc/profile.d/proxy.sh; printf '%s\\n' "
    "HTTP_PROXY=http://proxy:3128 NO_PROXY=10.42.0.0/16,10.43.0.0/16,198.18.0.0/15 "
    ">>/etc/systemd/system/k3s.service.env"
)

# k3s takes a folder of etcd for its own database when it starts
NO_DATASTORE = f"rm -r {STATE}/server/db/etcd"
SERVER = (
    Fault("config_mode", "chmod 644 /etc/rancher/k3s/config.yaml", "config.yaml"),
    Fault("containerd_template", f"mkdir -p {STATE}/agent/etc/containerd; "
          f"echo 'version = 2' >{CONTAINERD_CONFIG}.tmpl", "config.toml.tmpl"),
    Fault("datastore", f"mkdir -p {STATE}/server/db/etcd/member/snap; "
          f"truncate -s 2G {STATE}/server/db/etcd/member/snap/db", "2147 MB"),
    Fault("certificates", "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 "
          f"-nodes -subj /CN=x -days 3 -keyout /dev/null -out {STATE}/server/tls/a.crt "
          "2>/dev/null", "ends in 2 days"),
    Fault("images_unpinned", BRING % (*["pause"] * 4, "label $name "
          "io.cri-containerd.pinned=no"), "pause"),
    Fault("images_missing", BRING % (*["busybox"] * 4, "rm $name"), "busybox"),
    Fault("gc_pressure", f"head -c 1000k /dev/zero >{CONTAINERD}/full", "throws images away"),
    Fault("mtu", "ip link set flannel.1 mtu 1500", "flannel.1"),
    Fault("address_dynamic", "ip addr change $(ip -o -4 addr show host0 | awk '{print $4}') "
          "dev host0 valid_lft 3600 preferred_lft 3600", "DHCP"),
    Fault("node_password_file", "rm /etc/rancher/node/password", "has lost"),
    Fault("node_cordoned", "k3s kubectl cordon $(hostname)", ""),
    # the agent's, which is silent and so does not say better
    Fault("node_not_ready", "true", ""),
    Fault("node_pressure", f"k3s kubectl patch node {AGENT_NODE} --subresource=status "
          f"--type=merge -p '{PRESSED}'", ""),
    # a server that the inventory names first, and that is nowhere
    Fault("node_missing", "true", "spare"),
    Fault("api_reach", "true", "No route to host"),
    Fault("backup", "true", "newest, 40"),
    Fault("k3s_version", "true", "v1.36.3"),  # the lock's, where the run is told so
    Fault("pods_pulling", pod("lost", "nodeName: '$(hostname)', containers: [{name: a, image: "
          '"a.invalid/a:1"}]'), "default/lost"),
    Fault("pods_waiting", pod("waits", "containers: [{name: a, image: \"a.invalid/a:1\", "
          'resources: {limits: {nvidia.com/gpu: "64"}}}]'), "default/waits"),
    # its node is silent: nobody says that it has ended
    Fault("pods_ending", pod("stays", f"nodeName: '{AGENT_NODE}', containers: [{{name: a, "
          'image: "a.invalid/a:1"}]') + " && k3s kubectl delete pod stays --wait=false",
          "default/stays"),
    # an upgrade that nobody asked for, and that did not come to its end
    Fault("gpu_mismatch", f"dpkg --force-hold --force-depends -i {NEWER}/libnvidia-ml1_*.deb",
          f"is {DRIVER}, its library {NEWER_DRIVER}"),
    Fault("gpu_unheld", "true", "libnvidia-ml1"),  # which lets go of the hold
    Fault("gpu_toolkit_mixed", "dpkg --force-hold --force-depends -i "
          f"{NEWER}/libnvidia-container1_*.deb", "libnvidia-container1 1.21"),
    # as a person wrote it who wanted no runtimeClassName in any pod
    Fault("gpu_default_runtime", f"sed -i '1i default_runtime_name = \"nvidia\"' "
          f"{CONTAINERD_CONFIG}", "default"),
    Fault("gpu_undetected", f"sed -i 's/runtimes.*nvidia/runtimes.other/' {CONTAINERD_CONFIG}",
          "does not know"),
    Fault("gpu_runtime_class", "k3s kubectl delete runtimeclass nvidia", "nvidia is missing"),
    Fault("gpu_allocatable", "true", " 0 (exclusive)"),  # where the driver does not answer
    Fault("gpu_two_owners", "k3s kubectl create namespace gpu-operator", "gpu-operator"),
)  # fmt: skip
AGENT = (
    Fault("proxy_exceptions", "printf 'HTTP_PROXY=http://proxy:3128\nNO_PROXY=10.42.0.0/16\n' "
          ">>/etc/systemd/system/k3s-agent.service.env", "10.43.0.0/16"),
    # the double says it as containerd does after a power loss; what follows is another start
    Fault("containerd_corrupt", "echo '{\"start_fails\": \"failed to recover state: metadata.db: "
          "invalid database\"}' >/run/k3s-double-faults.json; systemctl restart k3s-agent; "
          "rm /run/k3s-double-faults.json", "failed to recover state"),
    Fault("node_password", "echo another >/etc/rancher/node/password; "
          "systemctl --no-block restart k3s-agent", "rejected"),
    Fault("k3s_stopped", "true", "activating"),
    Fault("k3s_version", "true", "v1.36.3"),
    Fault("api_reach", "true", "No route to host"),
    # a card that somebody put in
    Fault("gpu_driver_missing", instead("/sys/bus/pci/devices", GPU_ON_BUS), "no driver"),
    Fault("gpu_toolkit_missing", "true", "not installed"),
)  # fmt: skip
AMONG_SITE = (
    Fault("node_address", "true", ""),  # the agent's, which DHCP moves
    Fault("servers_even", "true", "2 servers"),  # with the spare one
)
