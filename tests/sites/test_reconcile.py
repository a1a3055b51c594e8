"""If these fail, a device ends with two servers, with none, or with an outage nobody announced."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.sites.embedded.reconcile import Moves, Seen, moves

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

lives = st.sampled_from(sorted(NEXT))
worlds = st.dictionaries(
    st.tuples(st.sampled_from(DEVICES), st.sampled_from(RELEASES)), lives, max_size=9
)
wishes = st.sampled_from([*RELEASES, None])

World = dict[tuple[str, str], str]


def seen(world: World) -> list[Seen]:
    return [
        Seen(f"{device}.{release}", device, release, life == "ready", life == "stopped")
        for (device, release), life in world.items()
    ]


def done(world: World, todo: Moves, wanted: str | None) -> World:
    """What the agent and the supervisor make of some moves."""
    after = {}
    for (device, release), life in world.items():
        name = f"{device}.{release}"
        if name in todo.drop:
            continue
        if name in todo.stop and life != "stopped":
            after[device, release] = "stopping"
        elif name in todo.restart and life == "stopped":
            after[device, release] = "starting"
        else:
            after[device, release] = life
    for device in todo.start:
        assert wanted is not None
        assert (device, wanted) not in after
        after[device, wanted] = "starting"
    return after


def check(world: World, wanted: str | None, todo: Moves) -> None:
    """What may never happen, whatever the world is like."""
    by_name = {f"{device}.{release}": (device, release) for device, release in world}
    for name in todo.stop:
        device, release = by_name[name]
        assert release != wanted
        assert wanted is None or world.get((device, wanted)) == "ready"
    for name in todo.drop:
        assert world[by_name[name]] == "stopped"
        assert by_name[name][1] != wanted
    for name in todo.restart:
        assert by_name[name][1] == wanted
    assert not set(todo.stop) & set(todo.drop)


def converge(world: World, wanted: str | None) -> None:
    """If all goes well from now on, it ends with one ready instance a device, and stays so."""
    for _ in range(12):
        todo = moves(DEVICES, wanted, seen(world))
        check(world, wanted, todo)
        if todo.settled:
            break
        world = {key: NEXT[life] for key, life in done(world, todo, wanted).items()}
    expected = {} if wanted is None else {(device, wanted): "ready" for device in DEVICES}
    assert world == expected
    assert moves(DEVICES, wanted, seen(world)) == Moves(settled=True)


@given(world=worlds, wanted=wishes)
def test_from_any_state_it_comes_to_one_ready_instance_a_device(
    world: World, wanted: str | None
) -> None:
    converge(world, wanted)


@given(
    world=worlds,
    story=st.lists(st.tuples(wishes, st.lists(lives, min_size=9, max_size=9)), max_size=8),
    wanted=wishes,
)
def test_minds_may_change_and_processes_may_die_meanwhile(
    world: World, story: list[tuple[str | None, list[str]]], wanted: str | None
) -> None:
    """Whatever happens before, the last wish is reached, and no ready server is stopped early."""
    for wish, fates in story:
        todo = moves(DEVICES, wish, seen(world))
        check(world, wish, todo)
        world = done(world, todo, wish)
        world = dict(zip(world, fates, strict=False))
    converge(world, wanted)


@given(world=worlds, wanted=wishes)
def test_settled_says_that_nothing_is_left_to_do(world: World, wanted: str | None) -> None:
    todo = moves(DEVICES, wanted, seen(world))
    idle = not (todo.start or todo.stop or todo.restart or todo.drop)
    right = [life for (_, release), life in world.items() if release == wanted]
    count = 0 if wanted is None else len(DEVICES)
    alone = len(world) == len(right) == count and set(right) <= {"ready"}
    assert todo.settled == alone
    assert idle or not todo.settled
