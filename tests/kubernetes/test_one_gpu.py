"""If this fails, a gateway with one GPU waits for a second one for ever, or stops unannounced.

What a person types and reads; the engine and the guard are real, the cluster is a double.
"""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from tests.cli.conftest import Run, run  # noqa: F401 (a fixture)
from tests.kubernetes.double import Cluster
from tests.rollouts.plant import CALM, EXAMPLE, WISH, Plant, small_base, text_of
from yolodeploy.ops.adopt import adopt_cluster
from yolodeploy.ops.catalog import add_model, build_image
from yolodeploy.ops.home import Home

pytestmark = pytest.mark.slow

# ends as soon as it can be told how: a machine with other things to do may take its time
UNHURRIED = msgspec.structs.replace(WISH, settle_s=300.0, observe_s=120.0, guard_s=900.0)


@pytest.mark.parametrize(("gpus", "strategy"), [(1, "surge-free"), (2, "rolling")])
def test_the_plan_says_how_pods_are_replaced_and_what_it_costs(
    home: Home,
    tmp_path: Path,
    run: Run,  # noqa: F811
    gpus: int,
    strategy: str,
) -> None:
    with Cluster(gpus=gpus) as double:
        adopt_cluster(home, "plant", "here", double.kubeconfig(tmp_path / "kubeconfig"))
        plant = Plant(home)
        first, second = (release_with_a_gpu(home, run, version) for version in (1, 2))

        told = run("rollout", "plan", first, "--site", "plant", "-o", "json")
        (site,) = json.loads(told.out)["sites"]
        assert (site["strategy"], site["outage_s"]) == ("rolling", 0.0), "nothing runs there yet"
        rollout, code = plant.run(first, wish=UNHURRIED)
        assert code == 0, plant.journal(rollout, "plant")

        told = run("rollout", "plan", second, "--site", "plant", "-o", "json")
        (site,) = json.loads(told.out)["sites"]
        assert told.code == 0
        assert site["strategy"] == strategy
        assert (site["outage_s"] > 0) == (strategy == "surge-free")
        assert site["at_once"] == 1
        shown = run("rollout", "plan", second, "--site", "plant", "-o", "wide").out
        assert strategy in shown
        assert "AT ONCE" in shown
        assert f"{site['outage_s']:g} s" in shown
        servers = [pod for pod in double.of("pods") if "owner" in pod["metadata"]]
        assert len(servers) == 1, "a plan changes nothing"

        rollout, code = plant.run(second, wish=UNHURRIED)
        assert code == 0, plant.journal(rollout, "plant")
        settled = [e for e in plant.journal(rollout, "plant") if text_of(e) == "settle done"]
        assert "without an instance" in settled[0].detail


def release_with_a_gpu(home: Home, run: Run, version: int) -> str:  # noqa: F811
    """As it is typed."""
    name = f"brake-disc-v{version}"
    add_model(home, EXAMPLE / "models" / f"{name}.onnx")
    image = build_image(home, name, base=small_base(home))
    gates = home.root / "gates.json"
    gates.write_bytes(msgspec.json.encode(CALM))
    made = run(
        "release", "create", "brake-disc", "--image", image.digest, "--gpus", "1",
        "--gates", str(gates), "-o", "name",
    )  # fmt: skip
    assert made.code == 0, made.err
    return made.out.strip()
