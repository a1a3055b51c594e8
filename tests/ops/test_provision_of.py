"""Which devices `site provision` takes: else a device runs what the lock no longer says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Run, run  # noqa: F401 a fixture
from tests.cli.running import contents, is_error
from yolodeploy.core.errors import Refused
from yolodeploy.core.proxy import Proxy
from yolodeploy.inventory.connection import open_inventory, read_inventory
from yolodeploy.inventory.sites import get_site, set_site_k3s
from yolodeploy.ops.home import Home
from yolodeploy.ops.proofs import proof_of, prove
from yolodeploy.ops.provisioning import Provision, provision_of, replacing_variables
from yolodeploy.ops.site_proxy import site_variables

pytest.importorskip("ansible_runner", reason="not installed: ansible-runner")
DIGEST = "0" * 64


@pytest.fixture
def plant(home: Home, run: Run) -> Run:  # noqa: F811
    """A site of two devices, both proved with what the lock says."""
    assert run("site", "create", "plant", "--k3s").code == 0
    for number in (1, 2):
        add = ("device", "add", f"gw-{number}", f"root@10.0.0.{number}", "--site", "plant")
        assert run(*add, "--offline").code == 0
    lock(home)
    prove_all(home)
    return run


def lock(home: Home, version: str = "v1.35.6+k3s1", **more: Any) -> None:
    """The lock of the home folder."""
    told = {"k3s": {"version": version, "sha256": {"k3s": DIGEST}}, **more}
    (home.root / "lock.yml").write_text(yaml.safe_dump(told))


def planned(home: Home) -> Provision:
    return provision_of(home, "plant", (), None, None, online=True)


def prove_all(home: Home) -> None:
    """As a play leaves it that went well."""
    with open_inventory(home.inventory) as inventory:
        told = site_variables(get_site(inventory, "plant"))
        proof = proof_of({**told, **planned(home).variables})
        for name in ("gw-1", "gw-2"):
            prove(inventory, "plant", name, at=1.0, proof=proof)
        set_site_k3s(inventory, "plant", planned(home).variables["site_lock"]["k3s"]["version"])


def test_a_proof_is_of_what_ran(plant: Run, home: Home) -> None:
    """Another k3s, toolkit or image is another proof; a checksum for another processor is not."""
    assert planned(home).devices == ()
    assert "is done" in plant("site", "provision", "plant", "--online").err
    lock(home, k3s={"version": "v1.35.6+k3s1", "sha256": {"k3s": DIGEST, "k3s-arm64": DIGEST}})
    assert planned(home).devices == ()
    toolkit = {"version": "1.20.0-1", "sha256": {}}
    for changed in (
        {"nvidia_container_toolkit": toolkit},
        {"images": {"proof_cpu": f"registry.example/busybox@sha256:{DIGEST}"}},
    ):
        lock(home, **changed)
        assert planned(home).devices == ("gw-1", "gw-2"), changed
        prove_all(home)
        assert planned(home).devices == ()


@pytest.mark.parametrize(
    ("version", "code"),
    [
        ("v1.34.9+k3s1", "k3s.downgrade"),
        ("v1.37.1+k3s1", "k3s.skips"),
        ("v1.35.7+k3s1", "k3s.in_use"),
        ("v1.36.2+k3s1", "k3s.in_use"),
    ],
)
def test_no_other_k3s_is_put_under_what_runs(
    plant: Run, home: Home, version: str, code: str
) -> None:
    """An older one does not start on a newer one's datastore; a newer one takes a drain."""
    lock(home, version)
    with pytest.raises(Refused) as refused:
        planned(home)
    assert refused.value.code == code
    told = plant("site", "provision", "plant", "--device", "gw-1", "--online", "--dry-run")
    is_error(told, 1)
    with pytest.raises(Refused) as refused:
        replacing_variables(home, "plant", "gw-1", None, online=True)
    assert refused.value.code == code
    if code == "k3s.in_use":
        assert "yolodeploy site upgrade plant" in told.err


def test_a_site_on_which_nothing_has_run_takes_what_the_lock_says(plant: Run, home: Home) -> None:
    with open_inventory(home.inventory) as inventory:
        for name in ("gw-1", "gw-2"):
            prove(inventory, "plant", name, at=None)
    lock(home, "v1.36.2+k3s1")
    assert planned(home).devices == ("gw-1", "gw-2")


def test_a_proxy_is_kept_with_the_site_and_told_to_every_play(
    plant: Run, home: Home, tmp_path: Path
) -> None:
    before = contents(home.root)
    named = (
        "site",
        "proxy",
        "plant",
        "--https",
        "http://proxy:3128",
        "--no-proxy",
        "plant.example",
    )
    assert plant(*named, "--dry-run").code == 0
    for wrong in (
        ("--https", "http://me:secret@proxy:3128"),
        ("--http", "proxy"),
        ("--none", "--http", "http://proxy"),
        (),
    ):
        answer = plant("site", "proxy", "plant", *wrong)
        is_error(answer, 2)
        assert "secret" not in answer.err + answer.out
    assert contents(home.root) == before

    assert "site provision plant" in plant(*named).err
    assert "http://proxy:3128" in plant("site", "show", "plant", "-o", "wide").out
    with read_inventory(home.inventory) as inventory:
        row = get_site(inventory, "plant")
    assert row.proxy == Proxy("", "http://proxy:3128", ("plant.example",))
    assert site_variables(row)["site_proxy"] == {
        "https": "http://proxy:3128",
        "no_proxy": ("plant.example",),
    }
    assert planned(home).devices == ("gw-1", "gw-2"), "k3s does not know of it yet"
    prove_all(home)
    assert planned(home).devices == ()
    assert plant("site", "proxy", "plant", "--none").code == 0
    assert planned(home).devices == ("gw-1", "gw-2")
