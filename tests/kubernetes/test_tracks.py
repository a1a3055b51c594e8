"""If these fail, a trial beside what serves ends as nobody has asked, or nobody answers meanwhile.

The rule alone, over a cluster whose pods come and go as pods do; the guard may end after any step.
"""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kubernetes.parts import release
from yolodeploy.core import tracks
from yolodeploy.core.beside import Beside, Way
from yolodeploy.core.cluster import Record
from yolodeploy.core.release import Release
from yolodeploy.core.site import Guard, Intent
from yolodeploy.core.tracks import Found, Move, Track, Wanted

ONE, TWO, THREE = release(1), release(2), release(3)
OLD, NEW = ONE.digest, TWO.digest
APP = ONE.spec.app


def record(
    wanted: Release | None, previous: Release | None = None, *, guarded: bool = True, **more: Any
) -> Record:
    reverted, turns = more.pop("reverted", False), more.pop("turns", msgspec.UNSET)
    intent = Intent(
        app=APP, release=wanted, previous=previous, guard=Guard(60.0) if guarded else None, **more
    )
    return Record(intent=intent, asking=1, fence=1, reverted=reverted, turns=turns)


def tried(way: Way) -> Record:
    return record(TWO, ONE, beside=Beside(way))


RECORDS = st.sampled_from(
    [
        *map(tried, Way),
        record(TWO, ONE, turns=True),
        record(TWO, ONE),
        *(msgspec.structs.replace(tried(way), reverted=True) for way in Way),
        record(TWO, ONE, turns=True, reverted=True),
        record(TWO, guarded=False),
        record(ONE, guarded=False),
        record(None, guarded=False),
        record(THREE, TWO, beside=Beside(Way.CANARY)),
        record(THREE, TWO, turns=True),
        record(TWO, None, beside=Beside(Way.SHADOW)),
    ]
)
COUNT = st.integers(0, 3)
DIGESTS = st.sampled_from([OLD, NEW, THREE.digest])


@st.composite
def a_track(draw: st.DrawFn, *, may_be_gone: bool) -> Track:
    if may_be_gone and draw(st.booleans()):
        return Track(pods=draw(COUNT))
    replicas = draw(st.integers(1, 3))
    right = draw(st.integers(0, replicas))
    other = draw(st.integers(0, 2))
    ready = right + draw(st.integers(0, other))
    return Track(draw(DIGESTS), replicas, right + other, ready, right)


@st.composite
def found(draw: st.DrawFn) -> Found:
    beside = draw(a_track(may_be_gone=True))
    shares = bool(beside.release) and draw(st.booleans())
    mirrored = draw(st.booleans())
    return Found(
        draw(a_track(may_be_gone=True)),
        beside._replace(shares=shares),
        turned=draw(st.booleans()) and not shares,
        mirrored=mirrored,
        astray=mirrored and draw(st.booleans()),
    )


def moved(move: Move, wanted: Wanted, now: Found) -> Found:
    """What one write makes of a cluster at once, before any pod has followed."""
    main, beside = now.main, now.beside
    # pods of another release are not right any more; they go as the strategy has it
    replaced = main._replace(release=wanted.main, replicas=main.replicas or 1, right=0)
    changes: dict[Move, dict[str, Any]] = {
        Move.MAIN: {"main": replaced if wanted.main else Track(pods=main.pods)},
        Move.PLACE: {"beside": Track(wanted.beside, 2, beside.pods, shares=wanted.shares)},
        Move.DROP: {"beside": Track(pods=beside.pods)},
        Move.TURN: {"turned": True},
        Move.TURN_BACK: {"turned": False},
        Move.MIRROR: {"mirrored": True, "astray": False},
        Move.QUIET: {"mirrored": False, "astray": False},
    }
    return now._replace(**changes[move])


def followed(track: Track, *, start: bool) -> Track:
    """One step of a controller: an old pod ends, or a new one becomes ready."""
    old = track.pods - track.right
    if old and not start:
        ready_old = max(track.ready - track.right - 1, 0)
        return track._replace(pods=track.pods - 1, ready=track.right + ready_old)
    if track.right < track.replicas:
        right = track.right + 1
        pods = max(track.pods, right)
        return track._replace(right=right, pods=pods, ready=min(track.ready + 1, pods))
    if old:
        return track._replace(pods=track.right, ready=track.right)
    return track


@settings(max_examples=400)
@given(RECORDS, found(), st.lists(st.booleans(), min_size=120, max_size=120))
def test_from_every_state_the_rounds_end_where_they_must(
    asked: Record, now: Found, order: list[bool]
) -> None:
    """Whatever was interrupted where: the next round goes on from what is there."""
    goal = tracks.wanted(asked)
    for pods_first in order:
        move = tracks.next_move(goal, now)
        if move is not None and not pods_first:
            now = moved(move, goal, now)
        else:
            now = now._replace(
                main=followed(now.main, start=pods_first),
                beside=followed(now.beside, start=pods_first),
            )
        if tracks.settled(goal, now):
            break
    else:
        for _ in range(60):
            move = tracks.next_move(goal, now)
            now = moved(move, goal, now) if move is not None else now
            now = now._replace(
                main=followed(now.main, start=True), beside=followed(now.beside, start=True)
            )
            now = now._replace(
                main=followed(now.main, start=False), beside=followed(now.beside, start=False)
            )
    assert tracks.settled(goal, now), (goal, now)
    assert tracks.next_move(goal, now) is None
    assert tracks.reached(goal, now)


@settings(max_examples=400)
@given(RECORDS, found())
def test_no_step_takes_the_last_pod_that_answers(asked: Record, now: Found) -> None:
    """But where the app shall go, or where nothing else is there that could serve."""
    goal = tracks.wanted(asked)
    move = tracks.next_move(goal, now)
    if move is None or not now.serving or not goal.main:
        return
    then = moved(move, goal, now)
    if move is Move.DROP:  # its pods go, whatever they answer
        then = then._replace(beside=Track())
    assert then.serving or move is Move.MAIN, (move, goal, now)
    if move is Move.MAIN and not now.turned:
        ready_beside = now.beside.settled and now.beside.release == goal.main
        enough = now.beside.replicas >= max(now.main.replicas, 1)
        assert now.beside.shares or not (ready_beside and enough), "those could have served"


def test_each_way_is_done_in_order() -> None:
    """What a person reads in the docs."""

    def steps(asked: Record, now: Found) -> tuple[list[Move], Found]:
        goal, told = tracks.wanted(asked), []
        for _ in range(20):
            move = tracks.next_move(goal, now)
            if move is not None:
                told.append(move)
                now = moved(move, goal, now)
            for start in (True, False, True, False):
                now = now._replace(
                    main=followed(now.main, start=start), beside=followed(now.beside, start=start)
                )
        return told, now

    serving = Found(Track(OLD, 2, 2, 2, 2))
    for way, first in (
        (Way.CANARY, [Move.PLACE]),
        (Way.SHADOW, [Move.PLACE, Move.MIRROR]),
        (Way.BLUE_GREEN, [Move.PLACE]),
    ):
        told, now = steps(tried(way), serving)
        assert told == first
        assert now.main == serving.main, "what serves is left alone"
        quiet = [Move.QUIET] if way is Way.SHADOW else []
        reverted = msgspec.structs.replace(tried(way), reverted=True)
        assert steps(reverted, now) == ([*quiet, Move.DROP], serving)
        if way is Way.BLUE_GREEN:
            told, now = steps(record(TWO, ONE, turns=True), now)
            assert told == [Move.TURN]
            assert now.main == serving.main, "they stay until somebody commits"
            back = record(TWO, ONE, turns=True, reverted=True)
            assert steps(back, now) == ([Move.TURN_BACK, Move.DROP], serving)
            told, _ = steps(record(TWO, ONE, guarded=False), now)
            assert told == [Move.MAIN, Move.TURN_BACK, Move.DROP]
        else:
            told, _ = steps(record(TWO, ONE), now)
            bridge = [Move.TURN, Move.MAIN, Move.TURN_BACK] if quiet else [Move.MAIN]
            assert told == [*quiet, *bridge, Move.DROP]


def test_records_of_before_are_read_as_they_were() -> None:
    """A cluster that was asked by an older version goes on; what it stores stays byte for byte."""
    plain = record(TWO, ONE)
    text = msgspec.json.encode(plain)
    assert b"beside" not in text
    assert b"turns" not in text
    assert msgspec.json.decode(text, type=Record) == plain
    assert tracks.wanted(plain) == Wanted(NEW)
