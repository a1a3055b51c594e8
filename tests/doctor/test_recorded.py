"""Each check on a machine of recorded files that is broken that way, and on one that is healthy.

What a gateway guest can be broken in for real is in test_gateways.py; its kernel, clock and
hardware are this machine's.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from tests.doctor.recorded import (
    ANSWERS,
    CONFIG,
    GET,
    IMAGES,
    KERNEL,
    NODE,
    PAUSE,
    Recorded,
    Row,
    api,
    asked,
    checks,
    compared,
    defaults,
    findings,
    flannel,
    judge,
    links,
    node,
    pod,
    rows_of,
)


class Broken(NamedTuple):
    """How a machine differs from the healthy one, and a word of what is said about it."""

    says: str
    files: Mapping[str, str | None] = MappingProxyType({})
    answers: Mapping[str, str] = MappingProxyType({})
    asked: Mapping[str, Any] = MappingProxyType({})


UNSCHEDULABLE = {"conditions": [{"type": "PodScheduled", "reason": "Unschedulable"}]}
WAITING = {"containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]}
CONFIG_PLAIN = "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.'runc']\n"
KERNEL_LOG, K3S_LOG = "journalctl -kq", "journalctl -qn"
LISTENS = (
    "  sl  local_address rem_address   st\n   0: 00000000:192B 00000000:0000 0A a b c d e 77\n"
)
NOT_K3S: dict[str, str | None] = {
    "/etc/systemd/system/k3s.service": None,
    "/usr/local/bin/k3s": None,
    "/etc/rancher/node/password": None,
    "/var/lib/rancher/k3s/server/db/state.db": None,
    CONFIG: None,
}
APT = (
    'APT::Periodic::Unattended-Upgrade "1";\nUnattended-Upgrade::Package-Blacklist:: "libcuda1";\n'
)

BROKEN: dict[str, Broken] = {
    "arch": Broken("armv7l", answers={"uname -m": "armv7l\n"}),
    "os_old": Broken("20.04", {"/etc/os-release": 'NAME="Ubuntu"\nVERSION_ID="20.04"\n'}),
    "os_unknown": Broken("Arch", {"/etc/os-release": 'NAME="Arch Linux"\n'}),
    "kernel": Broken("5.4.0", {
        "/lib/modules/5.4.0-150-generic/modules.builtin": "kernel/net/bridge/br_netfilter.ko\n"},
        {"uname -r": "5.4.0-150-generic\n"}),
    "cgroup_version": Broken(
        "version 1",
        {
            "/sys/fs/cgroup/cgroup.controllers": None,
            "/proc/cgroups": "#name h n e\ncpuset 1 1 1\ncpu 1 1 1\nmemory 1 1 1\npids 1 1 1\n",
        },
    ),
    "cgroup_controllers": Broken(
        "memory", {"/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io pids\n"}
    ),
    "modules_missing": Broken("br_netfilter", {
        "/proc/modules": "overlay 1 0 - Live 0x0\nvxlan 1 0 - Live 0x0\n"
        "nf_conntrack 1 0 - Live 0x0\nnf_tables 1 0 - Live 0x0\n",
        f"/lib/modules/{KERNEL}/modules.dep": "kernel/fs/overlayfs/overlay.ko:\n",
    }),
    "modules_unloaded": Broken("vxlan", {
        "/proc/modules": "overlay 1 0 - Live 0x0\nbr_netfilter 1 0 - Live 0x0\n"
        "nf_conntrack 1 0 - Live 0x0\nip_tables 1 0 - Live 0x0\n",
    }),
    "memory": Broken("1073 MB", {"/proc/meminfo": "MemTotal:        1048576 kB\n"}),
    "swap": Broken("/var/swap", {"/proc/swaps": "Filename\n/dev/zram0 p\n/var/swap file\n"}),
    "clock": Broken("-6307", asked={"now": time.time() + 63072000}),
    "clock_kept": Broken("nothing keeps", answers={"timedatectl": "no\n"}),
    "host_name": Broken("Gateway_7", asked={"host_name": "Gateway_7"}),
    "oom": Broken("python3", answers={
        KERNEL_LOG: "Out of memory: Killed process 812 (python3) total-vm:1kB\n"}),
    "throttled": Broken("Undervoltage", answers={
        KERNEL_LOG: "hwmon hwmon1: Undervoltage detected!\n"}),
    "restart_wanted": Broken("linux-image", {
        "/run/reboot-required": "", "/run/reboot-required.pkgs": "linux-image-6.12\n"}),
    "disk": Broken("1000000000", asked={"free_mb_kept": {"/": 10**9}}),
    "fsync": Broken("safe write", asked={"fsync_ms": 0.0}),
    "medium": Broken("SD/eMMC", {
        "/proc/self/mounts": "/dev/mmcblk0p2 / ext4 rw 0 0\n",
        "/sys/block/mmcblk0/mmcblk0p2/partition": "2\n"}),
    "disk_faults": Broken("mmc0", answers={
        KERNEL_LOG: "mmc0: Timeout waiting for hardware interrupt.\nmmcblk0: error -110\n"
        "EXT4-fs error (device mmcblk0p2): mmc0\n"}),
    "journal_size": Broken("4100 MB", answers={
        "journalctl --disk-usage": "Archived and active journals take up 4.1G here."}),
    "gc_pressure": Broken("throws images", {
        "/etc/rancher/k3s/config.yaml": "kubelet-arg: [image-gc-high-threshold=0]\n"}),
    "route": Broken("no default route", {"/proc/net/route": "Iface Destination\n"}),
    "port": Broken("6443", {**NOT_K3S, "/proc/net/tcp": LISTENS}, {"ip -j addr": links()}),
    "name_own": Broken(NODE, answers={"getent ahosts": ""}),
    "names": Broken("registry.plant", {
        "/etc/rancher/k3s/registries.yaml": "mirrors:\n  plant:\n    endpoint:\n"
        "    - https://registry.plant:5000\n"}, {"getent ahosts registry.plant": ""}),
    "mtu": Broken("flannel.1", answers={"ip -j addr": links(flannel(1500))}),
    "firewall": Broken("ufw", {"/etc/ufw/ufw.conf": "# x\nENABLED=yes\n"}, {
        "systemctl show -p ActiveState --value ufw": "active\n"}),
    "address_dynamic": Broken("10.20.0.7", answers={
        "ip -j addr": links(address={"dynamic": True})}),
    "proxy": Broken("http://proxy:3128", {
        "/etc/environment": "https_proxy=http://me:secret@proxy:3128\n"}),
    "proxy_exceptions": Broken("10.43.0.0/16", {
        "/etc/systemd/system/k3s.service.env": "HTTPS_PROXY=http://proxy:3128\n"
        "NO_PROXY=127.0.0.0/8,10.20.0.0/16,10.42.0.0/16\n"}),
    "gpu_missing": Broken("profile is nvidia", {
        "/sys/bus/pci/devices/0000:01:00.0/vendor": "0x8086\n"}),
    "gpu_driver_missing": Broken(
        "no driver", {"/sys/module/nvidia/version": None}, {"ldconfig -p": ""}),
    "gpu_driver_unloaded": Broken("580.95.05", {"/sys/module/nvidia/version": None}),
    "gpu_mismatch": Broken("580.82.07", {"/sys/module/nvidia/version": "580.82.07\n"}),
    "gpu_unheld": Broken("libcuda1", answers={"apt-mark showhold": "nvidia-driver\n"}),
    "gpu_toolkit_missing": Broken(
        "not installed", {"/usr/bin/nvidia-container-runtime": None}),
    "gpu_toolkit_mixed": Broken("1.17.8", answers={
        next(key for key in ANSWERS if "nvidia-container" in key):
        "ii  nvidia-container-toolkit 1.20.0-1\nii  libnvidia-container1 1.17.8-1\n"}),
    "gpu_undetected": Broken("does not know", {CONFIG: CONFIG_PLAIN}),
    "gpu_default_runtime": Broken("default", {
        CONFIG: "default_runtime_name = \"nvidia\"\n[x.runtimes.'nvidia']\n"}),
    "unattended": Broken("Automatic-Reboot", answers={
        "apt-config dump": APT + 'Unattended-Upgrade::Automatic-Reboot "true";\n'}),
    "leftover": Broken("/usr/local/bin/k3s", {"/etc/systemd/system/k3s.service": None}),
    "k3s_stopped": Broken("address already in use", answers={
        "systemctl show -p ActiveState --value k3s": "activating\n",
        K3S_LOG: 'level=fatal msg="listen tcp :6443: bind: address already in use"\nstarting\n'}),
    "k3s_version": Broken("v1.34.9", answers={"k3s --version": "k3s version v1.34.9+k3s1 (x)\n"}),
    "containerd_template": Broken("config.toml.tmpl", {
        f"{CONFIG}.tmpl": "version = 2\n[plugins.cri]\n"}),
    "datastore": Broken("0 MB", asked={"datastore_mb": -1}),
    "node_password": Broken("gateway-9", answers={
        K3S_LOG: "level=error msg=\"unable to verify password for node gateway-9: hash does not "
        "match\"\n"}),
    "node_password_file": Broken("node/password", {"/etc/rancher/node/password": None}),
    "containerd_corrupt": Broken("unexpected commit digest", answers={
        K3S_LOG: 'level=error msg="unexpected commit digest sha256:aa, expected sha256:bb"\n'}),
    "images_missing": Broken(PAUSE, answers={"k3s ctr": IMAGES.splitlines()[0] + "\n"}),
    "images_unpinned": Broken(PAUSE, answers={
        "k3s ctr": IMAGES.replace("io.cri-containerd.pinned=pinned", "x=y")}),
    "node_not_ready": Broken(NODE, answers={
        f"{GET} nodes": api(node(condition={"type": "Ready", "status": "Unknown"}))}),
    "node_cordoned": Broken(NODE, answers={
        f"{GET} nodes": api(node(spec={"unschedulable": True}))}),
    "node_missing": Broken("gateway-8", asked={
        "nodes": {NODE: {"profile": "cpu"}, "gateway-8": {"profile": "cpu"}}}),
    "gpu_runtime_class": Broken("nvidia", answers={f"{GET} runtimeclasses": api()}),
    "gpu_allocatable": Broken(f"{NODE} 0", answers={f"{GET} nodes": api(node(gpus="0"))}),
    "gpu_two_owners": Broken("gpu-operator", answers={
        f"{GET} namespaces": api({"metadata": {"name": "gpu-operator"}})}),
    "pods_waiting": Broken("apps/brake-disc-0", answers={
        f"{GET} pods": api(pod(status=UNSCHEDULABLE))}),
    "pods_ending": Broken("apps/brake-disc-0", answers={
        f"{GET} pods": api(pod(metadata={"deletionTimestamp": "2026-11-01T00:00:00Z"}))}),
    "pods_pulling": Broken("apps/brake-disc-0", answers={f"{GET} pods": api(pod(status=WAITING))}),
    "backup": Broken("newest, 30", asked={"backed_up_at": time.time() - 30.5 * 86400}),
}  # fmt: skip
# broken for real on a gateway (test_gateways.py), or in a way of its own below
ELSEWHERE = {
    "sudo", "sudo_tty", "python", "inodes", "read_only", "noexec_tmp", "path_mtu", "api_reach",
    "config_mode", "certificates", "node_pressure",
    "double_name", "double_machine_id", "double_mac", "servers_even", "node_address",
}  # fmt: skip


@pytest.fixture
def machine(tmp_path: Path) -> Callable[..., list[Row]]:
    """Rows of the healthy machine with some changes."""
    return lambda *args, **asked: rows_of(tmp_path, *args, **asked)


def test_a_healthy_machine_is_left_in_peace(
    machine: Callable[..., list[Row]], tmp_path: Path
) -> None:
    """Whoever is warned of nothing stops reading."""
    certificate(tmp_path, days=300)
    rows = machine()
    assert findings(rows) == {}
    unknown = {row["check"]: row["fields"] for row in rows if row["result"] == "unknown"}
    assert unknown == {}, "a check that never answers on a healthy machine"
    assert all(row["says"] == row["remedy"] == "" for row in rows)


@pytest.mark.parametrize("check", BROKEN)
def test_each_fault_is_found_and_nothing_else(
    machine: Callable[..., list[Row]], check: str
) -> None:
    broken = BROKEN[check]
    found = findings(machine(broken.files, broken.answers, **broken.asked))
    assert set(found) == {check}
    assert broken.says in found[check]["says"]
    assert found[check]["remedy"]
    for text in (found[check]["says"], found[check]["remedy"]):
        assert "\n" not in text
        assert "{" not in text, "a field of the text that the check does not give"


def test_every_check_is_broken_somewhere() -> None:
    """One that never finds anything is worse than none: it is believed."""
    assert set(BROKEN) | ELSEWHERE == {row["check"] for row in checks()}
    assert not set(BROKEN) & ELSEWHERE


def test_each_check_is_in_the_table_and_has_a_program() -> None:
    names = [row["check"] for row in checks()]
    assert len(names) == len(set(names))
    side_by_side = {row["check"] for row in checks() if row.get("where") == ["among"]}
    assert set(names) == set(judge.CHECKS) | side_by_side | {"sudo", "sudo_tty", "python"}
    words = {word for row in checks() for word in row.get("where", [])}
    assert words <= {*judge.CONDITIONS, "among"}
    assert set(defaults()["blocking"]) <= set(names)


def certificate(root: Path, days: int) -> None:
    """A server's certificate as openssl makes it, that is not one of an authority."""
    folder = root / "var/lib/rancher/k3s/server/tls"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", "/dev/null", "-subj", "/CN=k3s", "-days", str(days),
         "-out", folder / "serving-kube-apiserver.crt"],
        check=True, capture_output=True,
    )  # fmt: skip


@pytest.mark.parametrize(("days", "left"), [(3, 2), (29, 28), (31, None), (4000, None)])
def test_a_certificate_that_ends_soon_is_told_and_an_authority_is_not(
    machine: Callable[..., list[Row]], tmp_path: Path, days: int, left: int | None
) -> None:
    certificate(tmp_path, days)
    found = findings(machine())
    assert found.get("certificates", {}).get("fields", {}).get("days") == (left and str(left))


def test_a_node_that_is_short_of_disk_is_told(machine: Callable[..., list[Row]]) -> None:
    short = {"type": "DiskPressure", "status": "True"}
    one = node()
    one["status"]["conditions"].append(short)
    assert set(findings(machine({}, {f"{GET} nodes": api(one)}))) == {"node_pressure"}


def test_files_of_the_cluster_that_everybody_reads_are_told(
    machine: Callable[..., list[Row]], tmp_path: Path
) -> None:
    (tmp_path / "etc/rancher/k3s").mkdir(parents=True)
    (tmp_path / "etc/rancher/k3s/k3s.yaml").write_text("token")
    (tmp_path / "etc/rancher/k3s/k3s.yaml").chmod(0o644)
    found = findings(machine())
    assert set(found) == {"config_mode"}
    assert found["config_mode"]["remedy"] == "chmod 600 /etc/rancher/k3s/k3s.yaml"


def identity(**changes: Any) -> dict[str, Any]:
    """What tells one host from another."""
    return {
        "host_name": "a",
        "machine_id": "1",
        "macs": ["m1"],
        "addresses": ["10.0.0.1"],
        **changes,
    }


OTHER = {"host_name": "b", "machine_id": "2", "macs": ["m2"], "addresses": ["10.0.0.2"]}


@pytest.mark.parametrize(
    ("check", "shared"),
    [("double_name", "host_name"), ("double_machine_id", "machine_id"), ("double_mac", "macs")],
)
def test_hosts_that_are_copies_of_each_other_are_told(check: str, shared: str) -> None:
    """Two cards written from one image: the second node takes the first one's place."""
    hosts = {"gw-1": identity(), "gw-2": {**OTHER, shared: identity()[shared]}}
    found = findings(compared(hosts, {}, ["gw-1"]))
    assert set(found) == {check}
    assert found[check]["fields"]["hosts"] == "gw-1, gw-2"
    assert findings(compared({"gw-1": identity(), "gw-2": OTHER}, {}, ["gw-1"])) == {}


def test_a_host_that_lies_about_itself_is_compared_with_nobody() -> None:
    """And keeps nobody else from being compared."""
    lies: list[Any] = [
        {}, [], 7, None, {"macs": {}, "host_name": 1, "machine_id": ["\x1b", None], "addresses": 3},
    ]  # fmt: skip
    hosts = {f"lies-{number}": one for number, one in enumerate(lies)}
    both = {"gw-1": identity(), "gw-2": {**OTHER, "host_name": "a"}}
    found = findings(compared({**hosts, **both}, {"lies-0": ["10.0.0.9"], "x": 3}, ["gw-1"]))
    assert set(found) == {"double_name"}
    assert found["double_name"]["fields"]["hosts"] == "gw-1, gw-2"


@pytest.mark.parametrize(("count", "wrong"), [(1, False), (2, True), (3, False), (4, True)])
def test_servers_that_cannot_outvote_each_other_are_told(count: int, wrong: bool) -> None:
    servers = [f"gw-{number}" for number in range(count)]
    assert ("servers_even" in findings(compared({}, {}, servers))) is wrong


def test_a_node_that_dhcp_has_moved_is_told() -> None:
    hosts = {"gw-1": identity(), "gw-2": OTHER}
    nodes = {"gw-1": ["10.0.0.1"], "gw-2": ["10.0.0.99"], "stranger": ["10.0.0.3"]}
    found = findings(compared(hosts, nodes, ["gw-1"]))
    assert found["node_address"]["fields"]["nodes"] == "gw-2 10.0.0.99"


@pytest.mark.parametrize(
    ("offered", "sharing", "fine"),
    [
        ("1", "exclusive", True),
        ("2", "exclusive", True),
        ("4", "time-slicing:4", True),
        ("8", "mps:4", True),
        ("1", "time-slicing:4", False),
        ("0", "exclusive", False),
        ("3", "mig:1g.10gb", True),
    ],
)
def test_what_a_node_offers_is_held_against_what_it_was_told(
    machine: Callable[..., list[Row]], offered: str, sharing: str, fine: bool
) -> None:
    """A plugin that shows no GPU, or one where there should be four, lets pods wait for ever."""
    nodes = {NODE: {"profile": "nvidia", "sharing": sharing}}
    found = findings(machine({}, {f"{GET} nodes": api(node(gpus=offered))}, nodes=nodes))
    assert ("gpu_allocatable" not in found) is fine


@pytest.mark.parametrize(
    ("table", "row", "there"),
    [
        ("route", "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n", True),
        ("route", "eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n", False),
        ("ipv6_route", f"{'0' * 32} 00 {'0' * 32} 00 {'f' * 32} 1 2 0 00200200       lo\n", False),
        ("ipv6_route", f"{'0' * 32} 00 {'0' * 32} 00 fe80{'0' * 28} 1 2 0 00450003  eth0\n", True),
    ],
    ids=["default", "its own network", "what the kernel refuses", "default by IPv6"],
)
def test_a_default_route_is_told_from_others(
    machine: Callable[..., list[Row]], table: str, row: str, there: bool
) -> None:
    files = {"/proc/net/route": "Iface\n", f"/proc/net/{table}": f"Iface\n{row}"}
    if table == "ipv6_route":
        files[f"/proc/net/{table}"] = row
    assert ("route" not in findings(machine(files))) is there


@pytest.mark.parametrize(("unit", "wrong"), [("k3s.service", False), ("nginx.service", True)])
def test_a_k3s_that_is_still_starting_holds_its_own_port(
    machine: Callable[..., list[Row]], unit: str, wrong: bool
) -> None:
    """A provisioning that was cut off must be gone on with."""
    files = {
        "/proc/net/tcp": LISTENS,
        "/proc/12/fd/3": "-> socket:[77]",
        "/proc/12/cgroup": f"0::/system.slice/{unit}\n",
        "/proc/12/comm": "server\n",
    }
    starting = {"systemctl show -p ActiveState --value k3s": "activating\n"}
    found = findings(machine(files, starting))
    assert ("port" in found) is wrong
    assert not wrong or "server, which is not k3s" in found["port"]["says"]


def test_a_sound_card_of_the_same_maker_is_no_gpu(machine: Callable[..., list[Row]]) -> None:
    files = {"/sys/bus/pci/devices/0000:01:00.0/class": "0x040300\n"}
    rows = {row["check"]: row["result"] for row in machine(files, profile="cpu", gpu_site=False)}
    assert rows["gpu_mismatch"] == rows["gpu_allocatable"] == "not applicable"


def test_a_jetson_has_its_driver_in_its_kernel(machine: Callable[..., list[Row]]) -> None:
    """No PCI bus, no version, no libnvidia-ml: that is how it comes from the factory."""
    files = {
        "/etc/nv_tegra_release": "# R36 (release), REVISION: 4.0\n",
        "/sys/module/nvgpu/initstate": "live\n",
        "/sys/module/nvidia/version": None,
        "/sys/bus/pci/devices/0000:01:00.0/vendor": None,
    }
    found = findings(machine(files, {"ldconfig -p": ""}, profile="jetson"))
    assert set(found) == {"modules_missing"}  # the healthy machine's kernel is no Jetson's
    assert "xt_statistic" in found["modules_missing"]["says"]


def test_checks_of_before_ask_nothing_of_a_cluster(machine: Callable[..., list[Row]]) -> None:
    """The preflight runs again in each `site provision`: it must not wait for an API."""
    made = {row["check"] for row in machine(moment="before")}
    assert made == {row["check"] for row in checks() if row.get("before")} & set(judge.CHECKS)
    assert not made & {"node_not_ready", "gpu_allocatable", "images_missing", "backup"}


def test_measuring_the_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    assert judge.disk.syncs_ms(tmp_path)[0] > 0
    assert list(tmp_path.iterdir()) == []
    assert judge.disk.syncs_ms(tmp_path / "absent") == []


@pytest.mark.parametrize(("slow", "told"), [(1, False), (2, True)])
def test_one_slow_write_of_a_hundred_is_no_slow_disk(
    machine: Callable[..., list[Row]], monkeypatch: pytest.MonkeyPatch, slow: int, told: bool
) -> None:
    """It met a busy moment of the processor; a card that tidies up is slow again and again."""
    took = [0.1] * (100 - slow) + [900.0] * slow
    monkeypatch.setattr(judge.disk, "syncs_ms", lambda _folder: took)
    assert ("fsync" in findings(machine(fsync_ms=50.0))) == told


@pytest.mark.parametrize(("last", "wrong"), [("mmcblk0p2", True), ("nvme0n1p2", False)])
def test_the_disk_is_the_one_that_was_mounted_last(
    machine: Callable[..., list[Row]], last: str, wrong: bool
) -> None:
    """An SSD that was mounted over the card's folder is what is written to, and the other way."""
    [first] = {"mmcblk0p2", "nvme0n1p2"} - {last}
    mounts = "".join(f"/dev/{name} /var/lib ext4 rw 0 0\n" for name in (first, last))
    files = {"/sys/block/mmcblk0/mmcblk0p2/partition": "2\n", "/proc/self/mounts": mounts}
    assert ("medium" in findings(machine(files))) is wrong


def test_a_disk_is_known_by_its_number(machine: Callable[..., list[Row]], tmp_path: Path) -> None:
    """A Raspberry Pi says `/dev/root` where its card is, and LVM a name of its own."""
    number = tmp_path.stat().st_dev
    known = f"/sys/dev/block/{os.major(number)}:{os.minor(number)}"
    card = {
        known: "-> ../../block/dm-0",
        "/sys/block/dm-0/slaves/mmcblk0p2/partition": "2\n",
        "/sys/block/mmcblk0/mmcblk0p2/partition": "2\n",
        "/proc/self/mounts": "/dev/root / ext4 rw 0 0\n",
    }
    found = findings(machine(card))
    assert set(found) == {"medium"}
    assert "mmcblk0," in found["medium"]["says"]


def test_a_machine_that_tells_nothing_is_still_looked_at(tmp_path: Path) -> None:
    """No systemd, no apt, no /proc: what cannot be answered is unknown, and no more."""
    (tmp_path / "var/lib").mkdir(parents=True)
    rows = judge.look(Recorded(tmp_path, asked(host_name=NODE), {}))["rows"]
    assert len(rows) == len(judge.CHECKS)
    failures = [row for row in rows if "Error" in str(row["fields"].get("reason", ""))]
    assert failures == []


HOSTILE = "\x1b[31m{lacking}\n{{ 7 * 7 }} $(reboot) \u202e" + "x" * 500


def test_what_a_machine_says_stays_one_line_and_is_never_a_template(
    machine: Callable[..., list[Row]],
) -> None:
    """Its kernel's log, or a program's name, is anybody's."""
    log = f"Out of memory: Killed process 1 ({HOSTILE})\n"
    row = findings(machine({}, {KERNEL_LOG: log}))["oom"]
    assert "\x1b" not in row["says"] and "\u202e" not in row["says"]
    assert "{lacking}" in row["says"], "it was taken for a field of ours"
    assert len(row["says"]) < 500
