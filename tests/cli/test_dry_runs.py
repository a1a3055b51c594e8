"""What a command would do, asked beforehand.

If these fail, whoever only asks has changed something, or is told something else than what happens.
"""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import msgspec
import pytest

from tests.cli.conftest import Run
from tests.cli.lines import LEAVES, takes
from tests.cli.running import contents, is_error, words
from tests.inventory import parts
from yolodeploy.core.steps import Outcome, Step
from yolodeploy.inventory import operations
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.ops.home import Home

# every command either changes something, and then has a dry run (`DRY` says how it is tried), or is
# named here; what of these prints no form says why
READS = {
    "device list": True, "device show": True, "site list": True, "site show": True,
    "camera history": True, "camera list": True, "camera show": True, "gpu show": True,
    "model list": True, "model show": True, "model compare": True,
    "image list": True, "image show": True, "image verify": True,
    "bundle show": True, "bundle verify": True, "app list": True, "app show": True,
    "release diff": True, "release list": True, "release show": True,
    "rollout list": True, "rollout plan": True, "rollout status": True, "rollout watch": True,
    "status": True, "latency": True, "events": True, "logs": True, "detect": True,
    "camera test": True, "operations": True, "operations list": True,
    "controller status": True, "inventory check": True, "config show": True,
    "image sbom": "a document of CycloneDX", "controller unit": "a unit of systemd",
    "config path": "one path", "config validate": "nothing but what is wrong",
    "completion": "a script for a shell", "metrics": "Prometheus' own text, over HTTP",
    "operations follow": "narration, and an exit code",
}  # fmt: skip
# they begin something that a person sees through, and what happens there is asked for there
RUN = {"quickstart", "serve", "controller", "site shell"}
DRY = {
    "camera add": "door --site plant --url /dev/video0",
    "device edit": "d1 --label a=b", "device hold": "d1 --reason shift", "device unhold": "d1",
    "site create": "fresh --devices 3", "site remove": "depot",
    "site start": "plant", "site stop": "plant", "site hold": "plant --reason shift",
    "site unhold": "plant", "site edit": "plant --label a=b",
    "site window": "plant --freeze 2026-12-24 --zone Asia/Tokyo",
    "model add": "{model} --name sample", "image build": "sample",
    "image prune": "", "app create": "weld --description x",
    "release create": "brake-disc --image brake-disc-v1", "rollout start": "brake-disc@1",
    "rollout pause": "r-2", "rollout resume": "r-2", "rollout abort": "r-2",
    "rollout approve": "r-2", "rollout undo": "--to brake-disc@1 --site plant",
    "operations cancel": "op-9", "config set": "concurrency 3",
    "controller notify": "", "image sign": "brake-disc-v1 --key {tmp}/cosign.key",
    "inventory backup": "{tmp}/copy.db", "inventory restore": "{tmp}/backup.db",
    "inventory export": "{tmp}/exported", "inventory prune": "",
}  # fmt: skip
# what they take has to be there: gateways, clusters, registries
TRIED_ELSEWHERE = {
    "camera edit": "sites/test_camera_changes.py", "camera undo": "sites/test_camera_changes.py",
    "camera remove": "kubernetes/test_settings_whole.py",
    "device add": "ops/test_devices.py", "device import": "ops/test_devices.py",
    "device remove": "ops/test_devices.py", "device find": "ssh/test_find.py",
    "device replace": "ops/test_provision_of.py",
    "site adopt": "ops/test_sites_and_adoption.py", "site proxy": "ops/test_provision_of.py",
    "site tunnel": "kubernetes/test_tunnels.py",
    "site provision": "ops/test_provision_of.py", "site reset": "provision/test_reset.py",
    "site upgrade": "provision/test_upgrade.py", "site backup": "provision/test_roles.py",
    "site restore": "provision/test_roles.py", "site renew": "provision/test_roles.py",
    "site account": "provision/test_roles.py", "doctor": "doctor/test_site.py",
    "site lock": "provision/test_lock.py", "site fetch": "provision/test_fetch.py",
    "gpu share": "provision/test_nvidia.py",
    "image push": "registry/test_commands.py", "image pull": "registry/test_commands.py",
    "image build-base": "bases/test_build.py", "image lock": "bases/test_lock.py",
    "image send": "send/test_commands.py",
    "image index": "ops/test_images_kept.py", "image remove": "ops/test_images_kept.py",
    "bundle create": "bundles/test_commands.py", "bundle apply": "bundles/test_commands.py",
    "app scale": "kubernetes/test_setups.py", "app expose": "kubernetes/test_setups.py",
    "app place": "kubernetes/test_setups.py", "app limit": "kubernetes/test_setups.py",
}  # fmt: skip


def test_no_command_is_left_out() -> None:
    """Whoever adds one says whether it changes something; what does can be asked beforehand."""
    assert takes("dry_run") | set(READS) | RUN == set(LEAVES)
    assert not takes("dry_run") & set(READS)
    assert takes("dry_run") == set(DRY) | set(TRIED_ELSEWHERE)
    assert {path for path, form in READS.items() if form is True} <= takes("form")
    lists = {path for path in LEAVES if path.split()[-1] in ("list", "show", "diff", "history")}
    assert lists <= {path for path, form in READS.items() if form is True}


@pytest.mark.parametrize("path", TRIED_ELSEWHERE)
def test_a_dry_run_that_is_tried_elsewhere_is_tried_there(path: str) -> None:
    text = (Path(__file__).parents[1] / TRIED_ELSEWHERE[path]).read_text()
    assert re.search(r"--dry-run|dry_run=True|--check", text)


@pytest.fixture
def under_way(filled: Home) -> Home:
    """And a rollout that waits for an approval, an operation that runs, and a site apart."""
    from yolodeploy.inventory import journal, rollout_waves, rollouts, sites
    from yolodeploy.inventory.releases import list_releases

    with open_inventory(filled.inventory) as inventory:
        release = list_releases(inventory)[-1].digest
        plan = msgspec.structs.replace(
            parts.plan("plant", "xn--fmr"), release=release, approvals=(1,)
        )
        rollouts.create_rollout(inventory, plan, "op-1", at=time.time())
        rollout_waves.begin_wave(inventory, "r-2", 1, at=time.time())
        for step in (Step.PREFETCH, Step.CHECK, Step.SWITCH):
            journal.append_step(inventory, "r-2", "plant", step, Outcome.DONE, at=time.time())
        rollout_waves.end_wave(inventory, "r-2", 1, at=time.time())
        rollouts.set_state(inventory, "r-2", rollouts.RolloutState.APPROVAL, at=time.time())
        sites.add_site(inventory, "depot", "embedded", str(filled.site("depot")), at=time.time())
        operations.create_operation(inventory, "op-9", "play", {"site": "plant"}, at=time.time())
    return filled


@pytest.mark.parametrize("path", DRY)
def test_a_dry_run_changes_nothing(
    path: str, run: Run, under_way: Home, v1: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the home, in the inventory, and nowhere beside it."""
    if path == "image build":
        assert run("model", "add", str(v1), "--name", "sample").code == 0
    if path == "inventory restore":
        assert run("inventory", "backup", str(tmp_path / "backup.db")).code == 0
    monkeypatch.setenv("YOLODEPLOY_NOTIFY_COMMAND", f"/usr/bin/touch {tmp_path}/told")
    (tmp_path / "cosign.key").touch()
    (tmp_path / "cosign").write_text(f"#!/bin/sh\ntouch {tmp_path}/signed\n")
    (tmp_path / "cosign").chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    before = contents(tmp_path)
    answer = run(*path.split(), *words(DRY[path], model=v1, tmp=tmp_path), "--dry-run")
    assert answer.code == 0, answer.err
    assert answer.out or answer.err, "it says nothing"
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    "line",
    ["rollout pause r-1", "rollout resume r-1", "rollout abort r-1", "rollout approve r-1",
     "rollout undo r-1", "rollout undo r-9", "rollout undo --to brake-disc@2 --site plant",
     "rollout start brake-disc@1 --frames {tmp}/none", "rollout start brake-disc@9",
     "rollout approve r-2 --wave 2", "operations cancel op-1",
     "inventory backup {tmp}/home/inventory.db", "inventory backup {tmp}/none/x.db",
     "inventory restore {tmp}/none.db", "inventory restore {tmp}/home/.notifying",
     "inventory export {tmp}/home --format xml", "controller notify",
     "image sign brake-disc-v1 --key {tmp}/none.key", "image sign nobody --key cosign.key"],
)  # fmt: skip
def test_a_dry_run_refuses_what_the_command_refuses(
    line: str, run: Run, under_way: Home, tmp_path: Path
) -> None:
    """In the same words: else a person only learns at the real one that it was for nothing."""
    (under_way.root / ".notifying").write_text("no inventory")
    before = contents(tmp_path)
    given = words(line, tmp=tmp_path)
    told = run(*given, "--dry-run")
    assert contents(tmp_path) == before
    assert told.code in (1, 2)
    yes = ["--yes"] if "yes" in {p.name for p in LEAVES[" ".join(given[:2])].params} else []
    assert run(*given, *yes) == told
    is_error(told, told.code)


def test_what_is_asked_of_a_rollout_is_told_site_by_site(run: Run, under_way: Home) -> None:
    def would(line: str) -> dict[str, str]:
        answer = run("rollout", *line.split(), "r-2", "--dry-run", "-o", "json")
        assert answer.code == 0, answer.err
        return {row["site"]: row["fate"] for row in json.loads(answer.out)}

    assert would("pause") == {"plant": "waits", "xn--fmr": "waits"}
    assert would("abort") == {"plant": "goes back", "xn--fmr": "stops"}
    assert would("resume") == {"plant": "goes on", "xn--fmr": "waits"}
    assert would("approve") == {"xn--fmr": "follows"}
    table = run("rollout", "abort", "r-2", "--dry-run")
    assert re.search(r"plant +1 +d1,d2 +settle +goes back", table.out)
    assert "2 sites of 2" in table.err


@pytest.mark.parametrize("line", ["site create x", "app create x", "model add {model}"])
def test_a_dry_run_does_not_even_make_the_home_folder(
    line: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, v1: Path
) -> None:
    monkeypatch.setenv("YOLODEPLOY_HOME", str(tmp_path / "none"))
    assert run(*words(line, model=v1), "--dry-run").code == 0
    assert not (tmp_path / "none").exists()


def test_a_dry_run_says_what_the_real_one_does(run: Run, home: Home, v1: Path) -> None:
    """The same digests, before anything is written."""
    assert run("model", "add", str(v1)).code == 0
    assert run("app", "create", "brake-disc").code == 0
    dry = run("image", "build", "brake-disc-v1", "--dry-run", "-o", "json").out
    real = run("image", "build", "brake-disc-v1", "-o", "json").out
    assert dry == real
    line = ("release", "create", "brake-disc", "--image", "brake-disc-v1")
    said = run(*line, "--dry-run").err
    assert said.replace("would be", "is") == run(*line).err
    assert run(*line, "--dry-run").err == said
