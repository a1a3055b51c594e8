"""If these fail, a switch to TensorRT stops a gateway for minutes that it need not, or unannounced.

Servers, keepers, builders, store and files are real; the clusters and TensorRT are doubles.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from tests.cli.conftest import Run, run  # noqa: F401 (a fixture)
from tests.kubernetes.double import Cluster
from tests.kubernetes.double.engine_pods import EnginePods
from tests.kubernetes.double.faults import Fault
from tests.kubernetes.parts import Bench, release
from tests.rollouts.plant import CALM, EXAMPLE, WISH, Plant, small_base
from tests.serve.doubles.machine import lend
from tests.serve.models import constant_model, raw_head, written
from tests.serve.running import Server
from tests.sites.parts import APP
from yolodeploy.core.digests import digest_of
from yolodeploy.core.engines import EnginesTold, KeptEngine
from yolodeploy.core.errors import Unreachable
from yolodeploy.core.release import Release, ReleaseSpec, Resources, Serving
from yolodeploy.core.serving import ServeConfig
from yolodeploy.ops.adopt import adopt_cluster
from yolodeploy.ops.catalog import add_model, build_image
from yolodeploy.ops.home import Home
from yolodeploy.ops.shipped import shipped
from yolodeploy.serve.engine_cache import EngineCache
from yolodeploy.sites.engine_sources import Source
from yolodeploy.sites.engine_store import EngineStore
from yolodeploy.sites.kubernetes import room
from yolodeploy.sites.kubernetes.access import Access
from yolodeploy.sites.kubernetes.site import KubernetesSite

L4 = {
    "nvidia.com/gpu.product": "NVIDIA-L4", "nvidia.com/gpu.compute.major": "8",
    "nvidia.com/gpu.compute.minor": "9", "nvidia.com/cuda.driver-version.full": "590.1",
}  # fmt: skip
DEFAULT = {"storageclass.kubernetes.io/is-default-class": "true"}


class Abroad:
    """The other sites of a test, as this machine knows them."""

    def __init__(self, folder: Path) -> None:
        self.store = EngineStore(folder)
        self.others: list[KubernetesSite] = []

    def elsewhere(self, app: str, but: str) -> Sequence[Source]:
        return [found for site in self.others for found in site.engines.offered(app)]


class Place(Bench):
    """A cluster whose nodes have an L4 each, with a volume for engines."""

    def __init__(self, site: KubernetesSite, double: Cluster, pods: EnginePods) -> None:
        super().__init__(site, double)
        self.pods = pods
        self.cache = EngineCache(pods.volumes / APP)

    def pieces(self) -> int:
        """How many pieces were brought here."""
        return sum(
            method == "POST" and "/engines/" in path for _, method, path in self.double.asked
        )


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return written(constant_model(raw_head([(32, 32, 20, 20, 0.9, 1)])), tmp_path / "m.onnx")


@pytest.fixture
def spec(model: Path) -> ReleaseSpec:
    return msgspec.structs.replace(
        release(2).spec,
        model=digest_of(model.read_bytes()),
        serving=Serving(engine="tensorrt"),
        resources=Resources(gpus=1),
    )


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], int]:
    """A machine with a GPU; how many engines were built on it."""
    file = tmp_path / "builds"
    lend(monkeypatch, file)
    return lambda: len(file.read_text().splitlines()) if file.exists() else 0


@pytest.fixture
def abroad(tmp_path: Path) -> Abroad:
    return Abroad(tmp_path / "store")


@pytest.fixture
def settle(
    tmp_path: Path, model: Path, abroad: Abroad, builds: Callable[[], int]
) -> Iterator[Callable[..., Place]]:
    """Makes clusters, each with so many GPUs."""
    found: list[Place] = []

    def settled(name: str = "plant", gpus: int = 1, gpu: str = "NVIDIA L4,8.9,590.1") -> Place:
        double = Cluster(gpus=gpus)
        double.put("storageclasses", "", "local-path", {"metadata": {"annotations": DEFAULT}})
        double.kept["nodes", "", "edge-1"]["metadata"]["labels"] |= L4
        pods = EnginePods(double, tmp_path / name, gpu, {"model": str(model)})
        double.engine_pods = pods
        double.__enter__()
        access = Access(double.kubeconfig(tmp_path / f"{name}.config"), "here")
        site = KubernetesSite(
            name, access, tmp_path / "images", shipped("k3s"), lambda digest: "edge.local/app",
            abroad,
        )  # fmt: skip
        found.append(Place(site, double, pods))
        return found[-1]

    yield settled
    for place in reversed(found):  # as kmock wants it
        place.double.__exit__()
        place.pods.end()


@pytest.fixture
def serving(
    tmp_path: Path, model: Path, spec: ReleaseSpec
) -> Iterator[Callable[[Place], KeptEngine]]:
    """Has a place serve the release: a real server, whose engine is on the place's volume."""
    servers: list[Server] = []

    def served(place: Place) -> KeptEngine:
        folder = tmp_path / f"server-{len(servers)}"
        folder.mkdir()
        place.cache.root.mkdir(parents=True, exist_ok=True)
        config = ServeConfig(
            model=str(model), state_dir=str(folder / "state"), serving=spec.serving,
            release=spec.digest, engine_cache=str(place.cache.root),
        )  # fmt: skip
        server = Server(config, folder)
        servers.append(server)
        server.wait_ready()
        address = server.address()
        assert address is not None
        place.pods.server_port = address.port
        place.commit(Release(2, spec))
        told = msgspec.json.decode(server.ask("/engines").body, type=EnginesTold)
        (engine,) = told.kept
        return engine

    yield served
    for server in servers:
        server.process.kill()
        server.process.wait()


def test_an_engine_is_brought_from_another_site_and_from_this_machine_when_that_is_gone(
    settle: Callable[..., Place],
    serving: Callable[[Place], KeptEngine],
    abroad: Abroad,
    spec: ReleaseSpec,
    builds: Callable[[], int],
    tmp_path: Path,
) -> None:
    quay, plant = settle("quay"), settle("plant")
    engine = serving(quay)
    abroad.others = [quay.site]
    plant.commit(release(1, gpus=1))
    way = plant.site.switching(spec)
    assert (way.strategy, str(way.engine)) == ("surge-free", "brought from quay")
    assert way.outage_s < room.BUILD_S, "it is there when the new pod starts"
    assert way.build_s == 0.0

    told = str(plant.site.prefetch(spec).engine)
    assert told == f"engine: brought from quay, {engine.size_bytes:,} bytes"
    kept = plant.cache.whole(engine.key)
    assert kept is not None
    assert kept.files == engine.files
    assert plant.pieces() == 2, "700 kB in pieces of 512"
    assert builds() == 1, "on the other site, once"
    assert not plant.double.of("jobs"), "nothing of it stays but the engine"
    assert [one.engine.key for one in abroad.store.stored()] == [engine.key]
    modes = {file.stat().st_mode & 0o777 for file in (tmp_path / "store").rglob("*")}
    assert modes <= {0o600, 0o700}

    abroad.others = []
    ship = settle("ship")
    assert str(ship.site.switching(spec).engine) == "brought from quay", "it came from there"
    assert "brought from quay" in str(ship.site.prefetch(spec).engine)
    assert ship.cache.whole(engine.key) is not None
    assert str(ship.site.prefetch(spec).engine) == "engine: there already"
    assert ship.pieces() == 2, "not again"


def test_a_link_that_breaks_goes_on_where_it_was(
    settle: Callable[..., Place],
    serving: Callable[[Place], KeptEngine],
    abroad: Abroad,
    spec: ReleaseSpec,
) -> None:
    quay, plant = settle("quay"), settle("plant")
    engine = serving(quay)
    abroad.others = [quay.site]
    sent: list[str] = []

    def cut(method: str, path: str) -> Fault | None:
        if method == "POST" and path.endswith(".engine"):
            sent.append(path)
            if len(sent) > 1:
                return Fault(200, cut=True)
        return Fault(200, cut=True) if len(sent) > 1 and "proxy" in path else None

    plant.double.fault = cut
    with pytest.raises(Unreachable):
        plant.site.prefetch(spec)
    plant.double.fault = None
    before = plant.pieces()
    assert "brought from quay" in str(plant.site.prefetch(spec).engine)
    assert plant.pieces() == before + 1, "the first piece had arrived"
    assert plant.cache.whole(engine.key) is not None


def test_what_is_not_what_its_digest_says_goes_nowhere(
    settle: Callable[..., Place],
    serving: Callable[[Place], KeptEngine],
    abroad: Abroad,
    spec: ReleaseSpec,
) -> None:
    """A serialized engine is code: it must be what a server of ours has built."""
    quay, plant = settle("quay"), settle("plant")
    engine = serving(quay)
    abroad.others = [quay.site]
    path = quay.cache.root / engine.key / engine.files[0].name
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"?")
    plant.commit(release(1, gpus=1))
    told = str(plant.site.prefetch(spec).engine)
    assert told.startswith("engine: built at the start")
    assert "quay is not what its digest says" in told
    assert abroad.store.stored() == []
    assert plant.cache.kept() == ()
    assert plant.pieces() == 0


def test_a_disk_here_that_takes_nothing_costs_the_engine_and_not_the_rollout(
    settle: Callable[..., Place],
    serving: Callable[[Place], KeptEngine],
    abroad: Abroad,
    spec: ReleaseSpec,
    tmp_path: Path,
) -> None:
    quay, plant = settle("quay"), settle("plant")
    serving(quay)
    abroad.others = [quay.site]
    (tmp_path / "store").write_text("a file where the folder should be")
    plant.commit(release(1, gpus=1))
    told = str(plant.site.prefetch(spec).engine)
    assert told.startswith("engine: built at the start, for engines cannot be kept in")
    assert not plant.double.of("jobs")


def test_one_is_built_before_the_switch_where_a_gpu_is_free(
    settle: Callable[..., Place],
    spec: ReleaseSpec,
    builds: Callable[[], int],
) -> None:
    plant = settle(gpus=2)
    plant.commit(release(1, gpus=1))
    assert str(plant.site.switching(spec).engine) == "built before, on a GPU that is free"
    assert builds() == 0, "a plan changes nothing"
    assert str(plant.site.prefetch(spec).engine) == "engine: built before, on a GPU that was free"
    assert builds() == 1
    (engine,) = plant.cache.kept()
    assert engine.built_for.serves(spec)
    assert not plant.double.of("jobs")
    made = [one["metadata"]["name"] for one in plant.double.of("configmaps", APP)]
    assert not [name for name in made if "build" in name]


@pytest.mark.parametrize("why", ["nobody", "labels", "pod", "driver"])
def test_else_the_build_is_announced_with_the_reason(
    settle: Callable[..., Place],
    serving: Callable[[Place], KeptEngine],
    abroad: Abroad,
    spec: ReleaseSpec,
    why: str,
) -> None:
    plant = settle()
    plant.commit(release(1, gpus=1))
    labels = plant.double.kept["nodes", "", "edge-1"]["metadata"]["labels"]
    expected = "nobody has one for NVIDIA-L4 and driver 590.1"
    seconds = room.BUILD_S
    if why == "labels":
        del labels["nvidia.com/gpu.product"]
        expected = "nobody knows the GPU of edge-1"
    elif why == "pod":
        del plant.double.kept["storageclasses", "", "local-path"]
        expected = "engines go with their pods here"
    elif why == "driver":
        quay = settle("quay")
        engine = serving(quay)
        manifest = quay.cache.root / engine.key / "engine.json"
        slow = msgspec.structs.replace(engine, build_s=95.0)
        manifest.write_bytes(msgspec.json.encode(slow))
        abroad.others = [quay.site]
        labels["nvidia.com/cuda.driver-version.full"] = "591.0"
        expected, seconds = "nobody has one for NVIDIA-L4 and driver 591.0", 95.0
    way = plant.site.switching(spec)
    assert expected in str(way.engine)
    assert f"about {seconds:.0f} s" in str(way.engine)
    assert way.outage_s == seconds + room.DRAIN_S
    assert way.build_s == seconds, "for so long nobody may give it up"
    told = str(plant.site.prefetch(spec).engine)
    assert told.startswith("engine: built at the start")
    assert plant.cache.kept() == ()
    assert plant.pieces() == 0


def test_an_engine_for_another_tensorrt_is_left_where_it_is(
    settle: Callable[..., Place],
    serving: Callable[[Place], KeptEngine],
    abroad: Abroad,
    spec: ReleaseSpec,
) -> None:
    """The plan cannot know what is in an image that runs nowhere; the keeper, made of it, does."""
    quay, plant = settle("quay"), settle("plant")
    engine = serving(quay)
    abroad.others = [quay.site]
    plant.commit(release(1, gpus=1))
    other = msgspec.structs.replace(spec, image=f"sha256:{9:064x}")
    assert "may not be for this image's" in str(plant.site.switching(other).engine)
    assert "brought from quay" in str(plant.site.prefetch(other).engine), "it has the same TensorRT"
    assert plant.cache.whole(engine.key) is not None


def test_nothing_of_it_happens_without_tensorrt(settle: Callable[..., Place]) -> None:
    plant = settle()
    spec = release(3).spec
    assert plant.site.switching(spec).engine is None
    assert plant.site.prefetch(spec).engine is None
    assert not [path for _, _, path in plant.double.asked if "engines" in path]


@pytest.mark.slow
def test_what_a_person_reads_before_and_after(
    home: Home,
    run: Run,  # noqa: F811
    tmp_path: Path,
    builds: Callable[[], int],
) -> None:
    """The way through the command line, the inventory and the rollout's own process."""
    people = Plant(home)
    model = EXAMPLE / "models" / "brake-disc-v1.onnx"
    add_model(home, model)
    image = build_image(home, "brake-disc-v1", base=small_base(home))
    gates = tmp_path / "gates.json"
    gates.write_bytes(msgspec.json.encode(CALM))
    made = run(
        "release", "create", APP, "--image", image.digest, "--gpus", "1", "--engine", "tensorrt",
        "--gates", str(gates), "-o", "json",
    )  # fmt: skip
    assert made.code == 0, made.err
    digest = json.loads(made.out)["digest"]
    folder = tmp_path / "quay"
    config = ServeConfig(
        model=str(model), state_dir=str(tmp_path / "state"), serving=Serving(engine="tensorrt"),
        release=digest, engine_cache=str(folder / APP),
    )  # fmt: skip
    (folder / APP).mkdir(parents=True)
    server = Server(config, tmp_path)
    try:
        server.wait_ready()
        address = server.address()
        assert address is not None
        with Cluster(gpus=1) as quay, Cluster(gpus=1) as plant, Cluster(gpus=1) as ship:
            for name, double in (("quay", quay), ("plant", plant), ("ship", ship)):
                if double is not ship:  # there engines go with their pods
                    double.put("storageclasses", "", "p", {"metadata": {"annotations": DEFAULT}})
                double.kept["nodes", "", "edge-1"]["metadata"]["labels"] |= L4
                double.engine_pods = EnginePods(double, tmp_path / name, "NVIDIA L4,8.9,590.1", {})
                adopt_cluster(home, name, "here", double.kubeconfig(tmp_path / f"{name}.config"))
            assert quay.engine_pods is not None
            assert plant.engine_pods is not None
            quay.engine_pods.server_port = address.port
            rollout, code = people.run(f"{APP}@1", wish=WISH, sites=["quay"])
            assert code == 0, people.journal(rollout, "quay")
            shown = run("rollout", "plan", f"{APP}@1", "--site", "plant")
            assert "engine brought from quay (1 site)" in shown.out + shown.err
            rollout, code = people.run(f"{APP}@1", wish=WISH, sites=["plant"])
            assert code == 0, people.journal(rollout, "plant")
            details = [entry.detail for entry in people.journal(rollout, "plant")]
            assert any("; engine: brought from quay, " in detail for detail in details), details
            assert len(EngineCache(tmp_path / "plant" / APP).kept()) == 1
            assert builds() == 1
            rollout, code = people.run(f"{APP}@1", wish=WISH, sites=["ship"])
            assert code == 0, people.journal(rollout, "ship")
            details = [entry.detail for entry in people.journal(rollout, "ship")]
            patient = f"reverts by itself after {WISH.guard_s + 2 * room.BUILD_S:g} s"
            assert any(patient in detail for detail in details), "it builds before it is ready"
            quay.engine_pods.end()
            plant.engine_pods.end()
            assert ship.engine_pods is not None
            ship.engine_pods.end()
    finally:
        server.process.kill()
        server.process.wait()
