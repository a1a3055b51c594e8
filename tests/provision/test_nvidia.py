"""NVIDIA on a gateway: driver, toolkit, sharing and proof, with doubles of NVIDIA's packages.

One gateway for the file, which is a site of its own from the middle on. Each test makes what it
needs where an earlier one has not made it, and minds none of the earlier ones.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.running import Answer
from tests.gateways.doubles.nvidia import packages
from tests.gateways.doubles.nvidia.parts import nvidia_parts
from tests.gateways.doubles.parts import parts
from tests.gateways.hosts import Gateway, gateways
from tests.provision.ansible import PLAYBOOKS, Inventory, Played, play
from tests.provision.conftest import kubectl, of_parts
from yolodeploy.cli.main import main
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.devices import list_devices
from yolodeploy.ops.home import Home

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
A100 = {
    "product": "NVIDIA A100-SXM4-80GB",
    "memory_mb": 81920,
    "mig": [["1g.10gb", 19, 7, 9728], ["3g.40gb", 9, 2, 40192]],
}
PACKAGES = [*packages.DRIVER_PACKAGES, *packages.TOOLKIT_PACKAGES]

Run = Callable[..., Played]
Command = Callable[..., Answer]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Parts for a site with GPUs."""
    return nvidia_parts(parts(tmp_path_factory.mktemp("nvidia")))


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    """It has a GPU on its bus, and no driver."""
    with gateways(1) as [one]:
        one.put("/etc/nvidia-double/gpus.json", json.dumps({"gpus": [A100]}))
        yield one


@pytest.fixture(scope="module")
def run(gateway: Gateway, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """`run("site.yml", …)`, or `run(["nvidia_driver"], …)` for roles alone."""
    place = tmp_path_factory.mktemp("ansible")
    inventory = Inventory(place, [gateway])
    common = {
        **of_parts(folder),
        "node_profile": "nvidia",
        "preflight_blocking": [],
        "nvidia_driver_install": ["nvidia-driver"],
    }

    def played(what: str | list[str], *args: str, **variables: Any) -> Played:
        book: str | Path = what if isinstance(what, str) else place / "roles.yml"
        if isinstance(what, list):
            shared = str(PLAYBOOKS / "group_vars/all.yml")
            plays = [{"hosts": "all", "gather_facts": False, "become": True, "roles": what,
                      "vars_files": [shared]}]  # fmt: skip
            (place / "roles.yml").write_text(yaml.safe_dump(plays))
        return play(book, inventory, *args, **{**common, **variables})

    return played


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command line of yolodeploy in this process."""

    def one(*arguments: str) -> Answer:
        capsys.readouterr()
        code = main(arguments)
        return Answer(code, *capsys.readouterr())

    return one


BOTH = ["nvidia_driver", "nvidia_toolkit"]


@pytest.fixture
def driven(gateway: Gateway, run: Run) -> None:
    """The gateway has driver and toolkit."""
    if gateway("command -v nvidia-ctk nvidia-smi | wc -l", fails=True) != "2":
        put_gpu_on_bus(gateway)
        run(BOTH).well()


@pytest.fixture
def site(gateway: Gateway, run: Run) -> None:
    """The gateway is a site."""
    if gateway("systemctl is-active k3s", fails=True) != "active":
        put_gpu_on_bus(gateway)
        run("site.yml").well()


def install(gateway: Gateway, folder: Path, *names: str) -> None:
    """By hand, as an upgrade that nobody asked for does it."""
    gateway("rm -rf /root/debs; mkdir /root/debs")
    for name in names:
        path = next(folder.glob(f"{name}_*.deb"))
        subprocess.run(
            ["scp", "-q", "-i", gateway.key, "-oStrictHostKeyChecking=no",
             "-oUserKnownHostsFile=/dev/null", path, f"{gateway.root}:/root/debs/"],
            check=True,
        )  # fmt: skip
    gateway("dpkg --force-hold -i /root/debs/*.deb")


def put_gpu_on_bus(gateway: Gateway) -> None:
    """What the driver's double does when it is loaded, for a gateway without one."""
    if "0000:90:00.0" in gateway("ls /sys/bus/pci/devices"):
        return
    device = "/run/nvidia-double/pci/0000:90:00.0"
    gateway(f"mkdir -p {device} && echo 0x10de >{device}/vendor && echo 0x030200 >{device}/class")
    layers = "lowerdir=/run/nvidia-double/pci:/sys/bus/pci/devices"
    gateway(f"mount -t overlay overlay -o {layers} /sys/bus/pci/devices")


def holds(gateway: Gateway) -> set[str]:
    return set(gateway("apt-mark showhold").split())


def test_a_gateway_without_a_driver_is_told_what_to_do(gateway: Gateway, run: Run) -> None:
    """A driver that comes without being asked for may be the wrong one for the kernel."""
    nothing = run(["nvidia_driver"], nvidia_driver_install=[])
    assert "no NVIDIA GPU on the PCI bus" in nothing.output
    put_gpu_on_bus(gateway)
    bare = run(["nvidia_driver"], nvidia_driver_install=[])
    assert "no driver -> apt-get install nvidia-driver && reboot" in bare.output
    assert (bare.code, bare.total("changed")) == (2, 0)


def test_driver_and_toolkit_come_from_the_parts_and_stay(gateway: Gateway, run: Run) -> None:
    """With no network; and the next upgrade breaks neither."""
    put_gpu_on_bus(gateway)
    before = gateway("dpkg -l | wc -l; ls /etc/apt/apt.conf.d")
    check = run(BOTH, "--check").well()
    assert check.total("changed") > 0
    assert gateway("dpkg -l | wc -l; ls /etc/apt/apt.conf.d") == before, "--check wrote"
    run(BOTH).well()
    assert holds(gateway) == set(PACKAGES)
    assert "52yolodeploy-nvidia" in gateway("ls /etc/apt/apt.conf.d")
    again = run(BOTH).well()
    assert again.total("changed") == 0, again.output
    assert "runtime configure" not in gateway("cat /run/nvidia-double/asked", fails=True)


def test_only_the_pinned_toolkit_is_installed(
    gateway: Gateway, run: Run, driven: None, folder: Path, tmp_path: Path
) -> None:
    lock = yaml.safe_load((folder / "lock.yml").read_text())
    toolkit = lock["nvidia_container_toolkit"]
    empty = {**toolkit, "sha256": dict.fromkeys(toolkit["sha256"], "")}
    three = {**toolkit, "sha256": dict(list(toolkit["sha256"].items())[1:])}
    newer = shutil.copytree(folder, tmp_path / "newer", ignore=shutil.ignore_patterns("k3s*"))
    digests = packages.toolkit(newer / "nvidia", packages.NEWER_TOOLKIT)
    pinned = {"version": packages.NEWER_TOOLKIT, "sha256": digests}
    wrong = {**pinned, "sha256": dict.fromkeys(digests, "0" * 64)}
    for entry, told in (
        ({"version": "", "sha256": {}}, "does not pin all four packages"),
        (three, "does not pin all four packages"),
        (wrong, "has the checksum"),
    ):
        refused = run(["nvidia_toolkit"], site_parts=str(newer),
                      site_lock={**lock, "nvidia_container_toolkit": entry})  # fmt: skip
        assert refused.code == 2, refused.output
        assert told in refused.output
    installed = "dpkg-query -W -f '${Version}\n' " + " ".join(packages.TOOLKIT_PACKAGES)
    assert set(gateway(installed).split()) == {packages.TOOLKIT}
    refused = run(["nvidia_toolkit"], site_lock={**lock, "nvidia_container_toolkit": empty})
    assert "has no checksum for" in refused.output
    moved = {"site_parts": str(newer), "site_lock": {**lock, "nvidia_container_toolkit": pinned}}
    run(["nvidia_toolkit"], **moved).well()
    assert set(gateway(installed).split()) == {packages.NEWER_TOOLKIT}
    run(["nvidia_toolkit"]).well()
    assert set(gateway(installed).split()) == {packages.TOOLKIT}, "a pin holds downwards too"
    assert set(packages.TOOLKIT_PACKAGES) <= holds(gateway)


def test_the_toolkit_comes_from_a_signed_repository(
    gateway: Gateway,
    run: Run,
    driven: None,
    folder: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """Where there is a network: signed by the key that was named, and in the pinned version."""
    if shutil.which("gpg") is None:
        pytest.skip("not installed: gnupg")
    place = tmp_path / "repository"
    # short: its agent listens at a socket there, whose path has 108 bytes at most
    home = Path(tempfile.mkdtemp(prefix="ydgpg-", dir="/tmp"))
    request.addfinalizer(lambda: shutil.rmtree(home, ignore_errors=True))
    packages.toolkit(place, packages.NEWER_TOOLKIT)
    packages.repository(shutil.copytree(folder / "nvidia", place, dirs_exist_ok=True))
    gpg = ["gpg", "--homedir", home, "--batch", "--quiet", "--yes", "--pinentry-mode", "loopback",
           "--passphrase", ""]  # fmt: skip
    subprocess.run([*gpg, "--quick-gen-key", "double@example", "rsa2048", "sign"], check=True)
    subprocess.run([*gpg, "--clearsign", "-o", place / "InRelease", place / "Release"], check=True)
    subprocess.run([*gpg, "--armor", "-o", tmp_path / "key.asc", "--export"], check=True)
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "gpg-agent"], check=False)
    packed = subprocess.run(["tar", "-C", place, "-c", "."], check=True, capture_output=True).stdout
    subprocess.run(
        ["ssh", "-i", gateway.key, "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null",
         gateway.root, "mkdir -p /srv/apt && tar -C /srv/apt -x"],
        input=packed, check=True, capture_output=True,
    )  # fmt: skip
    gateway("dpkg --force-hold --purge " + " ".join(packages.TOOLKIT_PACKAGES))
    gateway("rm -rf /var/lib/yolodeploy/parts/nvidia; mkdir -p /etc/apt/keyrings")
    online = {"site_parts": "", "nvidia_toolkit_repository": "file:/srv/apt ./",
              "nvidia_toolkit_repository_key": str(tmp_path / "key.asc")}  # fmt: skip
    run(["nvidia_toolkit"], **online).well()
    installed = gateway("dpkg-query -W -f '${Version}\n' nvidia-container-toolkit-base")
    assert installed == packages.TOOLKIT, "the newer one was there as well"
    again = run(["nvidia_toolkit"], **online).well()
    assert again.total("changed") == 0, again.output
    gateway("rm /etc/apt/sources.list.d/yolodeploy-nvidia.list /etc/apt/preferences.d/*nvidia")


def test_a_driver_that_was_upgraded_under_its_module_is_found_out(
    gateway: Gateway, run: Run, driven: None, tmp_path: Path
) -> None:
    """No new container can use the GPU; only a restart mends it, and only who may decides on it."""
    packages.driver(tmp_path, packages.NEWER_DRIVER)
    install(gateway, tmp_path, *packages.DRIVER_PACKAGES)
    found = run(["nvidia_driver"])
    assert found.code == 2
    told = f"module is {packages.DRIVER}, its library {packages.NEWER_DRIVER}"
    assert told in found.output
    assert "-> reboot" in found.output
    assert gateway("test -e /run/nvidia-double/module/nvidia/version && echo on") == "on"
    run(["nvidia_driver"], nvidia_driver_reboot=True).well()
    assert gateway("cat /sys/module/nvidia/version") == packages.NEWER_DRIVER


def shared(gateway: Gateway) -> tuple[str, str]:
    """The label that names the configuration, and how many shares the node gives."""
    node = json.loads(kubectl(gateway, f"get node {gateway.machine.name} -o json"))
    labels = node["metadata"]["labels"]
    assert not node["spec"].get("unschedulable"), "the node takes no pods any more"
    assert "yolodeploy.io/cordoned-by" not in node["metadata"].get("annotations", {})
    return labels["nvidia.com/device-plugin.config"], node["status"]["allocatable"][
        "nvidia.com/gpu"
    ]


def test_a_site_serves_its_gpu_and_has_proved_it(gateway: Gateway, run: Run) -> None:
    put_gpu_on_bus(gateway)
    first = run("site.yml").well()
    proofs = re.findall(r'"kind": "(\w+)",\s+"node": [^,]+,\s+"proved": (\w+)', first.output)
    assert sorted(proofs) == [("cpu", "true"), ("cuda", "true")]
    assert shared(gateway) == ("exclusive", "1")
    told = kubectl(gateway, f"get node {gateway.machine.name} -o json")
    labels = json.loads(told)["metadata"]["labels"]
    assert labels["nvidia.com/gpu.product"] == "NVIDIA-A100-SXM4-80GB"
    assert labels["nvidia.com/gpu.memory"] == "81920"
    again = run("site.yml").well()
    assert again.total("changed") == 0, again.output


def test_k3s_is_started_anew_when_it_looked_too_early(
    gateway: Gateway, run: Run, site: None
) -> None:
    """It looks for runtimes only when it starts; else the plugin shows no GPU, for ever."""
    since = "systemctl show --property=ActiveEnterTimestampMonotonic k3s"
    before = gateway(since)
    gateway("dpkg --force-hold --purge " + " ".join(packages.TOOLKIT_PACKAGES))
    run(["nvidia_toolkit"]).well()
    started = gateway(since)
    assert started != before
    assert "nvidia-container-runtime" in gateway(
        "cat /var/lib/rancher/k3s/agent/etc/containerd/config.toml"
    )
    assert run(["nvidia_toolkit"]).well().total("changed") == 0
    assert gateway(since) == started


APP = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "brake-disc", "namespace": "default"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app.kubernetes.io/name": "brake-disc"}},
        "template": {
            "metadata": {
                "labels": {"app.kubernetes.io/name": "brake-disc"},
                "annotations": {"yolodeploy.io/vram-mb": "3000"},
            },
            "spec": {
                "runtimeClassName": "nvidia",
                "terminationGracePeriodSeconds": 1,
                "containers": [
                    {
                        "name": "server",
                        "command": ["nvidia-device-plugin"],
                        "resources": {"limits": {"nvidia.com/gpu": 1}},
                    }
                ],
            },
        },
    },
}


@pytest.fixture
def app(gateway: Gateway, run: Run, folder: Path, site: None) -> Iterator[None]:
    """An app that has the GPU, which nobody shares."""
    if shared(gateway) != ("exclusive", "1"):  # another test may have left it so
        run("share-gpu.yml", share_gpu={gateway.machine.name: "exclusive"}).well()
    lock = yaml.safe_load((folder / "lock.yml").read_text())
    one = json.loads(json.dumps(APP))
    one["spec"]["template"]["spec"]["containers"][0]["image"] = lock["images"]["device_plugin"]
    gateway("k3s kubectl apply -f -", given=json.dumps(one))
    gateway("k3s kubectl wait deployment/brake-disc --for=condition=Available --timeout=300s")
    yield
    gateway("k3s kubectl delete deployment brake-disc --ignore-not-found")


def test_sharing_is_switched_while_nobody_uses_the_gpu(
    gateway: Gateway, run: Run, app: None
) -> None:
    """And the app is back afterwards, on a node that takes pods."""
    name = gateway.machine.name
    pod = kubectl(gateway, "get pods -o name")
    dry = run("share-gpu.yml", "--check", share_gpu={name: "time-slicing:4"}).well()
    assert "would switch from exclusive to time-slicing-4, and end 1 pods" in dry.output
    assert (kubectl(gateway, "get pods -o name"), shared(gateway)) == (pod, ("exclusive", "1"))
    run("share-gpu.yml", share_gpu={name: "time-slicing:4"}).well()
    assert shared(gateway) == ("time-slicing-4", "4")
    assert kubectl(gateway, "get pods -o name") != pod
    gateway("k3s kubectl wait deployment/brake-disc --for=condition=Available --timeout=300s")
    again = run("share-gpu.yml", share_gpu={name: "time-slicing:4"}).well()
    assert again.total("changed") == 0, again.output


def test_a_program_that_does_not_run_ends_the_switch_and_the_cordon(
    gateway: Gateway, run: Run, site: None, folder: Path
) -> None:
    """The proof is one because it can fail: another sum, and a pod that exits with 1."""
    name = gateway.machine.name
    other = "exclusive" if shared(gateway)[0] != "exclusive" else "time-slicing:2"
    lock = yaml.safe_load((folder / "lock.yml").read_text())
    images = {image: {**lock, "images": {**lock["images"], "proof_cuda": digest}}
              for image, digest in lock["other_proofs"].items()}  # fmt: skip
    failed = run("share-gpu.yml", share_gpu={name: other}, site_lock=images["failing"])
    assert failed.code == 2
    assert "GPU not proved: its pod failed: Error" in failed.output
    assert shared(gateway)[0] == other.replace(":", "-"), "and it takes pods"
    wrong = run(["proof"], site_lock=images["wrong"])
    assert wrong.code == 2
    assert "verification failed" in wrong.output


def test_a_proof_fails_where_no_pod_can_see_the_gpu(gateway: Gateway, run: Run, site: None) -> None:
    """Plugin gone, runtime class gone, driver broken: each with its own line."""
    kubectl(gateway, "delete daemonset -n nvidia-device-plugin nvidia-device-plugin")
    wait = 'k3s kubectl get node -o json | grep -c \'"nvidia.com/gpu": "0"\''
    gateway(f"for _ in $(seq 60); do [ $({wait}) -ge 1 ] && break; sleep 0.5; done")
    none = run(["proof"], proof_wait_s=20)
    assert "Insufficient nvidia.com/gpu" in none.output, none.output
    kubectl(gateway, "delete runtimeclass nvidia")
    missing = run(["gpu_sharing"])
    assert "the runtime class nvidia is missing" in missing.output
    gateway("systemctl restart k3s")  # it brings the class again
    gateway("echo 550.1.1 >/usr/lib/nvidia-double/library-version")
    broken = run(["proof"], proof_wait_s=20)
    assert "not proved: nvidia-smi -L fails with 18" in broken.output
    gateway("cp /sys/module/nvidia/version /usr/lib/nvidia-double/library-version")
    run(["gpu_sharing", "proof"]).well()
    assert shared(gateway) == ("exclusive", "1")


def test_a_gpu_stays_divided_over_a_restart(gateway: Gateway, run: Run, site: None) -> None:
    """MIG is forgotten when the machine restarts; the node would give one share for seven."""
    name = gateway.machine.name
    unknown = run("share-gpu.yml", share_gpu={name: "mig:2g.20gb"})
    assert "has no MIG profile 2g.20gb; it has 1g.10gb, 3g.40gb" in unknown.output
    shared(gateway)
    run("share-gpu.yml", share_gpu={name: "mig:1g.10gb"}).well()
    assert shared(gateway) == ("mig", "7")
    gateway.reboot()
    gateway("for _ in $(seq 60); do nvidia-smi -L && break; sleep 0.5; done")
    assert gateway("nvidia-smi -L").count("MIG 1g.10gb") == 7
    run("share-gpu.yml", share_gpu={name: "exclusive"}).well()
    assert shared(gateway) == ("exclusive", "1")
    assert "MIG" not in gateway("nvidia-smi -L")
    assert gateway("ls /etc/systemd/system/yolodeploy-mig.service", fails=True) == ""


def test_a_person_sees_and_shares_gpus(
    gateway: Gateway, folder: Path, app: None, home: Home, command: Command
) -> None:
    """What fits is said before anything is ended; the inventory knows what is shared how."""
    name = gateway.machine.name
    home.create()
    shutil.copy(folder / "lock.yml", home.root / "lock.yml")
    lock = yaml.safe_load((home.root / "lock.yml").read_text())
    del lock["other_proofs"]
    (home.root / "lock.yml").write_text(yaml.safe_dump(lock))
    assert command("site", "create", "plant", "--k3s").code == 0
    where = ("--site", "plant", "--identity", str(gateway.key))
    assert command("device", "add", name, gateway.root, *where).code == 0
    [seen] = json.loads(command("gpu", "show", "plant", "-o", "json").out)
    assert (seen["sharing"], seen["shares"], seen["used"]) == ("exclusive", 1, 1)
    assert seen["users"] == ["brake-disc 1 × 3000 MiB"]
    kubectl(gateway, """patch deployment brake-disc --type=merge -p '{"spec": {"replicas": 2}}'""")

    dry = command("gpu", "share", name, "--mps", "4", "--dry-run", "-o", "json")
    [planned] = json.loads(dry.out)
    assert (planned["was"], planned["sharing"], planned["share_mb"]) == (
        "exclusive",
        "mps:4",
        20480,
    )
    assert shared(gateway) == ("exclusive", "1")
    unasked = command("gpu", "share", name, "--time-slicing", "4")
    assert (unasked.code, "was not confirmed" in unasked.err) == (2, True)
    done = command("gpu", "share", name, "--time-slicing", "4", "--yes")
    assert done.code == 0, done.err
    assert shared(gateway) == ("time-slicing-4", "4")
    gateway("k3s kubectl wait deployment/brake-disc --for=condition=Available --timeout=300s")
    with read_inventory(home.inventory) as inventory:
        [row] = list_devices(inventory, "plant")
    assert row.gateway.sharing == "time-slicing:4"
    assert row.gateway.proved_at is not None

    refused = command("gpu", "share", name, "--exclusive", "--yes")
    assert refused.code == 1
    assert "2 pods take a share" in refused.err
    assert "under exclusive there are 1 (brake-disc 2)" in refused.err
    assert shared(gateway) == ("time-slicing-4", "4"), "nothing was changed"
    gateway("systemctl stop k3s")
    silent = command("gpu", "show", name)
    assert silent.code == 1
    assert "cannot be seen" in silent.err
    gateway("systemctl start k3s")


@pytest.mark.parametrize(
    "sharing", ["half", "time-slicing:1", "mps:17", "mig:{{ 1 }}", "mig:1g", "time-slicing:4\n"]
)
def test_what_is_no_way_of_sharing_is_refused(sharing: str, tmp_path: Path) -> None:
    form = yaml.safe_load((PLAYBOOKS / "roles/gpu_sharing/vars/main.yml").read_text())
    assert re.match(form["gpu_sharing_form"], sharing) is None
