"""If these fail, a server is given an engine that is not for its GPU, or a rollback has none."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.engines import (
    Device,
    EngineFile,
    EngineFor,
    KeptEngine,
    Software,
    checked,
    device_of_labels,
    expected_build_s,
    suiting,
    surplus,
)
from yolodeploy.core.release import ReleaseSpec, Resources, Serving

L4 = Device(gpu="NVIDIA L4", compute_capability="8.9", driver="590.1")
SOFTWARE = Software(tensorrt="10.14.1", onnxruntime="1.31.1")
BOUND = EngineFor(device=L4, software=SOFTWARE, model="sha256:m", precision="f16")
FILE = EngineFile("a_sm89.engine", 10, "sha256:" + "0" * 64)
SPEC = ReleaseSpec(
    app="a", image="sha256:i", model="sha256:m",
    serving=Serving(engine="tensorrt", precision="f16"),
)  # fmt: skip


def kept(**changed: object) -> KeptEngine:
    built_for = msgspec.structs.replace(BOUND, **changed)
    return KeptEngine(built_for=built_for, files=(FILE,), build_s=60.0)


def test_an_engine_is_bound_to_all_that_it_depends_on() -> None:
    others = [
        msgspec.structs.replace(BOUND, device=msgspec.structs.replace(L4, gpu="NVIDIA T4")),
        msgspec.structs.replace(BOUND, device=msgspec.structs.replace(L4, driver="591")),
        msgspec.structs.replace(
            BOUND, device=msgspec.structs.replace(L4, compute_capability="9.0")
        ),
        msgspec.structs.replace(BOUND, software=Software(tensorrt="10.15", onnxruntime="1.31.1")),
        msgspec.structs.replace(BOUND, software=Software(tensorrt="10.14.1", onnxruntime="1.32")),
        msgspec.structs.replace(BOUND, model="sha256:n"),
        msgspec.structs.replace(BOUND, precision="f32"),
        msgspec.structs.replace(BOUND, batch=4),
        msgspec.structs.replace(BOUND, workspace_mb=100),
    ]
    assert len({BOUND.key, *(one.key for one in others)}) == len(others) + 1
    for one in others:
        other = KeptEngine(built_for=one, files=(FILE,))
        assert suiting([other], SPEC, L4, SOFTWARE) is None
    assert suiting([kept()], SPEC, L4, SOFTWARE) == kept()


def test_a_release_takes_what_its_servers_would_ask_for() -> None:
    def spec(memory: int = 0, **serving: object) -> ReleaseSpec:
        asked = Serving(engine="tensorrt", **serving)  # type: ignore[arg-type]
        resources = Resources(vram_mb=memory)
        return msgspec.structs.replace(SPEC, serving=asked, resources=resources)

    assert kept(precision="f32").built_for.serves(spec()), "the model's own, one of two"
    assert kept(precision="int8").built_for.serves(spec())
    assert not kept().built_for.serves(spec())
    assert kept(batch=4).built_for.serves(spec(precision="f16", batch=4))
    assert not kept(batch=4).built_for.serves(SPEC)
    assert kept(workspace_mb=500).built_for.serves(spec(1000, precision="f16"))
    assert not kept().built_for.serves(spec(1000, precision="f16"))
    cuda = msgspec.structs.replace(SPEC, serving=Serving(engine="cuda", precision="f16"))
    assert not kept().built_for.serves(cuda)


def test_without_the_images_versions_only_the_release_itself_vouches_for_an_engine() -> None:
    assert suiting([kept()], SPEC, L4) is None
    used = msgspec.structs.replace(kept(), releases=(SPEC.digest,))
    assert suiting([used], SPEC, L4) == used


@pytest.mark.parametrize(
    ("labels", "device"),
    [
        ({"gpu.product": "NVIDIA-L4", "gpu.compute.major": "8", "gpu.compute.minor": "9",
          "cuda.driver-version.full": "590.1"}, L4),
        ({"gpu.product": "NVIDIA-L4-SHARED", "gpu.compute.major": "8", "gpu.compute.minor": "9",
          "cuda.driver.major": "590", "cuda.driver.minor": "1", "cuda.driver.rev": ""}, L4),
        ({"gpu.product": "NVIDIA-H200-MIG-1g.18gb", "gpu.compute.major": "9",
          "gpu.compute.minor": "0", "cuda.driver-version.full": "580.65.06"},
         Device(gpu="NVIDIA H200 MIG 1g.18gb", compute_capability="9.0", driver="580.65.06")),
    ],
    ids=["whole", "shared", "mig"],
)  # fmt: skip
def test_labels_and_servers_mean_the_same_gpu(labels: dict[str, str], device: Device) -> None:
    found = device_of_labels({f"nvidia.com/{key}": value for key, value in labels.items()})
    assert found.known
    assert found.same(device)
    assert device.same(found)


def test_a_gpu_of_which_something_is_unknown_is_no_gpus_twin() -> None:
    assert not device_of_labels({}).known
    for field in ("gpu", "compute_capability", "driver"):
        part = msgspec.structs.replace(L4, **{field: ""})
        assert not part.known
        assert not part.same(part)
        assert not part.same(L4)


engines = st.lists(
    st.builds(
        lambda model, size, used_at: KeptEngine(
            built_for=msgspec.structs.replace(BOUND, model=model),
            files=(EngineFile("a.engine", size, FILE.digest),), used_at=used_at,
        ),
        st.sampled_from("abcdefgh"), st.integers(1, 1000), st.floats(0, 1e9),
    ),
    unique_by=lambda engine: engine.key,
)  # fmt: skip


@given(engines, st.sets(st.sampled_from("abcdefgh")), st.integers(0, 4000))
def test_what_a_rollback_needs_stays_and_the_rest_is_bounded(
    found: list[KeptEngine], models: set[str], most: int
) -> None:
    gone = set(surplus(found, models, most))
    stays = [engine for engine in found if engine.key not in gone]
    others = [engine for engine in stays if engine.built_for.model not in models]
    assert all(engine.key not in gone for engine in found if engine.built_for.model in models)
    assert sum(engine.size_bytes for engine in others) <= most
    for engine in found:
        if engine.key in gone:
            assert all(engine.used_at <= other.used_at for other in others)
    assert not surplus(stays, models, most), "nothing is left to do"


def test_what_somebody_tells_of_engines_is_looked_at() -> None:
    good = kept()
    bad_files = [
        (), (FILE, FILE), (msgspec.structs.replace(FILE, name="../a.engine"),),
        (msgspec.structs.replace(FILE, name="a/b.engine"),),
        (msgspec.structs.replace(FILE, name=".engine"),),
        (msgspec.structs.replace(FILE, name="a.sh"),),
        (msgspec.structs.replace(FILE, name="a.profile"),),
        (msgspec.structs.replace(FILE, size_bytes=-1),),
        (msgspec.structs.replace(FILE, size_bytes=1 << 40),),
        (msgspec.structs.replace(FILE, digest="sha256:x"),),
    ]  # fmt: skip
    told = [msgspec.structs.replace(good, files=files) for files in bad_files]
    told += [msgspec.structs.replace(good, build_s=value) for value in (-1.0, float("nan"), 1e9)]
    assert checked([*told, good]) == (good,)


def test_the_same_gpu_says_best_how_long_building_takes() -> None:
    other = msgspec.structs.replace(L4, gpu="NVIDIA T4")
    slow = msgspec.structs.replace(kept(device=other), build_s=300.0)
    assert expected_build_s([slow, kept()], SPEC, L4) == 60.0
    assert expected_build_s([slow], SPEC, L4) == 300.0
    assert expected_build_s([kept(model="sha256:n")], SPEC, L4) == 0.0
