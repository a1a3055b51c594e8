"""If these fail, a bad release goes to every site, or a good one is stopped."""

from __future__ import annotations

from math import inf

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.detections import Agreement, Box, Meant, compare
from yolodeploy.core.gates import (
    DEFAULT_GATES,
    ON_TRAFFIC,
    OUTRANKED,
    AgreementGate,
    Change,
    ErrorsGate,
    Gate,
    GateResult,
    GoldenGate,
    GpuMemoryGate,
    LatencyGate,
    Observation,
    RestartsGate,
    Verdict,
    judge,
    overall,
    samples_wanted,
)
from yolodeploy.core.shadowing import ShadowReport, agreement_but_for
from yolodeploy.core.sketch import Sketch

ORDER = [Verdict.PASSED, Verdict.INCONCLUSIVE, Verdict.FAILED]
MS = 1000.0


def sketch(*values_ms: float) -> Sketch:
    made = Sketch(0.0, {})
    for value in values_ms:
        made.record(value * MS)
    return made


def stages(*values_ms: float) -> dict[str, Sketch]:
    return {"total": sketch(*values_ms), "inference": sketch(*values_ms)}


def observed(
    *values_ms: float, failures: int = 0, restarts: int = 0, agreement: Agreement | None = None
) -> Observation:
    return Observation(
        requests=len(values_ms),
        failures=failures,
        restarts=restarts,
        stages=stages(*values_ms),
        agreement=agreement,
    )


def verdict(gate: Gate, new: Observation, old: Observation | None = None) -> Verdict:
    return gate.judge(new, old).verdict


shares = st.floats(0, 1)
errors_gates = st.builds(ErrorsGate, max_share=shares, min_samples=st.integers(1, 100))
latencies = st.lists(st.floats(0.01, 5000), min_size=1, max_size=60)


@given(errors_gates, st.integers(0, 500), st.data())
def test_more_failures_never_make_a_better_verdict(
    gate: ErrorsGate, requests: int, data: st.DataObject
) -> None:
    fewer = data.draw(st.integers(0, requests))
    more = data.draw(st.integers(fewer, requests))
    before = verdict(gate, Observation(requests=requests, failures=fewer))
    after = verdict(gate, Observation(requests=requests, failures=more))
    assert ORDER.index(after) >= ORDER.index(before)


@given(latencies, latencies, st.floats(1, 20), st.none() | st.floats(1, 1000))
def test_a_slower_release_never_gets_a_better_verdict(
    new: list[float], old: list[float], factor: float, budget: float | None
) -> None:
    gate = LatencyGate(min_samples=1, budget_ms=budget)
    before = verdict(gate, observed(*new), observed(*old))
    after = verdict(gate, observed(*(value * factor for value in new)), observed(*old))
    assert ORDER.index(after) >= ORDER.index(before)


@given(st.integers(0, 3), st.integers(0, 3))
def test_more_restarts_never_make_a_better_verdict(fewer: int, more: int) -> None:
    gate = RestartsGate(max_restarts=1)
    low, high = sorted((fewer, more))
    before, after = (verdict(gate, Observation(restarts=count)) for count in (low, high))
    assert ORDER.index(after) >= ORDER.index(before)


@given(st.integers(0, 19), st.booleans())
def test_too_few_samples_never_pass(requests: int, first: bool) -> None:
    few = observed(*[5.0] * requests, agreement=Agreement(frames=9, expected=9, matched=9))
    enough = observed(*[5.0] * 40)
    old = None if first else enough
    for gate in DEFAULT_GATES:
        if samples_wanted(gate) > 1:
            assert verdict(gate, few, old) is not Verdict.PASSED, gate
    if not first:
        assert verdict(AgreementGate(), few, old) is Verdict.INCONCLUSIVE
        # nor does an old release that was hardly seen serve as a measure
        assert verdict(LatencyGate(), enough, few) is Verdict.INCONCLUSIVE


def test_failures_that_no_window_can_make_good_fail_at_once() -> None:
    assert verdict(ErrorsGate(0.1, 20), Observation(requests=3, failures=3)) is Verdict.FAILED
    assert verdict(ErrorsGate(0.1, 20), Observation(requests=3, failures=2)) is Verdict.INCONCLUSIVE


def test_a_first_release_is_judged_by_its_own_health() -> None:
    results = judge(DEFAULT_GATES, observed(*[30.0] * 40), None)
    assert overall(results) is Verdict.PASSED
    assert overall(judge(DEFAULT_GATES, observed(*[30.0] * 40, failures=9), None)) is Verdict.FAILED
    budget = LatencyGate(budget_ms=20)
    assert verdict(budget, observed(*[30.0] * 40)) is Verdict.FAILED
    assert verdict(budget, observed(*[10.0] * 40)) is Verdict.PASSED


def test_what_a_gate_said_survives_the_journal() -> None:
    """`rollout status` of every first release reads a bound that is not there."""
    results = judge(DEFAULT_GATES, observed(*[30.0] * 40), None)
    assert results[2].bound == inf
    text = msgspec.json.encode(results)
    assert msgspec.json.decode(text, type=tuple[GateResult, ...]) == results
    assert b'"bound":null' in text


def test_a_slow_stage_of_a_tenth_of_a_millisecond_harms_nobody() -> None:
    new, old = observed(*[0.3] * 40), observed(*[0.1] * 40)
    assert verdict(LatencyGate(max_ratio=1.5, slack_ms=5), new, old) is Verdict.PASSED
    assert verdict(LatencyGate(max_ratio=1.5, slack_ms=0), new, old) is Verdict.FAILED


def agreed(**counts: int) -> Observation:
    return Observation(agreement=Agreement(frames=36, **counts))


OLD = Observation()


def test_a_better_model_that_finds_more_passes() -> None:
    better = agreed(expected=100, matched=97, gained=80)
    assert verdict(AgreementGate(), better, OLD) is Verdict.PASSED


def test_a_model_that_loses_boxes_fails() -> None:
    result = AgreementGate().judge(agreed(expected=100, matched=70), OLD)
    assert (result.verdict, result.unit) == (Verdict.FAILED, "lost")
    assert result.figure == pytest.approx(0.3)


def test_a_model_that_sees_ghosts_fails() -> None:
    result = AgreementGate().judge(agreed(expected=100, matched=100, gained=900), OLD)
    assert (result.verdict, result.unit) == (Verdict.FAILED, "gained")


@given(st.integers(0, 100), st.integers(0, 100), st.integers(1, 100))
def test_boxes_that_are_no_boxes_fail_whatever_else(
    matched: int, gained: int, invalid: int
) -> None:
    seen = agreed(expected=100, matched=matched, gained=gained, invalid=invalid)
    result = AgreementGate(max_lost=1, max_gained=1).judge(seen, OLD)
    assert (result.verdict, result.unit) == (Verdict.FAILED, "invalid boxes")


def test_a_model_that_finds_nothing_fails_whatever_share_may_be_lost() -> None:
    blind = agreed(expected=100, empty=36)
    assert verdict(AgreementGate(max_lost=1), blind, OLD) is Verdict.FAILED


@given(st.integers(0, 100), st.integers(0, 100))
def test_losing_more_never_makes_a_better_verdict(one: int, other: int) -> None:
    fewest, most = sorted((one, other))
    before = verdict(AgreementGate(), agreed(expected=100, matched=most), OLD)
    after = verdict(AgreementGate(), agreed(expected=100, matched=fewest), OLD)
    assert ORDER.index(after) >= ORDER.index(before)


results = st.builds(
    GateResult, st.just("g"), st.sampled_from(Verdict), st.floats(0, 1), st.floats(0, 1), st.just(1)
)


@given(st.lists(results))
def test_the_worst_verdict_counts(found: list[GateResult]) -> None:
    expected = max((result.verdict for result in found), key=ORDER.index, default=Verdict.PASSED)
    assert overall(found) is expected


@pytest.mark.parametrize(
    "text",
    ['[{"kind": "errors", "max_shar": 0.5}]', '[{"kind": "errors", "max_share": 2}]',
     '[{"kind": "errors", "max_share": -0.1}]', '[{"kind": "errors", "min_samples": 0}]',
     '[{"kind": "latency", "quantile": 95}]', '[{"kind": "latency", "budget_ms": 0}]',
     '[{"kind": "agreement", "max_lost": "all"}]', '[{"kind": "luck"}]', '[{}]', '{}'],
)  # fmt: skip
def test_gates_that_would_not_hold_are_refused(text: str) -> None:
    """A misspelt bound is a bound that nobody set; a window of no samples passes everything."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=tuple[Gate, ...])


ALL_LOST = Agreement(frames=20, expected=40, gained=30)
RIGHT = Agreement(frames=20, expected=40, matched=40)


def test_labels_outrank_the_old_release_but_not_boxes_that_are_none() -> None:
    old = Observation(golden=Agreement(frames=20, expected=40, matched=20, gained=9))
    differs = Observation(agreement=ALL_LOST, golden=RIGHT)
    agreement, golden = judge([AgreementGate()], differs, old)
    assert (agreement.verdict, agreement.unit) == (Verdict.PASSED, OUTRANKED)
    assert agreement.figure == 1.0, "what was seen is still told"
    assert (golden.gate, golden.verdict) == ("golden", Verdict.PASSED)
    broken = Observation(agreement=Agreement(frames=20, expected=40, invalid=1), golden=RIGHT)
    assert overall(judge([AgreementGate()], broken, old)) is Verdict.FAILED
    unsure = Observation(agreement=ALL_LOST, golden=Agreement(frames=1, expected=1, matched=1))
    assert overall(judge([AgreementGate()], unsure, old)) is Verdict.FAILED


LABELLED = Observation(golden=Agreement(frames=20, expected=40, matched=20))


@pytest.mark.parametrize("old", [None, OLD, Observation(golden=Agreement(1, 1, 1))])
@pytest.mark.parametrize("found", [Agreement(20, 40, empty=20), Agreement(20, 40, gained=40)])
def test_a_release_that_finds_no_label_is_stopped_where_nothing_else_would(
    old: Observation | None, found: Agreement
) -> None:
    """A first release whose classes are in another order differs from nobody."""
    blind = Observation(golden=found)
    result = GoldenGate().judge(blind, old)
    assert (result.verdict, result.unit, result.figure) == (Verdict.FAILED, "missed", 1.0)
    assert result.bound < 1.0
    assert verdict(GoldenGate(max_false=1.0), blind, old) is Verdict.FAILED
    assert overall(judge([AgreementGate()], blind, old)) is Verdict.FAILED
    few = Observation(golden=Agreement(frames=4, expected=9))
    assert verdict(GoldenGate(), few, old) is Verdict.INCONCLUSIVE
    # who finds some goes as before: nothing says how many are enough
    for matched in (1, 40):
        assert verdict(GoldenGate(), Observation(golden=Agreement(20, 40, matched)), old) is (
            Verdict.PASSED
        )


@pytest.mark.parametrize("agreement", [Agreement(), ALL_LOST])
def test_labels_that_are_held_against_nothing_outrank_nobody(agreement: Agreement) -> None:
    """An old release that does not answer would let anything pass that finds one label."""
    hardly = Observation(agreement=agreement, golden=Agreement(20, 40, 1))
    assert overall(judge([AgreementGate()], hardly, OLD)) is not Verdict.PASSED
    right = Observation(agreement=agreement, golden=RIGHT)
    assert overall(judge([AgreementGate()], right, OLD)) is not Verdict.PASSED
    for gate, old in ((GoldenGate(max_missed=0.1), OLD), (GoldenGate(), LABELLED)):
        assert overall(judge([AgreementGate(), gate], right, old)) is Verdict.PASSED
    # nor those of which none is found, whoever allows it
    blind = Observation(agreement=agreement, golden=Agreement(20, 40))
    useless = Observation(golden=Agreement(20, 40))
    for gate, old in ((GoldenGate(max_missed=1.0), OLD), (GoldenGate(), useless)):
        assert verdict(gate, blind, old) is Verdict.PASSED
        assert overall(judge([AgreementGate(), gate], blind, old)) is not Verdict.PASSED


@given(st.integers(10, 99), st.data())
def test_missing_more_labels_never_makes_a_better_verdict(labels: int, data: st.DataObject) -> None:
    gate = GoldenGate(max_worse=0.1, max_missed=data.draw(st.none() | st.floats(0, 1)))
    measure = Observation(golden=Agreement(10, labels, data.draw(st.integers(0, labels))))
    old = data.draw(st.sampled_from([measure, OLD, None]))
    more = data.draw(st.integers(0, labels))
    fewer = data.draw(st.integers(0, more))
    before, after = (
        verdict(gate, Observation(golden=Agreement(10, labels, matched)), old)
        for matched in (more, fewer)
    )
    assert ORDER.index(after) >= ORDER.index(before)


def test_what_a_release_is_meant_to_change_is_counted_apart() -> None:
    scratch, dent = (Box(number, 0.9, 0, 0, 9, 9) for number in (0, 1))
    gained = compare([dent], [dent, scratch], meant=Meant(gained=frozenset({0})))
    assert (gained.matched, gained.gained, gained.declared) == (1, 0, 1)
    lost = compare([dent, scratch], [dent], meant=Meant(lost=frozenset({0})))
    assert (lost.expected, lost.lost, lost.declared) == (1, 0, 1)
    other = compare([dent, scratch], [], meant=Meant(lost=frozenset({0}), gained=frozenset({0, 1})))
    assert (other.lost, other.declared) == (1, 1), "what was not declared is lost as ever"
    blind = Observation(agreement=Agreement(frames=20, expected=30, declared=0))
    assert verdict(AgreementGate(max_lost=1.0), blind, Observation()) is Verdict.FAILED


def test_what_nobody_measured_does_not_pass() -> None:
    assert verdict(GpuMemoryGate(max_mb=1), Observation()) is Verdict.INCONCLUSIVE
    assert verdict(GpuMemoryGate(max_mb=1), Observation(gpu_memory_mb=2)) is Verdict.FAILED


FEW, GOOD = Agreement(2, 2, 2), Agreement(50, 90, 85, 3)
LOSES, INVALID = Agreement(50, 90, 20), Agreement(50, 90, 88, 0, 1)


@pytest.mark.parametrize(
    ("frames", "traffic", "said"),
    [
        (GOOD, GOOD, {"agreement": "passed", ON_TRAFFIC: "passed"}),
        (GOOD, LOSES, {"agreement": "passed", ON_TRAFFIC: "failed"}),
        (LOSES, GOOD, {"agreement": "failed", ON_TRAFFIC: "passed"}),
        (GOOD, FEW, {"agreement": "passed"}),
        (None, GOOD, {ON_TRAFFIC: "passed"}),
        (None, FEW, {"agreement": "inconclusive", ON_TRAFFIC: "inconclusive"}),
        (FEW, INVALID, {ON_TRAFFIC: "failed"}),
        (GOOD, None, {"agreement": "passed"}),
    ],
)
def test_traffic_counts_beside_frames_and_each_alone_where_the_other_is_too_little(
    frames: Agreement | None, traffic: Agreement | None, said: dict[str, str]
) -> None:
    seen = Observation(agreement=frames, mirrored=traffic)
    results = judge([AgreementGate()], seen, Observation())
    assert {each.gate: each.verdict.value for each in results} == said


def shadow(seen: Agreement, lost: dict[str, int] | None, **gained: int) -> ShadowReport:
    """What a server tells; without `lost` one that does not count by class."""
    by_class = {"lost_by_class": lost, "gained_by_class": gained} if lost is not None else {}
    empty = {side: Sketch(0.0, {}) for side in ("up", "down", "here", "there")}
    told = ShadowReport(url="http://new", share=1.0, since=0.0, agreement=seen, **empty)
    return msgspec.structs.replace(told, **by_class)


def test_what_was_mirrored_is_not_held_against_a_release_that_is_meant_to_differ() -> None:
    """A shadow would never pass; and what else it loses must not hide behind what it declares."""
    for lost, but_for, verdict in (
        ({"rust": 68, "pit": 2}, Agreement(50, 22, 20, declared=68), Verdict.PASSED),
        ({"rust": 28, "pit": 42}, Agreement(50, 62, 20, declared=28), Verdict.FAILED),
        # it cannot tell: frames alone say what they say, and few of them nothing
        (None, Agreement(50), Verdict.PASSED),
    ):
        seen = agreement_but_for(shadow(LOSES, lost), {"rust"}, set())
        assert seen == but_for
        meant = AgreementGate(meant=(Change("lost", "rust"),))
        observed = Observation(agreement=GOOD, mirrored=seen)
        assert overall(judge([meant], observed, Observation())) is verdict
    alone = Observation(agreement=FEW, mirrored=Agreement(50))
    assert overall(judge([meant], alone, Observation())) is Verdict.INCONCLUSIVE
    # boxes that are none are never meant, whoever counted
    old = Observation(agreement=GOOD, mirrored=agreement_but_for(shadow(INVALID, None), {"a"}, ()))
    assert overall(judge([meant], old, Observation())) is Verdict.FAILED
    more = shadow(Agreement(50, 9, 9, 30), {}, rust=25)
    assert agreement_but_for(more, (), {"rust"}) == Agreement(50, 9, 9, 5, declared=25)
    assert agreement_but_for(more, (), ()) == more.agreement


def test_labels_say_who_is_right_on_traffic_too_but_not_of_boxes_that_are_none() -> None:
    labelled = Observation(mirrored=LOSES, golden=RIGHT)
    assert overall(judge([AgreementGate()], labelled, LABELLED)) is Verdict.PASSED
    labelled = Observation(mirrored=INVALID, golden=RIGHT)
    assert overall(judge([AgreementGate()], labelled, LABELLED)) is Verdict.FAILED
