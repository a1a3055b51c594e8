"""If these fail, some journal of a rollout leads nowhere, and a site stays half switched."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.steps import (
    AFTER_FAILURE,
    AFTER_SUCCESS,
    Entry,
    Outcome,
    SiteResult,
    Step,
    failed,
    following,
    may_expire,
    switched,
    waiting_since,
)

BEFORE_SWITCH = {Step.PREFETCH, Step.CHECK}
CHANGES = {Step.BESIDE, Step.SWITCH}
# what the engine may write for a step
OUTCOMES = {
    step: [
        Outcome.DONE,
        Outcome.FAILED,
        Outcome.INCONCLUSIVE,
        Outcome.WAITING,
        Outcome.EXPIRED,
        Outcome.SUPERSEDED,
    ]
    for step in Step
} | {
    Step.CHECK: [Outcome.DONE, Outcome.FAILED, Outcome.SCHEDULED, Outcome.SUPERSEDED],
    Step.REVERT: [Outcome.DONE, Outcome.WAITING, Outcome.EXPIRED, Outcome.SUPERSEDED],
}

# each turn: does the engine die in the middle, does a failure elsewhere or an abort ask for a
# revert, and how does the step end
turns = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.integers(0, 5)), min_size=0, max_size=25
)


def played(story: list[tuple[bool, bool, int]], *, beside: bool = False) -> list[Entry]:
    """A journal as the engine writes it over several lives."""
    journal: list[Entry] = []
    for dies, reverts, fate in story:
        upcoming = following(journal, beside=beside)
        if reverts and switched(journal):
            upcoming = Step.REVERT
        if isinstance(upcoming, SiteResult):
            break
        journal.append(Entry(upcoming, Outcome.INTENDED))
        if not dies:
            outcomes = OUTCOMES[upcoming]
            outcome = outcomes[fate % len(outcomes)]
            journal.append(Entry(upcoming, outcome, at=60.0 * len(journal)))
    return journal


@given(turns, st.booleans())
def test_every_journal_has_a_next_step_or_a_result(
    story: list[tuple[bool, bool, int]], beside: bool
) -> None:
    journal = played(story, beside=beside)
    upcoming = following(journal, beside=beside)
    assert isinstance(upcoming, Step | SiteResult)
    if isinstance(upcoming, SiteResult):
        assert switched(journal) == (upcoming is SiteResult.COMMITTED)
    else:
        assert switched(journal) or upcoming in {*BEFORE_SWITCH, *CHANGES}
        assert not (switched(journal) and upcoming in BEFORE_SWITCH)


@given(
    turns,
    st.sampled_from([Outcome.DONE, Outcome.FAILED, Outcome.INCONCLUSIVE]),
    st.booleans(),
)
def test_every_way_ends(story: list[tuple[bool, bool, int]], ending: Outcome, beside: bool) -> None:
    """However it began: when steps come to an end, so does the site."""
    journal = played(story, beside=beside)
    for _ in range(len(Step) + 1):
        upcoming = following(journal, beside=beside)
        if isinstance(upcoming, SiteResult):
            break
        outcome = Outcome.DONE if upcoming is Step.REVERT else ending
        journal += [Entry(upcoming, Outcome.INTENDED), Entry(upcoming, outcome)]
    result = following(journal, beside=beside)
    assert isinstance(result, SiteResult)
    assert result not in (SiteResult.WAITING, SiteResult.STOPPED)
    assert switched(journal) == (result is SiteResult.COMMITTED)


@given(turns)
def test_nothing_is_switched_that_was_not_tried_where_that_is_asked(
    story: list[tuple[bool, bool, int]],
) -> None:
    """And without a way nothing is ever tried."""
    tried = played(story, beside=True)
    before = [e for e in tried[: _first(tried, Step.SWITCH)] if e.outcome is Outcome.DONE]
    if _first(tried, Step.SWITCH) < len(tried):
        assert before[-1].step is Step.BESIDE
    assert Step.BESIDE not in {entry.step for entry in played(story)}


def _first(journal: list[Entry], step: Step) -> int:
    return next((n for n, entry in enumerate(journal) if entry.step is step), len(journal))


@given(turns)
def test_dying_after_the_intention_changes_nothing(story: list[tuple[bool, bool, int]]) -> None:
    journal = played(story)
    upcoming = following(journal)
    if isinstance(upcoming, Step):
        assert following([*journal, Entry(upcoming, Outcome.INTENDED)]) is upcoming
        assert following([*journal, Entry(upcoming, Outcome.WAITING)]) is upcoming


@given(turns, st.booleans())
def test_a_release_that_did_not_pass_goes_nowhere_but_back(
    story: list[tuple[bool, bool, int]], beside: bool
) -> None:
    """However often it must wait for that: nobody takes such a site for one that only waits."""
    journal = played(story, beside=beside)
    upcoming = following(journal, beside=beside)
    if failed(journal):
        assert upcoming not in {*Step} - {Step.REVERT}
        assert upcoming is not SiteResult.COMMITTED
    elif upcoming in {SiteResult.INCONCLUSIVE, SiteResult.REFUSED}:
        raise AssertionError(journal)


@given(turns)
def test_a_site_is_inconclusive_only_if_that_was_its_last_trouble(
    story: list[tuple[bool, bool, int]],
) -> None:
    journal = played(story)
    troubles = [e for e in journal if e.outcome in (Outcome.FAILED, Outcome.INCONCLUSIVE)]
    if following(journal) is SiteResult.INCONCLUSIVE:
        assert troubles[-1].outcome is Outcome.INCONCLUSIVE


@given(turns)
def test_a_site_waits_since_it_got_no_further(story: list[tuple[bool, bool, int]]) -> None:
    """Trying again in vain does not make it younger, and getting on ends it."""
    journal = played(story)
    since = waiting_since(journal)
    if since is not None:
        first = next(n for n, entry in enumerate(journal) if entry.at == since and n)
        assert {e.outcome for e in journal[first:]} <= {Outcome.WAITING, Outcome.INTENDED}
        assert isinstance(following(journal), Step)
        again = Entry(journal[-1].step, Outcome.WAITING, at=1e9)
        assert waiting_since([*journal, again]) == since
    assert may_expire(journal) is ((Step.COMMIT, Outcome.DONE) not in map(told, journal))


def told(entry: Entry) -> tuple[Step, Outcome]:
    return entry.step, entry.outcome


def test_the_tables_know_every_step() -> None:
    assert set(AFTER_SUCCESS) == set(AFTER_FAILURE) == set(Step)
    for step, outcome in product(Step, Outcome):
        assert isinstance(following([Entry(step, outcome)]), Step | SiteResult)
