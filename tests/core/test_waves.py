"""If these fail, a site is left out of a rollout, moved twice, or moved before its turn."""

from __future__ import annotations

from collections.abc import Callable
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
    approvals_after,
    listed_waves,
    start_delay_s,
    tolerated,
    too_many_failed,
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


def plan_of(sites: list[str], spec: str, scope: Scope, **more: object) -> Plan:
    return Plan(  # type: ignore[misc]
        app="brake-disc",
        release="sha256:" + "a" * 64,
        sites=tuple(SitePlan(site=site, standing=Standing.GO) for site in sites),
        waves=waves_of(sites, spec),
        on_failure=scope,
        **more,
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


@given(st.integers(0, 2000), st.integers(0, 2000), st.integers(0, 100))
def test_no_more_fail_than_were_tolerated(total: int, failed: int, percent: int) -> None:
    """A share is never more than it says: 9 % of 11 sites is none."""
    allowed = tolerated(f"{percent}%", total)
    assert allowed * 100 <= percent * total < (allowed + 1) * 100
    assert tolerated(str(failed), total) == failed
    for scope in Scope:
        plan = plan_of([], "1", scope, max_failed=allowed)
        assert too_many_failed(plan, failed) is (failed > allowed)
        untold = too_many_failed(plan_of([], "1", scope), failed)
        assert untold is (failed > 0 and scope is not Scope.SITE)


@given(st.integers(0, 20), st.sets(st.integers(1, 25)))
def test_nobody_is_asked_to_approve_the_last_wave(waves: int, asked: set[int]) -> None:
    assert approvals_after("each", waves) == tuple(range(1, waves))
    named = approvals_after(",".join(map(str, asked)), waves)
    assert named == tuple(sorted(number for number in asked if number < waves))


@pytest.mark.parametrize(
    ("function", "code"),
    [(tolerated, "wave.tolerance_invalid"), (approvals_after, "wave.approval_invalid")],
)
@pytest.mark.parametrize("spec", ["x", "-1", "1.5", "101%", "%", "1;2", "٣", "9" * 5000])
def test_numbers_that_mean_nothing_are_refused(
    function: Callable[[str, int], object], code: str, spec: str
) -> None:
    with pytest.raises(UsageError) as raised:
        function(spec, 10)
    assert raised.value.code == code
    assert len(raised.value.text()) < 1000


@given(fleets, st.integers(0, 2**31), st.floats(0, 3600))
def test_a_hundred_sites_do_not_begin_at_once(sites: list[str], seed: int, jitter_s: float) -> None:
    """Drawn again by a successor, each has the same moment; together they fill the time."""
    plan = plan_of(sites, "100%", Scope.SITE, seed=seed, jitter_s=jitter_s)
    delays = [start_delay_s(plan, site) for site in sites]
    assert all(0 <= delay <= jitter_s for delay in delays)
    assert delays == [start_delay_s(plan, site) for site in sites]
    if len(sites) > 100 and jitter_s > 1:
        early = sum(delay < jitter_s / 2 for delay in delays)
        assert len(sites) / 4 < early < len(sites) * 3 / 4


@given(st.lists(st.integers(1, 100), max_size=4), st.integers(1, 10))
def test_each_wave_has_its_own_number_of_sites_at_once(given_: list[int], wave: int) -> None:
    plan = plan_of([], "1", Scope.SITE, concurrency=7, wave_concurrency=tuple(given_))
    expected = given_[wave - 1 : wave] or given_[-1:] or [7]
    assert plan.at_once(wave) == expected[0]
