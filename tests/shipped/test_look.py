"""What the preflight sees of a machine, on trees of files as such machines have them."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest


@pytest.fixture
def look(playbooks: Path) -> SimpleNamespace:
    # not imported: that would leave bytecode in a folder that ships
    path = playbooks / "roles" / "preflight" / "files" / "look.py"
    return SimpleNamespace(**runpy.run_path(str(path)))


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_module_that_an_upgrade_left_behind_its_library_is_seen(
    look: SimpleNamespace, tmp_path: Path
) -> None:
    device = "sys/bus/pci/devices/0000:01:00.0"
    write(tmp_path, f"{device}/vendor", "0x10de\n")
    write(tmp_path, f"{device}/class", "0x030200\n")
    write(tmp_path, "sys/module/nvidia/version", "580.95.05\n")
    write(tmp_path, "usr/lib/libnvidia-ml.so.580.105.08", "")
    (tmp_path / "usr/lib/libnvidia-ml.so.1").symlink_to("libnvidia-ml.so.580.105.08")
    cache = "\tlibnvidia-ml.so.1 (libc6,x86-64) => /usr/lib/libnvidia-ml.so.1\n"
    assert look.gpu(tmp_path)["present"] is True
    assert look.gpu(tmp_path)["module"] == "580.95.05"
    assert look.library(cache, tmp_path) == "580.105.08"


def test_a_sound_card_of_the_same_maker_is_no_gpu(look: SimpleNamespace, tmp_path: Path) -> None:
    write(tmp_path, "sys/bus/pci/devices/0000:01:00.1/vendor", "0x10de\n")
    write(tmp_path, "sys/bus/pci/devices/0000:01:00.1/class", "0x040300\n")
    assert look.gpu(tmp_path) == {"present": False, "module": None, "library": None}


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
    look: SimpleNamespace, tmp_path: Path, table: str, row: str, there: bool
) -> None:
    write(tmp_path, f"proc/net/{table}", "Iface\tDestination\n" + row if table == "route" else row)
    assert look.default_route(tmp_path) is there


def test_a_raspberry_pi_without_the_memory_controller_is_seen(
    look: SimpleNamespace, tmp_path: Path
) -> None:
    write(tmp_path, "sys/fs/cgroup/cgroup.controllers", "cpuset cpu io pids\n")
    assert look.cgroups(tmp_path) == {"version": 2, "missing": ["memory"]}


def test_swap_into_compressed_memory_is_no_swap(look: SimpleNamespace, tmp_path: Path) -> None:
    head = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
    write(tmp_path, "proc/swaps", head + "/dev/zram0 partition 1 0 5\n/var/swap file 1 0 -2\n")
    assert look.swap(tmp_path) == ["/var/swap"]


def test_measuring_the_disk_leaves_nothing_behind(look: SimpleNamespace, tmp_path: Path) -> None:
    took = look.fsync_ms(tmp_path)
    assert 0 < took["median"] <= took["p99"]
    assert list(tmp_path.iterdir()) == []
    assert look.fsync_ms(tmp_path / "absent") is None


def test_a_folder_that_is_not_there_yet_is_on_the_disk_above(
    look: SimpleNamespace, tmp_path: Path
) -> None:
    assert look.free_mb(str(tmp_path / "rancher" / "k3s")) > 0


def test_a_machine_that_tells_nothing_is_still_looked_at(
    look: SimpleNamespace, tmp_path: Path
) -> None:
    """No systemd, no apt, no /proc: a check that cannot be answered finds nothing, none breaks."""
    asked = {
        "root": str(tmp_path), "now": 0, "free_mb": {}, "fsync_folder": str(tmp_path), "ports": [1],
    }  # fmt: skip
    seen = look.main(asked)
    assert (seen["memory_mb"], seen["swap"], seen["taken_ports"]) == (None, [], [])
