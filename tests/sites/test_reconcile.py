"""If these fail, a device ends with two servers, with none, or with an outage nobody announced."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.sites.embedded.reconcile import Moves, Place, Seen, moves, places_of

DEVICES = ("d1", "d2", "d3")
RELEASES = ("old", "new", "older")
# what a process may be doing, and what it may be doing next if all goes well
NEXT = {
    "starting": "ready",
    "ready": "ready",
    "broken": "starting",
    "stopping": "stopped",
    "stopped": "stopped",
}


class Wish(NamedTuple):
    """Who serves, and who runs beside."""

    serving: str | None
    beside: tuple[Place, ...] = ()

    @property
    def places(self) -> tuple[Place, ...]:
        return places_of(DEVICES, self.serving, self.beside)


places = st.builds(Place, st.sampled_from(DEVICES), st.sampled_from(RELEASES), st.booleans())
lives = st.sampled_from(sorted(NEXT))
worlds = st.dictionaries(places, lives, max_size=12)
plain = st.sampled_from([Wish(serving) for serving in (*RELEASES, None)])
# a canary on some devices, or one that sees copies on each
trying = st.builds(
    lambda serving, devices, apart: Wish(
        serving, tuple(Place(device, "beside", apart) for device in sorted(devices))
    ),
    st.sampled_from(RELEASES),
    st.sets(st.sampled_from(DEVICES), min_size=1),
    st.booleans(),
)
wishes = plain | trying

World = dict[Place, str]


def name_of(place: Place) -> str:
    return f"{place.device}.{place.release}{'.apart' if place.apart else ''}"


def seen(world: World) -> list[Seen]:
    return [
        Seen(name_of(place), *place[:2], life == "ready", life == "stopped", place.apart)
        for place, life in world.items()
    ]


def next_of(world: World, wish: Wish) -> Moves:
    return moves(wish.serving, wish.places, seen(world))


def done(world: World, todo: Moves) -> World:
    """What the agent and the supervisor make of some moves."""
    after = {}
    for place, life in world.items():
        name = name_of(place)
        if name in todo.drop:
            continue
        if name in todo.stop and life != "stopped":
            after[place] = "stopping"
        elif name in todo.restart and life == "stopped":
            after[place] = "starting"
        else:
            after[place] = life
    for place in todo.start:
        assert place not in after
        after[place] = "starting"
    return after


def serving(world: World) -> set[str]:
    """The devices on which somebody answers what comes to the app."""
    return {place.device for place, life in world.items() if life == "ready" and not place.apart}


def check(world: World, wish: Wish, todo: Moves) -> None:
    """What may never happen, whatever the world is like."""
    by_name = {name_of(place): place for place in world}
    for name in todo.stop:
        assert by_name[name] not in wish.places
    for name in todo.drop:
        assert world[by_name[name]] == "stopped"
        assert by_name[name] not in wish.places
    for name in todo.restart:
        assert by_name[name] in wish.places
    assert not set(todo.stop) & set(todo.drop)
    if wish.serving is not None:
        assert serving(done(world, todo)) == serving(world), "nobody who had an answer loses it"


def converge(world: World, wish: Wish) -> None:
    """If all goes well from now on, everything wanted is ready, alone, and stays so."""
    for _ in range(12):
        todo = next_of(world, wish)
        check(world, wish, todo)
        if todo.settled:
            break
        world = {key: NEXT[life] for key, life in done(world, todo).items()}
    assert world == dict.fromkeys(wish.places, "ready")
    assert next_of(world, wish) == Moves(settled=True)


@given(world=worlds, wish=wishes)
def test_from_any_state_it_comes_to_what_is_wanted(world: World, wish: Wish) -> None:
    converge(world, wish)


@given(
    world=worlds,
    story=st.lists(st.tuples(wishes, st.lists(lives, min_size=12, max_size=12)), max_size=8),
    wish=wishes,
)
def test_minds_may_change_and_processes_may_die_meanwhile(
    world: World, story: list[tuple[Wish, list[str]]], wish: Wish
) -> None:
    """Whatever happens before, the last wish is reached, and no ready server is stopped early."""
    for earlier, fates in story:
        todo = next_of(world, earlier)
        check(world, earlier, todo)
        world = done(world, todo)
        world = dict(zip(world, fates, strict=False))
    converge(world, wish)


@given(world=worlds, wish=wishes)
def test_settled_says_that_nothing_is_left_to_do(world: World, wish: Wish) -> None:
    todo = next_of(world, wish)
    idle = not (todo.start or todo.stop or todo.restart or todo.drop)
    alone = set(world) == set(wish.places) and set(world.values()) <= {"ready"}
    assert todo.settled == alone
    assert idle or not todo.settled


@given(world=worlds, wish=trying)
def test_trying_a_release_takes_nothing_from_the_one_that_serves(world: World, wish: Wish) -> None:
    """On every device that has the serving release ready, it stays, and so after going back."""
    assert wish.serving is not None
    mine = {place for place in wish.places if place.release == wish.serving}
    for end in (wish, Wish(wish.serving)):
        todo = next_of(world, end)
        assert not {name_of(place) for place in mine} & {*todo.stop, *todo.drop}
