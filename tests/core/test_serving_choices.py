"""Identities of releases: what exists in the field must keep its digest."""

from __future__ import annotations

import msgspec
import pytest

from yolodeploy.core.release import ReleaseSpec, Serving

NOTHING = "sha256:" + "0" * 64


def spec(serving: Serving) -> ReleaseSpec:
    return ReleaseSpec(app="brake-disc", image=NOTHING, model=NOTHING, serving=serving)


def test_fields_that_were_added_later_leave_old_digests_alone() -> None:
    before = "sha256:a96bae0e79228c3125b2939e9e73259208ff858de8ff539e764cb8c05cfd09c9"
    assert spec(Serving()).digest == before
    assert b"engine" not in msgspec.json.encode(spec(Serving()))


def test_another_engine_is_another_release() -> None:
    digests = {
        spec(serving).digest
        for serving in (
            Serving(),
            Serving(engine="openvino"),
            Serving(engine="openvino", precision="bf16"),
            Serving(engine="openvino", precision="bf16", fallback=True),
            Serving(deadline_ms=500),
        )
    }
    assert len(digests) == 5


@pytest.mark.parametrize("text", [b'{"engine":"magic"}', b'{"precision":"f64"}'])
def test_an_engine_or_precision_that_nobody_knows_is_refused(text: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=Serving)
