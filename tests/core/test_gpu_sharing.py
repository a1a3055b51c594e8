"""Sharing GPUs as a value, and what fits: a wrong answer here is an app that runs out of memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.errors import Refused, UsageError
from yolodeploy.core.gpu_sharing import (
    MOST_SHARES,
    Claim,
    Gpu,
    MigProfile,
    Mode,
    Sharing,
    estimated,
    misfits,
    parsed,
    possible,
    shares,
)

COUNTS = st.integers(2, MOST_SHARES)
PROFILES = st.builds("{}g.{}gb".format, st.integers(1, 7), st.integers(1, 180))
SHARINGS = st.one_of(
    st.just(Sharing()),
    st.tuples(st.sampled_from([Mode.TIME_SLICING, Mode.MPS]), COUNTS).map(lambda t: Sharing(*t)),
    st.builds(lambda name: Sharing(Mode.MIG, profile=name), PROFILES),
)
CARDS = st.lists(
    st.builds(Gpu, st.just("NVIDIA L4"), st.integers(2048, 200_000), st.just(())),
    min_size=1,
    max_size=8,
)
CLAIMS = st.lists(
    st.builds(Claim, st.sampled_from("abc"), st.integers(0, 20), st.integers(0, 100_000)),
    max_size=4,
)
SLICED = SHARINGS.filter(lambda sharing: sharing.mode is not Mode.MIG)


@given(SHARINGS)
def test_what_is_written_is_read_again(sharing: Sharing) -> None:
    """The inventory, the lock of a site and Ansible's variables all hold it as text."""
    assert parsed(str(sharing)) == sharing


@given(st.text(max_size=30))
def test_anything_else_is_refused_and_nothing_else_happens(text: str) -> None:
    try:
        assert str(parsed(text)) == (text or "exclusive")
    except UsageError as error:
        assert error.code == "gpu.sharing_invalid"


@pytest.mark.parametrize(
    "text",
    ["exclusive ", "time-slicing", "time-slicing:1", "time-slicing:17", "mps:0", "mps:-2",
     "mps:4.5", "mig:", "mig:1g", "mig:8g.80gb", "mig:1g.10gb+me", "MIG:1g.10gb", "mps:٤",
     "exclusive\n"],
)  # fmt: skip
def test_near_misses_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parsed(text)


@given(SLICED, CARDS)
def test_shares_never_promise_more_memory_than_there_is(sharing: Sharing, gpus: list[Gpu]) -> None:
    each = shares(sharing, gpus)
    assert len(each) == sharing.per_gpu * len(gpus)
    assert sum(each) <= sum(gpu.memory_mb for gpu in gpus)


@given(SLICED, CARDS, CLAIMS)
def test_what_fits_fits_however_pods_are_spread(
    sharing: Sharing, gpus: list[Gpu], claims: list[Claim]
) -> None:
    """Nobody says which share a pod gets: the smallest must do for the largest."""
    each = shares(sharing, gpus)
    pods = sorted((c.vram_mb for c in claims for _ in range(c.pods)), reverse=True)
    found = {error.code for error in misfits("d", sharing, gpus, claims)}
    if not found:
        assert len(pods) <= len(each)
        worst = sorted(each)[: len(pods)]
        assert all(need <= share for need, share in zip(pods, worst, strict=True))
        if sharing.mode is Mode.TIME_SLICING:
            assert all(pods), "somebody may take all of the memory"
    if len(pods) > len(each):
        assert "gpu.too_few_shares" in found
    if pods and pods[0] > min(each):
        assert "gpu.too_large" in found


@given(CARDS, CLAIMS, COUNTS)
def test_fewer_shares_never_make_one_too_small(
    gpus: list[Gpu], claims: list[Claim], count: int
) -> None:
    def too_large(number: int) -> int:
        sharing = Sharing(Mode.MPS, number) if number > 1 else Sharing()
        return sum(e.code == "gpu.too_large" for e in misfits("d", sharing, gpus, claims))

    assert too_large(count - 1) <= too_large(count)


def test_the_refusal_has_the_figures() -> None:
    gpu = Gpu("NVIDIA GeForce RTX 4060", 8188)
    sharing = Sharing(Mode.TIME_SLICING, 4)
    claims = [Claim("brake-disc", 2, 3000), Claim("weld", 3, 1500), Claim("label", 1)]
    found = [error.text() for error in misfits("gw-7", sharing, [gpu], claims)]
    assert found == [
        "6 pods take a share of gw-7 each, and under time-slicing:4 there are 4 "
        "(brake-disc 2, weld 3, label 1)",
        "a share of gw-7 has 2047 MiB under time-slicing:4, and brake-disc declares 3000 MiB",
        "label does not say how much memory of gw-7's GPU it takes, and under time-slicing:4 "
        "nothing keeps it within its 2047 MiB",
    ]
    assert not misfits("gw-7", Sharing(Mode.MPS, 4), [gpu], [Claim("label", 4)]), "MPS keeps it"


# product, MiB, profile, how many, GiB of each: NVIDIA's MIG user guide, and `nvidia-smi mig -lgip`
KNOWN = [
    ("A30", 24576, "1g.6gb", 4, 5.81), ("A30", 24576, "2g.12gb", 2, 11.69),
    ("A30", 24576, "4g.24gb", 1, 23.44),
    ("A100 40GB", 40960, "1g.5gb", 7, 4.75), ("A100 40GB", 40960, "1g.10gb", 4, 9.75),
    ("A100 40GB", 40960, "3g.20gb", 2, 19.62), ("A100 80GB", 81920, "1g.10gb", 7, 9.5),
    ("A100 80GB", 81920, "2g.20gb", 3, 19.5), ("A100 80GB", 81920, "3g.40gb", 2, 39.25),
    ("A100 80GB", 81920, "7g.80gb", 1, 79.12),
    ("H100 NVL", 95830, "1g.12gb", 7, 10.75), ("H100 NVL", 95830, "1g.24gb", 4, 21.62),
    ("H200", 143771, "1g.18gb", 7, 16.0), ("H200", 143771, "1g.35gb", 4, 32.5),
]  # fmt: skip


@pytest.mark.parametrize(("product", "memory_mb", "name", "most", "gib"), KNOWN)
def test_the_estimate_is_not_above_what_drivers_say(
    product: str, memory_mb: int, name: str, most: int, gib: float
) -> None:
    """While MIG is off the driver lists no profiles; a promise must hold when it is on."""
    found = estimated(Gpu(product, memory_mb, ()), name)
    assert found is not None
    assert found.most == most
    assert found.memory_mb <= gib * 1024


def test_what_a_device_cannot_do_is_refused_by_name() -> None:
    plain = Gpu("NVIDIA L4", 23034)
    divided = Gpu("NVIDIA A100", 81920, (MigProfile("1g.10gb", 7, 9728),))
    mig = parsed("mig:3g.40gb")
    for gpus, sharing, profile, code in (
        ([], Sharing(), "nvidia", "gpu.none"),
        ([plain], mig, "nvidia", "gpu.no_mig"),
        ([divided, plain], parsed("mig:1g.10gb"), "nvidia", "gpu.no_mig"),
        ([divided], mig, "nvidia", "gpu.no_mig_profile"),
        ([Gpu("A30", 24576, ())], parsed("mig:7g.80gb"), "nvidia", "gpu.no_mig_profile"),
        ([plain], parsed("mps:2"), "jetson", "gpu.jetson"),
    ):
        with pytest.raises(Refused) as refused:
            possible("gw-7", sharing, gpus, profile)
        assert refused.value.code == code
        assert "gw-7" in refused.value.text()
    possible("gw-7", parsed("mig:1g.10gb"), [divided])
    assert shares(parsed("mig:1g.10gb"), [divided, divided]) == [9728] * 14
