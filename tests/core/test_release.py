"""If these fail, one release has two identities, or two have one: the wrong one runs."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.digests import checked_digest
from yolodeploy.core.gates import (
    AgreementGate,
    ErrorsGate,
    Gate,
    GoldenGate,
    GpuMemoryGate,
    LatencyGate,
    ReadinessGate,
    RestartsGate,
    ThroughputGate,
)
from yolodeploy.core.release import Release, ReleaseSpec, Resources, Serving

digests = st.text("0123456789abcdef", min_size=64, max_size=64).map("sha256:{}".format)
shares = st.floats(0, 1)
gates: st.SearchStrategy[Gate] = st.one_of(
    st.builds(ErrorsGate, shares, st.integers(1, 1000)),
    st.builds(RestartsGate, st.integers(0, 9)),
    st.builds(LatencyGate, st.text(max_size=9), shares, st.floats(0.1, 9)),
    st.builds(AgreementGate, shares, shares, st.integers(1, 99), st.integers(1, 99)),
    st.builds(GoldenGate, shares, shares | st.none()),
    st.builds(ThroughputGate, shares, st.floats(0.1, 99) | st.none()),
    st.builds(ReadinessGate, st.floats(0.1, 99)),
    st.builds(GpuMemoryGate, st.floats(0.1, 99)),
)
specs = st.builds(
    ReleaseSpec,
    app=st.sampled_from(["brake-disc", "weld"]),
    image=digests,
    model=digests,
    classes=st.lists(st.text(max_size=9), max_size=5).map(tuple),
    serving=st.builds(Serving, shares, shares, st.integers(1, 1000), st.integers(0, 64)),
    resources=st.builds(Resources, st.integers(1, 8000), st.integers(1, 8000)),
    gates=st.lists(gates, max_size=4).map(tuple),
)


def shuffled(value: Any, random: Any) -> Any:
    """The same JSON with the fields of every object in another order."""
    if isinstance(value, dict):
        items = [(key, shuffled(item, random)) for key, item in value.items()]
        random.shuffle(items)
        return dict(items)
    return [shuffled(item, random) for item in value] if isinstance(value, list) else value


@given(specs, st.randoms(use_true_random=False))
def test_the_digest_is_that_of_the_meaning(spec: ReleaseSpec, random: Any) -> None:
    assert checked_digest(spec.digest) == spec.digest
    text = msgspec.json.encode(spec)
    again = msgspec.json.decode(text, type=ReleaseSpec)
    assert (again, again.digest) == (spec, spec.digest)
    other = json.dumps(shuffled(json.loads(text), random), indent=3, ensure_ascii=True)
    assert msgspec.json.decode(other, type=ReleaseSpec).digest == spec.digest
    packed = msgspec.msgpack.decode(msgspec.msgpack.encode(spec), type=ReleaseSpec)
    assert packed.digest == spec.digest


@given(specs, specs)
def test_different_specifications_have_different_digests(a: ReleaseSpec, b: ReleaseSpec) -> None:
    assert (a == b) == (a.digest == b.digest)


SPEC = ReleaseSpec(app="a", image="sha256:" + "1" * 64, model="sha256:" + "2" * 64)
CHANGES: dict[str, Any] = {
    "app": "b",
    "image": "sha256:" + "3" * 64,
    "model": "sha256:" + "3" * 64,
    "classes": ("crack",),
    "serving": Serving(conf=0.26),
    "resources": Resources(memory_mb=513),
    "gates": (),
}


@pytest.mark.parametrize("field", ReleaseSpec.__struct_fields__)
def test_every_field_counts(field: str) -> None:
    changed = msgspec.structs.replace(SPEC, **{field: CHANGES[field]})
    assert changed.digest != SPEC.digest


def test_the_order_of_classes_and_gates_counts() -> None:
    """Class ids are places in that tuple."""
    ab, ba = (msgspec.structs.replace(SPEC, classes=names) for names in (("a", "b"), ("b", "a")))
    assert ab.digest != ba.digest


def test_a_whole_number_is_the_same_figure() -> None:
    """JSON reads 1 as 1.0 where a float is wanted; what was stored is no other release."""
    whole = msgspec.structs.replace(SPEC, serving=Serving(conf=1, iou=0))
    stored = msgspec.json.decode(msgspec.json.encode(whole), type=ReleaseSpec)
    assert stored.digest == whole.digest


def test_a_release_is_called_by_its_number() -> None:
    release = Release(7, SPEC)
    assert release.alias == "a@7"
    assert release.digest == SPEC.digest
    assert msgspec.json.decode(msgspec.json.encode(release), type=Release) == release


def test_a_field_that_this_version_does_not_know_is_refused() -> None:
    """It might be what makes the release safe; a later version wrote it."""
    text = json.loads(msgspec.json.encode(SPEC)) | {"canary": True}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, ReleaseSpec)
