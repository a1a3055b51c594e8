"""What devices say of their GPUs, and what is made of it; no device is asked here."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from tests.inventory import parts
from yolodeploy.core.errors import Corrupt, Failed, NotFound, Refused
from yolodeploy.core.gpu_sharing import Claim, parsed
from yolodeploy.core.release import Resources
from yolodeploy.inventory import devices, operations, releases, sites
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.devices import DeviceRow, Gateway
from yolodeploy.ops.gpu_reports import report_of
from yolodeploy.ops.gpus import Seen, declared_on, gpu_devices, lock_of_site, plan
from yolodeploy.ops.home import Home

POD = {"namespace": "default", "name": "p", "app": "brake-disc", "shares": 1, "phase": "Running"}
TOLD: dict[str, Any] = {
    "report": "gpu",
    "sharing": "exclusive",
    "gpus": [{"product": "NVIDIA L4", "memory_mb": 23034, "mig": None, "uuid": "GPU-1"}],
    "node": {
        "labels": {"nvidia.com/device-plugin.config": "time-slicing-4"},
        "allocatable": 4,
        "pods": [POD, {**POD, "name": "q"}, {**POD, "app": "", "name": "notebook"}],
    },
}


@pytest.fixture
def row(home: Home) -> DeviceRow:
    """One device with a GPU beside one without, in a site beside an embedded one."""
    now = time.time()
    with open_inventory(home.inventory) as inventory:
        sites.add_site(inventory, "plant", "k3s", "", at=now)
        sites.add_site(inventory, "desk", "embedded", "/nowhere", at=now)
        for name, profile in (("gw-1", "cpu"), ("gw-2", "nvidia")):
            gateway = Gateway(role="agent", profile=profile)
            devices.add_device(inventory, "plant", name, "10.0.0.1", at=now, gateway=gateway)
        devices.add_device(inventory, "desk", "desk-1", "127.0.0.1", at=now)
        return devices.get_device(inventory, "plant", "gw-2")


def test_a_report_is_told_in_our_words() -> None:
    report = report_of("gw-2", TOLD)
    assert report.running == "time-slicing:4"
    assert report.claims({"brake-disc": 3000}) == (
        Claim("brake-disc", 2, 3000),
        Claim("default/notebook", 1, 0),
    )
    divided = {"profile": "1g.10gb", "uuid": "MIG-1"}
    gpu = {**TOLD["gpus"][0], "mig": True, "instances": [divided, divided]}
    mig = report_of("gw-2", {**TOLD, "gpus": [gpu], "node": {"labels": {
        "nvidia.com/device-plugin.config": "mig"}}})  # fmt: skip
    assert mig.running == "mig:1g.10gb"


@pytest.mark.parametrize(
    "told",
    [{"gpus": 7}, {"gpus": [{"product": 1}]}, {"node": {"pods": [{}]}}, {"gpus": [[]]},
     {"node": {**TOLD["node"], "pods": [POD] * 5000}}, {"node": {"labels": {"a": 1}}}],
    ids=range(6),
)  # fmt: skip
def test_nonsense_is_a_named_error(told: dict[str, Any]) -> None:
    """A device is anybody's; what it says must not end the command for the others."""
    with pytest.raises(Corrupt) as error:
        report_of("gw-2", {**TOLD, **told})
    assert error.value.code == "gpu.report_invalid"


def test_texts_of_a_device_stay_on_their_line() -> None:
    gpu = {**TOLD["gpus"][0], "product": "x\x1b[2J\n" + "y" * 999}
    pod = {**POD, "app": "a\nb\x1b]0;owned\x07"}
    report = report_of("gw-2", {**TOLD, "gpus": [gpu], "node": {"pods": [pod]}})
    shown = report.cards[0].product + report.claims({})[0].app
    assert shown.isprintable()
    assert len(shown) < 200


def test_only_devices_with_gpus_are_meant(home: Home, row: DeviceRow) -> None:
    assert [one.name for one in gpu_devices(home, ())] == ["gw-2"]
    assert [one.name for one in gpu_devices(home, ("plant", "gw-2"))] == ["gw-2"]
    for words, kind, code in (
        (("gw-1",), Failed, "gpu.cpu_only"),
        (("desk",), Refused, "play.no_hosts"),
        (("desk-1",), Refused, "play.no_hosts"),
        (("gw-9",), NotFound, "ops.unknown_device"),
    ):
        with pytest.raises(kind) as error:
            gpu_devices(home, words)
        assert error.value.code == code


def test_releases_declare_for_pods_that_do_not_say(home: Home, row: DeviceRow) -> None:
    """Else a change is refused, or allowed, for want of what the inventory knows."""
    spec = msgspec.structs.replace(parts.spec(), resources=Resources(gpus=1, vram_mb=3000))
    with open_inventory(home.inventory) as inventory:
        releases.add_release(inventory, spec, at=time.time())
    pods = [POD, {**POD, "name": "q"}]
    seen = Seen(row, report_of("gw-2", {**TOLD, "node": {**TOLD["node"], "pods": pods}}))
    with open_inventory(home.inventory) as inventory:
        told = seen._replace(declared=declared_on(inventory, row.site))
    assert told.report is not None
    assert [claim.vram_mb for claim in told.report.claims(told.declared)] == [3000]
    [fits] = plan(home, [seen], parsed("time-slicing:7"))
    assert (fits.shares, fits.share_mb, fits.ends, fits.refusals) == (7, 3290, 2, ())
    [small] = plan(home, [seen], parsed("time-slicing:8"))
    assert [error.code for error in small.refusals] == ["gpu.too_large"]
    [same] = plan(home, [seen], parsed("time-slicing:4"))
    assert same.ends == 0, "nothing is switched, and nobody has to go"
    silent = Seen(row, None, Failed("gpu.not_seen", device="gw-2", reason="x"))
    [none] = plan(home, [silent], parsed("exclusive"))
    assert [error.code for error in none.refusals] == ["gpu.not_seen"]


def test_a_site_keeps_the_lock_that_it_was_made_by(home: Home, row: DeviceRow) -> None:
    """The device plugin's image is that of the site, whatever lies on this laptop today."""
    lock = {"images": {"device_plugin": "a@sha256:" + "1" * 64}}
    with open_inventory(home.inventory) as inventory:
        for number, site in enumerate(("plant", "other")):
            arguments = {"site": site, "playbook": "site.yml", "variables": {
                "site_lock": {**lock, "of": site}}}  # fmt: skip
            operations.create_operation(inventory, f"op-{number}", "play", arguments, at=number)
    assert lock_of_site(home, "plant") == {**lock, "of": "plant"}
    assert lock_of_site(home, "third")["images"]["device_plugin"] == "", "the shipped one"
