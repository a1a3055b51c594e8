"""If these fail, a site is left out of a rollout, moved twice, or moved before its turn."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from yolodeploy.core.errors import UsageError
from yolodeploy.core.waves import (
    DEFAULT_WAVES,
    Plan,
    Scope,
    SitePlan,
    Standing,
    affected_by_failure,
    listed_waves,
    wave_ends,
    waves_of,
)

fleets = st.integers(0, 300).map(lambda count: [f"site-{number}" for number in range(count)])
percentages = st.lists(st.integers(1, 100), min_size=1, max_size=6).map(
    lambda sizes: ",".join(f"{size}%" for size in sorted(sizes))
)
counts = st.lists(st.integers(1, 400), min_size=1, max_size=6).map(
    lambda sizes: ",".join(map(str, sorted(sizes)))
)
specs = st.just(DEFAULT_WAVES) | percentages | counts


@given(fleets, specs)
def test_every_site_is_in_exactly_one_wave_in_the_order_given(sites: list[str], spec: str) -> None:
    waves = waves_of(sites, spec)
    assert [site for wave in waves for site in wave] == sites
    assert all(waves)


@given(st.integers(1, 5000), specs)
def test_ends_grow_and_reach_everyone(total: int, spec: str) -> None:
    ends = wave_ends(spec, total)
    assert ends[0] >= 1
    assert ends[-1] == total
    assert all(earlier < later for earlier, later in pairwise(ends))


@given(st.integers(1, 100), st.integers(1, 5000))
def test_a_percentage_is_rounded_up(percent: int, total: int) -> None:
    first = wave_ends(f"{percent}%", total)[0]
    assert first * 100 >= percent * total
    assert (first - 1) * 100 < percent * total


def test_the_default_starts_with_one_site() -> None:
    assert wave_ends(DEFAULT_WAVES, 40) == (1, 10, 40)
    assert wave_ends(DEFAULT_WAVES, 1) == (1,)
    assert waves_of([]) == ()


@pytest.mark.parametrize(
    ("spec", "code"),
    [("", "wave.invalid"), ("0", "wave.invalid"), ("0%", "wave.invalid"), ("101%", "wave.invalid"),
     ("-1", "wave.invalid"), ("1.5", "wave.invalid"), ("1,,2", "wave.invalid"),
     ("one", "wave.invalid"), ("1%%", "wave.invalid"), ("٣", "wave.invalid"),
     ("9" * 5000, "wave.invalid"), ("5,3", "wave.shrinks"), ("50%,25%", "wave.shrinks"),
     ("50%,1", "wave.shrinks")],
)  # fmt: skip
def test_sizes_that_mean_nothing_are_refused(spec: str, code: str) -> None:
    with pytest.raises(UsageError) as raised:
        wave_ends(spec, 40)
    assert raised.value.code == code
    assert len(raised.value.text()) < 1000


@given(fleets, st.data())
def test_listed_waves_come_first_and_the_rest_follows(
    sites: list[str], data: st.DataObject
) -> None:
    named = data.draw(st.lists(st.sampled_from(sites), unique=True) if sites else st.just([]))
    cuts = data.draw(st.lists(st.integers(0, len(named)), max_size=4).map(sorted))
    given_waves = [named[start:end] for start, end in pairwise([0, *cuts, len(named)])]
    waves = listed_waves(sites, given_waves)
    flat = [site for wave in waves for site in wave]
    assert sorted(flat) == sorted(sites)
    assert flat[: len(named)] == named
    assert all(waves)
    assert flat[len(named) :] == [site for site in sites if site not in named]


def test_listed_waves_name_known_sites_once() -> None:
    for waves, code in (
        ([["a"], ["z"]], "wave.unknown_site"),
        ([["a"], ["a"]], "wave.repeated_site"),
    ):
        with pytest.raises(UsageError) as raised:
            listed_waves(["a", "b"], waves)
        assert raised.value.code == code


def plan_of(sites: list[str], spec: str, scope: Scope) -> Plan:
    return Plan(
        app="brake-disc",
        release="sha256:" + "a" * 64,
        sites=tuple(SitePlan(site=site, standing=Standing.GO) for site in sites),
        waves=waves_of(sites, spec),
        on_failure=scope,
    )


@given(fleets, specs, st.data())
def test_a_failure_reaches_as_far_as_its_scope(
    sites: list[str], spec: str, data: st.DataObject
) -> None:
    assume(sites)
    failed = data.draw(st.sampled_from(sites))
    moved = data.draw(st.sets(st.sampled_from(sites)))
    switched = dict.fromkeys(moved, True)
    reached = {
        scope: affected_by_failure(plan_of(sites, spec, scope), failed, switched) for scope in Scope
    }
    wave = next(set(wave) for wave in waves_of(sites, spec) if failed in wave)
    assert reached[Scope.SITE] == (failed,)
    assert set(reached[Scope.WAVE]) == (moved & wave) | {failed}
    assert set(reached[Scope.ROLLOUT]) == moved | {failed}
    for names in reached.values():
        assert len(set(names)) == len(names)
